"""What the tracker knows: rows by type and number, indexes over them, and a journal for looking a little back in time."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from mirror.simulators.rt.columns import COLUMNS

Row = dict[str, Any]
"""One row by column. Never changed in place: a change replaces it, so that earlier states stay as they were."""

_JOURNAL_SECONDS = 120.0
_LATE_FOR_SECONDS = 0.05
_TABLES = (*COLUMNS, "link")


class State:
    """All rows. Custom field values are kept in their object's row under `CF`, members in their group's under `Members`."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[int, Row]] = {name: {} for name in _TABLES}
        self.ids: dict[str, list[int]] = {name: [] for name in _TABLES}
        self.transactions: dict[tuple[str, int], list[int]] = {}
        self.attachments: dict[int, list[int]] = {}
        self.links: dict[str, set[int]] = {}
        self.roles: dict[tuple[str, int, str], int] = {}
        self.groups: list[int] = []
        self.names: dict[str, int] = {}
        self.merged: dict[int, list[int]] = {}
        self.grants: set[tuple[int, str, int]] = set()
        self.late: dict[int, datetime] = {}
        self.generation = 0
        self._last: dict[str, int] = {}
        self._journal: deque[tuple[datetime, str, int, Row | None]] = deque()

    def next_id(self, table: str) -> int:
        """Return a number that was never used; users and groups share theirs, values of custom fields have their own."""
        series = "principal" if table in ("user", "group") else table
        self._last[series] = self._last.get(series, 0) + 1
        return self._last[series]

    def reserve(self, table: str, number: int) -> None:
        """Let numbers go on behind `number`."""
        series = "principal" if table in ("user", "group") else table
        self._last[series] = max(self._last.get(series, 0), number)

    def put(self, table: str, number: int, row: Row | None, moment: datetime) -> None:
        """Store a row, replace it, or with None remove it."""
        rows = self.tables[table]
        old = rows.get(number)
        self._note(moment, table, number, old)
        if row is None:
            rows.pop(number, None)
            self.ids[table].remove(number)
        else:
            if old is None:
                self._list(table, number)
            rows[number] = row
        self._reindex(table, number, old, row)
        self.generation += 1

    def before(self, moment: datetime) -> dict[tuple[str, int], Row | None]:
        """Return the rows that have changed since, as they were then; None for those that were not there."""
        found: dict[tuple[str, int], Row | None] = {}
        for at, table, number, old in reversed(self._journal):
            if at <= moment:
                break
            found[table, number] = old
        return found

    def hold(self, transaction: int, moment: datetime) -> None:
        """Let a transaction appear late (see the switch `late_transactions`)."""
        self.late[transaction] = moment

    def release(self, moment: datetime | None = None) -> None:
        """Let late transactions appear: all of them, or those that have waited long enough by now."""
        over = [
            each for each, at in self.late.items() if moment is None or (moment - at).total_seconds() > _LATE_FOR_SECONDS
        ]
        for each in over:
            del self.late[each]

    def _list(self, table: str, number: int) -> None:
        ids = self.ids[table]
        if not ids or ids[-1] < number:
            ids.append(number)
        else:
            ids.insert(bisect_right(ids, number), number)

    def _note(self, moment: datetime, table: str, number: int, old: Row | None) -> None:
        self._journal.append((moment, table, number, old))
        oldest = moment - timedelta(seconds=_JOURNAL_SECONDS)
        while self._journal[0][0] < oldest:
            self._journal.popleft()

    def _reindex(self, table: str, number: int, old: Row | None, row: Row | None) -> None:
        match table:
            case "transaction":
                self._file(self.transactions, _object, number, (old, row))
            case "attachment":
                self._file(self.attachments, _transaction, number, (old, row))
            case "link":
                self._index_link(number, old, row)
            case "group":
                self._index_group(number, old, row)
            case "user":
                self._index_user(number, old, row)
            case "ticket":
                self._index_merge(number, old, row)

    def _file(self, index: dict[Any, list[int]], key: Any, number: int, rows: tuple[Row | None, Row | None]) -> None:
        old, row = rows
        if old is not None:
            index[key(old)].remove(number)
        if row is not None:
            index.setdefault(key(row), []).append(number)

    def _index_link(self, number: int, old: Row | None, row: Row | None) -> None:
        for ends, add in ((old, False), (row, True)):
            for end in () if ends is None else (ends["Base"], ends["Target"]):
                found = self.links.setdefault(end, set())
                found.add(number) if add else found.discard(number)

    def _index_group(self, number: int, old: Row | None, row: Row | None) -> None:
        if old is not None:
            self.roles.pop((old["Domain"], old["Instance"], old["Name"].lower()), None)
        if row is not None:
            self.roles[row["Domain"], row["Instance"], row["Name"].lower()] = number
        if old is None and row is not None and row["Domain"] in ("UserDefined", "SystemInternal"):
            self.groups.append(number)
        if row is None and number in self.groups:
            self.groups.remove(number)

    def _index_user(self, number: int, old: Row | None, row: Row | None) -> None:
        if old is not None:
            self.names.pop(old["Name"].lower(), None)
        if row is not None:
            self.names[row["Name"].lower()] = number

    def _index_merge(self, number: int, old: Row | None, row: Row | None) -> None:
        before, after = (None if each is None else each["EffectiveId"] for each in (old, row))
        if before == after:
            return
        if before not in (None, number):
            self.merged[before].remove(number)
        if after not in (None, number):
            self.merged.setdefault(after, []).append(number)


