"""What somebody else had put into fields between our reading of a record and our writing of it.

Rally takes no condition on a write (rally.md §6 I, lost updates), so it is looked at afterwards: the VersionId must then be
one higher than the one that was read (§0 fact 4 R). Where it is more, others wrote in between, and the texts of the
revisions tell what. Where the answer was lost, the same is asked once the record shows what was written.

What can be known: that there was somebody; and of records with a revision history, which fields, by the label that each
clause of a text begins with, with the words of the clause, the author and the time. That revision n tells of version n + 1
is inferred (I). What cannot: exact old values, for the texts are no safe form (§9.2 R); a change of an attribute that Rally
does not write into revisions (§9.2 I) or labels otherwise than by its display name; and anything about types without a
history or in a text that was cut at its 4000 characters. In the last two cases every field that was replaced is reported,
because silence would be a lost update.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from mirror.connectors.rally.answers import Made
from mirror.connectors.rally.decode import Ref, id_of
from mirror.connectors.rally.wire import Query, Wire, parsed
from mirror.errors import ProtocolError, RemoteError, RetryableError
from mirror.model.schema import Field
from mirror.model.write import Target, Value, Write

LONGEST_TEXT = 4000  # characters (rally.md §9.2)
_LAG_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)  # seconds; replicas lag by up to about 8 (rally.md §6 C)
REVISION_NAMES = ("RevisionNumber", "Description", "User", "CreationDate")
_MOST_REVISIONS = 200  # looked at behind one write
_LONGEST_WORDS = 300
_NEXT_CLAUSE = r"(?=, [A-Z][A-Z0-9 ]* (?:changed from|added|removed|moved) |$)"


class Revision(msgspec.Struct):
    """One revision (rally.md §9.2)."""

    number: int = msgspec.field(name="RevisionNumber")
    text: str = msgspec.field(name="Description", default="")
    user: Ref | None = msgspec.field(name="User", default=None)
    created_at: str = msgspec.field(name="CreationDate", default="")

    @property
    def author(self) -> str:
        """Who wrote it, by name."""
        return (self.user.name if self.user is not None else None) or "somebody"


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What was found.

    Attributes:
        fields: field name -> what others had put there, in words for people.
        words: about writes in between that have not touched fields of ours, as far as is known.
    """

    fields: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()


class Overwriting:
    """Looks behind writes."""

    def __init__(self, wire: Wire, *, sleep: Callable[[float], None]) -> None:
        self._wire = wire
        self._sleep = sleep

    def look(self, write: Write, made: Made) -> Overwritten:
        """Return what the update `write`, which led to `made`, has replaced that we had not seen."""
        before = version_of(write.revision)
        if before is None or made.version is None or made.version <= before + 1:
            return Overwritten()
        if made.history is None:
            return _in_doubt(write, f"Rally keeps no history of a {write.layout.type.name}")
        try:
            revisions = self._revisions(made.history, before, made.version)
        except (RemoteError, ValueError) as error:
            return _in_doubt(write, f"its history cannot be read ({error})")
        return _told(write, revisions)

    def look_later(self, write: Write, me: int) -> dict[str, str]:
        """Return field -> what an update has replaced that took effect without an answer, in words for people.

        Which version is ours nobody has told: for each field it is the last one by us that tells of it. Where there is none,
        nothing came of ours.

        Args:
            me: the ObjectID of our user.

        Raises:
            RetryableError: Rally does not answer now.
        """
        before = version_of(write.revision)
        if before is None or not write.values:
            return {}
        now = self._now(write, before)
        if now.version is None or now.version <= before + 1:
            return {}
        if now.history is None:
            return _in_doubt(write, f"Rally keeps no history of a {write.layout.type.name}").fields
        try:
            revisions = self._revisions(now.history, before, now.version, with_last=True)
        except RetryableError:
            raise
        except (RemoteError, ValueError) as error:
            return _in_doubt(write, f"its history cannot be read ({error})").fields
        found: dict[str, str] = {}
        for name, value in write.values.items():
            alone = replace(write, values={name: value})
            found |= _told(alone, revisions[: _place_of_ours(alone, revisions, me)]).fields
        return found

    def _now(self, write: Write, before: int) -> Made:
        """Return the record as it is; waits for a replica that does not show anything behind version `before` yet."""
        names = ("ObjectID", "VersionId", "RevisionHistory")
        query = Query(write.layout.type.name, f"(ObjectID = {write.record_id})", names, 1)
        found = Made()
        for pause in (*_LAG_PAUSES, None):
            result, _ = self._wire.query(query)
            found = parsed(result.rows[0], Made) if result.rows else Made()
            if pause is None or (found.version or 0) > before:
                break
            self._sleep(pause)
        return found

    def _revisions(self, history: Ref, before: int, after: int, *, with_last: bool = False) -> list[Revision]:
        """Return the revisions behind version `before` and ahead of version `after`, which is ours, oldest first.

        Waits for a replica that does not have ours yet. Where there are fewer revisions than versions, the newest are taken.

        Args:
            with_last: ours may be any; return those of version `after` and of newer ones as well.
        """
        found: list[Revision] = []
        total = 0
        for pause in (*_LAG_PAUSES, None):
            try:
                found, total = self._newest(history)
            except ProtocolError:  # a replica that lags may not even have the history of a new record
                if pause is None:
                    raise
            if pause is None or (found and found[0].number >= after - 1):
                break
            self._sleep(pause)
        newest = found[0].number if found else 0
        shift = max(0, after - 1 - newest)
        if len(found) < total and found[-1].number + shift > before:
            raise ProtocolError(f"more than {len(found)} changes are newer")
        behind = [each for each in reversed(found) if before <= each.number + shift]
        return behind if with_last else [each for each in behind if each.number + shift < after - 1]

    def _newest(self, history: Ref) -> tuple[list[Revision], int]:
        """Return the newest revisions of a history, newest first, and how many there are in all."""
        address = f"RevisionHistory/{id_of(history.ref)}/Revisions"
        result, _ = self._wire.query(Query(address, None, REVISION_NAMES, _MOST_REVISIONS, order="RevisionNumber desc"))
        found = [parsed(each, Revision) for each in result.rows]
        return sorted(found, key=lambda each: each.number, reverse=True), result.total


