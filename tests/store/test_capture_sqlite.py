"""What only clients of SQLite do: other programs and settings, types that do not fit, and ways around a trigger."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mirror.model.layout import Layout
from mirror.store.store import Store
from tests.store.foreign import captured, client, refusal, run
from tests.store.samples import NOW, defects, page, row, stored, value
from tests.support.databases import raw_rows


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{tmp_path / 'mirror.db'}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store with two defects, of which the first has links."""
    with Store.open(database_url) as opened:
        layout = defects(opened)
        links = {"Tags": [(1, 0, 5, "red", None)], "Words": [(1, 0, "a"), (1, 1, "b")]}
        opened.apply(page(layout, row(layout, 1, name="one", estimate=1), row(layout, 2, name="two"), links=links), now=NOW)
        yield opened


@pytest.fixture
def layout(store: Store) -> Layout:
    """The layout of Defect."""
    return store.layouts("acme")["Defect"]


@pytest.mark.parametrize("setting", ["recursive_triggers = ON", "foreign_keys = ON", "cache_size = 10"])
def test_settings_of_the_client_change_nothing(store: Store, database_url: str, setting: str) -> None:
    run(
        database_url,
        f"PRAGMA {setting}",
        "UPDATE rally_defect SET name = name || '!'",
        "DELETE FROM rally_defect WHERE id = 1",
    )
    assert [each.action for each in captured(database_url)] == ["update", "update", "delete"]
    assert value(store, "_dirty", 2) == 1
    assert stored(store, "SELECT count(*) FROM rally_defect__words") == [(0,)]
    assert raw_rows(database_url, "SELECT active FROM mirror_writing") == [(0,)]


@pytest.mark.parametrize("way", ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"])
def test_conflict_clauses_change_nothing(store: Store, database_url: str, way: str) -> None:
    run(database_url, f"UPDATE OR {way} rally_defect SET name = 'x'")
    assert [each.value for each in captured(database_url)] == [{"name": "x"}] * 2
    assert "mirror set" in refusal(database_url, f"UPDATE OR {way} rally_defect SET id = 2 WHERE id = 1")
    assert stored(store, "SELECT id, name FROM rally_defect ORDER BY id") == [(1, "x"), (2, "x")]


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_a_row_is_not_replaced_by_another(store: Store, database_url: str, recursive: str) -> None:
    statements = (
        "REPLACE INTO rally_defect (source, id, _synced_at, name) VALUES ('acme', 1, 'x', 'other')",
        "REPLACE INTO rally_defect (source, id, name) VALUES ('acme', 1, 'other')",
        "INSERT OR IGNORE INTO rally_defect (source, id, name) VALUES ('acme', 1, 'other')",
    )
    with client(database_url) as connection:
        connection.execute(f"PRAGMA recursive_triggers = {recursive}")
        for statement in statements:
            with pytest.raises(sqlite3.IntegrityError, match="mirror new Defect"):
                connection.execute(statement)
        connection.commit()
    assert captured(database_url) == []
    assert value(store, "name", 1) == "one"


def test_an_upsert_is_refused_as_any_insert(store: Store, database_url: str) -> None:
    values = "INSERT INTO rally_defect (source, id, name) VALUES ('acme', 1, 'new')"
    assert "mirror new Defect" in refusal(database_url, f"{values} ON CONFLICT DO UPDATE SET name = excluded.name")
    assert captured(database_url) == []


def test_a_client_that_calls_columns_by_their_tables_is_watched(store: Store, database_url: str) -> None:
    with client(database_url) as connection:
        connection.execute("PRAGMA full_column_names = ON")
        connection.execute("PRAGMA short_column_names = OFF")
        connection.execute("DELETE FROM rally_defect WHERE id = 1")
        connection.commit()
    (deletion,) = captured(database_url)
    assert deletion.base["row"]["name"] == "one"


def test_a_file_that_is_attached_to_another_is_watched(store: Store, database_url: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "own.db")) as connection, connection:
        connection.execute("CREATE TABLE mirror_change (theirs)")
        connection.execute("CREATE TABLE rally_defect__tags (source, id)")
        connection.execute("ATTACH ? AS work", (str(tmp_path / "mirror.db"),))
        connection.execute("UPDATE work.rally_defect SET name = 'x' WHERE id = 1")
        connection.execute("DELETE FROM work.rally_defect WHERE id = 1")
    assert [each.action for each in captured(database_url)] == ["update", "delete"]
    assert stored(store, "SELECT count(*) FROM rally_defect__tags") == [(0,)]


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the command line program of SQLite")
def test_the_command_line_program_is_watched(store: Store, database_url: str, tmp_path: Path) -> None:
    statement = "UPDATE rally_defect SET name = 'a' || char(0) || 'b', estimate = 1 / 3.0 WHERE id = 1"
    subprocess.run(["sqlite3", str(tmp_path / "mirror.db"), statement], check=True)
    (change,) = captured(database_url)
    assert change.value == {"name": "a\0b", "estimate": 1 / 3}


