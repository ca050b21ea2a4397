"""What happened to an asset between our reading and our writing, and since when reads show what we wrote.

Source: versionone.md §1 (Hist), §8.1 (asof All), §6.1 (no optimistic concurrency: the history tells afterwards), §6.4.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from mirror.connectors.versionone.convert import COERCIONS, stamp
from mirror.connectors.versionone.meta import MOMENT, Meta
from mirror.connectors.versionone.question import Flat, Pick, Question, flat, id_in
from mirror.connectors.versionone.server import Server
from mirror.errors import RemoteError, RetryableError
from mirror.model.cells import canonical
from mirror.model.page import PROVISIONAL
from mirror.model.schema import Field, Kind
from mirror.model.write import Receipt, Target, Value, Write

log = logging.getLogger(__name__)

WAITS_SECONDS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Between looks for our own write, where reads come from a copy that is behind."""

NOT_TOLD = "its history could not be read, so whether somebody wrote in between is not known"
_PAGE = 500
_SHOWN = 80
_BY, _AT, _BY_NAME = "ChangedBy", "ChangeDateUTC", "ChangedBy.Name"
SURPRISES = (msgspec.DecodeError, KeyError, ValueError, TypeError, AttributeError)


class Place(Protocol):
    """What reading history needs of a connector."""

    server: Server

    def meta(self) -> Meta: ...


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an asset.

    Attributes:
        row: what was selected of it.
    """

    moment: int
    row: Flat

    @property
    def by(self) -> str:
        """The oid of who made it; empty when that is hidden from us."""
        found = one(self.row.get(_BY))
        return str(found["_oid"]) if found else ""

    @property
    def author(self) -> str:
        """Who made it and when, for people."""
        name = one(self.row.get(_BY_NAME)) or self.by or "somebody"
        return f"{name} at {stamp(one(self.row.get(_AT))) or 'an unknown time'}"


def moment_in(revision: str | None) -> int:
    """Return the moment of a stored revision (see `decode.revision`); 0 when there is none."""
    first = (revision or "").partition(PROVISIONAL)[0].split(" ")[0]
    return int(first) if first.isdigit() else 0


def overwritten(write: Write, versions: Sequence[Version] | None, ours: int) -> dict[str, str]:
    """Return what others had put into the fields of a write since it was planned, in words.

    Args:
        versions: those since the revision of the write; None when they are not known.
        ours: the moment of the write itself.
    """
    between = [each for each in versions or () if moment_in(write.revision) < each.moment < ours]
    found: dict[str, str] = {}
    for name, value in write.values.items():
        field = write.layout.type.field(name)
        seen = [(each, shown(field, each.row)) for each in between if field and name in each.row]
        if field is None or not seen:
            continue
        last = seen[-1][1]
        if last not in (comparable(field, write.before.get(name)), comparable(field, value)):
            author = next(each for each, there in seen if there == last).author
            found[name] = f"{_in_words(field, seen[-1][0].row)}, by {author}"
    return found


def overwritten_unanswered(place: Place, write: Write, me: str) -> dict[str, str]:
    """Return what an UPDATE that took effect without an answer has replaced, in words; see `overwritten`.

    Its own version is, of each field, the last one by us that gave it our value. Where there is none, nothing came of ours.

    Args:
        me: our oid; empty when it is hidden, then any version may be ours.

    Raises:
        RetryableError: the server does not answer now.
    """
    if not moment_in(write.revision) or not write.values:
        return {}
    try:
        versions = _versions_since(place, [write], [0])[0] or []
        found: dict[str, str] = {}
        for name, value in write.values.items():
            alone = replace(write, values={name: value})
            found |= overwritten(alone, versions, _moment_of_ours(alone, versions, me))
    except RetryableError:
        raise
    except (RemoteError, *SURPRISES) as error:
        log.info("versions cannot be read reason=%s", error)
        return {}
    return found


def _moment_of_ours(write: Write, versions: Sequence[Version], me: str) -> int:
    """Return the moment at which we gave the one field in `write` its value; 0 when we did not."""
    ((name, value),) = write.values.items()
    field = write.layout.type.field(name)
    if field is None:
        return 0
    wanted, last, found = comparable(field, value), comparable(field, write.before.get(name)), 0
    for each in versions:
        if each.moment <= moment_in(write.revision) or name not in each.row:
            continue
        now = shown(field, each.row)
        if now == wanted != last and (not me or each.by in ("", me)):
            found = each.moment
        last = now
    return found


def receipt(write: Write, versions: Sequence[Version] | None, ours: int) -> Receipt:
    """Return the receipt of an UPDATE that was written as a moment, with what it replaced; see `overwritten`."""
    try:
        lost = overwritten(write, versions, ours)
    except SURPRISES as error:
        log.info("versions have an unexpected shape reason=%s", error)
        versions, lost = None, {}
    return Receipt(write.record_id or 0, (NOT_TOLD,) if versions is None else (), lost)


def versions_since(place: Place, writes: Sequence[Write], ours: Sequence[int]) -> list[list[Version] | None]:
    """Return for each write the versions of its asset behind its revision; None where they cannot be read.

    Waits until the versions that were just written are there: before that others may be missing as well.

    Args:
        ours: their moments; 0 for any that is newer than the revision.
    """
    try:
        return _versions_since(place, writes, ours)
    except RemoteError as error:
        log.info("versions cannot be read reason=%s", error)  # what was written is written all the same
        return [None] * len(writes)


def _versions_since(place: Place, writes: Sequence[Write], ours: Sequence[int]) -> list[list[Version] | None]:
    questions = [_of_write(place, each) for each in writes]
    found: list[list[Version] | None] = [None] * len(writes)
    left = list(range(len(writes)))
    for waited in _waits():
        for at, some in zip(left, _read(place, [questions[each] for each in left]), strict=True):
            found[at] = some
        left = [at for at in left if _is_behind(found[at], ours[at], writes[at])]
        if not left:
            place.server.saw_lag(waited)
            break
    return [None if at in left else some for at, some in enumerate(found)]


def _is_behind(versions: list[Version] | None, ours: int, write: Write) -> bool:
    wanted = ours or moment_in(write.revision) + 1
    return versions is not None and all(each.moment < wanted for each in versions)


def wait_until(place: Place, shows: Callable[[], bool]) -> None:
    """Return once a read shows what was written, or when that takes too long; a fault of reading ends it, too."""
    for waited in _waits():
        try:
            if shows():
                place.server.saw_lag(waited)
                return
        except RemoteError as error:
            log.info("cannot tell whether reads show the write yet reason=%s", error)
            return


def _waits() -> Iterator[float]:
    """Yield before each look how many seconds have been waited."""
    began = time.monotonic()
    for seconds in WAITS_SECONDS:
        time.sleep(seconds)
        yield time.monotonic() - began if seconds else 0.0


def moments_of(place: Place, type_name: str, ids: Sequence[int]) -> Mapping[int, int]:
    """Return id -> moment of the assets that a reading shows now."""
    term = "ID=" + ",".join(f"'{type_name}:{each}'" for each in ids)
    reply = place.server.form.send(Question(type_name, (Pick(MOMENT),), (term,), len(ids), proof=False))()
    rows = [flat(each) for each in reply.documents]
    return {id_in(str(row["_oid"])): int(str(one(row.get(MOMENT)) or 0)) for row in rows}


def wait_for(place: Place, type_name: str, record_id: int, moment: int) -> None:
    """Return once reads show an asset as of a moment."""
    wait_until(place, lambda: moments_of(place, type_name, [record_id]).get(record_id, -1) >= moment)


def versions_of(place: Place, oid: str, since: int, names: Sequence[str]) -> list[Version] | None:
    """Return the versions of an asset from a moment on, that one included; None where they cannot be read."""
    return _read(place, [_question(place, oid, since - 1, [Pick(each) for each in names])])[0]


def first_versions(place: Place, type_name: str, ids: Sequence[int], names: Sequence[str]) -> list[Version | None]:
    """Return the first version of each asset; None where it cannot be read."""
    if not ids:
        return []
    picks = [Pick(each) for each in names]
    found = _read(place, [_question(place, f"{type_name}:{each}", 0, picks) for each in ids])
    return [some[0] if some else None for some in found]


def _of_write(place: Place, write: Write) -> Question:
    meta, type_name = place.meta(), write.layout.type.name
    names = [each for each in write.layout.type.fields if each.name in write.values]
    picks = []
    for each in names:
        relation = meta.attribute(f"{type_name}.{each.name}") if each.kind is Kind.REFERENCE else None
        picks.append(Pick(each.name, meta.shown_by(relation.related) if relation else ""))
    return _question(place, f"{type_name}:{write.record_id}", moment_in(write.revision), picks)


def _question(place: Place, oid: str, after: int, picks: Sequence[Pick]) -> Question:
    heads = (Pick(MOMENT), Pick(_AT), Pick(_BY, place.meta().shown_by("Member")))
    terms = [f"ID='{oid}'"]
    if place.server.compares_moments:
        terms.append(f"{MOMENT}>'{after}'")
    return Question(oid.partition(":")[0], (*heads, *picks), tuple(terms), _PAGE, proof=False, versions=True)


def _read(place: Place, questions: Sequence[Question]) -> list[list[Version] | None]:
    """Return the versions that each question finds, page by page until one comes empty."""
    found: list[list[Version] | None] = [[] for _ in questions]
    starts = dict.fromkeys(range(len(questions)), 0)
    while starts:
        asked = [replace(questions[at], start=start) for at, start in starts.items()]
        for at, reply in zip(list(starts), place.server.form.ask(asked), strict=True):
            known = found[at] or []
            try:
                if reply.failure:
                    raise ValueError(reply.failure)
                fresh = [_version(each) for each in reply.documents]
            except SURPRISES as error:
                log.info("versions cannot be read reason=%s", error)
                found[at] = None
                del starts[at]
                continue
            found[at] = _merged(known, fresh)
            if len(fresh) == 0 or any(MOMENT in term for term in questions[at].terms):
                del starts[at]
            else:
                starts[at] += len(fresh)
    return found


def _merged(known: Sequence[Version], fresh: Sequence[Version]) -> list[Version]:
    """Return both by moment, each version once; rows may move between pages."""
    return sorted({each.moment: each for each in (*known, *fresh)}.values(), key=lambda each: each.moment)


def _version(document: Any) -> Version:
    row = flat(document)
    return Version(int(str(one(row[MOMENT]))), row)


def shown(field: Field, row: Flat) -> object:
    """Return the value of a scalar or reference field in a row, in a form in which equal values are equal."""
    found = one(row.get(field.name))
    if field.kind is Kind.REFERENCE:
        return id_in(found["_oid"]) if found and found["_oid"] != "NULL" else None
    return canonical(field.kind, COERCIONS[field.kind](found))


def comparable(field: Field, value: Value) -> object:
    """Return a value of a write in the form of `shown`."""
    if isinstance(value, Target):
        return value.id
    return canonical(field.kind, value or None if field.kind is Kind.TEXT else value)


def _in_words(field: Field, row: Flat) -> str:
    found = next((row[each] for each in row if each.startswith(f"{field.name}.") and one(row[each])), None)
    text = str(one(found) if found is not None else shown(field, row))
    return "nothing" if text == "None" else repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def one(value: Any) -> Any:
    """Return the value in a list of one; XML does not tell whether there may be many."""
    return value[0] if isinstance(value, list) and value else None if value == [] else value