def _object(row: Row) -> tuple[str, int]:
    return row["ObjectType"], row["ObjectId"]


def _transaction(row: Row) -> int:
    return int(row["TransactionId"])


class View:
    """The rows as they are, or as they were a moment ago. Use it under the lock."""

    def __init__(self, state: State, earlier: Mapping[tuple[str, int], Row | None] | None = None) -> None:
        self.state = state
        self._earlier = earlier or {}

    def get(self, table: str, number: int) -> Row | None:
        """Return a row, None when there is none."""
        if self._earlier and (table, number) in self._earlier:
            return self._earlier[table, number]
        return self.state.tables[table].get(number)

    def row(self, table: str, number: int) -> Row:
        """Return a row; KeyError when there is none."""
        found = self.get(table, number)
        if found is None:
            raise KeyError(f"{table} {number}")
        return found

    def ids(self, table: str) -> Sequence[int]:
        """Return the numbers of all rows, ascending."""
        ids = self.state.ids[table]
        if table == "transaction" and self.state.late:
            ids = [each for each in ids if each not in self.state.late]
        if not self._earlier:
            return ids
        late = {number for (name, number), row in self._earlier.items() if name == table and row is None}
        gone = {number for (name, number), row in self._earlier.items() if name == table and row is not None} - set(ids)
        return sorted({*ids, *gone} - late) if late or gone else ids

    def transactions_of(self, object_type: str, number: int) -> list[int]:
        """Return the numbers of an object's transactions, ascending."""
        found = self.state.transactions.get((object_type, number), [])
        return [each for each in found if each not in self.state.late and self.get("transaction", each) is not None]

    def attachments_of(self, transaction: int) -> list[int]:
        """Return the numbers of a transaction's attachments, ascending."""
        return [each for each in self.state.attachments.get(transaction, []) if self.get("attachment", each) is not None]

    def links_at(self, uri: str) -> list[tuple[int, Row]]:
        """Return the links that have one end there, by number."""
        found = ((each, self.get("link", each)) for each in sorted(self.state.links.get(uri, ())))
        return [(number, row) for number, row in found if row is not None and uri in (row["Base"], row["Target"])]

    def role(self, domain: str, number: int, name: str) -> int | None:
        """Return the group that holds a role on an object, None when nobody ever had it."""
        return self.state.roles.get((domain, number, name.lower()))

    def members(self, group: int | None) -> tuple[int, ...]:
        """Return the members of a group in the order in which they were added."""
        row = None if group is None else self.get("group", group)
        return () if row is None else row["Members"]

    def merged_into(self, ticket: int) -> list[int]:
        """Return the tickets that were merged into a ticket."""
        return self.state.merged.get(ticket, [])

    def effective(self, ticket: int) -> int:
        """Return the ticket that answers for a ticket: itself, or what it was merged into."""
        row = self.get("ticket", ticket)
        return ticket if row is None else int(row["EffectiveId"])

    def user_named(self, name: str) -> int | None:
        """Return a user's number by name, in any case."""
        return self.state.names.get(name.lower())

    def named(self, table: str, name: str | int) -> int | None:
        """Return the number of a record given by number or name."""
        text = str(name)
        if text.isdigit():
            return int(text) if self.get(table, int(text)) is not None else None
        if table == "user":
            return self.user_named(text)
        return next((each for each in self.ids(table) if self.row(table, each)["Name"].lower() == text.lower()), None)