def test_texts_with_nul_come_through(store: Store, database_url: str) -> None:
    run(
        database_url,
        "UPDATE rally_defect SET name = 'a' || char(0) || 'b' WHERE id = 1",
        "DELETE FROM rally_defect WHERE id = 1",
    )
    update, deletion = captured(database_url)
    assert (update.value, deletion.base["row"]["name"]) == ({"name": "a\0b"}, "a\0b")


@pytest.mark.parametrize("column", ["name", "estimate", "rank"])
def test_bytes_are_refused(store: Store, database_url: str, column: str) -> None:
    assert "cannot hold bytes" in refusal(database_url, f"UPDATE rally_defect SET {column} = x'ff00' WHERE id = 1")
    assert captured(database_url) == []


@pytest.mark.parametrize(("literal", "expected"), [("9e999", "Infinity"), ("-9e999", "-Infinity"), ("'many'", "many")])
def test_what_is_no_number_is_kept_as_text(store: Store, database_url: str, literal: str, expected: str) -> None:
    run(database_url, f"UPDATE rally_defect SET estimate = {literal} WHERE id = 1", "DELETE FROM rally_defect WHERE id = 1")
    update, deletion = captured(database_url)
    assert (update.base, update.value) == ({"estimate": 1}, {"estimate": expected})
    assert deletion.base["row"]["estimate"] == expected


def test_numbers_beyond_an_integer_keep_all_their_digits(store: Store, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET rank = 9223372036854775808, estimate = 1.7976931348623157e308 WHERE id = 1")
    assert captured(database_url)[0].value == {"rank": 2.0**63, "estimate": 1.7976931348623157e308}


def test_a_client_sees_how_many_rows_it_changed(store: Store, database_url: str) -> None:
    with client(database_url) as connection:
        assert connection.execute("UPDATE rally_defect SET name = 'x'").rowcount == 2
        assert connection.execute("DELETE FROM rally_defect").rowcount == 2


def test_mirror_writes_even_when_its_mark_is_lost(store: Store, layout: Layout, database_url: str) -> None:
    run(database_url, "DELETE FROM mirror_writing")
    store.apply(page(layout, row(layout, 3)), now=NOW)
    assert raw_rows(database_url, "SELECT id, active FROM mirror_writing") == [(1, 0)]
    run(database_url, "UPDATE rally_defect SET name = 'y' WHERE id = 2")
    assert [each.value for each in captured(database_url)] == [{"name": "y"}]


def test_a_client_that_does_not_trust_the_file_is_refused_unless_its_sqlite_takes_json_for_harmless(
    store: Store, database_url: str
) -> None:
    with client(database_url) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        try:
            connection.execute("UPDATE rally_defect SET name = 'x' WHERE id = 1")
        except sqlite3.OperationalError as error:
            assert "unsafe use of json" in str(error)
        connection.commit()
    assert (value(store, "name", 1) == "x") == (len(captured(database_url)) == 1)
