"""Runs the migrations: on a connection handed over by mirror.store.migrate, or on a URL given to the alembic command.

By hand: `alembic -x url=sqlite:///work.db upgrade head`, or with MIRROR_DATABASE set.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from mirror.store.database import Database
from mirror.store.migrate import VERSION_TABLE, is_ours
from mirror.store.tables import metadata


def migrate(connection: Connection) -> None:
    """Run on `connection`, inside its transaction when it has one."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=VERSION_TABLE,
        include_name=is_ours,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def database_url() -> str:
    """Return the URL given by hand."""
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("MIRROR_DATABASE")
    if not url:
        raise SystemExit("name the database: alembic -x url=sqlite:///work.db …, or set MIRROR_DATABASE")
    return url


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    database = Database.connect(database_url())
    with database.write() as opened:
        migrate(opened)
    database.close()
