"""Answers to SQL that scripts ask: rows as they are read inside a `with` block, or a whole table at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from mirror.script.frames import Table
from mirror.store.reading import Result


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a query. Its rows come from the database as they are read, once.

    Attributes:
        missing: as of an instant, what the tables that were asked do not hold, in sentences.
    """

    columns: Sequence[str]
    rows: Iterator[Sequence[object]]
    missing: Sequence[str] = ()


class Sql(AbstractContextManager[Answer]):
    """A query that is run when its answer is looked at: `for row in m.sql("…")`, or `m.sql("…").to_pandas()`.

    `with m.sql("…") as answer` has the names of the columns besides.
    """

    def __init__(self, run: Callable[[], AbstractContextManager[Result]]) -> None:
        self._run = run
        self._running: AbstractContextManager[Result] | None = None

    def __enter__(self) -> Answer:
        self._running = self._run()
        found = self._running.__enter__()
        return Answer(found.columns, iter(found.rows), found.missing)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        running, self._running = self._running, None
        return running.__exit__(kind, error, trace) if running is not None else None

    def __iter__(self) -> Iterator[Sequence[object]]:
        """Yield the rows as they are read."""
        with self._run() as found:
            yield from found.rows

    def all(self) -> list[Sequence[object]]:
        """Return all rows."""
        with self as answer:
            return list(answer.rows)

    def to_pandas(self) -> Any:
        """Return the answer as a pandas.DataFrame.

        Raises:
            UsageError: pandas is not installed, or the database does not accept the query.
        """
        with self as answer:
            return _table(answer).to_pandas()

    def to_polars(self) -> Any:
        """Return the answer as a polars.DataFrame.

        Raises:
            UsageError: polars is not installed, or the database does not accept the query.
        """
        with self as answer:
            return _table(answer).to_polars()

    def to_arrow(self) -> Any:
        """Return the answer as a pyarrow.Table.

        Raises:
            UsageError: pyarrow is not installed, or the database does not accept the query.
        """
        with self as answer:
            return _table(answer).to_arrow()


def _table(answer: Answer) -> Table:
    return Table(answer.columns, [None] * len(answer.columns), answer.rows)
