"""What every part of `Mirror` stands on: the settings, the database they lead to, and the lease on it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from mirror.config import Settings, SourceSettings
from mirror.connectors.registry import check_auth, language
from mirror.engine.account import account_of, asked_by
from mirror.engine.edit import Editor
from mirror.engine.finding import Found, find
from mirror.engine.lookup import Lookup
from mirror.engine.protection import check_entries
from mirror.engine.taking_in import take_in
from mirror.errors import UsageError
from mirror.model.change import Via
from mirror.model.layout import Layout
from mirror.model.source import Signer
from mirror.store.store import Store


class Opened:
    """The settings in use, and the database, which is opened when it is first needed.

    Attributes:
        via: through what changes are made, for the audit trail.
    """

    via: Via = Via.API

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        *,
        settings_path: Path,
        auth: Mapping[str, Signer] | None = None,
    ) -> None:
        self._signers = auth or {}
        self._use(settings)
        self._environ = environ
        self._path = settings_path
        self._store: Store | None = None

    def _use(self, settings: Settings) -> None:
        """Take settings, with the authentication objects of this script put to their sources.

        Raises:
            UnknownSourceError: there is one for a source that is not there.
            ConfigError: a tracker does not sign in as its source says.
        """
        for each in settings.sources.values():
            if each.auth is not None:
                check_auth(each.tracker, each.auth.auth, f"{each.where}: sources.{each.name}.auth")
        self._settings = settings.signed_by(self._signers)

    def close(self) -> None:
        """Close the database."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def settings_path(self) -> Path | None:
        """The settings file in use; None when there is none."""
        return self._settings.path

    @property
    def sources(self) -> tuple[SourceSettings, ...]:
        """All configured sources, in the order of the settings."""
        return tuple(self._settings.sources.values())

    def chosen(self, names: Sequence[str] = ()) -> tuple[SourceSettings, ...]:
        """Return the sources of those names, or of that one name, or all.

        Raises:
            UsageError: one is not configured, or there is none at all.
        """
        if not self.sources:
            raise UsageError("no source is configured; add one with: mirror add")
        several = [names] if isinstance(names, str) else names  # a text is a sequence of texts to a type checker as well
        return tuple(self._settings[name] for name in dict.fromkeys(several)) if several and names else self.sources

    @property
    def database_label(self) -> str:
        """The database as it may be shown: without a password."""
        return Store.label(self._settings.database)

    def _opened_store(self) -> Store:
        if self._store is None:
            self._store = Store.open(self._settings.database)
        return self._store

    def _existing_store(self) -> Store | None:
        """Return the store, or None when nothing was ever synced into the database."""
        is_there = self._store is not None or Store.exists(self._settings.database)
        return self._opened_store() if is_there else None

    def _filled_store(self) -> Store:
        """Return the store.

        Raises:
            UsageError: nothing was ever synced into the database.
        """
        store = self._existing_store()
        if store is None:
            raise UsageError("nothing is mirrored yet; run: mirror sync")
        return store

    def _layouts(self, source: str) -> Sequence[Layout]:
        store = self._existing_store()
        return list(store.layouts(source).values()) if store is not None else []

    def _catalogues(self, names: Sequence[str] = ()) -> dict[str, Mapping[str, Layout]]:
        """Return source -> type name -> layout, of all sources or of those named; empty for one that was never synced."""
        return {each.name: self._catalogue(each.name) for each in self.chosen(names)}

    def _catalogue(self, source: str) -> Mapping[str, Layout]:
        return self._filled_store().layouts(source)

    def _find(self, key: str) -> Found:
        """Return the record that people call `key`.

        Raises:
            UnknownRecordError: there is none, or there are several; says what to type instead.
        """
        return find(self._filled_store().finder, self._catalogues(), key)

    def _editor(self, source: str, layouts: Mapping[str, Layout] | None = None) -> Editor:
        """Return what checks edits of the records of `source`."""
        known = self._catalogue(source) if layouts is None else layouts
        store, tracker = self._filled_store(), language(self._settings[source].tracker)
        asked = asked_by(account_of(store, source), known, now())
        return Editor(Lookup(store.finder, known), self.via, _user(), lambda field: tracker.written_in(field, asked))

    def _take_in(self, source: str, layouts: Mapping[str, Layout]) -> int:
        """Put what was edited by SQL into the queue, checked; return how many edits there were."""
        return take_in(self._filled_store(), layouts, source, self._settings[source].protect)

    def _check_protect(self) -> None:
        """Make sure that all that the settings protect is there; left out while one of the sources was never synced.

        Raises:
            UsageError: an entry protects nothing, in no source.
        """
        catalogues = self._catalogues()
        if all(catalogues.values()):
            every = [each for types in catalogues.values() for each in types.values()]
            for source in catalogues:
                check_entries(self._settings[source].protect, every)

    def _lease(self, store: Store) -> AbstractContextManager[None]:
        return store.lease(f"process {os.getpid()} on {socket.gethostname()}", now())


def _user() -> str:
    """Return the user of the operating system; empty when it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def now() -> datetime:
    """Return the time of this machine, UTC, aware."""
    return datetime.now(UTC)
