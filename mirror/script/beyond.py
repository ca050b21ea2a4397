"""What refers to records that are not in the mirror: Rally's history of a story is none, and the revisions in it are."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.model.write import Target
from mirror.query.expr import AnyOf, Compare, Op, Path, Query

if TYPE_CHECKING:
    from mirror.script.record import Record
    from mirror.script.session import Session

_TOGETHER = 500
"""How many ids one statement compares with; SQLite takes expressions up to 1,000 deep (SQLite, "Limits")."""


class Beyond:
    """Records that were reached together and are not here. What refers to one of them is read for all."""

    __slots__ = ("_read", "_session", "_source", "_targets")

    def __init__(self, session: Session, source: str, targets: Collection[Target]) -> None:
        self._session = session
        self._source = source
        self._targets = targets
        self._read: dict[tuple[str, str], tuple[int, dict[int, list[Record]]]] = {}

    def reached(self, target: Target, name: str) -> list[Record] | None:
        """Return what refers to a record, by the plural of its type, `Revisions`; None when no type of that name does."""
        place = self._referring(target.type_name, name)
        if place is None:
            return None
        epoch, found = self._read.get((target.type_name, name), (-1, {}))
        if epoch != self._session.epoch:
            found = self._look(*place, [each.id for each in self._targets if each.type_name == target.type_name])
            self._read[target.type_name, name] = (self._session.epoch, found)
        return list(found.get(target.id, ()))

    def _referring(self, type_name: str, name: str) -> tuple[Layout, str] | None:
        for layout in self._session.home(self._source).layouts.values():
            if f"{layout.type.name}s" == name:
                for each in layout.type.fields:
                    if each.kind is Kind.REFERENCE and each.targets == (type_name,):
                        return layout, each.name
        return None

    def _look(self, layout: Layout, field: str, ids: Collection[int]) -> dict[int, list[Record]]:
        """Return id -> the records of a type that refer to it, by their own ids."""
        wanted = list(ids)
        found: dict[int, list[Record]] = {}
        home, path = self._session.home(self._source), Path(field, part=Part.ID)
        for start in range(0, len(wanted), _TOGETHER):
            chunk = AnyOf(tuple(Compare(path, Op.EQ, each) for each in wanted[start : start + _TOGETHER]))
            rows = [row.values for row in home.searching.rows([Query(layout.type.name, chunk)])]
            for record in self._session.adopt(self._source, layout.type.name, rows):
                target = record._held.target(record._held.shape.place(field))
                if target is not None:
                    found.setdefault(target.id, []).append(record)
        return found
