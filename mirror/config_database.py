"""The setting `database`: which addresses there are, and the form in which SQLAlchemy takes them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mirror.errors import ConfigError

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql+psycopg://", "postgresql://", "postgres://")


def database_url(given: str, where: str, folder: Path) -> str:
    """Return the SQLAlchemy URL: the path of a SQLite file made absolute, PostgreSQL with its driver named.

    The value is not part of the message, for it may hold a password.
    """
    if given.startswith(_POSTGRES):
        return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", given)
    if not given.startswith(_SQLITE):
        raise ConfigError(f"{where}: expected sqlite:///FILE or postgresql+psycopg://HOST/NAME")
    name, mark, options = given.removeprefix(_SQLITE).partition("?")
    if name in ("", ":memory:"):
        raise ConfigError(f"{where}: expected a file name after {_SQLITE}")
    return f"{_SQLITE}{folder.absolute() / Path(name).expanduser()}{mark}{options}"


def refuse_password(database: str, where: str) -> None:
    """Refuse the address of a database with a password in it, which does not belong in a settings file.

    Raises:
        ConfigError: there is one; says where to put it.
    """
    address = urlsplit(database)
    if address.password or "password" in parse_qs(address.query):
        raise ConfigError(
            f"{where}: database: a password does not belong in this file; "
            "put it into ~/.pgpass or PGPASSWORD, or give the whole address as MIRROR_DATABASE"
        )
