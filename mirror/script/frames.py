"""Answers as tables of pandas, polars and Arrow, where those are installed; they are loaded when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from mirror.errors import UsageError
from mirror.model.schema import Kind

_EXTRA = "mirror-tracker[frames]"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that are read once.

    Attributes:
        kinds: of the columns; None where the values tell, as for lists.
        rows: as scripts see values, see `script.values`.
    """

    names: Sequence[str]
    kinds: Sequence[Kind | None]
    rows: Iterable[Sequence[Any]]

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table; a column of a known kind has its type, also when all of it is null.

        Raises:
            UsageError: pyarrow is not installed.
        """
        arrow = _library("pyarrow")
        columns = self._columns()
        arrays = [_array(arrow, kind, column) for kind, column in zip(self.kinds, columns, strict=True)]
        return arrow.Table.from_arrays(arrays, names=list(self.names))

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame; instants are UTC, whole numbers with gaps are of pandas' own Int64.

        Raises:
            UsageError: pandas is not installed.
        """
        pandas = _library("pandas")
        columns = self._columns()
        made = {
            name: pandas.Series(column, dtype=_PANDAS.get(kind, "object") if kind else "object")
            for name, kind, column in zip(self.names, self.kinds, columns, strict=True)
        }
        return pandas.DataFrame(made, columns=list(self.names))

    def to_polars(self) -> Any:
        """Return a polars.DataFrame; instants are UTC.

        Raises:
            UsageError: polars is not installed.
        """
        polars = _library("polars")
        made = [
            polars.Series(name, _even(kind, column), dtype=_polars_type(polars, kind), strict=False)
            for name, kind, column in zip(self.names, self.kinds, self._columns(), strict=True)
        ]
        return polars.DataFrame(made)

    def _columns(self) -> list[list[Any]]:
        columns: list[list[Any]] = [[] for _name in self.names]
        for row in self.rows:
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        return columns


_PANDAS = {
    Kind.INTEGER: "Int64",
    Kind.NUMERIC: "Float64",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "datetime64[us, UTC]",
    Kind.TEXT: "string",
}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"{name} is not installed; install it with: pip install '{_EXTRA}'") from None


def _array(arrow: Any, kind: Kind | None, column: Sequence[Any]) -> Any:
    types = {
        Kind.INTEGER: arrow.int64(),
        Kind.NUMERIC: arrow.float64(),
        Kind.BOOLEAN: arrow.bool_(),
        Kind.TIMESTAMP: arrow.timestamp("us", tz="UTC"),
        Kind.DATE: arrow.date32(),
        Kind.TEXT: arrow.string(),
        Kind.JSON: arrow.string(),
    }
    return arrow.array(_even(kind, column), type=types.get(kind) if kind else None)


def _polars_type(polars: Any, kind: Kind | None) -> Any:
    types = {
        Kind.INTEGER: polars.Int64,
        Kind.NUMERIC: polars.Float64,
        Kind.BOOLEAN: polars.Boolean,
        Kind.TIMESTAMP: polars.Datetime("us", "UTC"),
        Kind.DATE: polars.Date,
        Kind.TEXT: polars.String,
        Kind.JSON: polars.String,
    }
    return types.get(kind) if kind else None


def _even(kind: Kind | None, column: Sequence[Any]) -> list[Any]:
    """Return values that one column can hold: numbers as floats, JSON as text; what is of several kinds as text as well."""
    if kind is Kind.JSON:
        return [None if each is None else _written(each) for each in column]
    if kind is Kind.NUMERIC:
        return [None if each is None else float(each) for each in column]
    if kind is not None or _is_even(column):
        return list(column)
    if _kinds(column) <= {int, float, Decimal}:
        return [None if each is None else float(each) for each in column]
    return [each if each is None or isinstance(each, str) else _written(each) for each in column]


def _is_even(column: Sequence[Any]) -> bool:
    """Return whether values are all of one kind, which is not that of documents; lists when what is in them is."""
    kinds = _kinds(column)
    if kinds == {list}:
        return _is_even([item for each in column if each is not None for item in each])
    return (len(kinds) < 2 and dict not in kinds) or kinds == {int, float}


def _kinds(column: Sequence[Any]) -> set[type]:
    return {type(each) for each in column if each is not None}


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
