"""A record as RT shows it just before it is written: its ETag, and what the fields to be written hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.catalog import Schema
from mirror.connectors.rt.collections import COLLECTIONS
from mirror.connectors.rt.convert import Converter
from mirror.connectors.rt.people import People
from mirror.connectors.rt.search import decoded
from mirror.errors import RefusedError, StaleError
from mirror.model.cells import cells_in, cells_of, same
from mirror.model.layout import HEAD, Layout
from mirror.model.page import PROVISIONAL
from mirror.model.schema import Kind
from mirror.model.write import Target, Value, Write

_ROLE = "RT::CustomRole-"


@dataclass(frozen=True, slots=True)
class Present:
    """What a record shows.

    Attributes:
        etag: of the header, with its quotes.
        item: RT's document, custom roles as in listings.
        row: cells by column.
        members: role -> (number, as a write may name it) of those who have it; the number is None when it is not shown.
        values: field with many values -> (as in a link table, as RT shows it) of each.
    """

    etag: str
    item: Mapping[str, Any]
    row: Mapping[str, Any]
    members: Mapping[str, tuple[tuple[int | None, str | int], ...]]
    values: Mapping[str, tuple[tuple[str, object], ...]]

    @property
    def newest(self) -> int | None:
        """The newest transaction that we may see; None for a type without history, whose ETag is a date (rt.md §6.1)."""
        text = self.etag.strip('"')
        return int(text) if text.isdigit() else None

    def cell(self, layout: Layout, name: str) -> object:
        """Return what the one column of a scalar field holds."""
        return next(iter(cells_in(self.row, layout, name).values()), None)

    def shows(self, layout: Layout, name: str, value: Value) -> bool:
        """Return whether a scalar or reference field holds a value."""
        return same(layout, name, cells_of(layout, name, value), cells_in(self.row, layout, name))


class Reader:
    """Reads single records for one account."""

    def __init__(self, send: Callable[[Request], Answer], people: People, schema: Callable[[], Schema]) -> None:
        self._send = send
        self._people = people
        self._schema = schema

    def document(self, type_name: str, record_id: int) -> Mapping[str, Any]:
        """Return the record as RT shows it; of a merged ticket that is the one it was merged into (rt.md §6.7).

        Raises:
            StaleError: there is no such record.
            RefusedError: this account may not read it.
        """
        return decoded(self._answer(type_name, record_id), type_name)

    def present(self, write: Write) -> Present:
        """Return what the fields of an update hold.

        Raises:
            StaleError: the record is gone, or one of its fields has changed since `write.before` was read.
            RefusedError: this account may not read it.
        """
        found = self.unchecked(write)
        layout = write.layout
        changed = [
            name for name in write.values if name in write.before and not found.shows(layout, name, write.before[name])
        ]
        if changed:
            raise StaleError(f"{layout.type.name} {write.record_id}: somebody has changed {', '.join(changed)}")
        return found

    def unchanged(self, write: Write) -> Present:
        """Return the record when nobody has changed it since `write.revision` was read, as far as its stamp tells.

        Raises:
            StaleError: somebody has, or it is gone.
            RefusedError: this account may not read it.
        """
        found = self.unchecked(write)
        stamp = str(write.revision or "").partition(PROVISIONAL)[0]
        if stamp and found.item.get("LastUpdated", stamp) != stamp:
            raise StaleError(f"{write.layout.type.name} {write.record_id} has changed since it was read")
        return found

    def unchecked(self, write: Write) -> Present:
        """Return the record as it is now.

        Raises:
            StaleError: it is deleted, merged, or not there.
            RefusedError: this account may not read it.
        """
        layout, record_id = write.layout, write.record_id or 0
        name = layout.type.name
        answer = self._answer(name, record_id)
        item = {"id": record_id, **decoded(answer, name)}  # a user's number is not shown to everybody (rt.md §6.9)
        if int(item["id"]) != record_id:
            raise StaleError(f"{name} {record_id} was merged into {item['id']}")
        if item.get("Status") == "deleted" and name in ("ticket", "asset"):
            raise StaleError(f"{name} {record_id} was deleted")
        return self._present(write, _as_listed(item), answer.headers.get("ETag", ""), answer.server_time)

    def _answer(self, type_name: str, record_id: int) -> Answer:
        answer = self._send(Request("GET", f"/REST/2.0{COLLECTIONS[type_name].record}/{record_id}"))
        if answer.status == 404:
            raise StaleError(f"there is no {type_name} {record_id} any more")
        if answer.status == 403:
            raise RefusedError(f"RT does not let this account read {type_name} {record_id}")
        return answer

    def _present(self, write: Write, item: dict[str, Any], etag: str, server_time: datetime) -> Present:
        layout = write.layout
        tables = {each.field: each.kind for each in layout.links if each.field in (*write.added, *write.removed)}
        converter = Converter(layout, self._schema(), self._people.known)
        shown = converter.values(item)
        self._people.learn(_names(shown.get(each) for each in (*write.values, *tables)))
        converted = converter.convert([item], server_time)
        columns = (*HEAD, *(each.name for each in layout.columns))
        values = {
            name: tuple(zip((str(each[2]) for each in converted.links[name]), shown.get(name) or (), strict=True))
            for name, kind in tables.items()
            if kind is Kind.VALUES
        }
        members = {name: self._members(shown.get(name)) for name in tables if name not in values}
        return Present(etag, item, dict(zip(columns, converted.rows[0], strict=True)), members, values)

    def _members(self, shown: object) -> tuple[tuple[int | None, str | int], ...]:
        return tuple(self._member(each) for each in (shown if isinstance(shown, list) else ()))

    def _member(self, reference: Mapping[str, Any]) -> tuple[int | None, str | int]:
        if reference.get("type") == "user":
            number = self._people.known(str(reference["id"]))
            return number, str(reference["id"]) if number is None else number
        return (int(reference["id"]), int(reference["id"])) if reference.get("id") else (None, str(reference.get("_url")))


def is_member(item: Target | str, of: tuple[int | None, str | int]) -> bool:
    """Return whether `item` is the one who has a role."""
    number, name = of
    return number == item.id if isinstance(item, Target) else str(name).casefold() == item.casefold()


def _as_listed(item: dict[str, Any]) -> dict[str, Any]:
    """Return a single record with its custom roles where listings have them; up to 5.0.3 they stand apart (rt.md §12)."""
    apart = {name: value for name, value in item.items() if name.startswith(_ROLE)}
    rest = {name: value for name, value in item.items() if name not in apart}
    return {**rest, "CustomRoles": {**apart, **(item.get("CustomRoles") or {})}}


def _names(shown: Any) -> list[str]:
    entries = [each for value in shown for each in (value if isinstance(value, list) else [value])]
    return [str(each["id"]) for each in entries if isinstance(each, dict) and each.get("type") == "user"]
