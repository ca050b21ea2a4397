"""The settings file `mirror.toml`: where it is found, what may stand in it, and what is wrong with it.

Only reads. Secrets stay references until `SourceSettings.source` is called. Which trackers there are, and
which keys of their own they understand, comes in as an argument, so that a new tracker changes nothing here.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_config_path

from mirror.config_auth import AuthSetting, checked_signer, read_auth
from mirror.config_database import database_url, refuse_password
from mirror.credentials import ALTERNATIVES, Place, SecretReference
from mirror.errors import ConfigError, UnknownSourceError
from mirror.model.change import Side
from mirror.model.source import Auth, Credential, Signer, Source
from mirror.model.work_item import Category

FILE_NAME = "mirror.toml"
DEFAULT_DATABASE = "sqlite:///mirror.db"
TOP_KEYS = ("database", "protect", "push_cap", "sources")
SOURCE_KEYS = (
    *("tracker", "url", "types", "concurrency", "auth", "secret", "user"),
    *("states", "conflicts", "protect", "push_cap", "history"),
)
MAX_CONCURRENCY = 64
USUAL_PUSH_CAP = 100  # changes that one push makes without being asked again

_PROTECTED = re.compile(r"[^.]+(\.[^.].*)?")  # a type, a type and an action, or a type and a field
_SOURCE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_RALLY_SERVER = "rally1.rallydev.com"  # rally.md section 1: the host of the hosted product

Trackers = Mapping[str, Mapping[str, type]]
"""Tracker kind -> the keys of its own that its sources may have -> `str` for one name, `list` for many."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One `[sources.NAME]` table, checked; the secret is still only a reference.

    Attributes:
        secret: None where `auth` needs none.
        auth: None for what is usual with the tracker.
        signer: the `requests` authentication object that a script has given; goes before secret and auth.
        push_cap: None where none is set.
        where: the file, for messages.
    """

    name: str
    tracker: str
    url: str
    secret: SecretReference | None
    user: str | None = None
    scope: Mapping[str, object] = field(default_factory=dict)
    types: tuple[str, ...] = ("*",)
    concurrency: int = 8
    states: Mapping[str, Category] = field(default_factory=dict)
    conflicts: Mapping[str, Side] = field(default_factory=dict)
    protect: tuple[str, ...] = ()
    push_cap: int | None = None
    history: tuple[str, ...] = ()
    where: str = FILE_NAME
    auth: AuthSetting | None = None
    signer: Signer | None = field(default=None, repr=False)

    def source(self, environ: Mapping[str, str]) -> Source:
        """Return the source with its secret looked up.

        Raises:
            ConfigError: the secret, or the object that `auth` names, cannot be had.
        """
        return Source(
            self.name,
            self.tracker,
            self.url,
            self._credential(environ),
            self.scope,
            types=self.types,
            concurrency=self.concurrency,
            states=self.states,
            conflicts=self.conflicts,
            protect=self.protect,
            push_cap=USUAL_PUSH_CAP if self.push_cap is None else self.push_cap,
            history=self.history,
        )

    def _credential(self, environ: Mapping[str, str]) -> Credential:
        if self.signer is not None:
            return Credential("", self.user, Auth.PYTHON, self.signer)
        at = f"{self.where}: sources.{self.name}"
        secret = self.secret.resolve(f"{at}.secret", environ) if self.secret is not None else ""
        if self.auth is None:
            return Credential(secret, self.user)
        return Credential(secret, self.user, self.auth.auth, self.auth.signer(f"{at}.auth", self.user, secret))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured.

    Attributes:
        path: the file it came from; None when there is none.
        database: SQLAlchemy URL; a SQLite path in it is absolute.
        protect, push_cap: of all sources; each has them already in its own.
    """

    path: Path | None
    database: str
    sources: Mapping[str, SourceSettings]
    protect: tuple[str, ...] = ()
    push_cap: int | None = None

    def __getitem__(self, name: str) -> SourceSettings:
        """Return the source of that name, or raise UnknownSourceError."""
        try:
            return self.sources[name]
        except KeyError:
            raise UnknownSourceError(name, tuple(self.sources)) from None

    def signed_by(self, signers: Mapping[str, Signer]) -> Settings:
        """Return these settings, with sources that sign in by those objects.

        Raises:
            UnknownSourceError: there is no such source.
            ConfigError: something else was given than an authentication object.
        """
        signed = {name: replace(self[name], signer=checked_signer(each, name)) for name, each in signers.items()}
        return replace(self, sources={**self.sources, **signed})


