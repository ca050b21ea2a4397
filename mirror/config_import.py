"""Reads the configuration files of pyral and of RT's command line, and adds a source with what they say.

A secret in one goes to a file of its own beside the settings file, never into `mirror.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mirror.config import Trackers, read_text
from mirror.config_edit import NewSource, append_source, write_file
from mirror.credentials import Place
from mirror.errors import ConfigError
from mirror.model.source import Auth

# pyral 1.6.0, config.py, rallyWorkset: NAME = value at the start of a line, all else is ignored. Its own
# pattern has no underscore and so never sees API_KEY, which its code goes on to look for; here both work.
_PYRAL_LINE = re.compile(r"^([A-Z_]+)\s*=\s*(.+)$", re.MULTILINE)
_PYRAL_SCOPE = ("WORKSPACE", "PROJECT")
_PYRAL_UNSET = "default"
_PYRAL_SERVER = "rally1.rallydev.com"

# RT 5, rt(1), "CONFIGURATION": an option and its value on a line; blank lines and those that begin with # are ignored.
_RT_LINE = re.compile(r"^[ \t]*(\w+)[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
_RT_SCOPE = ("queue", "query", "orderby")
_RT_AUTH = {"basic": Auth.BASIC.value, "gssapi": Auth.KERBEROS.value}


class Client(StrEnum):
    """Whose configuration files are read."""

    PYRAL = "pyral"
    """The vendor's Python client for Rally."""
    RTRC = "rtrc"
    """RT's own command line, `~/.rtrc`; rtkit reads it as well."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a configuration file says of a source; None for what it leaves open.

    Attributes:
        secret: a key, a token or a password.
        user: only with a password.
        scope: what it narrows the work to, by key.
        auth: as in the settings file; None for what is usual.
        variable: the environment variable in which the client looks for a secret that the file does not have.
    """

    tracker: str
    url: str
    secret: str | None = field(repr=False)
    user: str | None
    scope: Mapping[str, str]
    auth: str | None = None
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Besides:
    """What a source is to have besides what the configuration file says; a scope takes the place of that in the file."""

    types: tuple[str, ...] = ()
    concurrency: int | None = None
    history: bool = False
    scope: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    """What became of a configuration file.

    Attributes:
        secret_file: where its secret was copied to; None when it has none.
        variable: the environment variable that the secret is looked up in then; "" when none is needed.
        unused: settings in it that mean nothing here.
    """

    settings: Path
    secret_file: Path | None
    variable: str
    unused: Mapping[str, str]


def append_import(path: Path, name: str, said: Carried, besides: Besides, trackers: Trackers) -> Import:
    """Write a source with what a configuration file says to the end of the settings file at `path`.

    A secret in it goes to a file of its own beside the settings file, readable by its owner only.

    Raises:
        ConfigError: something is there already, or cannot be used; nothing is written then.
    """
    secret_file = path.with_name(f"{name}.secret") if said.secret else None
    variable = "" if secret_file else said.variable
    secret = {Place.FILE.value: secret_file.name} if secret_file else {Place.ENV.value: variable} if variable else {}
    own = trackers[said.tracker]
    scope = {**{key: value for key, value in said.scope.items() if key in own}, **besides.scope}
    if secret_file is not None and secret_file.exists():
        raise ConfigError(f"{secret_file} is there already; choose another name for the source")
    new = NewSource(
        name,
        said.tracker,
        said.url,
        secret,
        user=said.user,
        scope=scope,
        types=besides.types,
        auth=said.auth,
        concurrency=besides.concurrency,
        history=besides.history,
    )
    append_source(path, new, trackers)
    if secret_file is not None:
        write_file(secret_file, f"{said.secret}\n", mode=0o600)
    return Import(path, secret_file, variable, {key: said.scope[key] for key in said.scope if key not in own})


def read_client(client: Client, path: Path) -> Carried:
    """Return what a configuration file of another client says.

    Raises:
        ConfigError: the file cannot be read, or none of that client's settings is in it.
    """
    return read_pyral(path) if client is Client.PYRAL else read_rtrc(path)


def read_pyral(path: Path) -> Carried:
    """Return what pyral would read from `path`; `.cfg` is added to the name when only that file is there.

    Raises:
        ConfigError: the file cannot be read, or none of pyral's settings is in it.

    Source: pyral 1.6.0, config.py, rallyWorkset.
    """
    if not path.exists() and path.with_name(f"{path.name}.cfg").exists():
        path = path.with_name(f"{path.name}.cfg")
    said = {name: value.strip() for name, value in _PYRAL_LINE.findall(read_text(path))}
    if not said.keys() & {"SERVER", "USER", "PASSWORD", "APIKEY", "API_KEY", *_PYRAL_SCOPE}:
        raise ConfigError(f"{path}: no setting of pyral is in there (SERVER, USER, PASSWORD, APIKEY, WORKSPACE, PROJECT)")
    server = said.get("SERVER", _PYRAL_SERVER)
    key = said.get("APIKEY") or said.get("API_KEY")
    return Carried(
        "rally",
        server if "://" in server else f"https://{server}",
        key or said.get("PASSWORD"),
        None if key else said.get("USER"),
        {name.lower(): said[name] for name in _PYRAL_SCOPE if said.get(name, _PYRAL_UNSET) != _PYRAL_UNSET},
        variable="RALLY_APIKEY",
    )


def read_rtrc(path: Path) -> Carried:
    """Return what RT's command line would read from `path`; `~` is the home folder.

    Raises:
        ConfigError: the file cannot be read, or names no server.

    Source: RT 5, rt(1), "CONFIGURATION" and "ENVIRONMENT VARIABLES".
    """
    path = path.expanduser()
    said: dict[str, str] = dict(_RT_LINE.findall(read_text(path)))
    if "server" not in said:
        raise ConfigError(f"{path}: no server is in there; RT's own file has lines such as: server https://rt.example.com")
    auth = _RT_AUTH.get(said.get("auth", "").lower())
    has_password = auth != Auth.KERBEROS
    return Carried(
        "rt",
        said["server"].rstrip("/"),
        said.get("passwd") if has_password else None,
        said.get("user") if has_password else None,
        {name: said[name] for name in _RT_SCOPE if name in said},
        auth=auth,
        variable="RTPASSWD" if has_password else "",
    )
