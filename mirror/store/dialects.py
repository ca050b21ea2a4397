"""What SQLAlchemy has for one kind of database alone; that for Postgres is loaded only where Postgres is in use."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import registry, sqlite
from sqlalchemy.util import LRUCache

from mirror.named import named

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    Insert: TypeAlias = sqlite.Insert | postgresql.Insert

SQLITE = "sqlite+mirror"
POSTGRES = "postgresql+mirror"
_PLACES = {
    SQLITE: ("mirror.store.dialect_sqlite", "SqliteDialect"),
    POSTGRES: ("mirror.store.dialect_postgres", "PostgresDialect"),
}
_STATEMENTS = 1500
"""A sync of a hundred types has more than a thousand, of about 35 kB each; SQLAlchemy's own caches hold 500."""


@lru_cache(maxsize=2)
def sharing(name: str) -> dict[str, object]:
    """Return the execution options of an engine with the dialect of this name, which its URL may have from then on.

    What was compiled for one database of this process serves all others of its kind: SQLAlchemy finds a compiled
    statement by the statement and the dialect, and these dialects are equal where others are each engine's own.
    """
    registry.register(name.replace("+", "."), *_PLACES[name])
    return {"compiled_cache": LRUCache[object, object](_STATEMENTS)}


def insert_new(connection: Connection, table: Table) -> Insert:
    """Return an insert that leaves rows which are there already alone."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return cast("Insert", named("sqlalchemy.dialects.postgresql:insert")(table).on_conflict_do_nothing())


def with_names(dialect: Dialect) -> Dialect:
    """Return the dialect of that kind of database whose statements have named parameters."""
    make = sqlite.dialect if dialect.name == "sqlite" else named("sqlalchemy.dialects.postgresql:dialect")
    return cast("Dialect", make(paramstyle="named"))