def find(named: Path | None, folder: Path) -> Path | None:
    """Return the settings file: the named one, else the nearest in `folder` or above, else the user's own.

    Raises:
        ConfigError: one is named and is not there.
    """
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"{named}: there is no such settings file")
        return named.absolute()
    own = user_config_path("mirror") / FILE_NAME
    places = [place / FILE_NAME for place in (folder, *folder.parents)]
    return next((path for path in (*places, own) if path.is_file()), None)


def load(
    path: Path | None, trackers: Trackers, environ: Mapping[str, str], database: str | None = None, *, implied: bool = True
) -> Settings:
    """Return the settings in `path`, or those that the environment alone gives when `path` is None.

    Args:
        database: overrides MIRROR_DATABASE, which overrides the file. Relative to the working directory.
        implied: where no source is configured, take the one that the environment describes.

    Raises:
        ConfigError: the first thing that is wrong, with file, key and the nearest valid name.
    """
    text = "" if path is None else read_text(path)
    folder = Path.cwd() if path is None else path.parent
    settings = parse(text, trackers, where="" if path is None else str(path), folder=folder)
    override = database or environ.get("MIRROR_DATABASE")
    said_by = "database" if database else "environment: MIRROR_DATABASE"
    found = database_url(override, said_by, Path.cwd()) if override else settings.database
    sources = settings.sources or {
        name: replace(each, protect=settings.protect, push_cap=settings.push_cap)
        for name, each in (_from_environment(environ, trackers, folder) if implied else {}).items()
    }
    return Settings(path, found, sources, settings.protect, settings.push_cap)


def parse(text: str, trackers: Trackers, *, where: str, folder: Path) -> Settings:
    """Return what the settings file with that text says; `where` names it in messages, `folder` holds it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: this is not valid TOML: {error}") from None
    _only(document, TOP_KEYS, where, "")
    database = _text(document, "database", where, "") or DEFAULT_DATABASE
    refuse_password(database, where)
    tables = _table(document, "sources", where, "")
    protect, cap = _protect(document, f"{where}: protect"), _push_cap(document, f"{where}: push_cap")
    sources = {name: _source(name, tables, trackers, (where, folder)) for name in tables}
    guarded = {
        name: replace(each, protect=(*protect, *each.protect), push_cap=cap if each.push_cap is None else each.push_cap)
        for name, each in sources.items()
    }
    return Settings(None, database_url(database, f"{where}: database", folder), guarded, protect, cap)


def read_text(path: Path) -> str:
    """Return what a file of settings says; a ConfigError when it cannot be read, or is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: this is not UTF-8 text") from None


