"""Whatever values a client of the database writes, the change says exactly what the row held and holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirror.model.cells import canonical
from mirror.model.layout import Layout
from mirror.store.store import Store
from tests.store.foreign import captured, client, is_sqlite
from tests.store.samples import NOW, defects, page, row

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63) + 1, 2**63 - 1)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5), st.lists, max_leaves=5)
CELLS = {
    "name": TEXTS,
    "estimate": NUMBERS,
    "rank": st.integers(-(2**63) + 1, 2**63 - 1),
    "blocked": st.booleans(),
    "opened": st.datetimes().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000).isoformat() + "Z"),
    "due": st.dates().map(str),
    "shape": JSON.map(lambda value: json.dumps(value).replace("\\ud", "\\u0")),
}
ROWS = st.fixed_dictionaries({name: st.none() | cells for name, cells in CELLS.items()})


@pytest.fixture
def layout(store: Store) -> Layout:
    """One defect."""
    found = defects(store)
    store.apply(page(found, row(found, 1)), now=NOW)
    return found


@pytest.mark.parametrize("count", [20, pytest.param(300, marks=pytest.mark.slow)])
def test_any_values_come_through(layout: Layout, database_url: str, count: int) -> None:
    @settings(max_examples=count, deadline=None)
    @given(first=ROWS, second=ROWS)
    def come_through(first: dict[str, Any], second: dict[str, Any]) -> None:
        _write_and_compare(layout, database_url, first, second)

    come_through()


def _write_and_compare(layout: Layout, database_url: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    kinds = {each.name: each.kind for each in layout.columns}
    seen = len(captured(database_url))
    rows = [_row(database_url)]
    with client(database_url) as connection:
        for values in (first, second):
            _update(connection, values, database_url)
            connection.commit()
            rows.append(_row(database_url))
    changed = [(before, after) for before, after in pairwise(rows) if before != after]
    changes = captured(database_url)[seen:]
    assert len(changes) == len(changed)
    for change, (before, after) in zip(changes, changed, strict=True):
        for cells, there in ((change.base, before), (change.value or {}, after)):
            forms = {name: canonical(kinds[name], cell) for name, cell in cells.items()}
            assert forms == {name: canonical(kinds[name], there[name]) for name in cells}
        same = [name for name in CELLS if name not in change.base]
        assert [before[name] for name in same] == [after[name] for name in same]


def _update(connection: Any, values: Mapping[str, Any], url: str) -> None:
    mark = "?" if is_sqlite(url) else "%s"
    assignments = ", ".join(f"{name} = {mark}" for name in values)
    connection.execute(f"UPDATE rally_defect SET {assignments} WHERE id = 1", list(values.values()))


def _row(url: str) -> dict[str, Any]:
    """Return the row as it is stored; on Postgres as text where psycopg would take the digits or the JSON apart."""
    shown = {name: name if is_sqlite(url) or name not in ("estimate", "shape") else f"{name}::text" for name in CELLS}
    with client(url) as connection:
        found = connection.execute(f"SELECT {', '.join(shown.values())} FROM rally_defect").fetchone()
    return dict(zip(CELLS, found, strict=True))
