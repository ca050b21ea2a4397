"""The migrations lead to the declared tables, keep rows on every step, and are found wherever mirror is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.command import downgrade, upgrade
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from mirror.errors import UsageError
from mirror.model.change import Action, Change
from mirror.store import migrate
from mirror.store.database import Database
from mirror.store.store import Store
from mirror.store.tables import metadata
from tests.store.samples import NOW, defects, page, row, stored
from tests.support.databases import raw_rows

ROOT = Path(__file__).parent.parent


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database."""
    opened = Database.connect(database_url)
    yield opened
    opened.close()


def run(database: Database, command: object, target: str) -> None:
    """Upgrade or downgrade to `target` in one transaction."""
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.scripts()))
        config.attributes["connection"] = connection
        command(config, target)  # type: ignore[operator]


def revisions() -> list[str]:
    """Return all versions, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(migrate.scripts()))
    return [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_there_is_one_line_of_versions_and_the_program_knows_its_end() -> None:
    assert revisions()[-1] == migrate.HEAD
    names = [each.name for each in sorted((migrate.scripts() / "versions").glob("*.py"))]
    assert [name.split("_")[0] for name in names] == revisions()


def test_the_newest_version_equals_the_declared_tables(database: Database) -> None:
    run(database, upgrade, "head")
    with database.read() as connection:
        options = {"compare_type": True, "include_name": migrate.is_ours, "version_table": migrate.VERSION_TABLE}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_rows_survive_every_step_up_and_down(database: Database, database_url: str) -> None:
    with Store.open(database_url) as store:
        layout = defects(store)
        store.apply(page(layout, row(layout, 1, name="kept")), now=NOW)
    for version in [*reversed(revisions()[:-1]), "base"]:
        run(database, downgrade, version)
        assert raw_rows(database_url, "SELECT name FROM rally_defect") == [("kept",)]
    for version in revisions():
        run(database, upgrade, version)
        assert raw_rows(database_url, "SELECT name FROM rally_defect") == [("kept",)]
    with Store.open(database_url) as store:
        layout = defects(store)
        assert store.apply(page(layout, row(layout, 2)), now=NOW).tally.inserted == 1
        assert stored(store, "SELECT id, name FROM rally_defect ORDER BY id") == [(1, "kept"), (2, None)]


def test_a_database_with_edits_that_wait_is_not_downgraded(database: Database, database_url: str) -> None:
    with Store.open(database_url) as store:
        layout = defects(store)
        store.apply(page(layout, row(layout, 1, name="old")), now=NOW)
        value = {"name": "mine"}
        (made,) = store.queue.add({"Defect": layout}, [Change("acme", "Defect", 1, Action.UPDATE, "Name", value=value)])
        with pytest.raises(UsageError, match="1 changes wait to be pushed"):
            run(database, downgrade, "0004")
        assert store.queue.open("acme") == [made]
        store.queue.discard({"Defect": layout}, [made.id])
    run(database, downgrade, "0004")
    assert raw_rows(database_url, "SELECT name FROM rally_defect") == [("old",)]


@pytest.mark.parametrize("version", ["0002", "0003"])
def test_catalogs_from_before_work_items_are_discovered_anew(database: Database, database_url: str, version: str) -> None:
    with Store.open(database_url) as store:
        defects(store)
        store.show_work_items("acme", url="https://tracker.example", states={})
        assert store.digest("acme") == "1"
    run(database, downgrade, version)
    with Store.open(database_url) as store:
        assert store.digest("acme") == ""
        defects(store)
        assert store.show_work_items("acme", url="https://tracker.example", states={}) is False
        assert (store.digest("acme"), stored(store, "SELECT key FROM work_item")) == ("1", [])


def test_a_database_without_a_version_row_is_brought_up(database: Database, database_url: str) -> None:
    run(database, upgrade, "head")
    run(database, downgrade, "base")
    Store.open(database_url).close()
    assert raw_rows(database_url, "SELECT version_num FROM mirror_version") == [(migrate.HEAD,)]


def test_a_database_that_is_up_to_date_opens_without_alembic(database_url: str) -> None:
    Store.open(database_url).close()
    script = f"from mirror.store.store import Store; Store.open({database_url!r}).close()"
    script += "; import sys; print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_alembic_command_works_in_a_checkout(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mirror.db"
    script = "import sys; from alembic.config import main\n"  # what the command calls, in one process for all three
    script += "for each in ('upgrade head', 'check', 'downgrade base'): main([*sys.argv[1:], *each.split()])"
    command = [sys.executable, "-c", script, "-x", f"url={url}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "No new upgrade operations detected" in done.stdout
    left = raw_rows(url, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    assert left == [("mirror_version",)]


def test_two_processes_that_open_a_new_database_at_once_both_succeed(database_url: str) -> None:
    script = f"from mirror.store.store import Store; Store.open({database_url!r}).close()"
    started = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    assert [(each.communicate()[1], each.returncode) for each in started] == [(b"", 0)] * 2


def test_the_folder_inside_the_package_comes_first(tmp_path: Path) -> None:
    site = tmp_path / "site"
    for name in ("store", "model", "query", "merge"):
        (site / "mirror" / name).mkdir(parents=True)
    for each in (ROOT / "mirror").glob("*/*.py"):
        if each.parent.name in ("store", "model", "query", "merge"):
            (site / "mirror" / each.parent.name / each.name).write_text(each.read_text())
    (site / "mirror" / "__init__.py").touch()
    for single in ("errors.py", "named.py"):
        (site / "mirror" / single).write_text((ROOT / "mirror" / single).read_text())
    (site / "mirror" / "migrations").mkdir()
    script = "from mirror.store import migrate; print(migrate.scripts())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=site, env={"PYTHONPATH": str(site)}, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == site / "mirror" / "migrations"
