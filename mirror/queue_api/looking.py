"""Looking at the queue through the Python API, taking changes back, and answering conflicts. No tracker is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from mirror.engine import discarding, resolving
from mirror.engine.showing import Layouts, ShownChange, ShownEntry, about, place_of, show, show_log
from mirror.errors import UnknownRecordError, UsageError
from mirror.model.change import LogEntry, State
from mirror.queue_api.opened import Opened
from mirror.store.store import Store


class Looking(Opened):
    """The part of `Mirror` that shows what waits to be pushed, and settles what does not get on by itself."""

    def changes(self, names: Sequence[str] = ()) -> list[ShownChange]:
        """Return what waits in the queues of those sources, or of all, oldest first by source.

        Edits made by SQL are looked at first, so that what is wrong with them is known.
        """
        store = self._existing_store()
        if store is None:
            return []
        return self._told_apart(store, [each for source in self.chosen(names) for each in self._shown(store, source.name)])

    def conflicts(self, names: Sequence[str] = ()) -> list[ShownChange]:
        """Return those of the changes that contradict what somebody did on the tracker."""
        return [each for each in self.changes(names) if each.change.state is State.CONFLICT]

    def diff(self, key: str = "", names: Sequence[str] = ()) -> list[ShownChange]:
        """Return the changes of the record that people call `key`, or all, those of one record together.

        Raises:
            UsageError: nothing waits for `key`, or it is ambiguous.
        """
        shown = self.changes(names)
        found = about(shown, self._find(key)) if key else shown
        first = {place_of(each.change): number for number, each in reversed(list(enumerate(found)))}
        return sorted(found, key=lambda each: first[place_of(each.change)])

    def discard(self, key: str = "", field: str = "") -> list[ShownChange]:
        """Take back the changes of a record, or of one of its fields, or without a key all; return what was taken back.

        Without a key what may be on the tracker already is left alone.

        Args:
            field: the name of a field, in any case; or what a change does: `comment`, `attach`, `rank`, `delete`.

        Raises:
            UsageError: there is none, it may be on the tracker already, or other changes depend on it.
        """
        store = self._filled_store()
        waiting = self.changes()
        if key:
            wanted = _narrowed(about(waiting, self._find(key)), field)
        else:
            wanted = [each for each in waiting if not each.change.is_in_flight]
        return self._by_source(store, wanted, discarding.discard)

    def log(self, key: str = "", *, limit: int | None = None, names: Sequence[str] = ()) -> list[ShownEntry]:
        """Return how changes, and attempts to send them, ended, newest first.

        Args:
            key: what people call the record, also `NEW-3` for one that has been created on the tracker since.
        """
        store = self._existing_store()
        if store is None:
            return []
        found: list[ShownEntry] = []
        for source, record in self._logged(store, key, names):
            searched = bool(key) and record is None
            entries = store.queue.log(source, record=record, limit=None if searched else limit)
            wanted = [each for each in entries if not searched or is_about(each, key)][:limit]
            found += show_log(store, store.layouts(source), wanted)
        sources = dict.fromkeys(each.entry.change.source for each in found)
        if key and len(sources) > 1:
            names = " or ".join(f"{each}:{key}" for each in sources)
            raise UsageError(f"{key!r} may be {names}: say which")
        found.sort(key=lambda each: each.entry.id, reverse=True)
        return found[:limit]

    def answerable(self, key: str = "", field: str = "") -> list[ShownChange]:
        """Return what is to be answered next, of a record or of all: of each its conflicts, else what is unknown or refused.

        Raises:
            UsageError: nothing waits for `key`, or for that field of it.
        """
        found = self.changes()
        if key:
            found = _narrowed(about(found, self._find(key)), field)
        records: dict[tuple[str, str, int], list[ShownChange]] = {}
        for each in found:
            records.setdefault(place_of(each.change), []).append(each)
        return [one for changes in records.values() for one in resolving.waiting(changes)]

    def resolve(self, key: str, take: str, field: str = "") -> list[ShownChange]:
        """Answer what waits for a person about a record, and return what was answered, as it was before.

        Args:
            take: for a conflict, or what was refused, `local`, `remote`, or another value. For what was sent, never answered
                and cannot be found out: the key of the record that it made, or `none` to create it again; `done` or `again`.
            field: needed where several fields wait and a value is taken.

        Raises:
            UsageError: nothing waits for an answer, or this is none.
        """
        waiting = self.answerable(key, field)
        if not waiting:
            raise UsageError(f"nothing about {key} waits for an answer")
        return self._resolve(waiting, take)

    def answer(self, shown: ShownChange, take: str) -> None:
        """Answer one of those that `answerable` returned, as `resolve` does.

        Raises:
            UsageError: this is no answer, or it does not wait any more.
        """
        self._resolve([shown], take)

    def _resolve(self, waiting: Sequence[ShownChange], take: str) -> list[ShownChange]:
        store = self._filled_store()
        with self._lease(store):
            return resolving.resolve(store, self._editor(waiting[0].change.source), waiting, take)

    def _shown(self, store: Store, source: str) -> list[ShownChange]:
        layouts = store.layouts(source)
        self._take_in(source, layouts)
        return show(store, layouts, store.queue.open(source))

    def _told_apart(self, store: Store, shown: Sequence[ShownChange]) -> list[ShownChange]:
        """Return changes of which those of records created here are called so that the key leads to them alone."""
        numbers = {each.change.record_id for each in shown if each.change.record_id < 0} if len(self.sources) > 1 else set()
        several = {each for each in numbers if len(store.finder.created(self._catalogues(), -each)) > 1}
        return [
            replace(each, label=f"{each.change.source}:{each.label}") if each.change.record_id in several else each
            for each in shown
        ]

    def _logged(self, store: Store, key: str, names: Sequence[str]) -> list[tuple[str, tuple[str, int] | None]]:
        """Return the sources whose log is asked for, each with the record; None where the log itself must be searched."""
        if not key:
            return [(each.name, None) for each in self.chosen(names)]
        try:
            found = self._find(key)
        except UnknownRecordError:
            return [(each.name, None) for each in self.chosen(names)]
        return [(found.source, (found.layout.type.name, found.record_id))]

    def _by_source(
        self,
        store: Store,
        wanted: Sequence[ShownChange],
        work: Callable[[Store, Layouts, Sequence[ShownChange]], list[ShownChange]],
    ) -> list[ShownChange]:
        done: list[ShownChange] = []
        for source in dict.fromkeys(each.change.source for each in wanted):
            layouts = store.layouts(source)
            done += work(store, layouts, [each for each in wanted if each.change.source == source])
        return done


def is_about(entry: LogEntry, key: str) -> bool:
    """Return whether a line of the log is about the record that people called `key` when it was here."""
    change = entry.change
    words = {entry.label, f"{change.type_name}/{change.record_id}", f"{change.type_name}:{change.record_id}"}
    if entry.temporary_id is not None:
        words.add(f"NEW{entry.temporary_id}")
    known = {word.lower() for word in words}
    return key.lower() in known or key.lower() in {f"{change.source.lower()}:{word}" for word in known}


def _narrowed(shown: Sequence[ShownChange], field: str) -> list[ShownChange]:
    """Return those about that field, or that do what it says; all when none is given."""
    if not field:
        return list(shown)
    word = field.lower()
    found = [each for each in shown if word in (each.change.field.lower(), each.change.action.value)]
    if not found:
        there = ", ".join(dict.fromkeys(each.change.field or each.change.action.value for each in shown))
        raise UsageError(f"nothing waits for {field} of {shown[0].label}; there is: {there}")
    return found