def version_of(revision: str | None) -> int | None:
    """Return the VersionId in a stored revision, which may have the time of a roll-up behind it; None when there is none."""
    text = (revision or "").partition(" ")[0]
    return int(text) if text.isdigit() else None


def _told(write: Write, revisions: Sequence[Revision]) -> Overwritten:
    cut = next((each for each in revisions if len(each.text) >= LONGEST_TEXT), None)
    if cut is not None:
        return _in_doubt(write, f"{cut.author} wrote at {cut.created_at}, more than a revision can tell")
    found = {}
    for name, value in write.values.items():
        described = write.layout.type.field(name)
        words = _clause_about(described, value, revisions) if described is not None else ""
        if words:
            found[name] = words
    others = tuple(f"{each.author} wrote in between, at {each.created_at}: {_short(each.text)}" for each in revisions)
    return Overwritten(found, others or ("somebody wrote in between, and the history does not tell what",))


def _clause_about(field: Field, value: Value, revisions: Sequence[Revision]) -> str:
    """Return who last put what into a field; empty when nobody did, or it was what we have put there too."""
    for each in reversed(revisions):
        clause = _clause(field, each)
        if clause:
            return "" if _sets(clause, value) else f"{each.author}, {each.created_at}: {_short(clause)}"
    return ""


def clauses(field: Field, revision: Revision) -> list[str]:
    """Return what a revision tells of a field, clause by clause."""
    labels = "|".join(re.escape(each) for each in _labels(field))
    pattern = re.compile(rf"(?:^|, )((?:{labels}) (?:changed|added|removed|moved)\b.*?){_NEXT_CLAUSE}", re.DOTALL)
    return pattern.findall(revision.text)


def _clause(field: Field, revision: Revision) -> str:
    """Return what a revision tells of a field last; empty when it does not."""
    found = clauses(field, revision)
    return found[-1] if found else ""


def _place_of_ours(write: Write, revisions: Sequence[Revision], me: int) -> int:
    """Return which of the revisions is that of the one field in `write`; 0 when none is by us, so that none is before it.

    A text that was cut may tell of any field, and a revision without an author may be ours.
    """
    field = write.layout.type.field(next(iter(write.values)))
    for at in reversed(range(len(revisions))):
        each = revisions[at]
        is_by_us = each.user is None or id_of(each.user.ref) == me
        if is_by_us and field is not None and (len(each.text) >= LONGEST_TEXT or _clause(field, each)):
            return at
    return 0


def _labels(field: Field) -> set[str]:
    """Return how a text may call a field: `SCHEDULE STATE`, of a custom one `KANBANSTATE` (rally.md §9.2 R)."""
    bare = field.name.removeprefix("c_")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare)
    return {each.upper() for each in (field.display_name, spaced, bare) if each}


def _sets(clause: str, value: Value) -> bool:
    """Return whether a clause says that a field became `value`; False for what a text does not show in its own form.

    A record is shown by its name, with its number before it if it has one; an instant is Java text (rally.md §9.2 R).
    """
    if value is None or value == "":
        return re.match(r"[A-Z0-9 ]+ removed ", clause) is not None
    shown = clause[:-1].rpartition("[")[2]
    if isinstance(value, Target):
        return value.name is not None and shown.endswith(value.name) and shown.removesuffix(value.name)[-2:] in ("", ": ")
    if isinstance(value, bool | str):
        return clause.endswith(f"[{str(value).lower() if isinstance(value, bool) else value}]")
    try:
        return float(shown) == value
    except ValueError:
        return False


def set_from(clause: str, value: Value) -> bool:
    """Return whether a clause says that a field was `value` before; False for what a text does not show in its own form."""
    if value is None or value == "":
        return re.match(r"[A-Z0-9 ]+ added ", clause) is not None
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, str):
        removed, changed = f" removed [{value}]", f" changed from [{value}] to ["
        return clause.endswith(removed) or changed in clause
    match = re.match(r"[A-Z0-9 ]+ (?:changed from|removed) \[(.*?)\](?: to \[|$)", clause, re.DOTALL)
    if match is None:
        return False
    if isinstance(value, Target):
        return (
            value.name is not None and match[1].removesuffix(value.name)[-2:] in ("", ": ") and match[1].endswith(value.name)
        )
    try:
        return float(match[1]) == value
    except ValueError:
        return False


def _in_doubt(write: Write, why: str) -> Overwritten:
    words = f"somebody else changed the record just before, and whether this field cannot be told: {why}"
    return Overwritten(dict.fromkeys(write.values, words))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_WORDS else f"{text[:_LONGEST_WORDS]}…"
