"""Compares every table of a mirror with what the simulated VersionOne holds, field by field.

The expectation is worked out from the tracker's own values and the contract, not by the connector's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from mirror.model.layout import Column, Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.simulators.versionone import VersionOneSimulator
from mirror.simulators.versionone.schema import Attribute
from mirror.store.store import Store

ABOUT_TYPES = {"AssetType", "AttributeDefinition", "Operation"}  # versionone.md §5.3
_HEADS = {"ID", "Key", "Moment", "AssetType"}
_WORKED_OUT = {
    "IsDeleted",
    "SecurityScope",
    "FakeAssetState",
    "EffectiveAssetState",
}
"""Constant for all that is listed, or computed from other records; not stored with the record."""


def differences(store: Store, source: str, tracker: VersionOneSimulator) -> list[str]:
    """Return a sentence for each difference between the mirror and the tracker; empty when they are equal."""
    found: list[str] = []
    layouts = store.layouts(source)
    schema = tracker.world.schema
    with tracker.world.lock:
        offered = {each.name for each in schema.types() if not each.abstract} - ABOUT_TYPES
        found += [f"{name}: not mirrored" for name in sorted(offered - set(layouts))]
        for name in sorted(offered & set(layouts)):
            found += missing_fields(layouts[name], tracker)
            found += _type_differences(store, layouts[name], tracker)
        found += many_to_many_ends(store, source, tracker)
    return found


def missing_fields(layout: Layout, tracker: VersionOneSimulator) -> list[str]:
    """Return the fields of a type that a mirror should have and this one has not."""
    expected = {each.name for each in _expected_attributes(layout.type.name, tracker) if not _has_two_ends(each, tracker)}
    here = {each.name for each in layout.type.fields}
    return [f"{layout.type.name}.{name}: not mirrored" for name in sorted(expected - here)]


def many_to_many_ends(store: Store, source: str, tracker: VersionOneSimulator) -> list[str]:
    """Return a sentence for each many-to-many relation that is not mirrored on exactly one side (versionone.md §7.3)."""
    layouts, schema = store.layouts(source), tracker.world.schema
    found = []
    for name, layout in layouts.items():
        for each in schema.attributes(name).values():
            if not _has_two_ends(each, tracker) or each.reciprocal is None:
                continue
            owner, _, other = each.reciprocal.partition(".")
            ends = schema.concrete(owner)
            if not layouts.keys() >= set(ends):
                continue  # an allow-list leaves that side out
            there = {type_name for type_name in ends if layouts[type_name].type.field(other)}
            if bool(there) == (layout.type.field(each.name) is not None):
                found.append(f"{name}.{each.name} and {each.reciprocal}: {'both' if there else 'neither'} mirrored")
    return found


def _has_two_ends(attribute: Attribute, tracker: VersionOneSimulator) -> bool:
    """Return whether a relation can be written at both ends."""
    if not attribute.is_relation or not attribute.multi or attribute.reciprocal is None:
        return False
    other = tracker.world.schema.attribute(*attribute.reciprocal.split("."))
    return other is not None and other.multi


def _expected_attributes(type_name: str, tracker: VersionOneSimulator) -> Iterator[Attribute]:
    """Yield the attributes that are stored with the records of a type (versionone.md §5.2, §5.4, §7.3)."""
    attributes = tracker.world.schema.attributes(type_name)
    for name, each in attributes.items():
        is_fleeting = re.match(r"(Viewers|History|Days|Is|Now|Prior|CanUpdate|IsDeletable|IsReadOnly)$|MyLastChange", name)
        if is_fleeting or name in _HEADS | _WORKED_OUT or re.match("Check[A-Z]", name) or each.closure is not None:
            continue
        if each.kind in ("Password", "Blob") or f"{name}UTC" in attributes or each.forward is not None:
            continue
        yield each


def _type_differences(store: Store, layout: Layout, tracker: VersionOneSimulator) -> Iterator[str]:
    name = layout.type.name
    rows = {row["id"]: row for row in rows_of(store, layout)}
    truth = tracker.world.truth(name)
    for key in sorted(truth.keys() - rows.keys()):
        yield f"{name} {key}: missing here"
    for key in sorted(rows.keys() - truth.keys()):
        yield f"{name} {key}: gone on the tracker"
    members = links_of(store, layout)
    attributes = tracker.world.schema.attributes(name)
    for key in sorted(rows.keys() & truth.keys()):
        for column in layout.columns:
            attribute = attributes.get(column.field)
            if attribute is None:
                continue  # the field is gone on the tracker; its column stays
            here, there = rows[key][column.name], _expected(column, attribute, truth[key][column.field], tracker)
            if not _same(column, here, there):
                yield f"{name} {key}.{column.name}: here {here!r:.80}, there {there!r:.80}"
            if column.kind is Kind.DATE and isinstance(truth[key][column.field], datetime):
                yield from _time_kept(rows[key], column, truth[key][column.field], attribute, tracker)
        for link in layout.links:
            attribute = attributes.get(link.field)
            if attribute is None:
                continue
            there_rows = _expected_links(attribute, truth[key][link.field], tracker)
            if (here_rows := members.get((link.field, key), [])) != there_rows:
                yield f"{name} {key}.{link.field}: here {here_rows}, there {there_rows}"


def rows_of(store: Store, layout: Layout) -> list[Mapping[str, Any]]:
    """Return all rows of one type of one source as mappings."""
    with store.read(f"SELECT * FROM {layout.table} WHERE source = '{layout.source}'") as result:
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def links_of(store: Store, layout: Layout) -> dict[tuple[str, int], list[Any]]:
    """Return (id, name, type) of the targets, or the values, by (link field, owner id)."""
    found: dict[tuple[str, int], list[Any]] = {}
    for link in layout.links:
        wanted = "value" if link.kind is Kind.VALUES else "target_id, target_name, target_type"
        query = f"SELECT id, {wanted} FROM {link.name} WHERE source = '{layout.source}' ORDER BY id, position"
        with store.read(query) as result:
            for owner, *rest in result.rows:
                found.setdefault((link.field, owner), []).append(rest[0] if len(rest) == 1 else tuple(rest))
    return found


def _expected(column: Column, attribute: Attribute, value: Any, tracker: VersionOneSimulator) -> Any:
    if value is None or value == "":
        return None
    match column.part:
        case Part.ID:
            return value
        case Part.TYPE:
            return tracker.world.type_of(value)
        case Part.NAME:
            return _shown(attribute, value, tracker)
        case Part.VALUE:
            return _in_zone(value, attribute, tracker)


def _shown(attribute: Attribute, target: int, tracker: VersionOneSimulator) -> str | None:
    if attribute.display_by is None:  # a custom relation; its targets are shown as everywhere else
        shown_by = tracker.world.schema.get(tracker.world.type_of(target) or "")
        attribute = replace(attribute, display_by=f"{shown_by.name}.{shown_by.display_by}") if shown_by else attribute
    return tracker.world.name(target, attribute) or None


def _in_zone(value: Any, attribute: Attribute, tracker: VersionOneSimulator) -> Any:
    """Return an instant that is not marked as UTC as the user's zone shows it (versionone.md §9 D)."""
    if not isinstance(value, datetime) or attribute.utc:
        return value
    zone = timezone(timedelta(minutes=tracker.switches.user_zone_offset_minutes))
    return value.astimezone(zone).replace(tzinfo=None)


