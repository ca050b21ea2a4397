"""Catalogs, rows and pages for tests of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mirror.model.layout import Layout
from mirror.model.page import BadRecord, LinkRow, Page, Row
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking
from mirror.store.store import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)

DEFECT = RecordType(
    "Defect",
    (
        Field("Name", Kind.TEXT),
        Field("FormattedID", Kind.TEXT),
        Field("Owner", Kind.REFERENCE, targets=("User",)),
        Field("Parent", Kind.REFERENCE, targets=("Artifact",), polymorphic=True),
        Field("Estimate", Kind.NUMERIC),
        Field("Rank", Kind.INTEGER),
        Field("Blocked", Kind.BOOLEAN),
        Field("Opened", Kind.TIMESTAMP),
        Field("Due", Kind.DATE),
        Field("Shape", Kind.JSON),
        Field("Tags", Kind.LINKS, targets=("Tag",)),
        Field("Related", Kind.LINKS),
        Field("Words", Kind.VALUES),
    ),
    Tracking.STAMP,
    name_field="Name",
    key_field="FormattedID",
    stamp_field="LastUpdateDate",
)
USER = RecordType("User", (Field("UserName", Kind.TEXT),), Tracking.SWEEP, name_field="UserName")
TAG = RecordType("Tag", (Field("Name", Kind.TEXT),), Tracking.STAMP, name_field="Name")


def stamp(minutes: int) -> str:
    """Return the text of an instant, `minutes` after a fixed one."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def adopt(store: Store, *types: RecordType, source: str = "acme", digest: str = "1") -> dict[str, Layout]:
    """Adopt a catalog of these types and return their layouts."""
    return dict(store.adopt(source, "rally", Catalog.of(digest, types), now=NOW).layouts)


def defects(store: Store, source: str = "acme") -> Layout:
    """Adopt the usual types and return the layout of Defect."""
    return adopt(store, DEFECT, USER, TAG, source=source)["Defect"]


def row(
    layout: Layout, record_id: Any, revision: str = "1", /, *, at: Any = None, extra_json: Any = None, **values: Any
) -> Row:
    """Return a row; `values` by column name, all others null."""
    columns = [each.name for each in layout.columns]
    unknown = values.keys() - set(columns)
    assert not unknown, f"{unknown} are not among {columns}"
    changed_at = stamp(0) if at is None else at
    return (layout.source, record_id, revision, changed_at, extra_json, *(values.get(name) for name in columns))


def page(
    layout: Layout,
    *rows: Row,
    links: Mapping[str, Sequence[LinkRow]] | None = None,
    bad: Sequence[BadRecord] = (),
) -> Page:
    """Return a page of `rows`."""
    return Page(layout, list(rows), None, len(rows) + len(bad), NOW, links=links or {}, bad=bad)


def stored(store: Store, query: str) -> list[tuple[Any, ...]]:
    """Return the answer to `query` as people get it."""
    with store.read(query) as result:
        return list(result.rows)


def value(store: Store, column: str, record_id: int, table: str = "rally_defect") -> Any:
    """Return one stored value."""
    return stored(store, f"SELECT {column} FROM {table} WHERE id = {record_id}")[0][0]
