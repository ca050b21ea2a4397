"""What is replaced goes to the history, once, as the tracker had it; questions as of an instant are answered from there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from mirror.errors import UsageError
from mirror.model.layout import Layout
from mirror.model.page import Fate, LinkRow
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import Compare, Op, Path, Query, Step
from mirror.store.store import Store
from tests.store.queue_samples import edit
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, page, row, stamp, stored
from tests.support.databases import execute, raw_rows

HOUR = timedelta(hours=1)
SPANS = "SELECT id, name, _valid_from, _valid_to FROM rally_defect__history ORDER BY id, _valid_from"


def at(minutes: int) -> datetime:
    """Return the instant of `stamp(minutes)`."""
    return datetime.fromisoformat(stamp(minutes))


@pytest.fixture
def known(store: Store) -> dict[str, Layout]:
    """The usual types, of which all history is kept."""
    layouts = adopt(store, DEFECT, USER, TAG)
    store.history.keep("acme", layouts, layouts.keys(), now=NOW)
    return layouts


def names(store: Store, known: dict[str, Layout], instant: datetime, name: str = "Defect") -> dict[int, Any]:
    """Return id -> name of the records as of an instant."""
    field = known[name].type.name_field or ""
    return {each.id: each.values[0] for each in store.search(known, instant).rows([Query(name)], {name: [Path(field)]})}


def text(instant: datetime) -> str:
    """Return an instant as columns have it."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03}Z"


