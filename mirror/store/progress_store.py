"""The half of Store that keeps how far syncs came: loads, watermarks, notes and runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from mirror.model.event import Tally
from mirror.model.progress import Failure, Slice, TypeStatus, Watermark
from mirror.store import progress, runs
from mirror.store.database import Database
from mirror.store.runs import Ending


class ProgressStore:
    """What of Store is about progress; only Store derives from it."""

    _database: Database

    def plan_load(self, source: str, type_name: str, slices: Sequence[Slice]) -> None:
        """Begin the load of a type with these slices; an earlier plan of it is forgotten."""
        with self._database.write() as connection:
            progress.plan(connection, source, type_name, slices)

    def open_slices(self, source: str) -> list[Slice]:
        """Return all slices of loads that `finish_load` has not ended, those that are done included."""
        with self._database.read() as connection:
            return progress.unfinished(connection, source)

    def finish_load(self, source: str, type_name: str, watermark: datetime | None, *, now: datetime | None = None) -> None:
        """End the load of a type, in one step with its watermark (None: the type has none)."""
        with self._database.write() as connection:
            progress.finish(connection, source, type_name, watermark_at=watermark, now=now)

    def loaded_types(self, source: str) -> set[str]:
        """Return the types whose first load has ended."""
        with self._database.read() as connection:
            return progress.loaded_types(connection, source)

    def watermarks(self, source: str) -> dict[str, Watermark]:
        """Return type name -> watermark."""
        with self._database.read() as connection:
            return progress.watermarks(connection, source)

    def set_watermarks(self, source: str, marks: Mapping[str, Watermark], *, now: datetime | None = None) -> None:
        """Store, by type, that changes up to these marks are in the database."""
        with self._database.write() as connection:
            for type_name, mark in marks.items():
                progress.set_watermark(connection, source, type_name, mark)
                progress.touch(connection, source, type_name, now)

    def set_complete(self, source: str, types: Collection[str], at: datetime) -> None:
        """Store that of these types everything is here that had changed on the tracker before `at`, our time."""
        with self._database.write() as connection:
            progress.set_complete(connection, source, types, at)

    def note(self, source: str, key: str, value: str) -> None:
        """Store one small fact about a source."""
        with self._database.write() as connection:
            progress.set_note(connection, source, key, value)

    def notes(self, source: str) -> dict[str, str]:
        """Return the facts about a source."""
        with self._database.read() as connection:
            return progress.notes(connection, source)

    # runs

    def begin_run(self, source: str, now: datetime) -> int:
        """Record that a run began; return its number."""
        with self._database.write() as connection:
            return runs.begin(connection, source, now)

    def end_run(
        self,
        run_id: int,
        now: datetime,
        *,
        tally: Tally,
        requests: int,
        outcome: str,
        failures: Sequence[Failure],
    ) -> None:
        """Record how a run ended.

        Args:
            outcome: one word.
        """
        with self._database.write() as connection:
            runs.end(connection, run_id, Ending(now, tally, requests, outcome, failures))

    def failures(self, source: str) -> list[Failure]:
        """Return what did not work in the last run of `source` that came to an end, in its order."""
        with self._database.read() as connection:
            return runs.failures(connection, source)

    def status(self, source: str) -> list[TypeStatus]:
        """Return the state of every type of `source`, vanished ones included, by name."""
        with self._database.read() as connection:
            return runs.status(connection, source)
