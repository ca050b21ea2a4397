"""The versions that were replaced, as others ask for them: which are kept, and what is known of a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from mirror.model.layout import Layout
from mirror.store import catalogue, history_log, history_pruning, history_tables
from mirror.store.database import Database
from mirror.store.history_log import Lived


class HistoryStore:
    """The history in one database. Every method is one transaction, and raises StoreError when the database fails."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, source: str, layouts: Mapping[str, Layout], wanted: Collection[str], *, now: datetime) -> None:
        """Keep replaced versions of these types of a source from now on, and of no others; what was kept stays.

        Args:
            layouts: type name -> layout, of all types that are mirrored.
            now: our time, aware.
        """
        if self.since(source).keys() != set(wanted):
            with self._database.write() as connection:
                history_tables.keep(connection, source, layouts, wanted, now)

    def since(self, source: str) -> dict[str, datetime]:
        """Return the types of a source whose replaced versions are kept, each with the instant since when."""
        with self._database.read() as connection:
            return history_tables.kept_types(connection, source)

    def prune(self, source: str, before: datetime) -> dict[str, int]:
        """Forget the versions of all types of a source, vanished ones too, that ended before an instant, aware.

        Each type is a transaction of its own.

        Returns:
            Type name -> how many versions there were, of the types that had any.
        """
        with self._database.read() as connection:
            known = catalogue.layouts(connection, source, vanished=True)
        found: dict[str, int] = {}
        for name, layout in known.items():
            with self._database.write() as connection:
                found[name] = history_pruning.prune(connection, layout, before)
        return {name: count for name, count in found.items() if count}

    def versions(self, layout: Layout, record_id: int) -> list[Lived]:
        """Return all versions of a record that are known, oldest first; the history of its type is kept."""
        with self._database.read() as connection:
            return history_log.versions(connection, layout, record_id)

    def once_called(self, layouts: Collection[Layout], key: str) -> list[tuple[Layout, int]]:
        """Return the records of these types that were called `key`, in any case, in some version that was replaced."""
        with self._database.read() as connection:
            return history_log.called(connection, layouts, key)
