"""Queries find what they should in a real database, by its indexes, and show the SQL that they are."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.query.expr import (
    OWN_ID,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Expr,
    Function,
    Missing,
    Not,
    Op,
    Order,
    Path,
    Query,
    Scalar,
    Some,
    Step,
)
from mirror.store.search import Searching
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, page, row, stored
from tests.support.databases import PostgresServer

OWNER, TAGS, PARENT = Step("Owner"), Step("Tags"), Step("Parent")
CHILDREN = Step("Parent", ("Defect",), backward=True)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all tests here, which only read."""
    if request.param == "sqlite":
        with Store.open(f"sqlite:///{tmp_path_factory.mktemp('search') / 'mirror.db'}") as opened:
            yield opened
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.fresh_url() as url, Store.open(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def layouts(store: Store) -> dict[str, Layout]:
    """Defects, users and tags, and what is stored of them."""
    found = adopt(store, DEFECT, USER, TAG)
    defect, user, tag = found["Defect"], found["User"], found["Tag"]
    store.apply(page(user, row(user, 7, user_name="Ann"), row(user, 8, user_name="ÉMILE"), row(user, 9)), now=NOW)
    store.apply(page(tag, row(tag, 1, name="red"), row(tag, 2, name="Blue")), now=NOW)
    rows = [
        row(defect, 1, formatted_id="DE1", name="first", owner_id=7, owner_name="Ann", estimate=0.1, rank=3, blocked=True),
        row(defect, 2, formatted_id="DE10", name="First", owner_id=8, estimate=0.2, parent_id=1, parent_type="Defect"),
        row(defect, 3, formatted_id="DE9", name="100%", estimate=2.5, rank=1, parent_id=1, parent_type="Defect"),
        row(defect, -4, formatted_id=None, name="", rank=2, blocked=False, parent_id=1, parent_type="Story"),
    ]
    links = {
        "Tags": [(1, 0, 2, "Blue", None), (1, 1, 1, "red", "Tag"), (3, 0, 1, "red", None)],
        "Words": [(1, 0, "b"), (1, 1, "a")],
    }
    store.apply(page(defect, *rows, links=links), now=NOW)
    for each in found.values():
        store.index(each)
    return found


@pytest.fixture(scope="module")
def search(store: Store, layouts: dict[str, Layout]) -> Searching:
    return store.search(layouts)


def found(search: Searching, where: Expr, *order: Order) -> list[int]:
    return [each for _type, each in search.ids([Query("Defect", where, order)])]


def is_(field: str | Path, value: Scalar | Path, op: Op = Op.EQ, *, folds: bool = False) -> Compare:
    return Compare(Path(field) if isinstance(field, str) else field, op, value, folds)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (All(), [-4, 1, 2, 3]),
        (AnyOf(), []),
        (is_("Name", "first"), [1]),
        (is_("Name", "first", folds=True), [1, 2]),
        (is_("Name", "first", Op.NE), [-4, 2, 3]),
        (is_("Name", "%", Op.CONTAINS), [3]),
        (is_("Name", "_irst", Op.LIKE), [1, 2]),
        (is_("Name", "100", Op.STARTS), [3]),
        (is_("Name", "IRST", Op.ENDS, folds=True), [1, 2]),
        (is_("Estimate", Decimal("0.1")), [1]),
        (is_("Estimate", Decimal("0.10000000000000000001"), Op.LT), [1]),
        (is_("Estimate", 2, Op.GT), [3]),
        (is_("Rank", Decimal("1.5"), Op.GT), [-4, 1]),
        (is_("Blocked", True), [1]),
        (Not(is_("Blocked", True)), [-4, 2, 3]),
        (Missing(Path("FormattedID")), [-4]),
        (Missing(Path("Name")), [-4]),
        (Missing(Path("Tags")), [-4, 2]),
        (is_(Path("UserName", (OWNER,)), "émile", folds=True), [2]),
        (is_(Path("Owner", part=Part.NAME), "Ann"), [1]),
        (Missing(Path("UserName", (OWNER,))), [-4, 3]),
        (is_(Path("Name", (TAGS,)), "red"), [1, 3]),
        (Not(is_(Path("Name", (TAGS,)), "red")), [-4, 2]),
        (is_("Words", "a"), [1]),
        (Some((TAGS,), is_("Name", "b", Op.STARTS, folds=True)), [1]),
        (is_(Path("Name", (PARENT,)), "first"), [2, 3]),
        (is_(Path("Name", (CHILDREN,)), "First"), [1]),
        (Compare(Aggregate(Function.COUNT, Path(OWN_ID, (CHILDREN,))), Op.EQ, 2), [1]),
        (Compare(Aggregate(Function.SUM, Path("Estimate", (CHILDREN,))), Op.EQ, Decimal("2.7")), [1]),
        (is_("Rank", Path(OWN_ID), Op.GT), [-4, 1]),
        (AnyOf(tuple(is_(OWN_ID, each) for each in (1, 3, 99))), [1, 3]),
    ],
)
def test_a_condition_finds_its_records(search: Searching, where: Expr, ids: list[int]) -> None:
    assert found(search, where) == ids
    assert search.count([Query("Defect", where)]) == len(ids)