def test_a_version_ends_when_the_tracker_says_that_the_next_began(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    store.apply(page(layout, row(layout, 1, name="a"), row(layout, 2, name="x")), now=NOW)
    store.apply(page(layout, row(layout, 1, "2", at=stamp(10), name="b"), row(layout, 2, name="x")), now=NOW + HOUR)
    assert stored(store, SPANS) == [(1, "a", stamp(0), stamp(10))]
    assert names(store, known, at(-1)) == {}
    assert names(store, known, at(10) - timedelta(milliseconds=1)) == {1: "a", 2: "x"}
    assert names(store, known, at(10)) == {1: "b", 2: "x"}


def test_without_a_later_change_time_a_version_ends_when_the_next_was_stored(store: Store, known: dict[str, Layout]) -> None:
    user, layout = known["User"], known["Defect"]
    plain = row(user, 7, "1", user_name="ann")
    store.apply(page(user, (*plain[:3], None, *plain[4:])), now=NOW)
    store.apply(page(user, (*plain[:2], "2", None, None, "anna")), now=NOW + HOUR)
    assert names(store, known, NOW - HOUR, "User") == {}
    assert names(store, known, NOW, "User") == {7: "ann"}
    assert names(store, known, NOW + HOUR, "User") == {7: "anna"}
    store.apply(page(layout, row(layout, 1, name="a")), now=NOW)
    store.apply(page(layout, row(layout, 1, "2", name="b")), now=NOW + HOUR)  # in the same second, say
    store.apply(page(layout, row(layout, 1, "3", name="c")), now=NOW + HOUR)
    later = NOW + HOUR + timedelta(milliseconds=1)
    assert stored(store, SPANS) == [(1, "a", stamp(0), text(NOW + HOUR)), (1, "b", text(NOW + HOUR), text(later))]


def test_a_change_time_that_is_yet_to_come_is_not_believed(store: Store, known: dict[str, Layout]) -> None:
    layout, soon = known["Defect"], text(NOW + 9 * HOUR)
    store.apply(page(layout, row(layout, 1, at=soon, name="a")), now=NOW)
    assert names(store, known, NOW) == {1: "a"}
    store.apply(page(layout, row(layout, 1, "2", at=soon, name="b")), now=NOW + HOUR)
    assert stored(store, SPANS) == [(1, "a", text(NOW), text(NOW + HOUR))]


def test_what_changes_nothing_makes_no_version(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    links: dict[str, list[LinkRow]] = {"Tags": [(1, 0, 5, "red", None)], "Words": [(1, 0, "w")]}
    given = row(layout, 1, name="a", estimate=1.5, shape='{"a": 1}', opened=stamp(3), due="2026-01-02", blocked=True)
    store.apply(page(layout, given, links=links), now=NOW)
    store.apply(page(layout, given, links=links), now=NOW + HOUR)
    store.apply(page(layout, given, links=links), now=NOW + HOUR, force=True)
    store.queue.add(known, [edit(layout, 1, "Name", "mine")])
    store.apply(
        page(layout, given, links=links), now=NOW + HOUR, force=True
    )  # what is shown differs; what the tracker has, not
    store.apply(page(layout, (*given[:2], "2", *given[3:]), links=links), now=NOW + HOUR)
    assert stored(store, SPANS) == []
    store.apply(page(layout, given, links={**links, "Words": []}), now=NOW + HOUR, force=True)
    assert stored(store, "SELECT id, value, _valid_to FROM rally_defect__words__history") == [(1, "w", text(NOW + HOUR))]


def test_what_was_changed_here_is_no_part_of_the_history(store: Store, known: dict[str, Layout], database_url: str) -> None:
    layout = known["Defect"]
    store.apply(page(layout, *(row(layout, each, name="a") for each in (1, 2, 3))), now=NOW)
    store.queue.add(known, [edit(layout, 1, "Name", "mine")])
    execute(database_url, "UPDATE rally_defect SET name = 'by sql' WHERE id = 2")
    execute(database_url, "DELETE FROM rally_defect WHERE id = 3")
    assert names(store, known, NOW + HOUR) == {1: "a", 2: "a", 3: "a"}
    assert sql(database_url, "SELECT name, _dirty FROM rally_defect ORDER BY id", NOW + HOUR) == [("a", False)] * 3
    assert stored(store, SPANS) == []
    store.apply(page(layout, *(row(layout, each, "2", at=stamp(5), name="b") for each in (1, 2, 3))), now=NOW + HOUR)
    assert stored(store, SPANS) == [(each, "a", stamp(0), stamp(5)) for each in (1, 2, 3)]
    assert names(store, known, at(5)) == {1: "b", 2: "b", 3: "b"}


def test_deleted_records_are_found_before_they_were_deleted(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    links = {"Tags": [(1, 0, 5, "red", None)]}
    store.apply(page(layout, row(layout, 1, name="a"), row(layout, 2, name="x"), links=links), now=NOW)
    store.tombstone(layout, [1, 2], fate=Fate.DELETED, now=NOW + HOUR, deleted_at={1: stamp(20)})
    assert names(store, known, at(19)) == {1: "a", 2: "x"}
    assert names(store, known, at(20)) == {2: "x"}
    assert names(store, known, NOW + HOUR) == {}
    store.apply(page(layout, row(layout, 1, name="a"), links=links), now=NOW + 2 * HOUR)  # restored, and as it was
    assert names(store, known, NOW + HOUR) == {}
    assert names(store, known, NOW + 2 * HOUR) == {1: "a"}
    tags = {"Defect": [Path("Tags")]}
    found = [[*store.search(known, each).rows([Query("Defect")], tags)] for each in (at(5), at(25), NOW + 2 * HOUR)]
    assert [[(each.id, each.values[0]) for each in some] for some in found] == [[(1, (5,)), (2, ())], [(2, ())], [(1, (5,))]]


def test_a_time_of_deletion_that_is_learnt_later_ends_the_last_version_then(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    links = {"Tags": [(each, 0, 5, "red", None) for each in (1, 2, 3)]}
    store.apply(page(layout, *(row(layout, each, name="a") for each in (1, 2, 3)), links=links), now=NOW)
    store.tombstone(layout, [1, 2], fate=Fate.UNKNOWN, now=NOW + HOUR)
    deleted_at = {1: stamp(20), 2: stamp(-5), 3: stamp(20), 4: stamp(20)}  # 2: before it was as it is; 3: it is still there
    store.set_reason(layout, [1, 2, 3, 4], Fate.DELETED, now=NOW + 2 * HOUR, deleted_at=deleted_at)
    assert stored(store, SPANS) == [(1, "a", stamp(0), stamp(20)), (2, "a", stamp(0), text(NOW + HOUR))]
    assert [names(store, known, at(each)) for each in (19, 20)] == [{1: "a", 2: "a", 3: "a"}, {2: "a", 3: "a"}]
    tags = "SELECT id, _valid_to FROM rally_defect__tags__history ORDER BY id"
    assert stored(store, tags) == [(1, stamp(20)), (2, text(NOW + HOUR))]
    store.set_reason(layout, [1], Fate.DELETED, now=NOW + 2 * HOUR, deleted_at={1: stamp(25)})  # never later
    assert stored(store, tags)[0] == (1, stamp(20))


def test_names_of_others_are_as_they_were_shown(store: Store, known: dict[str, Layout]) -> None:
    user, layout = known["User"], known["Defect"]
    links = {"Tags": [(1, 0, 5, "red", None)]}
    store.apply(page(user, row(user, 7, user_name="ann")), now=NOW)
    store.apply(page(known["Tag"], row(known["Tag"], 5, name="red")), now=NOW)
    store.apply(page(layout, row(layout, 1, name="a", owner_id=7, owner_name="ann"), links=links), now=NOW)
    store.apply(page(user, row(user, 7, "2", at=stamp(30), user_name="anna")), now=NOW + HOUR)
    store.apply(page(known["Tag"], row(known["Tag"], 5, "2", at=stamp(30), name="blue")), now=NOW + HOUR)
    store.spread_names(known, "User", [7], now=NOW + HOUR)
    store.spread_names(known, "Tag", [5], now=NOW + 2 * HOUR)
    terms = {"Defect": [Path("Owner", part=Part.NAME), Path("Tags", part=Part.NAME)]}
    for instant, shown in (
        (NOW, ("ann", ("red",))),
        (NOW + HOUR, ("anna", ("red",))),
        (NOW + 2 * HOUR, ("anna", ("blue",))),
    ):
        assert [each.values for each in store.search(known, instant).rows([Query("Defect")], terms)] == [shown]
    owned = Query("Defect", Compare(Path("UserName", (Step("Owner"),)), Op.EQ, "ann"))
    assert [store.search(known, each).count([owned]) for each in (at(29), at(30))] == [1, 0]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # on SQLite nobody writes meanwhile
def test_an_edit_by_sql_while_names_spread_is_no_part_of_the_history(each_store: Store, database_url: str) -> None:
    store = each_store
    known = adopt(store, DEFECT, USER, TAG)
    store.history.keep("acme", known, ["Defect"], now=NOW)
    store.apply(page(known["User"], row(known["User"], 7, "2", user_name="anna")), now=NOW)
    given = {"owner_id": 7, "owner_name": "ann"}
    store.apply(page(known["Defect"], *(row(known["Defect"], each, name="a", **given) for each in (1, 2))), now=NOW)
    edits: list[str] = []

    def edit_meanwhile(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "staging_spans" in statement and not edits:
            edits.append(statement)
            with suppress(psycopg.errors.LockNotAvailable):  # then it waits until all is written
                execute(database_url, "SET LOCAL lock_timeout = '50ms'; UPDATE rally_defect SET name = 'mine' WHERE id = 1")

    event.listen(Engine, "before_cursor_execute", edit_meanwhile)
    try:
        store.spread_names(known, "User", [7], now=NOW + HOUR)
    finally:
        event.remove(Engine, "before_cursor_execute", edit_meanwhile)
    assert edits
    assert [(each[0], each[1]) for each in stored(store, SPANS)] == [(1, "a"), (2, "a")]


def test_new_fields_are_kept_too(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    store.apply(page(layout, row(layout, 1, name="a")), now=NOW)
    grown = replace(DEFECT, fields=(*DEFECT.fields, Field("Notes", Kind.TEXT), Field("Teams", Kind.LINKS, targets=("Tag",))))
    known = adopt(store, grown, USER, TAG, digest="2")
    layout, links = known["Defect"], {"Teams": [(1, 0, 5, "red", None)]}
    store.apply(page(layout, row(layout, 1, "2", at=stamp(5), notes="n"), links=links), now=NOW + HOUR)
    store.apply(page(layout, row(layout, 1, "3", at=stamp(6), notes="m")), now=NOW + HOUR)
    shrunk = adopt(store, DEFECT, USER, TAG, digest="3")
    store.apply(page(shrunk["Defect"], row(shrunk["Defect"], 1, "4", at=stamp(7))), now=NOW + HOUR)
    assert [each for (each,) in stored(store, "SELECT notes FROM rally_defect__history ORDER BY _valid_from")] == [
        None,
        "n",
        "m",
    ]
    assert stored(store, "SELECT target_name, _valid_from FROM rally_defect__teams__history") == [("red", stamp(5))]


def test_without_history_nothing_is_kept_and_nothing_past_is_answered(store: Store, database_url: str) -> None:
    known = adopt(store, DEFECT, USER, TAG)
    layout = known["Defect"]
    store.apply(page(layout, row(layout, 1, name="a")), now=NOW)
    store.apply(page(layout, row(layout, 1, "2", at=stamp(9), name="b")), now=NOW)
    with pytest.raises(UsageError, match=r"no history is kept of Defect in acme.*set history = true.*\[sources.acme\]"):
        names(store, known, NOW)
    with pytest.raises(UsageError, match="no history is kept of Defect in acme"):
        sql(database_url, "SELECT * FROM rally_defect", NOW)
    store.history.keep("acme", known, ["Defect"], now=NOW + HOUR)
    assert names(store, known, at(9)) == {1: "b"}  # it has not changed since
    assert names(store, known, at(8)) == {}
    store.history.keep("acme", known, [], now=NOW + HOUR)
    store.apply(page(layout, row(layout, 1, "3", at=stamp(11), name="c")), now=NOW + HOUR)
    store.history.keep("acme", known, ["Defect"], now=NOW + 2 * HOUR)
    store.apply(page(layout, row(layout, 1, "4", at=stamp(13), name="d")), now=NOW + 3 * HOUR)
    assert [names(store, known, at(each)) for each in (10, 12, 14)] == [{}, {1: "c"}, {1: "d"}]
    assert store.history.since("acme") == {"Defect": NOW.replace(microsecond=123000) + 2 * HOUR}


def test_a_bad_value_keeps_no_other_version_from_being_kept(store: Store, known: dict[str, Layout]) -> None:
    layout = known["Defect"]
    store.apply(page(layout, *(row(layout, each, name="a") for each in (1, 2, 3))), now=NOW)
    bad = [row(layout, each, "2", at=stamp(4), name="b", rank=2**70 if each == 2 else None) for each in (1, 2, 3)]
    store.apply(page(layout, *bad), now=NOW + HOUR)
    assert stored(store, SPANS) == [(each, "a", stamp(0), stamp(4)) for each in (1, 2, 3)]


def sql(url: str, query: str, instant: datetime) -> Sequence[tuple[Any, ...]]:
    """Return the answer to a query as of an instant."""
    with Store.reader(url) as reader, reader.read(query, (), instant) as found:
        return [
            tuple(bool(each) if name == "_dirty" else each for name, each in zip(found.columns, row, strict=True))
            for row in found.rows
        ]


def test_sql_sees_tables_and_link_tables_as_they_were(store: Store, known: dict[str, Layout], database_url: str) -> None:
    layout = known["Defect"]
    links = {"Tags": [(1, 0, 5, "red", None)]}
    store.apply(page(layout, row(layout, 1, name="a%"), links=links), now=NOW)
    store.apply(page(layout, row(layout, 1, "2", at=stamp(10), name="b")), now=NOW + HOUR)
    query = (
        "SELECT d.name, (SELECT count(*) FROM rally_defect__tags AS t WHERE t.id = d.id) AS tags "
        "FROM rally_defect AS d WHERE d.name <> 'rally_user' ORDER BY 1 -- rally_tag"
    )
    assert [[*sql(database_url, query, at(each))] for each in (5, 10)] == [[("a%", 1)], [("b", 0)]]
    assert sql(database_url, "SELECT count(*) FROM \"rally_defect\" WHERE name LIKE 'a%'", at(5)) == [(1,)]
    for writing in ("DELETE FROM rally_defect", "CREATE TABLE x (y int)", "UPDATE rally_defect SET name = 'x'"):
        with pytest.raises(UsageError, match="does not accept the query"):
            sql(database_url, writing, at(5))
    assert raw_rows(database_url, "SELECT name FROM rally_defect") == [("b",)]


def test_what_ended_before_an_instant_can_be_forgotten(store: Store, known: dict[str, Layout]) -> None:
    for layout in (known["Defect"], adopt(store, DEFECT, source="beta")["Defect"]):
        store.history.keep(layout.source, {"Defect": layout, **known}, known.keys() & {"Defect"}, now=NOW - 100 * HOUR)
        for number in range(4):
            links = {"Tags": [(1, 0, number, "t", None)], "Words": [(1, 0, f"w{number}")]}
            store.apply(page(layout, row(layout, 1, str(number), at=stamp(number), name=f"n{number}"), links=links), now=NOW)
    fewer = replace(DEFECT, fields=tuple(each for each in DEFECT.fields if each.name != "Words"))
    known = adopt(store, fewer, USER, TAG, digest="2")
    assert store.history.prune("acme", at(2)) == {"Defect": 2}
    left = {"acme": ["n2"], "beta": ["n0", "n1", "n2"]}
    query = "SELECT source, name FROM rally_defect__history ORDER BY source, name"
    assert stored(store, query) == [(source, name) for source, names in left.items() for name in names]
    for table in ("rally_defect__tags__history", "rally_defect__words__history"):
        count = f"SELECT source, count(*) FROM {table} GROUP BY source ORDER BY source"
        assert stored(store, count) == [("acme", 1), ("beta", 3)]
    assert [names(store, known, at(each)) for each in (1, 2, 3)] == [{}, {1: "n2"}, {1: "n3"}]
    store.tombstone(known["Defect"], [1], fate=Fate.DELETED, now=NOW)
    adopt(store, USER, TAG, digest="3")  # what has vanished is forgotten as well
    assert store.history.prune("acme", NOW + HOUR) == {"Defect": 2}
    assert store.history.since("beta")["Defect"] < NOW
    assert store.history.since("acme") == {"Defect": NOW + HOUR}


def test_sql_that_would_be_shown_what_is_now_is_refused(store: Store, known: dict[str, Layout], database_url: str) -> None:
    store.apply(page(known["Defect"], row(known["Defect"], 1, name="a")), now=NOW)
    execute(database_url, "CREATE VIEW named AS SELECT name FROM rally_defect")
    schema = "main" if database_url.startswith("sqlite") else stored(store, "SELECT current_schema()")[0][0]
    for place in (f"{schema}.rally_defect", f'"{schema}" . "rally_defect"', f"{schema}.work_item"):
        with pytest.raises(UsageError, match=r"is what is now: as of an instant write \w+ alone"):
            sql(database_url, f"SELECT 1 FROM {place}", NOW)
    with pytest.raises(UsageError, match="named is a view of what is now"):
        sql(database_url, "SELECT * FROM named", NOW)
    assert sql(database_url, "SELECT d.name, 'named' FROM rally_defect AS d", NOW) == [("a", "named")]


def test_sql_says_what_is_not_in_a_table(store: Store, known: dict[str, Layout], database_url: str) -> None:
    other = adopt(store, DEFECT, USER, source="other")
    store.apply(page(known["Defect"], row(known["Defect"], 1, name="a")), now=NOW)
    store.apply(page(other["Defect"], row(other["Defect"], 1, name="b")), now=NOW)
    with Store.reader(database_url) as reader, reader.read("SELECT source, name FROM rally_defect", (), NOW) as found:
        assert found.missing == ("rally_defect is without the records of other: no history is kept of them",)
        assert [*found.rows] == [("acme", "a")]
