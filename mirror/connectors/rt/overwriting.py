"""What somebody else had put into fields between our reading of a record and our writing of it.

RT checks an ETag and writes afterwards, in separate steps: of four writes at once with one ETag, all four often go through
(rt.md §1.3, §6.4). Transaction numbers only rise, so the record's history behind the ETag tells who else was there.

What cannot be known: changes of records without a history (classes), and on PostgreSQL a transaction that had its number
before we read and was committed afterwards (rt.md §7.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt import history
from mirror.connectors.rt.account import Myself
from mirror.connectors.rt.catalog import LINK_REFS
from mirror.connectors.rt.drafting import Draft, Drafting
from mirror.connectors.rt.encode import STAND_IN
from mirror.connectors.rt.history import Entry
from mirror.connectors.rt.localtime import in_utc
from mirror.connectors.rt.naming import Naming
from mirror.connectors.rt.present import Present
from mirror.connectors.rt.search import decoded
from mirror.errors import RemoteError, RetryableError
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Target, Write

_SYSTEM = "RT_System"
_UNKNOWN: Mapping[str, str | None] = {}
_SET = frozenset({"Set", "Status", "Told", "SetWatcher", "CustomField", "Disabled", "Enabled"})
_PUT_IN, _TAKEN_OUT = frozenset({"AddWatcher", "CustomField"}), frozenset({"DelWatcher", "CustomField"})


class Overwriting:
    """Looks behind writes of one account."""

    def __init__(self, send: Callable[[Request], Answer], myself: Myself) -> None:
        self._send = send
        self._myself = myself

    def look(self, write: Write, draft: Draft, present: Present, naming: Naming) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return field -> what this update has replaced that we had not seen, and words about what cannot be known."""
        if present.newest is None or not _replaceable(write, draft):
            return {}, ()
        try:
            entries = history.after(self._send, write.layout.type.name, write.record_id or 0, present.newest)
            return self._found(write, draft, entries, naming), ()
        except RemoteError as error:
            return {}, (f"whether somebody else wrote at the same moment is not known: {error}",)

    def look_later(self, write: Write, drafting: Drafting) -> dict[str, str]:
        """Return field -> what an update has replaced that took effect without an answer.

        Just before it was sent, and after `write.since`, its fields were seen to hold `write.before`: what had led there, as
        the history shows it, was not replaced unseen.

        Raises:
            RetryableError: RT does not answer now.
        """
        draft, before = drafting.shown(write), drafting.shown(replace(write, values=write.before))
        if write.since is None or not _replaceable(write, draft):
            return {}
        try:
            entries = history.since(self._send, write.layout.type.name, write.record_id or 0, write.since)
            return self._found(write, draft, entries, drafting.naming, before.told)
        except RetryableError:
            raise
        except RemoteError:  # such as that of a type without a history
            return {}

    def _found(
        self,
        write: Write,
        draft: Draft,
        entries: Sequence[Entry],
        naming: Naming,
        before: Mapping[str, str | None] = _UNKNOWN,
    ) -> dict[str, str]:
        me = self._myself.account().name.casefold()
        ours = [each.number for each in entries if each.creator.casefold() == me]
        # what RT's own rules do in consequence of ours is no intrusion
        known = [each for each in entries if each.creator != _SYSTEM or not ours or each.number < ours[0]]
        found: dict[str, str] = {}
        for name in _replaceable(write, draft):
            words = self._replaced(write, draft, name, _unseen(_of(known, name, naming), before.get(name)))
            if words:
                found[name] = words
        return found

    def _replaced(self, write: Write, draft: Draft, name: str, entries: Sequence[Entry]) -> str:
        field = write.layout.type.field(name)
        if field is None:
            return ""
        me = self._myself.account().name.casefold()
        others = _before_ours(entries, draft.told[name], me) if name in draft.told else _undone(entries, field, write, me)
        return ", ".join(dict.fromkeys(self._words(field, each) for each in others))

    def _words(self, field: Field, entry: Entry) -> str:
        if field.name == "TimeWorked" and entry.minutes and entry.field != field.name:
            return f"{entry.minutes} minutes more by {entry.creator} at {entry.at}"
        if field.kind in (Kind.LINKS, Kind.VALUES):
            value, done = (entry.new, "added") if entry.new else (entry.old, "removed")
            return f"{self._shown(field, value)} {done} by {entry.creator} at {entry.at}"
        return f"{self._shown(field, entry.new) or 'nothing'} by {entry.creator} at {entry.at}"

    def _shown(self, field: Field, value: str) -> str:
        """Return a value for people: of a user, queue or group the name, where we are shown it."""
        if field.kind not in (Kind.REFERENCE, Kind.LINKS) or not value.isdigit():
            return value
        answer = self._send(Request("GET", f"/REST/2.0/{(field.targets or ('user',))[0]}/{value}"))
        if answer.status != 200:
            return f"{(field.targets or ('user',))[0]} {value}"
        return str(decoded(answer, "record").get("Name") or value)


def _replaceable(write: Write, draft: Draft) -> list[str]:
    """Return the fields that a write replaces as a whole: all but links between records."""
    return [each for each in dict.fromkeys((*draft.told, *write.added, *write.removed)) if each not in LINK_REFS]


def _unseen(entries: Sequence[Entry], before: str | None) -> Sequence[Entry]:
    """Return those behind the last one that led to what was read, as transactions show it; all when that is not known."""
    led = [at for at, each in enumerate(entries) if before is not None and _shows(each, before)]
    return entries[led[-1] + 1 :] if led else entries


def _shows(entry: Entry, told: str) -> bool:
    return entry.type in _SET and (entry.new == told or (told == "" and entry.new == STAND_IN))


def _of(entries: Sequence[Entry], name: str, naming: Naming) -> Sequence[Entry]:
    """Return those of a field; time is worked by comments as well (rt.md §6.5)."""
    wanted = naming.in_history(name)
    worked = [each for each in entries if name == "TimeWorked" and each.minutes and each.field != name]
    return sorted([*(each for each in entries if each.field == wanted), *worked], key=lambda each: each.number)


def _before_ours(entries: Sequence[Entry], told: str | None, me: str) -> Iterator[Entry]:
    """Yield what came to stand in a field before we wrote it."""
    ours = [each.number for each in entries if _is_ours(each, told, me)]
    yield from (each for each in entries if ours and each.number < ours[-1] and not _is_ours(each, told, me))


def _is_ours(entry: Entry, told: str | None, me: str) -> bool:
    by_us = entry.creator.casefold() == me and entry.type in _SET
    return by_us and (told is None or _shows(entry, told))


def _undone(entries: Sequence[Entry], field: Field, write: Write, me: str) -> Iterator[Entry]:
    """Yield what others did to a list that we replaced as a whole, and that our list has undone."""
    added = {_told(field, each) for each in write.added.get(field.name, ())}
    removed = {_told(field, each) for each in write.removed.get(field.name, ())}
    for each in entries:
        if each.creator.casefold() != me:
            continue
        undoes_addition = each.type in _TAKEN_OUT and each.old and not each.new and each.old not in removed
        undoes_removal = each.type in _PUT_IN and each.new and not each.old and each.new not in added
        if undoes_addition or undoes_removal:
            yield from (other for other in entries if other.number < each.number and _opposite(other, each))


def _opposite(one: Entry, other: Entry) -> bool:
    return bool(one.new and one.new == other.old) or bool(one.old and one.old == other.new)


def _told(field: Field, item: Item) -> str:
    """Return an item as transactions show it."""
    if isinstance(item, Target):
        return str(item.id)
    return in_utc(item) if field.native_type == "DateTime" else item
