"""SQL by any client becomes changes in the queue, or is refused with what to do instead; our own writes never do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from alembic.command import downgrade
from alembic.config import Config
from sqlalchemy import text

from mirror.model.cells import canonical
from mirror.model.layout import Layout
from mirror.model.page import Fate
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.store import migrate
from mirror.store.column_types import instant_text
from mirror.store.database import Database
from mirror.store.store import Store
from tests.store.foreign import Captured, captured, client, is_sqlite, refusal, run
from tests.store.samples import DEFECT, NOW, TAG, USER, adopt, defects, page, row, stamp, stored, value
from tests.store.test_adopt import AWKWARD_TYPE
from tests.support.databases import raw_rows

LINKS = {"Tags": [(1, 0, 5, "red", None), (1, 1, 6, 'it\'s "blue"', None), (2, 0, 5, "red", None)], "Words": [(1, 0, "a")]}


@pytest.fixture
def layout(store: Store) -> Layout:
    """Two defects with links."""
    found = defects(store)
    rows = (row(found, 1, "7", name="one", estimate=3, blocked=False), row(found, 2, "8", name="two"))
    store.apply(page(found, *rows, links=LINKS), now=NOW)
    return found


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same database, for writes that the store has no method for."""
    opened = Database.connect(database_url)
    yield opened
    opened.close()


def only(url: str) -> Captured:
    """Return the one change there is."""
    (found,) = captured(url)
    return found


def test_an_update_becomes_one_change_a_row(store: Store, layout: Layout, database_url: str) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    run(database_url, "UPDATE rally_defect SET name = name || '!', blocked = (1 = 0)")
    after = datetime.now(UTC)
    first, second = captured(database_url)
    assert (first.source, first.type_name, first.record_id, first.action) == ("acme", "Defect", 1, "update")
    assert (first.base, first.value, first.base_revision) == ({"name": "one"}, {"name": "one!"}, "7")
    assert first.rest == ("captured", "sql", "", "", "", None, None, None)
    assert before <= first.made_at <= after
    assert (second.record_id, second.base_revision) == (2, "8")
    assert second.base == {"name": "two", "blocked": None}
    assert (second.value or {}).keys() == {"name", "blocked"}
    assert not (second.value or {})["blocked"]


