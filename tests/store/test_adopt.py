"""Catalogs become tables: names, growth, and what stays when fields or types go."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from mirror.model.layout import BOOKKEEPING, Layout
from mirror.model.page import KeyRange
from mirror.model.part import Part
from mirror.model.schema import Catalog, Field, Kind, RecordType, Tracking
from mirror.model.work_item import Category, Rule, WorkItem
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, defects, page, row, stored, value

AWKWARD = (
    *("Name", "name", "NAME", "FormattedID", "formatted_id", "id", "ID", "Id", "source", "Source", "_x", "x", "X_"),
    *("_revision", "_extra", "synced_at", "_SyncedAt", "order", "Order", "Group", "select", "user", "Table", "position"),
    *(
        "oid",
        "rowid",
        "ctid",
        "tableoid",
        "xmin",
        "target_id",
        "1st",
        "42",
        "日本",
        "日本語",
        "ß",
        "a b",
        "a-b",
        "a.b",
        "A/B",
    ),
    *("c_" + "Very" * 20, "c_" + "Very" * 20 + "1", "c_" + "Very" * 20 + "2"),
    *("quote'", 'quote"', "percent%", "semi;colon", "new\nline"),
)
AWKWARD_TYPE = RecordType(
    "Odd",
    (
        *(Field(name, Kind.TEXT) for name in AWKWARD),
        Field("Owner", Kind.REFERENCE),
        Field("owner_id", Kind.INTEGER),
        Field("OwnerName", Kind.TEXT),
        Field("Order By", Kind.LINKS),
        Field("order_by", Kind.LINKS),
        Field("Links" * 20, Kind.VALUES),
        Field("Links" * 20 + "2", Kind.VALUES),
    ),
    Tracking.SWEEP,
)


def names(layout: Layout) -> dict[str, str]:
    """Return field and part -> column or link table."""
    columns = {f"{each.field}/{each.part}": each.name for each in layout.columns}
    return columns | {each.field: each.name for each in layout.links}


def test_layouts_are_rebuilt_as_they_were_adopted(store: Store) -> None:
    adopted = adopt(store, DEFECT, USER, TAG, AWKWARD_TYPE)
    assert store.layouts("acme") == adopted
    assert store.layouts("other") == {}


def filled(noun: type, **values: object) -> dict[str, object]:
    """Return `values` and, for every other attribute of `noun`, one that is not its default."""
    samples = {"str": "Some é", "bool": True, "tuple[str, ...]": ("a", "é"), "int | None": 256, "str | None": "Owner"}
    return {each.name: samples.get(str(each.type)) for each in dataclasses.fields(noun)} | values


def test_every_attribute_of_types_and_fields_survives(store: Store) -> None:
    field = Field(**filled(Field, name="Owner", kind=Kind.REFERENCE))  # type: ignore[arg-type]
    rules = (Rule("IsClosed", Category.DONE, (True, 1, "é"), Part.NAME), Rule("IsDead", None))
    known = {"fields": (field,), "tracking": Tracking.APPEND, "work_item": WorkItem(("Name", "Subject"), rules=rules)}
    full = RecordType(**filled(RecordType, name="Story", **known))  # type: ignore[arg-type]
    for each in (field, full):
        assert all(getattr(each, name.name) not in (None, "", (), False) for name in dataclasses.fields(each))
    adopt(store, full)
    assert store.layouts("acme")["Story"].type == full


def test_awkward_names_get_legal_distinct_columns_that_hold_values(store: Store) -> None:
    layout = adopt(store, AWKWARD_TYPE)["Odd"]
    columns = [each.name for each in layout.columns]
    assert len(set(columns) | set(BOOKKEEPING)) == len(columns) + len(BOOKKEEPING)
    assert all(
        len(name.encode()) <= 63 and name == name.lower() for name in (*columns, *(link.name for link in layout.links))
    )
    texts = {each.name: f"value of {each.field}" for each in layout.columns if each.kind is Kind.TEXT}
    links = {each.field: [(7, 0, "v") if each.kind is Kind.VALUES else (7, 0, 1, "t", None)] for each in layout.links}
    store.apply(page(layout, row(layout, 7, **texts), links=links), now=NOW)
    for name, text in texts.items():
        assert value(store, name, 7, layout.table) == text
    for link in layout.links:
        assert stored(store, f"SELECT count(*) FROM {link.name}") == [(1,)]


def test_the_order_of_fields_and_types_changes_no_name(tmp_path: Path) -> None:
    backwards = replace(AWKWARD_TYPE, fields=AWKWARD_TYPE.fields[::-1])
    found = []
    for number, types in enumerate(((AWKWARD_TYPE, DEFECT), (DEFECT, backwards))):
        with Store.open(f"sqlite:///{tmp_path}/{number}.db") as store:
            found.append({name: names(each) for name, each in adopt(store, *types).items()})
    assert found[0] == found[1]


def test_types_that_differ_in_punctuation_only_get_tables_of_their_own(store: Store) -> None:
    alike = [RecordType(name, (Field("Name", Kind.TEXT),), Tracking.SWEEP) for name in ("A/B", "AB", "A B", "a_b", "A-B")]
    tables = []
    for number, order in enumerate(list(permutations(alike))[::40]):
        layouts = store.adopt(f"s{number}", f"t{number}", Catalog.of("1", order), now=NOW).layouts
        tables.append({name: each.table.removeprefix(f"t{number}_") for name, each in layouts.items()})
        assert len({each.table for each in layouts.values()}) == len(alike)
    assert all(each == tables[0] for each in tables)


def test_a_new_field_gets_a_column_and_its_type_counts_as_grown(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, name="kept")), now=NOW)
    more = replace(DEFECT, fields=(*DEFECT.fields, Field("c_Team", Kind.TEXT, custom=True)))
    adoption = store.adopt("acme", "rally", Catalog.of("2", [more, USER, TAG]), now=NOW)
    assert adoption.grown == {"Defect"}
    assert value(store, "name", 1) == "kept"
    grown = adoption.layouts["Defect"]
    store.apply(page(grown, row(grown, 1, "2", name="kept", c_team="Reds")), now=NOW)
    assert value(store, "c_team", 1) == "Reds"


def test_growth_is_remembered_until_the_type_was_loaded_again(store: Store) -> None:
    defects(store)
    more = replace(USER, fields=(*USER.fields, Field("Mail", Kind.TEXT)))
    assert store.adopt("acme", "rally", Catalog.of("2", [DEFECT, more, TAG]), now=NOW).grown == {"User"}
    assert store.grown_types("acme") == {"User"}
    assert store.adopt("acme", "rally", Catalog.of("3", [DEFECT, more, TAG]), now=NOW).grown == {"User"}
    store.finish_load("acme", "User", None)
    assert store.grown_types("acme") == frozenset()


@pytest.mark.parametrize(
    "change",
    [{"read_only": True}, {"display_name": "x"}, {"allowed_values": ("a",)}, {"targets": ("Tag",)}, {"required": True}],
)
def test_other_changes_of_a_field_are_stored_and_do_not_grow_the_type(store: Store, change: dict[str, object]) -> None:
    before = defects(store)
    fields = tuple(replace(each, **change) if each.name == "Owner" else each for each in DEFECT.fields)  # type: ignore[arg-type]
    adoption = store.adopt("acme", "rally", Catalog.of("2", [replace(DEFECT, fields=fields)]), now=NOW)
    assert adoption.grown == frozenset()
    assert names(adoption.layouts["Defect"]) == names(before)
    assert store.layouts("acme") == adoption.layouts


def test_a_vanished_field_keeps_its_values_and_its_column_when_it_returns(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, estimate=3), row(layout, 2, estimate=5)), now=NOW)
    fewer = replace(DEFECT, fields=tuple(each for each in DEFECT.fields if each.name != "Estimate"))
    without = adopt(store, fewer, digest="2")["Defect"]
    assert "estimate" not in names(without).values()
    store.apply(page(without, row(without, 1, "2", name="touched")), now=NOW)
    assert stored(store, "SELECT id, name, estimate FROM rally_defect ORDER BY id") == [(1, "touched", 3), (2, None, 5)]
    again = store.adopt("acme", "rally", Catalog.of("3", [DEFECT]), now=NOW)
    assert again.layouts["Defect"] == layout
    assert again.grown == {"Defect"}
    assert stored(store, "SELECT count(*) FROM mirror_field WHERE vanished_at IS NOT NULL") == [(0,)]


def test_a_retyped_field_gets_a_new_column_and_the_old_values_stay(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, rank=7)), now=NOW)
    retyped = tuple(Field("Rank", Kind.TEXT) if each.name == "Rank" else each for each in DEFECT.fields)
    adoption = store.adopt("acme", "rally", Catalog.of("2", [replace(DEFECT, fields=retyped)]), now=NOW)
    column = names(adoption.layouts["Defect"])["Rank/value"]
    assert column != "rank"
    assert adoption.grown == {"Defect"}
    new = adoption.layouts["Defect"]
    store.apply(page(new, row(new, 1, "2", **{column: "high"})), now=NOW)
    assert stored(store, f"SELECT rank, {column} FROM rally_defect") == [(7, "high")]
    back = store.adopt("acme", "rally", Catalog.of("3", [DEFECT]), now=NOW)
    assert names(back.layouts["Defect"])["Rank/value"] == "rank"
    assert store.layouts("acme") == back.layouts


def test_a_reference_that_becomes_polymorphic_gets_one_more_column(store: Store) -> None:
    defects(store)
    wider = tuple(replace(each, polymorphic=True) if each.name == "Owner" else each for each in DEFECT.fields)
    adoption = store.adopt("acme", "rally", Catalog.of("2", [replace(DEFECT, fields=wider)]), now=NOW)
    assert names(adoption.layouts["Defect"])["Owner/type"] == "owner_type"
    assert adoption.grown == {"Defect"}


def test_a_vanished_type_is_marked_and_keeps_its_rows(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1)), now=NOW)
    adopt(store, USER, digest="2")
    assert list(store.layouts("acme")) == ["User"]
    assert [(each.type_name, each.state, each.rows) for each in store.status("acme")] == [
        ("Defect", "vanished", 1), ("Tag", "vanished", 0), ("User", "offered", 0),
    ]  # fmt: skip
    assert defects(store) == layout
    assert store.count(layout, KeyRange()) == 1
    assert {each.state for each in store.status("acme")} == {"offered"}


def test_sources_of_one_tracker_share_tables_and_columns(store: Store) -> None:
    one = defects(store)
    own = replace(DEFECT, fields=(*DEFECT.fields, Field("c_Own", Kind.TEXT), Field("estimate", Kind.TEXT)))
    two = adopt(store, own, source="beta")["Defect"]
    assert two.table == one.table
    assert names(two).items() >= names(one).items()
    store.apply(page(one, row(one, 1, name="one")), now=NOW)
    store.apply(page(two, row(two, 1, name="two", c_own="x")), now=NOW)
    query = "SELECT source, name, c_own FROM rally_defect ORDER BY source"
    assert stored(store, query) == [("acme", "one", None), ("beta", "two", "x")]
    assert store.layouts("acme")["Defect"] == one
    assert adopt(store, own, source="gamma")["Defect"].columns == two.columns


def test_a_source_that_comes_later_takes_over_names_whatever_its_own_order(store: Store) -> None:
    first = RecordType("T", (Field("estimate", Kind.TEXT),), Tracking.SWEEP)
    both = RecordType("T", (Field("Estimate", Kind.TEXT), Field("estimate", Kind.TEXT)), Tracking.SWEEP)
    one = adopt(store, first, source="a")["T"]
    two = adopt(store, both, source="b")["T"]
    assert names(two)["estimate/value"] == names(one)["estimate/value"] == "estimate"
    assert names(two)["Estimate/value"] != "estimate"


def test_sources_of_different_trackers_share_nothing(store: Store) -> None:
    rally = defects(store)
    other = store.adopt("desk", "rt", Catalog.of("1", [DEFECT]), now=NOW).layouts["Defect"]
    assert (rally.table, other.table) == ("rally_defect", "rt_defect")


def test_the_digest_is_that_of_the_last_catalog(store: Store) -> None:
    assert store.digest("acme") is None
    adopt(store, USER, digest="one")
    adopt(store, USER, digest="two")
    assert store.digest("acme") == "two"


def test_a_type_of_many_hundred_fields_is_stored(store: Store) -> None:
    wide = RecordType("Wide", tuple(Field(f"Field{n}", Kind.TEXT) for n in range(700)), Tracking.SWEEP)
    layout = adopt(store, wide)["Wide"]
    rows = [row(layout, n, field0=str(n), field699="last") for n in range(1, 40)]
    assert store.apply(page(layout, *rows), now=NOW).tally.inserted == 39
    assert value(store, "field699", 7, "rally_wide") == "last"


def test_indexes_are_made_once_and_for_keys_changes_and_parents_only(store: Store, database_url: str) -> None:
    artifact = replace(DEFECT, name="Artifact")
    layout = adopt(store, DEFECT, USER, TAG, artifact)["Defect"]
    store.index(layout)
    store.index(layout)
    is_sqlite = database_url.startswith("sqlite")
    catalog = (
        "sql FROM sqlite_master WHERE" if is_sqlite else "indexdef FROM pg_indexes WHERE schemaname = current_schema() AND"
    )
    column = "tbl_name" if is_sqlite else "tablename"
    made = [str(each[0]) for each in stored(store, f"SELECT {catalog} {column} = 'rally_defect'")]
    indexed = sorted(each.rpartition("(")[2].rstrip(")") for each in made if "ix_rally_defect" in each)
    assert indexed == ["source, _changed_at", "source, formatted_id", "source, parent_id"]
