"""Mirrors for scripts: a few types of every tracker, whose addresses nobody listens at; and one with a Rally to push to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import Engine, event

import mirror
from mirror.connectors.registry import TRACKERS
from mirror.model.page import Page
from mirror.model.schema import Catalog
from mirror.query.expr import Query
from mirror.store.store import Store
from tests.support.databases import PostgresServer
from tests.support.pushing import RallyDesk, rally_desk

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY = "http://127.0.0.1:9"

Opening = Callable[[], mirror.Mirror]
Counting = Callable[[], "list[str]"]


@pytest.fixture
def opening(trackers_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """Opens a mirror of every tracker, in a database of this test's own, without a network."""
    copyfile(trackers_file, tmp_path / "mirror.db")
    return lambda: mirror.open(settings(tmp_path, dict.fromkeys(TRACKERS, NOBODY), monkeypatch))


@pytest.fixture
def m(opening: Opening) -> Iterator[mirror.Mirror]:
    """That mirror, open."""
    opened = opening()
    yield opened
    opened.close()


@pytest.fixture
def desk(rally_file: Path, tmp_path: Path) -> Iterator[RallyDesk]:
    """A simulated Rally, an hour after it was mirrored."""
    with rally_desk(tmp_path, rally_file) as opened:
        yield opened


@pytest.fixture
def online(desk: RallyDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """Opens a mirror of that Rally."""
    workspace = f'workspace = "{desk.stage.world.landmarks.workspace}"'
    types = ", ".join(f'"{each}"' for each in desk.stage.few)
    monkeypatch.setenv("RALLY_SECRET", desk.stage.tracker.api_key)
    file = tmp_path / "mirror.toml"
    file.write_text(
        f"""database = "sqlite:///{tmp_path / "mirror.db"}"
[sources.acme]
tracker = "rally"
url = "{desk.stage.url}"
secret = {{ env = "RALLY_SECRET" }}
types = [{types}]
history = true
{workspace}
"""
    )
    return lambda: mirror.open(file)


def settings(folder: Path, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the settings of sources by kind; return the file."""
    lines = [f'database = "sqlite:///{folder / "mirror.db"}"']
    for kind, url in urls.items():
        monkeypatch.setenv(f"{kind.upper()}_SECRET", "secret")
        lines += [f"[sources.{kind}]", f'tracker = "{kind}"', f'url = "{url}"']
        lines += [f'secret = {{ env = "{kind.upper()}_SECRET" }}']
    file = folder / "mirror.toml"
    file.write_text("\n".join(lines))
    return file


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements that run inside the block, without those that begin and end transactions."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            found.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture(scope="session")
def postgres_copy(postgres: PostgresServer, trackers_file: Path) -> Iterator[str]:
    """The URL of a Postgres database with the same records as `trackers_file`, to the last value."""
    with postgres.fresh_url() as url:
        with Store.open(f"sqlite:///{trackers_file}") as original, Store.open(url) as copy:
            for source in TRACKERS:
                _copy(source, original, copy)
        yield url


def _copy(source: str, original: Store, copy: Store) -> None:
    layouts = original.layouts(source)
    adopted = copy.adopt(source, source, Catalog.of("copied", (each.type for each in layouts.values())), now=NOW)
    for name, layout in adopted.layouts.items():
        rows = [each.values for each in original.search(layouts).rows([Query(name)])]
        links = {each.field: _links(original, source, each.name) for each in layouts[name].links}
        copy.apply(Page(layout, rows, None, len(rows), NOW, links=links), now=NOW)


def _links(store: Store, source: str, table: str) -> list[tuple[Any, ...]]:
    with store.read(f"SELECT * FROM {table} WHERE source = ? ORDER BY id, position", [source]) as found:
        return [tuple(row[1:]) for row in found.rows]
