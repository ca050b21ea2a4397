"""Compares every table of a mirror with what the simulated RT holds, field by field.

The expectation is worked out from the tracker's own documents, not by the connector's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from mirror.model.layout import Column, Layout, LinkTable
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.simulators.rt import RTSimulator
from mirror.simulators.rt.columns import LOOKUPS, TYPE_OF
from mirror.store.store import Store

NO_DATE = "1970-01-01T00:00:00Z"
LINKS = {
    "DependsOn": "depends-on",
    "DependedOnBy": "depended-on-by",
    "RefersTo": "refers-to",
    "ReferredToBy": "referred-to-by",
    "Parents": "parent",
    "Children": "child",
}
_CUSTOM = re.compile(r"^CF\.\{(.*)\}(?:\.(\d+))?$")
_ROLE = re.compile(r"^CustomRole\.\{(.*)\}$")

Item = Mapping[str, Any]
Target = tuple[int | None, str | None, str | None]


def differences(store: Store, source: str, tracker: RTSimulator) -> list[str]:
    """Return a sentence for each difference between the mirror and the tracker; empty when they are equal."""
    found: list[str] = []
    layouts = store.layouts(source)
    with tracker.world.lock:
        offered = tracker.world.types()
        found += [f"{name}: not mirrored" for name in sorted(set(offered) - set(layouts))]
        for name in offered:
            if name in layouts:
                found += _Comparison(store, layouts[name], tracker).differences()
    return found


class _Comparison:
    """Of one type."""

    def __init__(self, store: Store, layout: Layout, tracker: RTSimulator) -> None:
        self._store = store
        self._layout = layout
        self._world = tracker.world
        self._name = layout.type.name
        self._numbers = self._custom_numbers()

    def differences(self) -> Iterator[str]:
        rows, truth = self._rows(), self._world.truth(self._name)
        for key in sorted(truth.keys() - rows.keys()):
            yield f"{self._name} {key}: missing here"
        for key in sorted(rows.keys() - truth.keys()):
            yield f"{self._name} {key}: gone on the tracker"
        linked = {link.field: self._links(link) for link in self._layout.links}
        for key in sorted(rows.keys() & truth.keys()):
            for column in self._layout.columns:
                here, there = rows[key][column.name], self._expected(column, truth[key])
                if not _same(column, here, there):
                    yield f"{self._name} {key}.{column.name}: here {here!r:.80}, there {there!r:.80}"
            for link in self._layout.links:
                yield from self._link_differences(link, key, linked[link.field].get(key, []), truth[key])

    def _link_differences(self, link: LinkTable, key: int, here: list[Any], item: Item) -> Iterator[str]:
        if link.kind is Kind.VALUES:
            there: list[Any] = [_text_of(each, link) for each in self._values(link.field, item)]
            if here != there:
                yield f"{self._name} {key}.{link.field}: here {here!r:.200}, there {there!r:.200}"
            return
        wanted = sorted((self._target(each) for each in self._targets(link.field, item)), key=_order)
        if [each[::2] for each in here] != [each[::2] for each in wanted] or any(
            there[1] not in (None, named[1]) for named, there in zip(here, wanted, strict=True)
        ):
            yield f"{self._name} {key}.{link.field}: here {here!r:.200}, there {wanted!r:.200}"

    def _rows(self) -> dict[int, dict[str, Any]]:
        with self._store.read(f"SELECT * FROM {self._layout.table} WHERE source = '{self._layout.source}'") as result:
            listed = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
        return {row["id"]: row for row in listed}

    def _links(self, link: LinkTable) -> dict[int, list[Any]]:
        wanted = "value" if link.kind is Kind.VALUES else "target_id, target_name, target_type"
        found: dict[int, list[Any]] = {}
        query = f"SELECT id, {wanted} FROM {link.name} WHERE source = '{self._layout.source}' ORDER BY id, position"
        with self._store.read(query) as result:
            for owner, *rest in result.rows:
                found.setdefault(owner, []).append(rest[0] if link.kind is Kind.VALUES else tuple(rest))
        return found

    # What the tracker says

    def _expected(self, column: Column, item: Item) -> Any:
        if _CUSTOM.match(column.field):
            values = self._values(column.field, item)
            return _custom(column, values[0]) if values else None
        if column.field == "Object":
            kind = str(item["ObjectType"])
            return {Part.TYPE: TYPE_OF.get(kind, kind), Part.ID: int(item["ObjectId"]), Part.NAME: None}[column.part]
        if _ROLE.match(column.field) or column.part is not Part.VALUE:
            return self._part(column, self._targets(column.field, item))
        value = item.get(column.field)
        return None if value in (None, "", NO_DATE) else value

    def _part(self, column: Column, targets: list[Any]) -> Any:
        if not targets:
            return None
        number, name, kind = self._target(targets[0])
        return {Part.ID: number, Part.NAME: name, Part.TYPE: kind}[column.part]

    def _values(self, field: str, item: Item) -> list[Any]:
        """Return the values of the custom field that a field of ours stands for."""
        number = str(self._numbers.get(field, 0))
        found = [each for each in item["CustomFields"] or () if each["id"] == number]
        return list(found[0]["values"]) if found else []

    def _custom_numbers(self) -> dict[str, int]:
        """Return the numbers of custom fields by the names that fields of ours have."""
        lookup, found = LOOKUPS.get(self._name, ""), {}
        view = self._world.view()
        for number in view.ids("customfield"):
            row = view.row("customfield", number)
            if row["LookupType"] == lookup and not row["Disabled"]:
                name = f"CF.{{{row['Name']}}}"
                found[f"{name}.{number}" if name in found else name] = number
        return found

    def _targets(self, field: str, item: Item) -> list[Any]:
        """Return the references in a field: people, links, or the one record that it names."""
        if field in LINKS:
            return [each for each in item["_hyperlinks"] if each["ref"] == LINKS[field]]
        role = _ROLE.match(field)
        found = self._role(role[1], item) if role else item.get(field)
        if found in (None, "", "0"):
            return []
        return found if isinstance(found, list) else [found]

    def _role(self, name: str, item: Item) -> Any:
        number = self._world.view().named("customrole", name)
        roles = item.get("CustomRoles") or {}
        return roles.get(f"RT::CustomRole-{number}", roles.get(name))

    def _target(self, reference: Any) -> Target:
        if not isinstance(reference, dict):
            return int(reference), None, None
        if reference["type"] == "external":
            return None, reference["_url"], None
        kind, number = str(reference["type"]), reference["id"]
        if "Name" in reference:
            return int(number), reference["Name"], kind
        if kind == "user":
            return self._world.user(str(number)), str(number), kind
        if kind == "group":
            return int(number), self._world.view().row("group", int(number))["Name"], kind
        return int(number), None, kind


def _order(target: Target) -> tuple[bool, int, str, str]:
    return target[0] is None, target[0] or 0, target[2] or "", target[1] or ""


def _text_of(value: Any, link: LinkTable) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps({name: each for name, each in value.items() if name != "_url"}, ensure_ascii=False, sort_keys=True)
    text = str(value)
    is_stamp = link.field in _STAMPED and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
    return text.replace("Z", ".000Z") if is_stamp else text


_STAMPED = ("CF.{Visits}",)
"""Custom fields of the seed that hold several instants."""


def _custom(column: Column, value: Any) -> Any:
    if value is None:
        return "" if column.kind is Kind.TEXT else None
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "_url"}
    return None if value == NO_DATE or value == "" else value


def _same(column: Column, here: Any, there: Any) -> bool:
    if here is None or there is None:
        return here is there or (there is None and column.part is Part.NAME)
    match column.kind:
        case Kind.INTEGER | Kind.REFERENCE if column.part in (Part.ID, Part.VALUE):
            return int(here) == int(there)
        case Kind.BOOLEAN:
            return bool(here) == bool(int(there))  # a queue of RT's own is disabled with 2
        case Kind.TIMESTAMP:
            text = here if isinstance(here, str) else here.astimezone(UTC).isoformat(timespec="milliseconds")
            return bool(text.replace("+00:00", "Z") == str(there).replace("Z", ".000Z"))
        case Kind.JSON:
            return bool((json.loads(here) if isinstance(here, str) else here) == there)
    if isinstance(there, dict):
        return bool(json.loads(here) == there)
    return str(here) == str(there)