def _same(column: Column, here: Any, there: Any) -> bool:
    if here is None or there is None:
        return here is there
    match column.kind:
        case Kind.NUMERIC:
            # SQLite keeps decimals as floating point.
            return bool(here == Decimal(str(there)) if isinstance(here, Decimal) else float(here) == float(there))
        case Kind.BOOLEAN:
            return bool(here) == there
        case Kind.INTEGER:
            return int(here) == int(there)
        case Kind.TIMESTAMP:
            moment = datetime.fromisoformat(here) if isinstance(here, str) else here
            return bool(moment.astimezone(UTC) == there)
        case Kind.DATE:
            return str(here) == (there.date() if isinstance(there, datetime) else there).isoformat()
        case _:
            return bool(here == str(there))


def _time_kept(
    row: Mapping[str, Any], column: Column, value: datetime, attribute: Attribute, tracker: VersionOneSimulator
) -> Iterator[str]:
    """Yield a sentence when the time of day of an instant whose zone nobody tells is lost."""
    shown = _in_zone(value, attribute, tracker).replace(tzinfo=None).isoformat(timespec="milliseconds")
    extra = row["_extra"] or {}
    kept = (json.loads(extra) if isinstance(extra, str) else extra).get(column.field)
    if kept != shown and not (kept is None and shown.endswith("T00:00:00.000")):
        yield f"{row['id']}.{column.field}: the time kept is {kept}, there {shown}"


def _expected_links(attribute: Attribute, value: Any, tracker: VersionOneSimulator) -> list[Any]:
    if not attribute.is_relation:
        return [str(each) for each in value or []]
    return [(each, _shown(attribute, each, tracker), tracker.world.type_of(each)) for each in sorted(value or [])]
