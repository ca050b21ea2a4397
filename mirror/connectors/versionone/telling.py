"""What a write will do, in words for people and for the engine; asks nothing of the network.

Source: versionone.md §6.1 (payloads), §6.4 (side effects), §6.5, §7.3 (relations and their other ends).
"""

from __future__ import annotations

from collections.abc import Iterator

from mirror.connectors.versionone.abilities import ATTACHMENT, CONVERSATION, DELETE, EXPRESSION, RANK
from mirror.connectors.versionone.history import moment_in
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.payload import Payload, fits_command, oid_of, payload_of
from mirror.connectors.versionone.wire import BODY, BULK, DATA
from mirror.connectors.versionone.writers import oid
from mirror.model.change import Action
from mirror.model.schema import Kind
from mirror.model.write import Place, Target, Write

_LONGEST = 60
_ABOVE = frozenset({"Parent", "Super", "Workitem", "Asset", "BelongsTo"})
"""Single relations to what a record is a part of: what it shows or counts goes with its parts."""


def calls(write: Write, *, together: bool) -> tuple[str, ...]:
    """Return the calls in order; a comment may be a Note on servers without conversations.

    Args:
        together: the server is known to take updates through api/asset; several creations go that way as well.
    """
    posted = f"POST {DATA[1:]}"
    type_name, address = write.layout.type.name, oid(write).replace(":", "/")
    match write.action:
        case Action.CREATE:
            return (f"{posted}/{type_name} {_said(write)}".rstrip(),)
        case Action.DELETE:
            return (f"{posted}/{address}?op={DELETE}",)
        case Action.OPERATE:
            return (_operation(write, f"{posted}/{address}"),)
        case Action.RANK:
            return _rank(write, f"{posted}/{address}")
        case Action.COMMENT:
            said = f"Content={_short(write.text)} Mentions+={oid(write)}"
            return (f"{posted}/{CONVERSATION}", f"{posted}/{EXPRESSION} {said}")
        case Action.ATTACH:
            name, size = (write.file.name, len(write.file.content)) if write.file else ("", 0)
            uploaded = f"POST {BODY[1:]}/… {size} bytes"
            return (f"{posted}/{ATTACHMENT} Filename={_short(name)} Asset={oid(write)}", uploaded)
        case _:
            return (_update(write, f"{posted}/{address}", together=together),)


def _update(write: Write, posted: str, *, together: bool) -> str:
    payload = payload_of(write, lambda name, value: (name, value))
    if together and fits_command(payload):
        condition = f" if {MOMENT} is still {moment_in(write.revision)}" if payload.settings else ""
        posted = f"POST {BULK[1:]} {oid(write)}{condition}:"
    return f"{posted} {' '.join(_parts(payload))}".rstrip()


def _operation(write: Write, posted: str) -> str:
    if not write.arguments:
        return f"{posted}?op={write.operation}"
    given = " ".join(f"{name}={_short(value)}" for name, value in write.arguments.items())
    return f"POST {BULK[1:]} {oid(write)} execute {write.operation} {given}"


def _rank(write: Write, posted: str) -> tuple[str, ...]:
    sign = "-" if write.place in (Place.ABOVE, Place.TOP) else "+"
    if write.other is None:
        which = "first" if write.place is Place.TOP else "last"
        return (f"GET the {RANK} of the {which} in its list", f"{posted} {RANK}=that{sign}")
    other = f"{write.other.type_name or write.layout.type.name}:{write.other.id}"
    return (f"GET the {RANK} of {other}", f"{posted} {RANK}=that{sign}")


def _said(write: Write) -> str:
    payload = payload_of(write, lambda name, value: (name, value))
    return " ".join(_parts(payload))


def _parts(payload: Payload) -> Iterator[str]:
    for each in payload.settings:
        yield f"{each.name}={each.text if each.is_relation and each.text else _short(each.text or '')}"
    for some in payload.members:
        for sign, tokens in (("+", some.added), ("-", some.removed)):
            yield from (f"{some.name}{sign}={token if some.is_relation else _short(token)}" for token in tokens)


def _short(text: str) -> str:
    cut = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return '"' + cut.replace("\r", "").replace("\n", "⏎") + '"'


def touches(write: Write) -> frozenset[str]:
    """Return the oids of the record, of what it is or was a part of, and of the other ends of its many-to-many relations."""
    found = {oid(write)} if write.record_id is not None else set()
    for values in (write.values, write.before):
        for name, value in values.items():
            if name in _ABOVE and isinstance(value, Target):
                found.add(_oid(write, name, value))
    for moved in (write.added, write.removed):
        for name, items in moved.items():
            field = write.layout.type.field(name)
            if field is not None and field.kind is Kind.LINKS:
                found |= {_oid(write, name, each) for each in items if isinstance(each, Target)}
    if isinstance(write.other, Target):
        found.add(_oid(write, RANK, write.other))
    return frozenset(found)


def _oid(write: Write, name: str, target: Target) -> str:
    if name == RANK and not target.type_name:
        return f"{write.layout.type.name}:{target.id}"
    return oid_of(write.layout, name, target)
