"""What SQLAlchemy has for one kind of database alone; that for Postgres is loaded only where Postgres is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import sqlite

from mirror.named import named

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

    Insert: TypeAlias = sqlite.Insert | postgresql.Insert


def insert_new(connection: Connection, table: Table) -> Insert:
    """Return an insert that leaves rows which are there already alone."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return cast("Insert", named("sqlalchemy.dialects.postgresql:insert")(table).on_conflict_do_nothing())


def with_names(dialect: Dialect) -> Dialect:
    """Return the dialect of that kind of database whose statements have named parameters."""
    make = sqlite.dialect if dialect.name == "sqlite" else named("sqlalchemy.dialects.postgresql:dialect")
    return cast("Dialect", make(paramstyle="named"))
