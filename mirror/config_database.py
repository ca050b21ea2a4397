"""The setting `database`: which addresses there are, and the form in which SQLAlchemy takes them."""

from __future__ import annotations

import re
from pathlib import Path

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
