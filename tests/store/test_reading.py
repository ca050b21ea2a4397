"""Queries of people: answered as they read them, and never able to write."""

from __future__ import annotations

import tracemalloc
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from mirror.errors import StoreError, UsageError
from mirror.store.store import Store
from tests.store.samples import NOW, defects, page, row, stored

WRITES = [
    "INSERT INTO rally_defect (source, id, _synced_at) VALUES ('x', 1, '2026-01-01')",
    "UPDATE rally_defect SET name = 'x'",
    "DELETE FROM rally_defect",
    "DROP TABLE rally_defect",
    "CREATE TABLE mine (x INTEGER)",
    "CREATE TEMP TABLE mine (x INTEGER)",
    "CREATE INDEX i ON rally_defect (name)",
    "ALTER TABLE rally_defect ADD COLUMN x INTEGER",
    "SELECT 1; DELETE FROM rally_defect",
    "SELECT 1; COMMIT; DELETE FROM rally_defect",
    "WITH gone AS (DELETE FROM rally_defect RETURNING id) SELECT * FROM gone",
    "-- harmless\nDELETE FROM rally_defect",
    "VACUUM",
]
SQLITE_WRITES = [
    "ATTACH DATABASE '{folder}/other.db' AS other",
    "VACUUM INTO '{folder}/copy.db'",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "REPLACE INTO rally_defect (source, id, _synced_at) VALUES ('x', 1, '2026-01-01')",
    "DETACH DATABASE main",
    "REINDEX",
]
POSTGRES_WRITES = [
    "COPY rally_defect FROM STDIN",
    "COPY rally_defect TO STDOUT",
    "COPY (SELECT 1) TO '{folder}/copy.csv'",
    "COPY (SELECT 1) TO PROGRAM 'cat > {folder}/copy.csv'",
    "TRUNCATE rally_defect",
    "SET TRANSACTION READ WRITE",
    "SET default_transaction_read_only = off",
    "COMMIT",
    "SELECT id INTO mine FROM rally_defect",
    "SELECT id FROM rally_defect FOR UPDATE",
    "EXPLAIN ANALYZE DELETE FROM rally_defect",
    "EXPLAIN SELECT 1; DELETE FROM rally_defect",
    "DO $$ BEGIN DELETE FROM rally_defect; END $$",
    "SELECT set_config('transaction_read_only', 'off', false) FROM rally_defect; DELETE FROM rally_defect",
    "NOTIFY x",
    "LOCK rally_defect",
]


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with one defect."""
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, name="kept", estimate=1.5, blocked=True, due="2026-01-02")), now=NOW)
    return store


def refused(store: Store, query: str) -> str:
    """Return the words with which `query` is refused."""
    with pytest.raises(UsageError) as caught, store.read(query) as result:
        list(result.rows)
    return str(caught.value)


def queries(database_url: str, folder: Path) -> list[str]:
    own = SQLITE_WRITES if database_url.startswith("sqlite") else POSTGRES_WRITES
    return WRITES + [each.format(folder=folder) for each in own]


def test_nothing_can_be_written(filled: Store, database_url: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for query in queries(database_url, tmp_path):
        assert "the database does not accept the query: " in refused(filled, query), query
        assert stored(filled, "SELECT id, name FROM rally_defect") == [(1, "kept")], query
    assert sorted(tmp_path.iterdir()) == before


def test_a_wrong_query_is_answered_in_the_words_of_the_database(filled: Store) -> None:
    for query, said in [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT nothing FROM rally_defect", "nothing"),
        ("", ""),
        ("SELECT CAST(name AS nonsense(", ""),
    ]:
        assert said in refused(filled, query), query


def test_columns_and_rows_are_given(filled: Store) -> None:
    with filled.read("SELECT id, name AS title, estimate, due, _synced_at FROM rally_defect;  ") as result:
        assert result.columns == ("id", "title", "estimate", "due", "_synced_at")
        assert list(result.rows) == [(1, "kept", 1.5, "2026-01-02", "2026-03-01T12:00:00.123Z")]


def test_columns_are_given_without_rows(filled: Store) -> None:
    with filled.read("/* none */ SELECT id, name FROM rally_defect WHERE id = 7 -- really") as result:
        assert (result.columns, list(result.rows)) == (("id", "name"), [])


def test_sums_and_means_are_plain_numbers(filled: Store) -> None:
    assert stored(filled, "SELECT sum(id), avg(estimate), count(*) FROM rally_defect") == [(1, 1.5, 1)]
    assert [type(each) for each in stored(filled, "SELECT sum(id), avg(estimate) FROM rally_defect")[0]] == [int, float]


def test_percent_and_question_marks_mean_themselves(filled: Store) -> None:
    assert stored(filled, "SELECT name FROM rally_defect WHERE name LIKE 'k%' AND name <> '%s ? :x'") == [("kept",)]


def test_parameters_are_bound(filled: Store, database_url: str) -> None:
    mark = "?" if database_url.startswith("sqlite") else "%s"
    with filled.read(f"SELECT id FROM rally_defect WHERE name = {mark}", ["kept"]) as result:
        assert list(result.rows) == [(1,)]


def test_other_ways_to_look_are_answered(filled: Store) -> None:
    for query in ("EXPLAIN SELECT * FROM rally_defect", "VALUES (1), (2)", "WITH x AS (SELECT 1) SELECT * FROM x"):
        assert stored(filled, query), query


def test_an_error_while_rows_are_read_is_ours_too(filled: Store, database_url: str) -> None:
    layout = defects(filled)
    filled.apply(page(layout, *(row(layout, each) for each in range(2, 3000))), now=NOW)
    bad = "abs(id - 2999 - 9223372036854775807 - 1)" if database_url.startswith("sqlite") else "1 / (id - 2999)"
    refused(filled, f"SELECT {bad} FROM rally_defect ORDER BY id")


def test_reading_needs_no_lease_and_leaves_no_trace(filled: Store, database_url: str) -> None:
    with filled.lease("somebody", NOW), Store.reader(database_url) as reader, reader.read("SELECT 1") as result:
        assert list(result.rows) == [(1,)]


def test_every_query_sees_what_is_stored_by_then(filled: Store) -> None:
    layout = defects(filled)
    for query in ("SELECT id FROM rally_defect UNION ALL SELECT 77", "BEGIN", "SELECT nothing FROM rally_defect"):
        with suppress(UsageError), filled.read(query) as half_read:
            next(half_read.rows)
        new = len(stored(filled, "SELECT id FROM rally_defect")) + 1
        filled.apply(page(layout, row(layout, new)), now=NOW)
        assert stored(filled, "SELECT max(id) FROM rally_defect") == [(new,)], query


def test_queries_may_be_asked_while_others_are_read(filled: Store) -> None:
    with ExitStack() as stack:
        found = [stack.enter_context(filled.read(f"SELECT name, {number} FROM rally_defect")) for number in range(12)]
        assert [list(each.rows) for each in found] == [[("kept", number)] for number in range(12)]


def test_reading_what_is_not_there_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        Store.reader(f"sqlite:///{tmp_path}/mirror.db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_no_mirror_made_can_be_read(database_url: str, tmp_path: Path) -> None:
    if database_url.startswith("sqlite"):
        (tmp_path / "mirror.db").touch()
    with Store.reader(database_url) as reader, reader.read("SELECT 1 AS one") as result:
        assert result.columns == ("one",)


def test_long_answers_are_read_in_constant_memory(filled: Store) -> None:
    layout = defects(filled)
    for start in range(10, 10_010, 2_000):
        filled.apply(page(layout, *(row(layout, each, name="x" * 500) for each in range(start, start + 2_000))), now=NOW)
    with filled.read("SELECT * FROM rally_defect") as result:
        tracemalloc.start()
        count = sum(1 for _ in result.rows)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert count == 10_001
    assert peak < 3_000_000


def test_no_password_is_in_an_error_while_reading() -> None:
    with (
        pytest.raises(StoreError, match="cannot be reached") as caught,
        Store.reader("postgresql://ann:hunter2@127.0.0.1:1/work") as reader,
        reader.read("SELECT 1"),
    ):
        pass
    assert "hunter2" not in str(caught.value)
