"""What happens on a tracker is told to those who watch, whatever the tracker; what was pushed from here is no news."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror.model.happening import Entry, Happening, Interest
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.simulators.clock import ManualClock
from mirror.store.store import Store
from tests.support.dying import Death, mortal
from tests.support.pushing import Desk, outcomes
from tests.support.stage import Stage


class Ear:
    """Somebody who watches the busy type."""

    def __init__(self, stage: Stage, store: Store, **how: Any) -> None:
        self.stage, self.store = stage, store
        place = ("acme", stage.busy)
        interest = Interest(*place, frozenset(Happening), **how)
        layouts = {place: store.layouts("acme")[stage.busy]}
        store.watchers.register(f"{how}", [interest], layouts, now=datetime.now(UTC))
        self.name = f"{how}"

    def entries(self) -> list[Entry]:
        """Sync, and return what is told."""
        assert self.stage.sync(self.store, allow_mass_delete=True).exit_code == 0
        found = self.store.watchers.waiting(self.name, limit=1000)
        self.store.watchers.told([each.id for each in found])
        return found

    def hear(self) -> set[tuple[str, int]]:
        """Sync, and return what happened to which record."""
        return {(each.happening.value, each.record_id) for each in self.entries()}


@pytest.fixture
def ear(stage: Stage, loaded: Store) -> Ear:
    return Ear(stage, loaded)


def test_what_people_do_is_told_and_nothing_else(ear: Ear, stage: Stage, clock: ManualClock) -> None:
    one, two = stage.ids(stage.busy)[:2]
    assert ear.hear() == set()
    stage.edit(one, "edited there")
    stage.delete(two)
    three = stage.create("made there")
    assert ear.hear() == {("changed", one), ("deleted", two), ("created", three)}
    clock.advance(60)
    assert ear.hear() == set()
    stage.restore(two)
    stage.edit(one, "edited again")
    told = {(each.happening.value, each.record_id): each for each in ear.entries()}
    assert ("created", two) in told
    assert list(told["changed", one].changes[stage.text_field]) == ["edited there", "edited again"]


def test_pushes_from_here_are_no_news_but_for_those_who_ask(ear: Ear, stage: Stage, loaded: Store) -> None:
    own, desk = Ear(stage, loaded, own=True), Desk(stage, loaded)
    one, two, three = stage.ids(stage.busy)[:3]
    desk.write(one, "edited here")
    desk.set(two, **{stage.title_field: "renamed here"})
    stage.edit(two, "edited there")
    desk.delete(three)
    made = desk.create("made here")
    assert set(outcomes(desk.push())) == {"done"}
    assert {each for each in ear.hear() if each[1] in (one, two, three, desk.real_id(made))} == {("changed", two)}
    told = {each for each in own.hear() if each[1] in (one, two, three, desk.real_id(made))}
    assert told == {("changed", one), ("changed", two), ("deleted", three), ("created", desk.real_id(made))}


Rows = dict[int, dict[str, Any]]


def rows(stage: Stage, store: Store) -> Rows:
    """Return id -> field -> value of the busy type; of a reference what it leads to, without the name shown for it."""
    layout = store.layouts("acme")[stage.busy]
    with store.read(f"SELECT * FROM {layout.table} WHERE id > 0") as found:
        table = [dict(zip(found.columns, each, strict=True)) for each in found.rows]
    columns = [each for each in layout.columns if each.part is not Part.NAME]
    return {
        row["id"]: {f"{each.field}.{each.part}": row[each.name] for each in columns if row[each.name] not in (None, "")}
        for row in table
    }


def apply(entries: list[Entry], layout: Layout, before: Rows, after: Rows) -> Rows:
    """Return what somebody knows who had the rows before, and was told this; what is new he looks up."""
    known = {key: dict(row) for key, row in before.items()}
    for each in entries:
        if each.happening is Happening.CHANGED:
            known.setdefault(each.record_id, {}).update(_cells(layout, each))
        else:
            known.pop(each.record_id, None)
        if each.happening is Happening.CREATED and each.record_id in after:
            known[each.record_id] = dict(after[each.record_id])
    return {key: {name: value for name, value in row.items() if value not in (None, "")} for key, row in known.items()}


def _cells(layout: Layout, entry: Entry) -> dict[str, Any]:
    """Return the values after a change, as `rows` has them; of many-valued fields there are none."""
    cells: dict[str, Any] = {}
    for column in layout.columns:
        _was, now = entry.changes.get(column.field, (None, None))
        if column.field in entry.changes and column.part is not Part.NAME:
            part = {Part.ID: 1, Part.TYPE: 0}.get(column.part)
            cells[f"{column.field}.{column.part}"] = now if part is None else now[part] if now else None
    return cells


@pytest.mark.parametrize("seed", [1, *(pytest.param(each, marks=pytest.mark.slow) for each in range(2, 8))])
def test_who_was_told_everything_knows_all_though_syncs_died(stage: Stage, loaded: Store, seed: int) -> None:
    ear, walk, deaths = Ear(stage, loaded, own=True), stage.walk(seed), Counter[str]()
    before = rows(stage, loaded)
    walk.steps(30)
    with mortal(loaded, stage.connector(), Death("after commit", 8 + 2 * seed, deaths)):
        stage.sync(loaded, allow_mass_delete=True)
    assert deaths
    entries = ear.entries()
    after = rows(stage, loaded)
    known = apply(entries, loaded.layouts("acme")[stage.busy], before, after)
    wrong = {key for key in known.keys() | after.keys() if known.get(key) != after.get(key)}
    assert {key: (known.get(key), after.get(key)) for key in wrong} == {}
    assert entries
