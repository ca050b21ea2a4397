"""The database and Python give the same answers to random queries about random records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mirror.model.cells import canonical
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.query.evaluate import Key, holds, in_order, reached, term_value, values
from mirror.query.expr import Aggregate, Query, Step, Term
from mirror.query.reach import is_many
from mirror.store.store import Store
from tests.store.samples import adopt
from tests.store.search_samples import NAMES, TYPES, Drawn, World, fill, queries, records, steps, terms

FEW, MANY = 30, 1000  # random worlds, each with three queries
QUERIES = st.lists(queries(2), min_size=3, max_size=3)
WANTED = terms("Story", 1) | terms("Task", 1)
AT_LEAST_FOUND = 0.1  # of the queries find some records and not others, else little is compared


class Worlds:
    """A store whose records are replaced by others, again and again, and what came of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.layouts = adopt(store, *TYPES)
        self.counts = Counter[bool]()

    def fill(self, rows: Drawn) -> World:
        """Return a world of these records, and of no others."""
        with self.store._database.write() as connection:
            for table in (name for each in self.layouts.values() for name in _tables(each)):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        return fill(self.store, self.layouts, rows)


def _tables(layout: Layout) -> list[str]:
    return [layout.table, *(each.name for each in layout.links)]


@pytest.fixture
def worlds(store: Store) -> Worlds:
    return Worlds(store)


def examples(count: int) -> settings:
    """Return settings for so many examples; they are not made smaller, which takes minutes and is seldom needed."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=count, deadline=None, suppress_health_check=checks, phases=phases)


def answers(world: World, asked: Sequence[Query]) -> list[Key]:
    """Return what Python finds."""
    found = [
        record
        for each in asked
        for record in world.cells
        if record[0] == each.type_name and holds(each.where, record, world)
    ]
    return in_order(asked, found, world)


def shown(world: World, record: Key, term: Term) -> object:
    """Return what Python reads."""
    if not isinstance(term, Aggregate) and is_many(record[0], term, world.layouts):
        return tuple(_plain(*each) for each in values(term, record, world))
    known = term_value(term, record, world)
    return None if known is None else _plain(*known)


def _plain(kind: Kind, value: Any) -> object:
    return canonical(Kind.NUMERIC, value) if isinstance(value, Decimal) else canonical(kind, value)


def _compare_answers(worlds: Worlds, rows: Drawn, several: Sequence[Sequence[Query]]) -> None:
    world = worlds.fill(rows)
    search = worlds.store.search(world.layouts)
    for asked in several:
        expected = answers(world, asked)
        assert search.ids(asked) == expected
        assert search.count(asked) == len(expected)
        worlds.counts[0 < len(expected) < sum(len(rows[each.type_name]) for each in asked)] += 1


def _compare_values(worlds: Worlds, rows: Drawn, asked: Sequence[Query], wanted: Sequence[Term]) -> None:
    world = worlds.fill(rows)
    expected = [(record, tuple(shown(world, record, each) for each in wanted)) for record in answers(world, asked)]
    found = worlds.store.search(world.layouts).rows(asked, dict.fromkeys(NAMES, wanted))
    assert [((row.type_name, row.id), row.values) for row in found] == expected


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_the_database_finds_what_python_finds(worlds: Worlds, count: int) -> None:
    run: Callable[[], None] = given(rows=records(), several=QUERIES)(
        examples(count)(lambda rows, several: _compare_answers(worlds, rows, several))
    )
    run()
    assert worlds.counts[True] > AT_LEAST_FOUND * worlds.counts.total()


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_the_database_reads_what_python_reads(worlds: Worlds, count: int) -> None:
    run: Callable[[], None] = given(rows=records(), asked=queries(2), wanted=st.lists(WANTED, min_size=1, max_size=3))(
        examples(count)(lambda rows, asked, wanted: _compare_values(worlds, rows, asked, wanted))
    )
    run()


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_the_database_reaches_what_python_reaches(worlds: Worlds, count: int) -> None:
    @given(rows=records(), name=st.just("Story"), step=steps("Story", 1))
    @examples(count)
    def run(rows: Drawn, name: str, step: Step) -> None:
        world = worlds.fill(rows)
        if not step.backward and (not step.targets and step.where is None):
            step = Step(step.field, NAMES)
        own = sorted(record_id for type_name, record_id in world.cells if type_name == name)
        found = worlds.store.search(world.layouts).reached(name, own, step)
        expected = [(each, *target) for each in own for target in reached([step], (name, each), world)]
        assert [(each.id, each.type_name, each.target_id) for each in found] == expected

    run()
