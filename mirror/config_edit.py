"""Additions to the settings file: a new source goes to its end, so that what a person wrote stays as it is.

Never writes a secret into `mirror.toml`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mirror.config import DEFAULT_DATABASE, Trackers, parse
from mirror.errors import ConfigError

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