def test_sums_of_decimals_are_exact_on_every_database(search: Searching) -> None:
    every = Aggregate(Function.SUM, Path("Estimate", (PARENT, CHILDREN)))
    rows = list(search.rows([Query("Defect", is_(OWN_ID, 2))], {"Defect": [every]}))
    assert [each.values for each in rows] == [(2.7,)]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (Order(Path("Rank")), [2, 3, -4, 1]),
        (Order(Path("Rank"), descending=True), [1, -4, 3, 2]),
        (Order(Path("FormattedID")), [-4, 1, 2, 3]),
        (Order(Path("FormattedID"), by_number=True), [-4, 1, 3, 2]),
        (Order(Path("FormattedID"), descending=True, by_number=True), [2, 3, 1, -4]),
        (Order(Path("FormattedID"), by_place=("DE9", "DE1")), [-4, 3, 1, 2]),
        (Order(Path("Name")), [-4, 3, 2, 1]),
        (Order(Path("Name"), folds_case=True), [-4, 3, 1, 2]),
        (Order(Path("UserName", (OWNER,))), [-4, 3, 1, 2]),
    ],
)
def test_an_order_is_the_same_on_every_database(search: Searching, order: Order, ids: list[int]) -> None:
    assert found(search, All(), order) == ids


def test_several_types_are_ordered_together(search: Searching) -> None:
    asked = [
        Query("Defect", Not(Missing(Path("Name"))), (Order(Path("Name"), folds_case=True),)),
        Query("Tag", order=(Order(Path("Name"), folds_case=True),)),
    ]
    expected = [("Defect", 3), ("Tag", 2), ("Defect", 1), ("Defect", 2), ("Tag", 1)]
    assert search.ids(asked) == expected
    assert search.ids(asked, limit=2, offset=1) == expected[1:3]
    assert [(row.type_name, row.id) for row in search.rows(asked, limit=3)] == expected[:3]
    assert search.count(asked) == 5


def test_rows_are_whole_or_what_was_asked_for(search: Searching, layouts: dict[str, Layout]) -> None:
    whole = next(search.rows([Query("Defect", is_(OWN_ID, 1))]))
    names = [each.name for each in layouts["Defect"].columns]
    assert whole.values[:2] == ("acme", 1)
    assert whole.values[5 + names.index("estimate")] == 0.1
    assert whole.values[5 + names.index("blocked")] is True
    terms = [Path("Name", (OWNER,)), Path("UserName", (OWNER,)), Path("Name", (TAGS,)), Path("Words"), None]
    rows = list(search.rows([Query("Defect", is_(OWN_ID, 1))], {"Defect": terms}))
    assert rows == [("Defect", 1, (None, "Ann", ("Blue", "red"), ("b", "a"), None))]


def test_rows_of_ids_come_without_those_that_are_not_there(search: Searching) -> None:
    assert sorted(each.id for each in search.rows_of("Defect", [1, 3, 77])) == [1, 3]
    assert sorted(search.rows_of("Tag", [2], [Path("Name")])) == [("Tag", 2, ("Blue",))]


def test_steps_reach_what_the_tables_say(search: Searching) -> None:
    assert list(search.reached("Defect", [1, 2, 3], OWNER)) == [(1, "User", 7, "Ann"), (2, "User", 8, None)]
    assert list(search.reached("Defect", [3, 1], TAGS)) == [
        (1, "Tag", 2, "Blue"),
        (1, "Tag", 1, "red"),
        (3, "Tag", 1, "red"),
    ]
    assert list(search.reached("Defect", [1, -4], PARENT)) == [(-4, "Story", 1, None)]
    assert list(search.reached("Defect", [1, 2], CHILDREN)) == [(1, "Defect", 2, None), (1, "Defect", 3, None)]


