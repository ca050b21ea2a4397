"""Opening databases: what is made, what is refused, and that nothing secret is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mirror.errors import ConfigError, MirrorError, SchemaVersionError, StoreError
from mirror.model.page import KeyRange
from mirror.store.database import Database
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, adopt, defects, page, row, stored
from tests.support.databases import PostgresServer, execute, raw_rows


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://user:hunter2@host/name",
        "oracle://x",
        "work.db",
        "",
        "postgresql+psycopg2://h/n",
    ],
)
def test_urls_of_other_kinds_are_refused_with_what_to_write_instead(url: str) -> None:
    with pytest.raises(ConfigError, match=r"sqlite:///work\.db") as caught:
        Store.open(url)
    assert "hunter2" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"the folder .* does not exist"):
        Store.open(f"sqlite:///{tmp_path}/nowhere/mirror.db")


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(f"sqlite:///{tmp_path}")


def test_another_kind_of_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database at all, " * 100)
    with pytest.raises(StoreError, match="not a SQLite database"):
        Store.open(f"sqlite:///{tmp_path}/notes.txt")
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")


def test_no_file_is_made_when_none_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="mirror sync"):
        Store.open(f"sqlite:///{tmp_path}/mirror.db", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["ä ö.db", "100%.db", "a?b#c.db", "it's.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path}/{name}" if "?" not in name else f"sqlite:///{tmp_path}/{name.replace('?', '%3F')}"
    with Store.open(url) as store:
        adopt(store, DEFECT)
        assert stored(store, "SELECT count(*) FROM rally_defect") == [(0,)]


def test_an_unreachable_server_is_told_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        Store.open("postgresql://ann:hunter2@127.0.0.1:1/work")
    assert "hunter2" not in str(caught.value)
    assert "ann:***@127.0.0.1" in str(caught.value)


def test_labels_show_no_password() -> None:
    assert Store.label("postgresql://ann:hunter2@db/work") == "postgresql+psycopg://ann:***@db/work"
    assert Store.label("sqlite:////tmp/work.db") == "/tmp/work.db"


def test_a_missing_database_on_the_server_is_told(postgres: PostgresServer) -> None:
    with pytest.raises(StoreError, match="no such database"):
        Store.open(postgres.url_of("absent"))


def test_a_database_of_a_newer_mirror_is_refused_with_what_to_do(database_url: str) -> None:
    Store.open(database_url).close()
    execute(database_url, "UPDATE mirror_version SET version_num = '9999'")
    with pytest.raises(SchemaVersionError, match=r"9999.*pip install --upgrade"):
        Store.open(database_url)


def test_opening_again_changes_nothing(database_url: str) -> None:
    Store.open(database_url).close()
    with Store.open(database_url) as store:
        adopt(store, DEFECT)
    with Store.open(database_url) as store:
        assert list(store.layouts("acme")) == ["Defect"]


def test_what_was_compiled_for_one_database_serves_the_next(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.fresh_url() as first, postgres.fresh_url() as second:
        for urls in ((first, second), (f"sqlite:///{tmp_path}/1.db", f"sqlite:///{tmp_path}/2.db")):
            one, other = (_compiled_after_writing(each) for each in urls)
            assert other
            assert other <= one


def _compiled_after_writing(url: str) -> frozenset[object]:
    """Return the keys of all compiled statements after a page was stored in an empty database, and read."""
    Store.open(url).close()
    database = Database.connect(url)
    with Store(database, url) as store:
        layout = defects(store)
        store.apply(page(layout, row(layout, 1)), now=NOW)
        assert store.keys(layout, KeyRange()) == [(1, "1")]
    return frozenset(database.engine.get_execution_options()["compiled_cache"])


def test_existence_is_told_without_making_anything(database_url: str, tmp_path: Path) -> None:
    assert not Store.exists(database_url)
    assert list(tmp_path.iterdir()) == []
    Store.open(database_url).close()
    assert Store.exists(database_url)


def test_a_file_of_another_program_gets_our_tables_beside_its_own(database_url: str) -> None:
    execute(database_url, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
    with Store.open(database_url) as store:
        adopt(store, DEFECT)
    assert raw_rows(database_url, "SELECT * FROM alembic_version") == []


@pytest.mark.slow
def test_a_file_locked_by_another_program_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mirror.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program holds a lock"):
            Store.open(f"sqlite:///{path}")


def test_a_broken_file_is_told_while_working(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mirror.db"
    with Store.open(url) as store:
        adopt(store, DEFECT)
    path = tmp_path / "mirror.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(MirrorError, match="damaged"), Store.open(url) as store:
        store.layouts("acme")
