"""The same records as of several instants, one after the other: VersionOne's list form of asof (versionone.md §10, 16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from mirror.model.schema import Kind
from mirror.script.frames import Table
from mirror.script.record import Record

if TYPE_CHECKING:
    from mirror.script.records import Records


@dataclass(frozen=True, slots=True)
class Moments:
    """Records as of several instants, in the order in which these were given.

    A record comes once for each instant at which it was there, as an object of its own, and `as_of` tells which that is.
    What narrows or orders them does so as of each instant.
    """

    each: tuple[Records, ...]

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The instants, UTC."""
        return tuple(at for one in self.each if (at := one.home.as_of) is not None)

    def find(self, text: str) -> Moments:
        """Return those that a query in the tracker's own language finds, as `Records.find` does."""
        return replace(self, each=tuple(one.find(text) for one in self.each))

    def where(self, **equal: object) -> Moments:
        """Return those whose fields have these values, as `Records.where` does."""
        return replace(self, each=tuple(one.where(**equal) for one in self.each))

    def order(self, *keys: str) -> Moments:
        """Return them in another order within each instant."""
        return replace(self, each=tuple(one.order(*keys) for one in self.each))

    sort = order

    def select(self, *terms: str) -> Moments:
        """Say what `rows`, `dicts` and the frames are to have behind `as_of`."""
        return replace(self, each=tuple(one.select(*terms) for one in self.each))

    def limit(self, size: int) -> Moments:
        """Return at most so many as of each instant."""
        return self.page(size, 0)

    def page(self, size: int, start: int = 0) -> Moments:
        """Return at most `size` as of each instant, without the first `start` of each."""
        return replace(self, each=tuple(one.page(size, start) for one in self.each))

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.each)

    def all(self) -> list[Record]:
        """Return all of them."""
        return [*self]

    def first(self) -> Record | None:
        """Return the first; None when there is none."""
        return next(iter(self.limit(1)), None)

    def count(self) -> int:
        """Return how many there are, of all instants together."""
        return sum(one.count() for one in self.each)

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return any(self.each)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the instant and the values of what was selected, or of all fields."""
        for one in self.each:
            for row in one.rows():
                yield one.home.as_of, *row

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Yield as `rows` does, by name; the instant is `as_of`."""
        for one in self.each:
            for row in one.dicts():
                yield {"as_of": one.home.as_of, **row}

    def values(self, name: str) -> Iterator[Any]:
        """Yield the value of one field as of each instant in turn, as `Records.values` does.

        Raises:
            QueryError: the name cannot be understood.
        """
        return chain.from_iterable([one.values(name) for one in self.each])

    def to_pandas(self) -> Any:
        """Return what was selected as a pandas.DataFrame, with a column `as_of`."""
        return self._table().to_pandas()

    def to_polars(self) -> Any:
        """Return what was selected as a polars.DataFrame, with a column `as_of`."""
        return self._table().to_polars()

    def to_arrow(self) -> Any:
        """Return what was selected as a pyarrow.Table, with a column `as_of`."""
        return self._table().to_arrow()

    def _table(self) -> Table:
        names, kinds = self.each[0].columns() if self.each else ((), ())
        return Table(("as_of", *names), (Kind.TIMESTAMP, *kinds), self.rows())

    def __repr__(self) -> str:
        return f"<{self.each[0]!r} as of {len(self.each)} instants>" if self.each else "<no instants>"