def _source(name: str, tables: Mapping[str, object], trackers: Trackers, origin: tuple[str, Path]) -> SourceSettings:
    where, folder = origin
    at = f"sources.{name}"
    if not _SOURCE_NAME.fullmatch(name):
        raise ConfigError(f"{where}: {at}: a source's name is made of letters, digits, - and _")
    table = _table(tables, name, where, "sources.")
    tracker = _needed(table, "tracker", where, at)
    if tracker not in trackers:
        raise ConfigError(f"{where}: {at}.tracker: {tracker!r} is not known{_near(tracker, trackers)}")
    own = trackers[tracker]
    _only(table, (*SOURCE_KEYS, *own), where, at)
    auth, user = _auth(table, where, at), _text(table, "user", where, at)
    if auth is not None:
        auth.check_user(user, f"{where}: {at}.user")
    return SourceSettings(
        name,
        tracker,
        _address(_needed(table, "url", where, at), f"{where}: {at}.url"),
        _secret(table, where, at, folder) if "secret" in table or auth is None or auth.needs_secret else None,
        user=user,
        scope={key: _scope(table[key], own[key], f"{where}: {at}.{key}") for key in own if key in table},
        types=_types(table, f"{where}: {at}.types"),
        concurrency=_concurrency(table, f"{where}: {at}.concurrency"),
        states=_states(_table(table, "states", where, f"{at}."), f"{where}: {at}.states"),
        conflicts=_conflicts(_table(table, "conflicts", where, f"{at}."), f"{where}: {at}.conflicts"),
        protect=_protect(table, f"{where}: {at}.protect"),
        push_cap=_push_cap(table, f"{where}: {at}.push_cap"),
        history=_history(table, f"{where}: {at}.history"),
        where=where,
        auth=auth,
    )


def _auth(table: Mapping[str, object], where: str, at: str) -> AuthSetting | None:
    given = _text(table, "auth", where, at)
    return None if given is None else read_auth(given, f"{where}: {at}.auth")


def _address(url: str, where: str) -> str:
    """Return `url` without a trailing slash, checked."""
    try:
        parts = urlsplit(url)
        has_secret = parts.password is not None or parts.username is not None
    except ValueError:
        raise ConfigError(f"{where}: this is not an address") from None
    if has_secret:
        raise ConfigError(f"{where}: no user or password belongs into an address; {ALTERNATIVES}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{where}: expected an address that starts with https:// or http://")
    if parts.query or parts.fragment:
        raise ConfigError(f"{where}: expected the tracker's root address, without ? or #")
    return url.rstrip("/")


def _secret(table: Mapping[str, object], where: str, at: str, folder: Path) -> SecretReference:
    given = table.get("secret")
    if given is None:
        raise ConfigError(f"{where}: {at}.secret is missing; {ALTERNATIVES}")
    if not isinstance(given, dict):
        raise ConfigError(f"{where}: {at}.secret: a secret itself does not belong in this file; {ALTERNATIVES}")
    _only(given, tuple(Place), where, f"{at}.secret")
    if len(given) != 1:
        raise ConfigError(f"{where}: {at}.secret: expected exactly one of {', '.join(Place)}")
    place, value = Place(next(iter(given))), next(iter(given.values()))
    if place is Place.COMMAND:
        words = value if isinstance(value, list) else []
    else:
        words = [value]
    if not words or not all(isinstance(word, str) and word for word in words):
        expected = 'a list of words, such as ["pass", "rally"]' if place is Place.COMMAND else "a text"
        raise ConfigError(f"{where}: {at}.secret.{place}: expected {expected}")
    return SecretReference(place, tuple(words), folder)


def _types(table: Mapping[str, object], where: str) -> tuple[str, ...]:
    given = table.get("types", ["*"])
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise ConfigError(f'{where}: expected a list of type names, such as ["*", "-Revision"]')
    # Only exclusions means everything but those.
    return tuple(given) if any(not each.startswith("-") for each in given) else ("*", *given)


def _history(table: Mapping[str, object], where: str) -> tuple[str, ...]:
    given = table.get("history", False)
    if isinstance(given, bool):
        return ("*",) if given else ()
    return _types({"types": given}, where)


def _concurrency(table: Mapping[str, object], where: str) -> int:
    given = table.get("concurrency", 8)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MAX_CONCURRENCY:
        raise ConfigError(f"{where}: expected a whole number from 1 to {MAX_CONCURRENCY}")
    return given


def _protect(table: Mapping[str, object], where: str) -> tuple[str, ...]:
    given = table.get("protect", [])
    if not isinstance(given, list) or not all(isinstance(each, str) and _PROTECTED.fullmatch(each) for each in given):
        raise ConfigError(f'{where}: expected a list such as ["Project", "*.delete", "Story.Estimate"]')
    return tuple(given)