def test_who_made_it_is_known_where_the_database_knows(layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET name = 'x' WHERE id = 1")
    assert only(database_url).made_by == (
        "" if is_sqlite(database_url) else raw_rows(database_url, "SELECT session_user")[0][0]
    )


def test_the_time_reads_as_those_that_mirror_writes(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET name = 'x' WHERE id = 1")
    found = stored(store, "SELECT made_at FROM mirror_change")[0][0]
    assert found == instant_text(datetime.fromisoformat(found))


def test_only_rows_that_change_become_dirty(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET name = 'two', estimate = estimate + 0.0, blocked = blocked")
    assert [each.record_id for each in captured(database_url)] == [1]
    assert [bool(each[0]) for each in stored(store, "SELECT _dirty FROM rally_defect ORDER BY id")] == [True, False]


def test_an_update_that_changes_nothing_leaves_nothing(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET name = name, id = id, _revision = _revision, estimate = 3.00 WHERE id = 1")
    assert captured(database_url) == []
    assert not value(store, "_dirty", 1)


def test_each_statement_makes_a_change_of_its_own(layout: Layout, database_url: str) -> None:
    run(database_url, *(f"UPDATE rally_defect SET name = '{name}' WHERE id = 1" for name in ("b", "b", "c", "one")))
    found = [(each.base["name"], (each.value or {})["name"]) for each in captured(database_url)]
    assert found == [("one", "b"), ("b", "c"), ("c", "one")]


def test_a_rollback_by_the_user_leaves_nothing(store: Store, layout: Layout, database_url: str) -> None:
    with client(database_url) as connection:
        connection.execute("UPDATE rally_defect SET name = 'x'")
        connection.execute("DELETE FROM rally_defect WHERE id = 1")
        connection.rollback()
    assert captured(database_url) == []
    assert stored(store, "SELECT name FROM rally_defect WHERE NOT _dirty ORDER BY id") == [("one",), ("two",)]
    assert stored(store, "SELECT count(*) FROM rally_defect__tags") == [(3,)]


KINDS = [
    ("name", "'it''s ä \"quoted\" \\ back'", 'it\'s ä "quoted" \\ back'),
    ("name", "''", ""),
    ("name", "NULL", None),
    ("formatted_id", "'DE7'", "DE7"),
    ("owner_id", "9223372036854775807", 2**63 - 1),
    ("owner_id", "-9223372036854775807", 1 - 2**63),
    ("parent_type", "'Story'", "Story"),
    ("estimate", "0.1", 0.1),
    ("estimate", "-12", -12),
    ("estimate", "1e20", 10**20),
    ("estimate", "0.30000000000000004", 0.30000000000000004),
    ("rank", "123456789012345678", 123456789012345678),
    ("blocked", "(1 = 1)", True),
    ("opened", "'2026-02-03T04:05:06.789Z'", "2026-02-03T04:05:06.789Z"),
    ("opened", "'2026-02-03 04:05:06+05:30'", "2026-02-02T22:35:06.000Z"),
    ("due", "'2026-02-03'", "2026-02-03"),
    ("shape", """'{"b": [1, null, "x"], "a": "\\u0000"}'""", '{"a": "\\u0000", "b": [1, null, "x"]}'),
    ("shape", "'\"text\"'", '"text"'),
    ("shape", "'null'", "null"),
]


def test_values_of_every_kind_come_through(store: Store, layout: Layout, database_url: str) -> None:
    told = {"name": "one", "estimate": 3, "blocked": False}
    store.apply(page(layout, *(row(layout, 100 + number, **told) for number in range(len(KINDS)))), now=NOW)
    for record_id, (column, literal, _expected) in enumerate(KINDS, 100):
        for each in (literal, "NULL"):
            run(database_url, f"UPDATE rally_defect SET {column} = {each} WHERE id = {record_id}")
    changes = captured(database_url)
    for record_id, (column, literal, expected) in enumerate(KINDS, 100):
        kind = next(each.kind for each in layout.columns if each.name == column)
        found = [(each.base, each.value) for each in changes if each.record_id == record_id]
        forms = [(canonical(kind, (value or {})[column]), canonical(kind, base[column])) for base, value in found]
        assert forms == [(expected, told.get(column)), (None, expected)][: 1 if expected is None else 2], (column, literal)


def test_a_deletion_keeps_the_row_and_its_links(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "DELETE FROM rally_defect WHERE id = 1")
    change = only(database_url)
    assert (change.action, change.record_id, change.base_revision, change.value) == ("delete", 1, "7", None)
    assert change.rest[:2] == ("captured", "sql")
    assert change.base["links"] == {
        "rally_defect__tags": [[0, 5, "red", None], [1, 6, 'it\'s "blue"', None]],
        "rally_defect__words": [[0, "a"]],
    }
    saved = change.base["row"]
    assert saved.keys() == {*(each.name for each in layout.columns), *("source", "id", "_revision", "_extra"), *saved.keys()}
    assert (saved["source"], saved["id"], saved["_revision"], saved["name"], saved["estimate"]) == ("acme", 1, "7", "one", 3)
    assert canonical(Kind.TIMESTAMP, saved["_changed_at"]) == stamp(0)
    assert canonical(Kind.TIMESTAMP, saved["_synced_at"]) == instant_text(NOW)
    assert {"_dirty", "due"} <= saved.keys()
    assert saved["due"] is None
    assert stored(store, "SELECT id FROM rally_defect") == [(2,)]
    assert stored(store, "SELECT id FROM rally_defect__tags") == [(2,)]
    assert stored(store, "SELECT count(*) FROM rally_defect__words") == [(0,)]


def test_all_rows_may_be_deleted_at_once(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "DELETE FROM rally_defect")
    assert [(each.action, each.record_id) for each in captured(database_url)] == [("delete", 1), ("delete", 2)]
    assert "rally_defect__words" not in captured(database_url)[1].base["links"]
    assert stored(store, "SELECT count(*) FROM rally_defect__tags") == [(0,)]


def test_deleting_after_editing_makes_two_changes(layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET name = 'x' WHERE id = 1", "DELETE FROM rally_defect WHERE id = 1")
    update, deletion = captured(database_url)
    assert (update.action, deletion.action, deletion.base["row"]["name"]) == ("update", "delete", "x")
    assert deletion.base["row"]["_dirty"]


def test_records_created_here_are_captured_as_others(layout: Layout, database: Database, database_url: str) -> None:
    with database.write() as connection:
        columns = "source, id, _revision, _synced_at, _dirty, name"
        connection.execute(
            text(f"INSERT INTO rally_defect ({columns}) VALUES ('acme', -1, NULL, :at, true, 'n')"), {"at": stamp(0)}
        )
    run(database_url, "UPDATE rally_defect SET name = 'm' WHERE id = -1", "DELETE FROM rally_defect WHERE id = -1")
    found = [(each.action, each.record_id, each.base_revision) for each in captured(database_url)]
    assert found == [("update", -1, None), ("delete", -1, None)]


def test_writes_of_mirror_itself_are_never_captured(store: Store, layout: Layout, database_url: str) -> None:
    for force in (False, True):
        fresh = row(layout, 1, f"9{force}", name=f"new {force}")
        store.apply(page(layout, fresh, row(layout, 3), links={"Tags": [(1, 0, 9, "x", None)]}), now=NOW, force=force)
    store.tombstone(layout, [2], fate=Fate.DELETED, now=NOW)
    assert captured(database_url) == []
    assert stored(store, "SELECT count(*) FROM rally_defect WHERE _dirty") == [(0,)]


def test_triggers_work_again_after_a_write_of_mirror_that_failed(
    layout: Layout, database: Database, database_url: str
) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute(text("UPDATE rally_defect SET name = 'lost'"))
        raise ZeroDivisionError
    run(database_url, "UPDATE rally_defect SET name = 'x' WHERE id = 1")
    assert only(database_url).base == {"name": "one"}


def test_a_step_of_mirror_that_is_undone_does_not_wake_the_triggers(
    store: Store, layout: Layout, database: Database, database_url: str
) -> None:
    with database.write() as connection:
        with pytest.raises(ZeroDivisionError), connection.begin_nested():
            connection.execute(text("UPDATE rally_defect SET name = 'lost'"))
            raise ZeroDivisionError
        connection.execute(text("UPDATE rally_defect SET name = 'kept'"))
    assert captured(database_url) == []
    assert value(store, "name", 1) == "kept"


REFUSED = [
    ("INSERT INTO rally_defect (source, id, _synced_at) VALUES ('acme', 9, '2026-01-01T00:00:00Z')", "mirror new Defect"),
    ("INSERT INTO rally_defect (source, id, name) VALUES ('acme', 9, 'x')", "mirror new Defect"),
    ("INSERT INTO rally_defect (name) SELECT name FROM rally_defect", "mirror new Defect"),
    ("UPDATE rally_defect SET id = 9 WHERE id = 1", "mirror set KEY"),
    ("UPDATE rally_defect SET source = 'other'", "mirror set KEY"),
    ("UPDATE rally_defect SET name = 'x', _dirty = (1 = 1)", "mirror set KEY"),
    ("UPDATE rally_defect SET _revision = NULL", "mirror set KEY"),
    ("UPDATE rally_defect SET _changed_at = NULL", "mirror set KEY"),
    ("UPDATE rally_defect SET _synced_at = '2020-01-01T00:00:00Z'", "mirror set KEY"),
    ("UPDATE rally_defect SET _extra = '{}'", "mirror set KEY"),
    ("INSERT INTO rally_defect__tags VALUES ('acme', 2, 1, 6, 'blue', NULL)", "mirror link KEY Tags=ITEM"),
    ("INSERT INTO rally_defect__tags (source, id) VALUES ('acme', 2)", "mirror link KEY Tags=ITEM"),
    ("INSERT INTO rally_defect__tags VALUES ('acme', 1, 0, 6, 'blue', NULL)", "mirror link KEY Tags=ITEM"),
    ("UPDATE rally_defect__tags SET target_id = 7", "mirror unlink KEY Tags=ITEM"),
    ("DELETE FROM rally_defect__tags WHERE id = 1", "mirror unlink KEY Tags=ITEM"),
    ("DELETE FROM rally_defect__words", "mirror unlink KEY Words=ITEM"),
]


def test_what_cannot_be_a_change_is_refused_with_what_to_do(store: Store, layout: Layout, database_url: str) -> None:
    tables = ("rally_defect", "rally_defect__tags", "rally_defect__words")
    before = [stored(store, f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in tables]
    for statement, instead in REFUSED:
        assert instead in refusal(database_url, statement), statement
        after = [stored(store, f"SELECT * FROM {name} ORDER BY 1, 2, 3") for name in tables]
        assert (after, captured(database_url)) == (before, []), statement


def test_new_fields_are_followed(store: Store, layout: Layout, database_url: str) -> None:
    fields = (*DEFECT.fields, Field("c_Team", Kind.TEXT, custom=True), Field("Milestones", Kind.LINKS))
    grown = adopt(store, replace(DEFECT, fields=fields), USER, TAG, digest="2")["Defect"]
    store.apply(page(grown, row(grown, 3, c_team="Reds"), links={"Milestones": [(3, 0, 4, "M", None)]}), now=NOW)
    run(database_url, "UPDATE rally_defect SET c_team = 'Blues' WHERE id = 3")
    assert (only(database_url).base, only(database_url).value) == ({"c_team": "Reds"}, {"c_team": "Blues"})
    assert "mirror link KEY Milestones" in refusal(database_url, "DELETE FROM rally_defect__milestones")
    run(database_url, "DELETE FROM rally_defect WHERE id = 3")
    assert captured(database_url)[1].base["links"] == {"rally_defect__milestones": [[0, 4, "M", None]]}


def test_columns_and_links_of_vanished_fields_are_still_followed(store: Store, layout: Layout, database_url: str) -> None:
    fewer = tuple(each for each in DEFECT.fields if each.name not in ("Estimate", "Words"))
    more = (*fewer, Field("c_Team", Kind.TEXT, custom=True))
    adopt(store, replace(DEFECT, fields=fewer), USER, TAG, digest="2")
    adopt(store, replace(DEFECT, fields=more), USER, TAG, digest="3")
    run(database_url, "UPDATE rally_defect SET estimate = 4 WHERE id = 1")
    assert only(database_url).value == {"estimate": 4}
    run(database_url, "DELETE FROM rally_defect WHERE id = 1")
    assert captured(database_url)[1].base["links"]["rally_defect__words"] == [[0, "a"]]


def test_sources_that_share_a_table_are_told_apart(store: Store, layout: Layout, database_url: str) -> None:
    other = replace(DEFECT, fields=(*DEFECT.fields, Field("c_Own", Kind.TEXT, custom=True)))
    theirs = adopt(store, other, source="beta")["Defect"]
    store.apply(page(theirs, row(theirs, 1, name="theirs", c_own="x"), links={"Words": [(1, 0, "b")]}), now=NOW)
    run(database_url, "UPDATE rally_defect SET name = 'n' WHERE id = 1", "DELETE FROM rally_defect WHERE source = 'beta'")
    assert {(each.source, each.action) for each in captured(database_url)} == {
        ("acme", "update"),
        ("beta", "update"),
        ("beta", "delete"),
    }
    assert stored(store, "SELECT source, value FROM rally_defect__words") == [("acme", "a")]


def test_awkward_names_are_only_names(store: Store, database: Database, database_url: str) -> None:
    odd = adopt(store, AWKWARD_TYPE)["Odd"]
    links = {each.field: [(7, 0, "v") if each.kind is Kind.VALUES else (7, 0, 1, "t", None)] for each in odd.links}
    texts = {each.name: "a" for each in odd.columns if each.kind is Kind.TEXT}
    store.apply(page(odd, row(odd, 7, **texts), links=links), now=NOW)
    quote = database.engine.dialect.identifier_preparer.quote
    run(database_url, f"UPDATE rally_odd SET {', '.join(f'{quote(each)} = {quote(each)} || {1}' for each in texts)}")
    assert only(database_url).value == dict.fromkeys(texts, "a1")
    run(database_url, "DELETE FROM rally_odd")
    assert captured(database_url)[1].base["links"].keys() == {each.name for each in odd.links}


@pytest.mark.parametrize("name", ['it\'s 100% "done" \\ :x %s {id} ?', "A/B"])
def test_awkward_types_are_only_names(store: Store, database_url: str, name: str) -> None:
    odd = adopt(store, RecordType(name, (Field("Name", Kind.TEXT),), Tracking.SWEEP))[name]
    store.apply(page(odd, row(odd, 7)), now=NOW)
    run(database_url, f"UPDATE {odd.table} SET name = 'x'")
    assert only(database_url).type_name == name
    assert "mirror new " in refusal(
        database_url, f"INSERT INTO {odd.table} (source, id, _synced_at) VALUES ('a', 1, '2026-01-01')"
    )


@pytest.mark.parametrize("width", [0, 1, 800])
def test_types_may_have_any_number_of_fields(store: Store, database_url: str, width: int) -> None:
    kinds = (Kind.TEXT, Kind.NUMERIC)
    fields = tuple(Field(f"Field{number}", kinds[number % 2]) for number in range(width))
    wide = adopt(store, RecordType("Wide", fields, Tracking.SWEEP))["Wide"]
    store.apply(page(wide, row(wide, 7)), now=NOW)
    if width:
        run(database_url, f"UPDATE rally_wide SET {', '.join(f'field{number} = {number}' for number in range(width))}")
        assert {name: int(cell) for name, cell in (only(database_url).value or {}).items()} == {
            f"field{number}": number for number in range(width)
        }
    run(database_url, "DELETE FROM rally_wide")
    assert len(captured(database_url)[-1].base["row"]) == width + 7


def test_a_database_from_before_is_watched_from_its_upgrade_on(database_url: str) -> None:
    with Store.open(database_url) as store:
        layout = defects(store)
        store.apply(page(layout, row(layout, 1, name="one"), links={"Tags": [(1, 0, 5, "red", None)]}), now=NOW)
    old = Database.connect(database_url)
    with old.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.scripts()))
        config.attributes["connection"] = connection
        downgrade(config, "0004")
    old.close()
    run(database_url, "UPDATE rally_defect SET name = 'nobody asks'", "DELETE FROM rally_defect__tags")
    Store.open(database_url).close()
    run(database_url, "UPDATE rally_defect SET name = 'two'")
    assert only(database_url).base == {"name": "nobody asks"}
    assert "mirror link" in refusal(database_url, "INSERT INTO rally_defect__tags VALUES ('acme', 1, 0, 5, 'red', NULL)")


def test_triggers_of_another_version_are_replaced_when_the_database_is_opened(
    store: Store, layout: Layout, database_url: str
) -> None:
    name = "mirror_before_update_rally_defect" if is_sqlite(database_url) else "mirror_update ON rally_defect"
    run(database_url, f"DROP TRIGGER {name}")
    Store.open(database_url).close()
    run(database_url, "UPDATE rally_defect SET name = 'not seen'")
    assert captured(database_url) == []
    run(database_url, "UPDATE mirror_note SET value = 'older' WHERE source = '' AND key = 'triggers'")
    Store.open(database_url).close()
    run(database_url, "UPDATE rally_defect SET name = 'seen' WHERE id = 1")
    assert only(database_url).base == {"name": "not seen"}
