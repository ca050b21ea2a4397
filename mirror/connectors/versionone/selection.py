"""What is selected for the rows of a type: every mirrored attribute, and the names that relations are shown by.

Source: versionone.md §4.2.4, §4.2.5 (explicit selections; Moment always), §3.4 L (one unknown attribute fails a page).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from mirror.connectors.versionone.meta import MOMENT, Meta
from mirror.connectors.versionone.question import Pick
from mirror.model.schema import Field, Kind, RecordType

PARENT_MOMENT = "Parent.Moment"

_UNKNOWN = re.compile(r"Unknown (?:AttributeDefinition|token): '?(?:([\w]+)\.)?([\w]+)")
"""The literals of versionone.md §3.4: with the type's name before the attribute's, or without."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to select for the rows, and for the keys, of one type."""

    type_name: str
    picks: tuple[Pick, ...]


def key_picks(record_type: RecordType, *, follows: bool) -> tuple[Pick, ...]:
    """Return what identifies a version of a record: moment, stamp, and the moment of the parent it follows."""
    names = [MOMENT, *([PARENT_MOMENT] if follows else []), *([record_type.stamp_field] if record_type.stamp_field else [])]
    return tuple(Pick(each) for each in names)


def select(meta: Meta, record_type: RecordType, refused: Collection[str]) -> Selection:
    """Return the selection for rows of a type, without what the server has refused.

    Args:
        refused: tokens, `Category` or `Status.Name`.
    """
    follows = meta.follows_parent(record_type.name)
    heads = key_picks(record_type, follows=follows)
    known = {each.name for each in heads}
    body = [_pick(meta, record_type.name, each) for each in record_type.fields if each.name not in known]
    picks = [
        Pick(each.name, "" if each.name_token in refused else each.shown, each.multi)
        for each in (*heads, *body)
        if each.name not in refused
    ]
    return Selection(record_type.name, tuple(picks))


def _pick(meta: Meta, type_name: str, field: Field) -> Pick:
    if field.kind not in (Kind.REFERENCE, Kind.LINKS):
        return Pick(field.name)
    attribute = meta.attribute(f"{type_name}.{field.name}")
    return Pick(field.name, meta.shown_by(attribute.related) if attribute else "", multi=field.kind is Kind.LINKS)


def refused_token(meta: Meta, selection: Selection, reason: str) -> str:
    """Return the token in a selection that a refusal is about; empty when it is about something else."""
    match = _UNKNOWN.search(reason)
    if match is None:
        return ""
    owner, name = match[1] or "", match[2]
    of_type = not owner or not meta.types or owner in meta.lineage(selection.type_name)
    for each in selection.picks:
        if each.name == name and of_type and name != MOMENT:
            return each.name
    for each in selection.picks:
        attribute = meta.attribute(f"{selection.type_name}.{each.name}")
        if each.shown == name and attribute and owner in ("", *meta.lineage(attribute.related)):
            return each.name_token
    return ""
