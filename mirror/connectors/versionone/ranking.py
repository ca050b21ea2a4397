"""Where an asset goes in the order of its list.

A rank is written as that of another asset with `+` for just after and `-` for just before it (versionone.md §5.2 D).
The list of a task or test is that of its parent, of anything else that of its project.
"""

from __future__ import annotations

from mirror.connectors.versionone.abilities import RANK
from mirror.connectors.versionone.history import moment_in, one, versions_of, wait_for
from mirror.connectors.versionone.meta import Meta
from mirror.connectors.versionone.payload import Payload, Setting
from mirror.connectors.versionone.posting import before_writing, save
from mirror.connectors.versionone.question import Flat, Pick, Question, flat
from mirror.connectors.versionone.scope import SCOPE
from mirror.connectors.versionone.writers import Place, oid
from mirror.errors import RefusedError
from mirror.model.write import Place as Where
from mirror.model.write import Receipt, Write

_SIGNS = {Where.ABOVE: "-", Where.TOP: "-", Where.BELOW: "+", Where.BOTTOM: "+"}


def rank(place: Place, write: Write) -> Receipt:
    """Put an asset beside another one, or at an end of its list."""
    if write.place is None or write.record_id is None:
        raise RefusedError("a rank needs a record and a place")
    with before_writing():
        beside = _other(place, write) if write.other is not None else _end(place, write, write.place)
    if beside is None:
        return Receipt(write.record_id, ("it was there already, so nothing was sent",))
    setting = Setting(RANK, f"{beside}{_SIGNS[write.place]}")
    written = save(place.wire, f"/{write.layout.type.name}/{write.record_id}", Payload((setting,)))
    wait_for(place, written.type_name, written.id, written.moment)
    return Receipt(write.record_id)


def _other(place: Place, write: Write) -> str:
    if write.other is None:
        raise RefusedError("a rank needs another record to be beside")
    type_name = write.other.type_name or write.layout.type.name
    row = _row(place, type_name, write.other.id, ())
    if row is None or not one(row.get(RANK)):
        raise RefusedError(f"{type_name}:{write.other.id} is not there, or has no place in the order")
    return str(one(row[RANK]))


def _row(place: Place, type_name: str, record_id: int, names: tuple[str, ...]) -> Flat | None:
    picks = tuple(Pick(each) for each in (RANK, *names))
    terms = (f"ID='{type_name}:{record_id}'",)
    documents = place.server.form.send(Question(type_name, picks, terms, 1, proof=False))().documents
    return flat(documents[0]) if documents else None


def _end(place: Place, write: Write, where: Where) -> str | None:
    """Return the rank of the asset at that end of the list; None when it is the asset itself."""
    listed, name = _list_of(place.meta(), write.layout.type.name)
    row = _row(place, write.layout.type.name, write.record_id or 0, (name,) if name else ())
    if row is None:
        raise RefusedError(f"{oid(write)} is not there")
    within = one(row.get(name)) if name else None
    terms = (f"+{RANK}", *([f"{name}='{within['_oid']}'"] if within else []))
    order = f"-{RANK}" if where is Where.BOTTOM else RANK
    question = Question(listed, (Pick(RANK),), terms, 1, proof=False, abstract=True, order=order)
    first = [flat(each) for each in place.server.form.send(question)().documents]
    if not first or first[0]["_oid"] == oid(write):
        return None
    return str(one(first[0][RANK]))


def _list_of(meta: Meta, type_name: str) -> tuple[str, str]:
    """Return the type of all that is ranked together, and the relation that they have in common; empty for all there are."""
    shared = "Parent" if meta.follows_parent(type_name) else SCOPE
    declared_by = meta.types[type_name].attributes[RANK].inherited.partition(".")[0] or type_name
    if declared_by in meta.types and shared in meta.types[declared_by].attributes:
        return declared_by, shared
    return type_name, shared if shared in meta.types[type_name].attributes else ""


def took_effect(place: Place, write: Write) -> bool | None:
    """Return whether we have given the asset another rank since; None when its history does not tell."""
    before = moment_in(write.revision)
    versions = versions_of(place, oid(write), before, (RANK,))
    if not versions or versions[0].moment > before:
        return None
    base, *since = versions
    return any(each.by == place.caller.oid and one(each.row.get(RANK)) != one(base.row.get(RANK)) for each in since)
