"""Which trackers there are: one line each, imported only when a source asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from mirror.connectors.base import Connector
from mirror.connectors.belongings import Belongings
from mirror.connectors.contents import Contents
from mirror.connectors.language import Language
from mirror.errors import ConfigError
from mirror.model.source import Auth, Source
from mirror.named import named

if TYPE_CHECKING:
    from mirror.connectors.http import Transport


@dataclass(frozen=True, slots=True)
class Tracker:
    """One kind of tracker.

    Attributes:
        connector: `module:Class`.
        language: `module:Class` of its query language; made without arguments.
        belongings: `module:NAME` of what belongs to its records.
        contents: `module:Class` of what reads the bytes of its files.
        scope: keys of its own that a source of this kind may have in the settings, with `str` for one name or
            number and `list` for many (a tuple then); they become Source.scope.
        auth: its own ways of signing in. Where a web server or a proxy asks for another one, every tracker takes it.
    """

    connector: str
    language: str
    belongings: str
    contents: str
    scope: Mapping[str, type]
    auth: frozenset[Auth]


ANY_TRACKERS = frozenset({Auth.KERBEROS, Auth.NTLM, Auth.PYTHON})

TRACKERS = {
    "rally": Tracker(
        "mirror.connectors.rally.connector:RallyConnector",
        "mirror.connectors.rally.language:RallyLanguage",
        "mirror.connectors.rally.belongings:BELONGINGS",
        "mirror.connectors.rally.contents:RallyContents",
        {"workspace": str},
        frozenset({Auth.APIKEY, Auth.BASIC}),
    ),
    "rt": Tracker(
        "mirror.connectors.rt.connector:RTConnector",
        "mirror.connectors.rt.language:RTLanguage",
        "mirror.connectors.rt.belongings:BELONGINGS",
        "mirror.connectors.rt.contents:RTContents",
        {"queues": list},
        frozenset({Auth.SESSION, Auth.BASIC, Auth.TOKEN}),
    ),
    "versionone": Tracker(
        "mirror.connectors.versionone.connector:VersionOneConnector",
        "mirror.connectors.versionone.language:VersionOneLanguage",
        "mirror.connectors.versionone.belongings:BELONGINGS",
        "mirror.connectors.versionone.contents:VersionOneContents",
        {"scope": str},
        frozenset({Auth.TOKEN, Auth.BASIC, Auth.SESSION}),
    ),
}


def connect(source: Source, transport: Transport | None = None) -> Connector:
    """Return the connector of `source`; no request is made yet.

    Raises:
        ConfigError: no tracker of that kind.
    """
    if source.tracker not in TRACKERS:
        raise ConfigError(f"source {source.name!r}: tracker {source.tracker!r} is not known; one of: {', '.join(TRACKERS)}")
    check_auth(source.tracker, source.credential.auth, f"source {source.name!r}")
    connector = named(TRACKERS[source.tracker].connector)
    return cast("Connector", connector(source, transport or _transport(source)))


def check_auth(kind: str, auth: Auth | None, where: str) -> None:
    """Refuse a way of signing in that a kind of tracker does not have.

    Raises:
        ConfigError: it is one; names those that there are.
    """
    known = TRACKERS[kind].auth | ANY_TRACKERS
    if auth is not None and auth not in known:
        listed = ", ".join(each for each in Auth if each in known)
        raise ConfigError(f'{where}: {kind} does not take auth = "{auth}"; it takes {listed}')


def language(kind: str) -> Language:
    """Return the query language of a kind of tracker.

    Raises:
        ConfigError: no tracker of that kind.
    """
    return cast("Language", named(_tracker(kind).language)())


def belongings(kind: str) -> Belongings:
    """Return where a kind of tracker keeps what belongs to its records.

    Raises:
        ConfigError: no tracker of that kind.
    """
    return cast("Belongings", named(_tracker(kind).belongings))


def reader(source: Source) -> Contents:
    """Return what reads the files of `source`, over connections of its own; no request is made yet.

    Raises:
        ConfigError: no tracker of that kind.
    """
    return contents(source.tracker)(source, _transport(source))


def contents(kind: str) -> type[Contents]:
    """Return what reads the files of a kind of tracker.

    Raises:
        ConfigError: no tracker of that kind.
    """
    return cast("type[Contents]", named(_tracker(kind).contents))


def _transport(source: Source) -> Transport:
    return cast("Transport", named("mirror.connectors.http:Transport")(source.url, concurrency=source.concurrency))


def _tracker(kind: str) -> Tracker:
    if kind not in TRACKERS:
        raise ConfigError(f"tracker {kind!r} is not known; one of: {', '.join(TRACKERS)}")
    return TRACKERS[kind]
