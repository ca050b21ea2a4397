"""Who watches, what, and what he is told with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mirror.errors import UsageError
from mirror.model.happening import Happening, Interest
from mirror.script.changes import Changes
from mirror.script.record import Record
from mirror.script.records import Records

Created = Callable[[Record], object]
Changed = Callable[[Record, Changes], object]
Deleted = Callable[[Record, str], object]


@dataclass(slots=True)
class Watcher:
    """One watcher of this session.

    Attributes:
        name: under which the database keeps what he is still to be told.
        types: names of types, as `m.watch` was given them; empty with `records`.
        records: only those that these queries find; None for all.
        own: also what was pushed from here.
        since_start: also, as created, of what was there to begin with.
        registered: as the database knows it; None before that.
    """

    name: str
    types: tuple[str, ...]
    records: Records | None
    created: Created | None = None
    changed: Changed | None = None
    deleted: Deleted | None = None
    own: bool = False
    since_start: bool = False
    registered: frozenset[Interest] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.happenings:
            raise UsageError("say what to call: created=, changed= or deleted=")

    @property
    def happenings(self) -> frozenset[Happening]:
        """What it is told of."""
        given = {Happening.CREATED: self.created, Happening.CHANGED: self.changed, Happening.DELETED: self.deleted}
        return frozenset(each for each, callback in given.items() if callback is not None)

    def tell(self, happening: Happening, record: Record, changes: Changes, reason: str) -> None:
        """Call back."""
        match happening:
            case Happening.CREATED if self.created is not None:
                self.created(record)
            case Happening.CHANGED if self.changed is not None:
                self.changed(record, changes)
            case Happening.DELETED if self.deleted is not None:
                self.deleted(record, reason)

    def interests(self, places: Mapping[tuple[str, str], object]) -> frozenset[Interest]:
        """Return what is to be registered for these (source, type name)."""
        return frozenset(Interest(*place, self.happenings, own=self.own, since_start=self.since_start) for place in places)


_NOBODYS = frozenset({"__main__", *sys.stdlib_module_names})
"""Modules that tell nothing of the script; those of Python's own library are the same in all."""


def usual_name(what: str, callback: object) -> str:
    """Return what a watcher without a name is called: after the script and what it watches, `triage: acme:Defect`.

    It must be the same whenever the script runs.

    Args:
        callback: one of its callbacks; it tells the script, unless it is one of Python's own, such as `print`.
    """
    if isinstance(callback, partial):
        callback = callback.func
    module = getattr(callback, "__module__", None) or "builtins"
    if module.partition(".")[0] in _NOBODYS:
        file = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(file).stem if file else "python"
    return f"{module}: {what}"