def test_the_sql_that_is_shown_runs_as_it_is(store: Store, search: Searching) -> None:
    where = All((is_("Name", "it's 100%_\\", Op.NE), is_("Estimate", Decimal("0.1"), Op.GE), is_("Rank", 99, Op.LT)))
    asked = [Query("Defect", where, (Order(Path("Name")),))]
    shown = search.sql(asked, {"Defect": [Path("Name")]}, limit=5)
    assert "it''s 100%_\\" in shown
    assert [row[0] for row in stored(store, shown)] == [each.id for each in search.rows(asked, limit=5)] == [3, 1]


def test_long_lists_of_any_kind_are_answered(search: Searching) -> None:
    ids = AnyOf(tuple(is_(OWN_ID, each) for each in range(3, 3000)))
    assert found(search, ids) == [3]
    names = [*(f"x{each}" for each in range(2000)), "FIRST"]
    folded = AnyOf(tuple(is_("Name", each, folds=True) for each in names))
    assert found(search, folded) == [1, 2]
    assert found(search, Not(folded)) == [-4, 3]


def test_long_ways_are_answered(search: Searching) -> None:
    there_and_back = (CHILDREN, Step("Parent", ("Defect",))) * 12
    assert found(search, is_(Path("Name", there_and_back), "first")) == [1]


def test_a_query_that_is_left_in_the_middle_ends_its_transaction(
    store: Store, search: Searching, layouts: dict[str, Layout]
) -> None:
    rows = search.rows([Query("Defect")])
    assert next(rows).id == -4
    rows.close()
    assert store.apply(page(layouts["Tag"], row(layouts["Tag"], 1, name="red")), now=NOW).tally.unchanged == 1


def plan(store: Store, search: Searching, where: Expr) -> str:
    """Return how the database goes about a query."""
    text = search.sql([Query("Defect", where)], {"Defect": []})
    if store._database.is_sqlite:
        return "\n".join(str(each[3]) for each in stored(store, f"EXPLAIN QUERY PLAN {text}"))
    with store._database.read() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of four rows any would be read one by one
        return "\n".join(each[0] for each in connection.exec_driver_sql(f"EXPLAIN {text.replace('%', '%%')}"))


@pytest.mark.parametrize("value", ["DE1", "de1"])
def test_a_key_is_found_by_its_index(store: Store, search: Searching, value: str) -> None:
    key = is_("FormattedID", value, folds=value.islower())
    assert found(search, key) == [1]
    index = [line for line in plan(store, search, key).splitlines() if "ix_rally_defect_" in line]
    assert index
    assert all("formatted_id" in line for line in index if store._database.is_sqlite)


def test_a_reference_is_followed_by_the_primary_key(store: Store, search: Searching) -> None:
    lines = plan(store, search, is_(Path("UserName", (OWNER,)), "Ann"))
    if store._database.is_sqlite:
        assert "sqlite_autoindex_rally_user_1 (source=? AND id=?)" in lines
    else:
        assert "pk_rally_user" in lines


def test_children_are_found_by_the_index_of_the_reference(store: Store, search: Searching) -> None:
    lines = plan(store, search, All((is_(OWN_ID, 1), Some((CHILDREN,), is_("Rank", 1)))))
    assert "ix_rally_defect_" in lines


def test_a_long_list_is_a_single_parameter_as_databases_take_only_so_many(search: Searching) -> None:
    texts = AnyOf((*(is_("Name", f"n{number}'") for number in range(5000)), is_("Name", "100%")))
    numbers = AnyOf(tuple(is_("Rank", number) for number in range(3, 5004)))
    for query, ids in ((texts, [3]), (numbers, [1])):
        assert found(search, query) == ids
        sql = search.sql([Query("Defect", query)])
        assert "json_each('[" in sql or "ANY (ARRAY[" in sql


def test_many_equal_texts_in_any_case_are_one_list(search: Searching) -> None:
    names = AnyOf(tuple(is_("Name", f"Name {number}", folds=True) for number in range(300)))
    assert found(search, AnyOf((names, is_("Name", "FIRST", folds=True)))) == [1, 2]
    assert "'name 299'" in search.sql([Query("Defect", names)])
    assert search.sql([Query("Defect", names)]).count(" OR ") == 0
    keys = AnyOf((is_("FormattedID", "de1", folds=True), is_("FormattedID", "de2", folds=True)))
    assert search.sql([Query("Defect", keys)]).count("'De2'") == 1
    truths = AnyOf((Compare(Path("Rank"), Op.EQ, 1), Compare(Path("Rank"), Op.EQ, True)))
    assert "true" in search.sql([Query("Defect", truths)])  # the text: 1 is not True
