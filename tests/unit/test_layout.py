"""Names of tables and columns: legal, unique, and the same whatever the order of fields."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.model.layout import (
    BOOKKEEPING,
    MAX_IDENTIFIER_BYTES,
    Column,
    Layout,
    LinkTable,
    Part,
    arrange,
    safe_identifier,
    snake_case,
    table_name,
)
from mirror.model.schema import Field, Kind, RecordType, Tracking

NAMES = st.text(min_size=1, max_size=90)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("FormattedID", "formatted_id"),
        ("c_KanbanState", "c_kanban_state"),
        ("ObjectUUID", "object_uuid"),
        ("PortfolioItem/Feature", "portfolio_item_feature"),
        ("HierarchicalRequirement", "hierarchical_requirement"),
        ("CF.{Target Date}", "cf_target_date"),
        ("RROEValue", "rroe_value"),
        ("already_snake", "already_snake"),
        ("Größe", "gr_e"),
        ("日本", ""),
    ],
)
def test_snake_case_follows_the_words(name: str, expected: str) -> None:
    assert snake_case(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Order", "order_"), ("id", "id_"), ("Source", "source_"), ("_x", "x"), ("2nd", "f_2nd"), ("User", "user_")],
)
def test_names_that_sql_or_mirror_reserve_are_changed(name: str, expected: str) -> None:
    assert safe_identifier(name) == expected


@given(NAMES)
def test_every_identifier_is_legal_without_quotes(name: str) -> None:
    identifier = safe_identifier(name)
    assert identifier.isascii()
    assert identifier.isidentifier()
    assert identifier == identifier.lower()
    assert len(identifier) <= MAX_IDENTIFIER_BYTES
    assert identifier not in BOOKKEEPING


@given(st.lists(NAMES, min_size=1, max_size=12, unique=True), st.sampled_from(list(Kind)), st.integers())
def test_the_order_of_fields_does_not_matter_and_no_name_is_given_twice(names: list[str], kind: Kind, seed: int) -> None:
    fields = [Field(each, kind, polymorphic=True) for each in names]
    shuffled = random.Random(seed).sample(fields, len(fields))
    one, two = (_arranged(each) for each in (fields, shuffled))
    assert (one.columns, one.links) == (two.columns, two.links)
    given_names = [each.name for each in (*one.columns, *one.links)]
    assert len(given_names) == len(set(given_names))


@given(st.lists(NAMES, min_size=2, max_size=12, unique=True))
def test_a_field_keeps_its_columns_when_others_come_and_go(names: list[str]) -> None:
    first = _arranged([Field(names[0], Kind.TEXT)])
    later = _arranged([Field(each, Kind.TEXT) for each in names], taken=first.columns)
    assert first.columns[0] in later.columns


def test_names_that_differ_in_case_only_get_different_columns() -> None:
    layout = _arranged([Field("c_Team", Kind.TEXT, custom=True), Field("c_team", Kind.TEXT, custom=True)])
    assert layout.columns[0].name == "c_team"
    assert layout.columns[1].name.startswith("c_team_")


def test_a_retyped_field_gets_a_new_column_and_finds_the_old_one_again() -> None:
    number = _arranged([Field("c_Size", Kind.INTEGER)])
    text = _arranged([Field("c_Size", Kind.TEXT)], taken=number.columns)
    assert text.columns[0].name != number.columns[0].name
    back = _arranged([Field("c_Size", Kind.INTEGER)], taken=(*number.columns, *text.columns))
    assert back.columns == number.columns


def test_a_reference_has_an_id_a_name_and_when_polymorphic_a_type() -> None:
    layout = _arranged([Field("Owner", Kind.REFERENCE), Field("WorkProduct", Kind.REFERENCE, polymorphic=True)])
    assert layout.columns == (
        Column("owner_id", Kind.INTEGER, "Owner", Part.ID),
        Column("owner_name", Kind.TEXT, "Owner", Part.NAME),
        Column("work_product_id", Kind.INTEGER, "WorkProduct", Part.ID),
        Column("work_product_name", Kind.TEXT, "WorkProduct", Part.NAME),
        Column("work_product_type", Kind.TEXT, "WorkProduct", Part.TYPE),
    )


def test_long_names_stay_apart() -> None:
    names = [f"c_{'Very' * 30}Long{number}" for number in range(3)]
    layout = _arranged([Field(each, Kind.TEXT) for each in names])
    assert len({each.name for each in layout.columns}) == 3
    assert len(table_name("rally", names[0])) <= MAX_IDENTIFIER_BYTES


def _arranged(fields: Sequence[Field], taken: Sequence[Column | LinkTable] = ()) -> Layout:
    record_type = RecordType("Thing", tuple(fields), Tracking.SWEEP)
    return arrange("acme", "rally", record_type, table="rally_thing", taken=taken)
