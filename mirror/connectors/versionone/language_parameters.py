"""A query written as the parameters of a request: `where=Name='x'&sort=-Estimate`. versionone.md §4.

Names of parameters count in any case (§1 I). `filter` and `select`, which only query.v1 surely has, mean the same as `where`
and `sel`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from mirror.errors import QueryError

_NAMES = {
    "where": "where",
    "filter": "where",
    "sort": "sort",
    "find": "find",
    "findin": "find_in",
    "sel": "select",
    "select": "select",
    "with": "variables",
    "page": "page",
    "asof": "as_of",
}
_BEGIN = re.compile(rf"(?:^\s*\??|&)\s*({'|'.join(_NAMES)})=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """One parameter.

    Attributes:
        offset: where its text begins in the whole; None when it was percent-encoded, so that places have moved.
    """

    text: str = ""
    offset: int | None = None

    def refused(self, whole: str, error: QueryError) -> QueryError:
        """Return an error about this text as one about the whole."""
        if self.offset is None:
            return error
        return QueryError(whole, error.position + self.offset, error.problem, length=error.length, near=error.near)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters that queries have; empty ones were not given."""

    where: Given = Given()
    sort: Given = Given()
    find: Given = Given()
    find_in: Given = Given()
    select: Given = Given()
    variables: Given = Given()
    page: Given = Given()
    as_of: Given = Given()


def from_parameters(text: str) -> Parameters:
    """Return the parameters in a text; one that does not begin with the name of a parameter is a filter.

    A text that begins with `?` is the query of an address, percent-encoded; in any other every character is itself.

    Raises:
        QueryError: a parameter is given twice.
    """
    begins = list(_BEGIN.finditer(text))
    if not begins or begins[0].start() != 0:
        return Parameters(where=Given(text, 0))
    found: dict[str, Given] = {}
    encoded = text.lstrip().startswith("?")
    for name, begin, end in _slices(text, begins):
        if name in found:
            raise QueryError(text, begin, f"{name} is given twice", length=max(1, end - begin))
        found[name] = Given(unquote_plus(text[begin:end])) if encoded else Given(text[begin:end], begin)
    return Parameters(**found)


def _slices(text: str, begins: list[re.Match[str]]) -> Iterator[tuple[str, int, int]]:
    ends = [each.start() for each in begins[1:]] + [len(text)]
    for begin, end in zip(begins, ends, strict=True):
        yield _NAMES[begin[1].lower()], begin.end(), end