def _push_cap(table: Mapping[str, object], where: str) -> int | None:
    given = table.get("push_cap")
    if given is not None and (not isinstance(given, int) or isinstance(given, bool) or given < 0):
        raise ConfigError(f"{where}: expected a whole number of changes; more of them need --yes")
    return given


def _states(table: Mapping[str, object], where: str) -> dict[str, Category]:
    return {name: Category(word) for name, word in _words(table, Category, '"Defect.Fixed" = "done"', where)}


def _conflicts(table: Mapping[str, object], where: str) -> dict[str, Side]:
    return {name: Side(word) for name, word in _words(table, Side, '"Defect.State" = "remote"', where)}


def _words(table: Mapping[str, object], known: type[StrEnum], example: str, where: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a table with their values, each checked to be one of the known words."""
    for name, word in table.items():
        if isinstance(word, dict):
            raise ConfigError(f"{where}.{name}: a name with a dot in it stands in quotes, such as {example}")
        if not isinstance(word, str) or word not in tuple(known):
            raise ConfigError(f"{where}: {name!r} is expected to be one of {', '.join(known)}")
        yield name, word


def _scope(value: object, expected: type, where: str) -> object:
    """Return `value` as one name or number, or, where a list is expected, as a tuple of these."""
    names = value if expected is list else [value]
    if not isinstance(names, list) or not names or not all(map(_is_name, names)):
        many = "a list of names or numbers" if expected is list else "a name or a number"
        raise ConfigError(f"{where}: expected {many}")
    return tuple(names) if expected is list else value


def _is_name(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def _only(table: Mapping[str, object], known: Collection[str], where: str, at: str) -> None:
    """Refuse the first key that is not known."""
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: {f'{at}.' if at else ''}{key} is not a known key{_near(key, known)}")


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; one of: {', '.join(known)}"


def _table(parent: Mapping[str, object], key: str, where: str, prefix: str) -> Mapping[str, object]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: {prefix}{key}: expected a table, [{prefix}{key}…]")
    return value


def _text(table: Mapping[str, object], key: str, where: str, at: str) -> str | None:
    value = table.get(key)
    if value is not None and not (isinstance(value, str) and value):
        raise ConfigError(f"{where}: {f'{at}.' if at else ''}{key}: expected a text")
    return value


def _needed(table: Mapping[str, object], key: str, where: str, at: str) -> str:
    value = _text(table, key, where, at)
    if value is None:
        raise ConfigError(f"{where}: {at}.{key} is missing")
    return value


def _from_environment(environ: Mapping[str, str], trackers: Trackers, folder: Path) -> dict[str, SourceSettings]:
    """Return the source `rally` when RALLY_APIKEY or RALLY_PASSWORD is set, else nothing."""
    key = next((name for name in ("RALLY_APIKEY", "RALLY_PASSWORD") if environ.get(name)), None)
    if key is None:
        return {}
    words = ("RALLY_USER", "RALLY_USERNAME") if key == "RALLY_PASSWORD" else ()  # pyral's word for it, and pyrally's
    user = next((environ[name] for name in words if environ.get(name)), None)
    if words and user is None:
        raise ConfigError(
            "environment: RALLY_PASSWORD is set, RALLY_USER is not; set it too, or RALLY_APIKEY, or: mirror add"
        )
    own = {name: environ.get(f"RALLY_{name.upper()}") for name in trackers.get("rally", ())}
    scope = {name: value for name, value in own.items() if value}
    server = environ.get("RALLY_SERVER") or _RALLY_SERVER
    url = _address(server if "://" in server else f"https://{server}", "environment: RALLY_SERVER")
    secret = SecretReference(Place.ENV, (key,), folder)
    return {"rally": SourceSettings("rally", "rally", url, secret, user, scope, where="environment")}
