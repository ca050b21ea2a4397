"""Reading what this RT and this account offer, cheaply when nothing changed.

The digest has two parts: one over everything that two listings show, and one short mark for each Select field, whose
allowed values only the field's own record shows and whose change leaves no trace (seen on 5.0.3). A quiet look reads one
of those records, another one each minute, so that a new allowed value is noticed within a few syncs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2s
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.catalog import APPLIES_TO, CustomField, CustomRole, Schema, digest
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.search import Search, Tongue, decoded, id_of

_FIELDS = "id,Name,Type,MaxValues,LookupType,Description,Disabled,LastUpdated"
_ROLES = "id,Name,MaxValues,Disabled,LastUpdated"


@dataclass(frozen=True, slots=True)
class Seen:
    """Two listings at one moment.

    Attributes:
        newest: the latest LastUpdated of each listing, as RT writes it; None for an empty one.
    """

    schema: Schema
    newest: Mapping[str, str | None]
    server_time: datetime


class Discovery:
    """Reads the schema over one login."""

    def __init__(self, send: Callable[[Request], Answer], pager: Pager) -> None:
        self._send = send
        self._pager = pager

    def look(self) -> Seen:
        """Return the schema without allowed values."""
        about = decoded(self._send(Request("GET", "/REST/2.0/rt")), "rt")
        fields, first = self._items("/customfields", _FIELDS)
        roles, second = self._items("/customroles", _ROLES)
        schema = Schema(
            str(about.get("Version", "")),
            "Plugins" in about,  # rt.md §3.1: shown to superusers only
            tuple(_custom_field(each) for each in fields if _applies(each) and not _is_disabled(each)),
            tuple(_custom_role(each) for each in roles if not _is_disabled(each)),
        )
        newest = {"customfield": _newest(fields), "customrole": _newest(roles)}
        return Seen(schema, newest, min(first, second))

    def complete(self, schema: Schema) -> Schema:
        """Return `schema` with the allowed values of its Select fields, one request each."""
        whole = (replace(each, allowed=self._allowed(each)) for each in schema.custom_fields)
        return replace(schema, custom_fields=tuple(whole))

    def is_known(self, seen: Seen, known: str | None) -> bool:
        """Return whether `known` is the digest of what was seen, as far as a quiet look can tell."""
        if known is None:
            return False
        base, *marks = known.split(".")
        selects = _selects(seen.schema)
        if base != digest(seen.schema) or len(marks) != len(selects):
            return False
        if not selects:
            return True
        turn = int(seen.server_time.timestamp() // 60) % len(selects)
        return _mark(self._allowed(selects[turn])) == marks[turn]

    def _items(self, path: str, fields: str) -> tuple[Sequence[Mapping[str, Any]], datetime]:
        """Return a small listing, disabled rows included, and when it was begun."""
        search = Search(path, Tongue.JSON, fields={"fields": fields}, disabled_too=True)
        stretches = list(self._pager.all(search, empty_pages=1))
        return [item for each in stretches for item in each.items], stretches[0].server_time

    def _allowed(self, field: CustomField) -> tuple[str, ...]:
        if field.native != "Select":
            return ()
        answer = self._send(Request("GET", f"/REST/2.0/customfield/{field.id}"))
        if answer.status in (403, 404):
            return ()
        return tuple(str(each) for each in decoded(answer, "customfield").get("Values") or ())


def digest_of(schema: Schema) -> str:
    """Return the digest of a complete schema."""
    bare = replace(schema, custom_fields=tuple(replace(each, allowed=()) for each in schema.custom_fields))
    return ".".join([digest(bare), *(_mark(each.allowed) for each in _selects(schema))])


def _selects(schema: Schema) -> Sequence[CustomField]:
    return [each for each in schema.custom_fields if each.native == "Select"]


def _mark(allowed: tuple[str, ...]) -> str:
    return blake2s(repr(allowed).encode(), digest_size=4).hexdigest()


def _applies(item: Mapping[str, Any]) -> bool:
    return item.get("LookupType") in APPLIES_TO


def _is_disabled(item: Mapping[str, Any]) -> bool:
    return str(item.get("Disabled") or "0") != "0"


def _newest(items: Sequence[Mapping[str, Any]]) -> str | None:
    return max((str(each["LastUpdated"]) for each in items if each.get("LastUpdated")), default=None)


def _custom_field(item: Mapping[str, Any]) -> CustomField:
    return CustomField(
        id_of(item),
        str(item["Name"]),
        str(item.get("Type") or ""),
        str(item.get("MaxValues")) == "1",
        APPLIES_TO[item["LookupType"]],
        str(item.get("Description") or ""),
    )


def _custom_role(item: Mapping[str, Any]) -> CustomRole:
    return CustomRole(id_of(item), str(item["Name"]), str(item.get("MaxValues")) == "1")
