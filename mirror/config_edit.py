"""Additions to the settings file: a new source goes to its end, so that what a person wrote stays as it is.

Also reads the configuration files of pyral, the vendor's Python client for Rally. Never writes a secret into
`mirror.toml`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mirror.config import DEFAULT_DATABASE, Trackers, parse
from mirror.credentials import Place
from mirror.errors import ConfigError

# pyral 1.6.0, config.py, rallyWorkset: NAME = value at the start of a line, all else is ignored. Its own
# pattern has no underscore and so never sees API_KEY, which its code goes on to look for; here both work.
_PYRAL_LINE = re.compile(r"^([A-Z_]+)\s*=\s*(.+)$", re.MULTILINE)
_PYRAL_SCOPE = ("WORKSPACE", "PROJECT")
_PYRAL_UNSET = "default"
_PYRAL_SERVER = "rally1.rallydev.com"
_NEW_FILE = f"""# Settings of mirror. Secrets stay out of this file: a source only says where its secret is.
database = "{DEFAULT_DATABASE}"
"""


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to be added, as it will be written.

    Attributes:
        secret: place -> what is there, as in the file (`{"env": "RALLY_APIKEY"}`); empty where `auth` needs none.
        scope: keys that only this kind of tracker has.
        auth: as in the file; None for what is usual.
    """

    name: str
    tracker: str
    url: str
    secret: Mapping[str, str | tuple[str, ...]]
    user: str | None = None
    scope: Mapping[str, object] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    concurrency: int | None = None
    auth: str | None = None
    history: bool = False


@dataclass(frozen=True, slots=True)
class PyralSettings:
    """What a configuration file of pyral says; None for what it leaves open.

    Attributes:
        secret: the API key, else the password.
        user: only with a password.
        scope: `workspace` and `project`, as far as they are set.
    """

    url: str
    secret: str | None = field(repr=False)
    user: str | None
    scope: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PyralImport:
    """What became of a configuration file of pyral.

    Attributes:
        secret_file: where its secret was copied to; None when it has none.
        unused: settings in it that mean nothing here.
    """

    settings: Path
    secret_file: Path | None
    unused: Mapping[str, str]


def append_source(path: Path, new: NewSource, trackers: Trackers) -> None:
    """Write `new` to the end of the settings file at `path`, which is made when it is not there.

    Raises:
        ConfigError: a source of that name is there, or the file would not be valid; it is then as it was.
    """
    before = _existing(path)
    known = parse(before, trackers, where=str(path), folder=path.parent).sources
    if new.name in known:
        raise ConfigError(f"{path}: sources.{new.name} is there already; choose another name or edit the file")
    after = f"{before.rstrip()}\n\n{as_toml(new)}"
    parse(after, trackers, where=str(path), folder=path.parent)
    write_file(path, after, mode=0o644)


def append_pyral(path: Path, name: str, file: Path, trackers: Trackers) -> PyralImport:
    """Write a Rally source with what a configuration file of pyral says to the end of the settings file at `path`.

    A secret in it goes to a file of its own beside the settings file, readable by its owner only.

    Raises:
        ConfigError: something is there already, or cannot be used; nothing is written then.
    """
    said = read_pyral(file)
    secret_file = path.with_name(f"{name}.secret") if said.secret else None
    secret = {Place.FILE.value: secret_file.name} if secret_file else {Place.ENV.value: "RALLY_APIKEY"}
    own = trackers["rally"]
    scope = {key: value for key, value in said.scope.items() if key in own}
    if secret_file is not None and secret_file.exists():
        raise ConfigError(f"{secret_file} is there already; choose another name for the source")
    append_source(path, NewSource(name, "rally", said.url, secret, user=said.user, scope=scope), trackers)
    if secret_file is not None:
        write_file(secret_file, f"{said.secret}\n", mode=0o600)
    return PyralImport(path, secret_file, {key: said.scope[key] for key in said.scope if key not in own})


def as_toml(new: NewSource) -> str:
    """Return the `[sources.NAME]` table of `new` as TOML."""
    lines = [f"[sources.{new.name}]", f"tracker = {_value(new.tracker)}", f"url = {_value(new.url)}"]
    lines += [f"{key} = {_value(value)}" for key, value in new.scope.items()]
    if new.types:
        lines.append(f"types = {_value(new.types)}")
    if new.concurrency is not None:
        lines.append(f"concurrency = {new.concurrency}")
    if new.auth:
        lines.append(f"auth = {_value(new.auth)}")
    if new.history:
        lines.append("history = true")
    if new.user:
        lines.append(f"user = {_value(new.user)}")
    inner = ", ".join(f"{place} = {_value(value)}" for place, value in new.secret.items())
    return "\n".join([*lines, *([f"secret = {{ {inner} }}"] if inner else []), ""])


def read_pyral(path: Path) -> PyralSettings:
    """Return what pyral would read from `path`; `.cfg` is added to the name when only that file is there.

    Raises:
        ConfigError: the file cannot be read, or none of pyral's settings is in it.

    Source: pyral 1.6.0, config.py, rallyWorkset.
    """
    if not path.exists() and path.with_name(f"{path.name}.cfg").exists():
        path = path.with_name(f"{path.name}.cfg")
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not UTF-8 text") from None
    said = {name: value.strip() for name, value in _PYRAL_LINE.findall(text)}
    if not said.keys() & {"SERVER", "USER", "PASSWORD", "APIKEY", "API_KEY", *_PYRAL_SCOPE}:
        raise ConfigError(f"{path}: no setting of pyral is in there (SERVER, USER, PASSWORD, APIKEY, WORKSPACE, PROJECT)")
    server = said.get("SERVER", _PYRAL_SERVER)
    key = said.get("APIKEY") or said.get("API_KEY")
    return PyralSettings(
        server if "://" in server else f"https://{server}",
        key or said.get("PASSWORD"),
        None if key else said.get("USER"),
        {name.lower(): said[name] for name in _PYRAL_SCOPE if said.get(name, _PYRAL_UNSET) != _PYRAL_UNSET},
    )


def write_file(path: Path, text: str, *, mode: int) -> None:
    """Put `text` into `path` in one step; a file that is there keeps its mode, a new one gets `mode`."""
    keep = path.stat().st_mode & 0o777 if path.exists() else mode
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(keep)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def _existing(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _NEW_FILE
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{path}: cannot be read") from None


def _value(value: object) -> str:
    """Return a text, a number or a list of these as TOML."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, int):
        return str(value)
    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', _escaped, str(value)) + '"'


def _escaped(match: re.Match[str]) -> str:
    """Source: TOML 1.0.0, "String": quotation mark, backslash and control characters must be escaped."""
    character = match.group()
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"
