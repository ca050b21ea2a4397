"""Brings the bookkeeping tables to the version this program needs, and refuses databases that are ahead of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table, text

from mirror.errors import SchemaVersionError
from mirror.named import named
from mirror.store import capture
from mirror.store.database import Database, is_there

HEAD = "0007"  # the newest migration; kept here so that an up-to-date database opens without loading Alembic
VERSION_TABLE = "mirror_version"  # not `alembic_version`: a shared database may hold another program's
_UPGRADE_LOCK = 5_570_201  # any constant: the number of our Postgres advisory lock while upgrading


def upgrade(database: Database) -> None:
    """Create or upgrade the bookkeeping tables and the triggers of `database`; does nothing, quickly, when they are there.

    Raises:
        SchemaVersionError: a newer mirror has written to the database.
    """
    with database.read() as connection:
        if _version(connection) == HEAD and capture.is_current(connection):
            return
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _UPGRADE_LOCK})
        found = _version(connection)
        if found != HEAD:  # another process may have been quicker
            _run(connection, found, database.label)
        if not capture.is_current(connection):
            capture.install(connection)


def exists(url: str) -> bool:
    """Return whether there is a mirror at `url`; nothing is created.

    Raises:
        ConfigError: the URL is not one of a SQLite file or a Postgres database.
        StoreError: the database cannot be read.
    """
    if not is_there(url):
        return False
    database = Database.connect(url, read_only=True)
    try:
        with database.read() as connection:
            return _version(connection) is not None
    finally:
        database.close()


def scripts() -> Path:
    """Return the folder of the migrations: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Tell Alembic which tables to compare: only bookkeeping, never record tables or other programs' tables."""
    return kind != "table" or (name or "").startswith("mirror_")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return None if found is None else str(found)


def _run(connection: Connection, found: str | None, label: str) -> None:
    config = _config(connection)
    if found is not None and not _known(config, found):
        raise _too_new(label, found)
    connection.execution_options(compiled_cache=None)  # its statements are about tables that it describes anew each time
    named("alembic.command:upgrade")(config, "head")


def _config(connection: Connection | None) -> Any:
    config = named("alembic.config:Config")()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _known(config: Any, version: str) -> bool:
    directory = named("alembic.script:ScriptDirectory").from_config(config)
    return version in {each.revision for each in directory.walk_revisions()}


def _too_new(label: str, found: str) -> SchemaVersionError:
    return SchemaVersionError(
        f"{label} was written by a newer mirror (its tables are at version {found}, this one knows up to {HEAD}); "
        "update with: pip install --upgrade mirror-tracker"
    )
