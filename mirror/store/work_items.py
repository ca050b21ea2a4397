"""Keeps the view `work_item`: the work of all trackers under one set of columns.

It is written anew only when its definition differs from what the database has, which the view itself tells: its text
(SQLite) or its comment (Postgres) carries a digest. A view without one, or a table, is somebody else's and is left alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from sqlalchemy import Connection, Dialect, inspect, select, text, update

from mirror.errors import StoreError
from mirror.model.layout import Layout
from mirror.model.work_item import Category
from mirror.store import catalogue, progress
from mirror.store.database import Database, is_lock_timeout
from mirror.store.tables import note
from mirror.store.tables import source as sources
from mirror.store.work_item_select import Shown, work_items

VIEW = "work_item"

_STATES = "states"
_MARK = re.compile(r"made by mirror, ([0-9a-f]{32})")
_VIEW_LOCK = 5_570_202  # any constant: the number of our Postgres advisory lock while the view is replaced
_LOCK_MILLISECONDS = 3000  # how long Postgres waits for those who read the view; whoever comes meanwhile waits as well

log = logging.getLogger(__name__)


def show(database: Database, source: str, *, url: str, states: Mapping[str, Category]) -> bool:
    """Have the view show all work items, those of `source` as its settings tell; return whether it was written anew.

    On Postgres a view cannot be replaced while a query reads it. After a few seconds the old one stays, which is
    still a valid one since columns are never dropped, and the next call tries again.

    Args:
        url: the tracker's root address, without a trailing slash.
        states: name of a state, or `Type.State` -> category.

    Raises:
        StoreError: something else in the database is called `work_item`.
    """
    with database.read() as connection:
        told = _told(connection, source) == (url, states)
        if told and _present_digest(connection) == _digest(definition(connection)):
            return False
    if not told:
        with database.write() as connection:
            _tell(connection, source, url, states)
    try:
        with database.write() as connection:
            return _replace(connection)
    except StoreError as error:
        if not is_lock_timeout(error):
            raise
        log.warning("view not replaced view=%s reason=being_read", VIEW)
        return False


def _told(connection: Connection, source: str) -> tuple[str, Mapping[str, Category]]:
    url = connection.scalar(select(sources.c.url).where(sources.c.name == source)) or ""
    return url, _states(connection).get(source, {})


def _tell(connection: Connection, source: str, url: str, states: Mapping[str, Category]) -> None:
    connection.execute(update(sources).where(sources.c.name == source).values(url=url))
    progress.set_note(connection, source, _STATES, json.dumps(states, sort_keys=True))


def _states(connection: Connection) -> dict[str, dict[str, Category]]:
    rows = connection.execute(select(note.c.source, note.c.value).where(note.c.key == _STATES))
    return {row.source: {name: Category(word) for name, word in json.loads(row.value).items()} for row in rows}


def _replace(connection: Connection) -> bool:
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_MILLISECONDS}ms'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _VIEW_LOCK})
    made = definition(connection)
    present, digest = _present_digest(connection), _digest(made)
    if present == digest:  # another process was quicker
        return False
    if is_sqlite:
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {VIEW}")
        connection.exec_driver_sql(f"CREATE VIEW {VIEW} AS -- made by mirror, {digest}\n{made}")
    else:
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {VIEW} AS {made}")
        connection.exec_driver_sql(f"COMMENT ON VIEW {VIEW} IS 'work items of all trackers, made by mirror, {digest}'")
    return True


def definition(connection: Connection, wanted: Callable[[Layout], bool] = lambda _layout: True) -> str:
    """Return the select of the view in the database's own SQL, as the driver takes it: with `%` doubled where it must be.

    Args:
        wanted: whether a type is to be in it.
    """
    return _written(tuple(_narrowed(each, wanted) for each in _shown(connection)), connection.dialect)


@lru_cache(maxsize=64)
def _written(shown: tuple[Shown, ...], dialect: Dialect) -> str:
    selected = work_items(shown, is_sqlite=dialect.name == "sqlite")
    return str(selected.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _narrowed(shown: Shown, wanted: Callable[[Layout], bool]) -> Shown:
    return replace(
        shown,
        layouts={name: each for name, each in shown.layouts.items() if wanted(each)},
        looked_up={name: each for name, each in shown.looked_up.items() if wanted(each)},
    )


def _shown(connection: Connection) -> Iterator[Shown]:
    states = _states(connection)
    for row in connection.execute(select(sources).order_by(sources.c.name)).all():
        offered = catalogue.offered_types(connection, row.name)
        layouts = catalogue.layouts(connection, row.name, catalogue.work_item_types(connection, row.name))
        looked_up = catalogue.layouts(connection, row.name, _looked_up(layouts.values()))
        yield Shown(row.name, row.tracker, states.get(row.name, {}), offered, layouts, looked_up)


def _looked_up(layouts: Iterable[Layout]) -> set[str]:
    """Return the types of the records that rules look at through a reference."""
    types = (layout.type for layout in layouts)
    rules = ((each, rule) for each in types if each.work_item for rule in each.work_item.rules if rule.of)
    return {name for each, rule in rules if (field := each.field(rule.field)) for name in field.targets}


def _digest(made: str) -> str:
    return hashlib.blake2s(made.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _present_digest(connection: Connection) -> str | None:
    """Return the digest that the view in the database carries; None when there is no view.

    Raises:
        StoreError: what is there was not made by us.
    """
    inspector = inspect(connection)
    if not inspector.has_table(VIEW):
        return None
    said: str | None = None
    if VIEW in inspector.get_view_names():
        is_sqlite = connection.dialect.name == "sqlite"
        said = inspector.get_view_definition(VIEW) if is_sqlite else inspector.get_table_comment(VIEW)["text"]
    mark = _MARK.search(said or "")
    if mark is None:
        raise StoreError(
            f"the database has something called {VIEW} that mirror did not make, where its own view of that name belongs; "
            "rename it, or give mirror a database (on Postgres, a schema will do) of its own"
        )
    return mark[1]
