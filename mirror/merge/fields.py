"""The three-way rule for one field: what base, local and remote cells mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mirror.merge.text import merge_text
from mirror.model.cells import columns_of, same
from mirror.model.change import Cells
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Kind

_LONG = 255  # characters; shorter fields are titles and codes, which are not edited in two places


class Verdict(Enum):
    """What becomes of an edit when the tracker's value is known."""

    KEEP = auto()  # the tracker still has the base: the edit waits
    ALREADY = auto()  # the tracker has what was wanted
    MERGED = auto()  # both edited different places of a text
    CONFLICT = auto()


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the cells that are wanted now: those of `local`, but for MERGED."""

    verdict: Verdict
    value: Mapping[str, Any]


def decide(layout: Layout, field: str, base: Cells, local: Cells, remote: Cells) -> Decision:
    """Return what becomes of a local edit.

    | remote is                                  | verdict  |
    |--------------------------------------------|----------|
    | local                                      | ALREADY  |
    | base                                       | KEEP     |
    | another, and the texts merge to remote     | ALREADY  |
    | another, and the texts merge               | MERGED   |
    | another                                    | CONFLICT |
    """
    if equal(layout, field, local, remote):
        return Decision(Verdict.ALREADY, local)
    if equal(layout, field, base, remote):
        return Decision(Verdict.KEEP, local)
    merged = _merged(layout, field, base, local, remote) if is_mergeable(layout, field) else None
    if merged is None:
        return Decision(Verdict.CONFLICT, local)
    return Decision(Verdict.ALREADY if equal(layout, field, merged, remote) else Verdict.MERGED, merged)


def is_mergeable(layout: Layout, field: str) -> bool:
    """Return whether two edits of that field may be merged as text: prose, and nothing that names or classifies."""
    described = layout.type.field(field)
    return (
        described is not None
        and described.kind is Kind.TEXT
        and field not in (layout.type.key_field, layout.type.name_field)
        and not described.allowed_values
        and (described.max_length is None or described.max_length > _LONG)
    )


def equal(layout: Layout, field: str, some: Cells, others: Cells) -> bool:
    """Return whether these cells hold the same value, also where one is no value of its kind (an instant `infinity`)."""
    try:
        return same(layout, field, some, others)
    except ValueError:
        columns = [each.name for part, each in columns_of(layout, field).items() if part is not Part.NAME]
        return all(some.get(each) == others.get(each) for each in columns)


def _merged(layout: Layout, field: str, base: Cells, local: Cells, remote: Cells) -> Mapping[str, Any] | None:
    column = columns_of(layout, field)[Part.VALUE].name
    texts = [cells.get(column) for cells in (base, local, remote)]
    if not all(isinstance(each, str) for each in texts):
        return None
    merged = merge_text(*texts)  # type: ignore[arg-type]  # all are texts
    described = layout.type.field(field)
    longest = None if described is None else described.max_length
    fits = merged is not None and (longest is None or len(merged) <= longest)
    return {column: merged} if fits else None
