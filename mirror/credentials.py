"""Secrets by reference: what a settings file may say instead of a secret, and how that is turned into one.

A secret is looked up only when a connection is about to be made, and is never part of a message.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path

from mirror.errors import ConfigError

ALTERNATIVES = (
    'name where it is instead: secret = { env = "RALLY_APIKEY" }, { command = ["pass", "rally"] }, '
    '{ keyring = "service/user" } or { file = "key.txt" } (mode 0600)'
)
_COMMAND_TIMEOUT_SECONDS = 120  # a password manager may ask a person for a passphrase
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class Place(StrEnum):
    """Where a secret is kept."""

    ENV = "env"
    COMMAND = "command"
    KEYRING = "keyring"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where the secret of a source is to be found.

    Attributes:
        value: the variable's name, the command's words, `service/user`, or the file's path, by `place`.
        folder: what a relative file path starts from.
    """

    place: Place
    value: tuple[str, ...]
    folder: Path

    @property
    def shown(self) -> str:
        """What is there, for people. A key pasted in place of a variable's name is not repeated."""
        if self.place is Place.ENV and not _VARIABLE_NAME.fullmatch(self.value[0]):
            return "(not a variable's name)"
        return " ".join(self.value)

    def resolve(self, where: str, environ: Mapping[str, str]) -> str:
        """Return the secret.

        Args:
            where: key path of the reference in the settings, for messages.

        Raises:
            ConfigError: it is not there, cannot be a secret, or its file can be read by others.
        """
        match self.place:
            case Place.ENV:
                secret = self._from_environment(where, environ)
            case Place.COMMAND:
                secret = _from_command(self.value, where)
            case Place.KEYRING:
                secret = _from_keyring(self.value[0], where)
            case Place.FILE:
                secret = _from_file(self.folder / Path(self.value[0]).expanduser(), where)
        if not secret:
            raise ConfigError(f"{where}: the secret found there is empty")
        if _CONTROL.search(secret):
            # Such a header is refused further down, by an error that repeats it.
            raise ConfigError(f"{where}: the secret found there has a control character in it")
        return secret

    def _from_environment(self, where: str, environ: Mapping[str, str]) -> str:
        if self.value[0] in environ:
            return environ[self.value[0]].strip()
        raise ConfigError(f"{where}: the environment variable {self.shown} is not set")


def _from_command(words: tuple[str, ...], where: str) -> str:
    try:
        # What it says on standard error goes to the person at the terminal, never through us.
        done = subprocess.run(words, stdout=subprocess.PIPE, timeout=_COMMAND_TIMEOUT_SECONDS, check=False)  # noqa: S603
    except FileNotFoundError:
        raise ConfigError(f"{where}: the command {words[0]!r} cannot be found") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{where}: the command {words[0]!r} failed ({type(error).__name__})") from None
    if done.returncode != 0:
        raise ConfigError(f"{where}: the command {words[0]!r} ended with exit code {done.returncode}")
    return (done.stdout.decode("utf-8", "replace").splitlines() or [""])[0].strip()


def _from_keyring(entry: str, where: str) -> str:
    service, slash, user = entry.rpartition("/")
    if not (service and slash and user):
        raise ConfigError(f'{where}: expected "service/user"')
    try:
        keyring = import_module("keyring")
    except ImportError:
        raise ConfigError(
            f"{where}: to read the keyring, install the extra: pip install 'mirror-tracker[keyring]'"
        ) from None
    try:
        secret = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise ConfigError(f"{where}: the keyring cannot be read ({type(error).__name__})") from None
    if secret is None:
        raise ConfigError(f"{where}: the keyring has no entry for service {service!r}, user {user!r}")
    return str(secret)


def _from_file(path: Path, where: str) -> str:
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ConfigError(f"{where}: {path} can be read by others; make it yours alone: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"{where}: {path} cannot be read ({reason})") from None
