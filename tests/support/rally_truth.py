"""Compares every table of a mirror with what the simulated tracker holds, field by field.

The expectation is worked out from the tracker's own documents, not by the connector's code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mirror.model.layout import Column, Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store


def differences(store: Store, source: str, tracker: RallySimulator) -> list[str]:
    """Return a sentence for each difference between the mirror and the tracker; empty when they are equal."""
    found: list[str] = []
    layouts = store.layouts(source)
    with tracker.world.lock:
        offered = set(tracker.world.types())
        found += [f"{name}: not mirrored" for name in sorted(offered - set(layouts) - NOT_LISTED)]
        for name, layout in layouts.items():
            if name in offered:
                found += _type_differences(store, layout, tracker)
    return found


NOT_LISTED = frozenset({"Subscription"})


def _type_differences(store: Store, layout: Layout, tracker: RallySimulator) -> Iterator[str]:
    rows = {row["id"]: row for row in rows_of(store, layout)}
    truth = tracker.world.truth(layout.type.name)
    for key in sorted(truth.keys() - rows.keys()):
        yield f"{layout.type.name} {key}: missing here"
    for key in sorted(rows.keys() - truth.keys()):
        yield f"{layout.type.name} {key}: gone on the tracker"
    members = links_of(store, layout)
    # A collection is read in the scope of our workspace (rally.md §0 fact 8); some users are in teams of another one.
    elsewhere = set(tracker.world.ids("Project", workspace=tracker.world.landmarks.other_workspace))
    for key in sorted(rows.keys() & truth.keys()):
        for column in layout.columns:
            here, there = rows[key][column.name], _expected(column, truth[key])
            if not _same(column, here, there) and not _kept_in_extra(rows[key], column, truth[key]):
                yield f"{layout.type.name} {key}.{column.name}: here {here!r:.80}, there {there!r:.80}"
        for link in layout.links:
            here_ids = sorted(members.get((link.field, key), ()))
            there_ids = [each for each in tracker.world.members(key, link.field) if each not in elsewhere]
            if here_ids != there_ids:
                yield f"{layout.type.name} {key}.{link.field}: here {here_ids}, there {there_ids}"


def rows_of(store: Store, layout: Layout) -> list[Mapping[str, Any]]:
    """Return all rows of one type of one source as mappings."""
    with store.read(f"SELECT * FROM {layout.table} WHERE source = '{layout.source}'") as result:
        return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def links_of(store: Store, layout: Layout) -> dict[tuple[str, int], list[int]]:
    """Return target ids by (link field, owner id)."""
    found: dict[tuple[str, int], list[int]] = {}
    for link in layout.links:
        with store.read(f"SELECT id, target_id FROM {link.name} WHERE source = '{layout.source}'") as result:
            for owner, target in result.rows:
                found.setdefault((link.field, owner), []).append(target)
    return found


def _expected(column: Column, document: Mapping[str, Any]) -> Any:
    value = document.get(column.field)
    if value is None or column.part is Part.VALUE:
        return value
    if column.part is Part.ID:
        return int(value["_ref"].rsplit("/", 1)[1])
    return value.get("_refObjectName" if column.part is Part.NAME else "_type")


def _same(column: Column, here: Any, there: Any) -> bool:
    if here is None or there is None:
        return here is there or (column.kind is Kind.JSON and here is None and there == {})
    match column.kind:
        case Kind.NUMERIC:
            return float(here) == float(there)
        case Kind.BOOLEAN:
            return bool(here) == there
        case Kind.JSON:
            return bool((json.loads(here) if isinstance(here, str) else here) == there)
        case Kind.TIMESTAMP if not isinstance(here, str):
            return bool(here.isoformat(timespec="milliseconds").replace("+00:00", "Z") == there)
        case _:
            return bool(here == there)


def _kept_in_extra(row: Mapping[str, Any], column: Column, document: Mapping[str, Any]) -> bool:
    extra = row["_extra"]
    if not extra:
        return False
    kept = json.loads(extra) if isinstance(extra, str) else extra
    return column.field in kept and kept[column.field] == document.get(column.field)
