"""Reading what this RT and this account offer, cheaply when nothing changed.

The digest has two parts: one over everything that two listings show, and one short mark for each Select field, whose
allowed values only the field's own record shows and whose change leaves no trace (seen on 5.0.3). A quiet look reads one
of those records, another one each minute, so that a new allowed value is noticed within a few syncs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2s
from typing import Any

from mirror.connectors.http import Request
from mirror.connectors.rt.catalog import APPLIES_TO, CustomField, CustomRole, Schema, digest
from mirror.connectors.rt.collections import front, listing
from mirror.connectors.rt.dates import NO_DATE
from mirror.connectors.rt.login import Login
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.search import Rows, decoded, id_of

_FIELDS = "id,Name,Type,MaxValues,LookupType,Description,Disabled,LastUpdated"
_ROLES = "id,Name,MaxValues,Disabled,LastUpdated"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a quiet look shows.

    Attributes:
        fronts: the listings it was made of, by type; each is also a listing of that type's latest changes.
    """

    schema: Schema
    fronts: Mapping[str, Rows]

    @property
    def server_time(self) -> datetime:
        """When the look began."""
        return min(each.server_time for each in self.fronts.values())


class Discovery:
    """Reads the schema over one login."""

    def __init__(self, login: Login, pager: Pager) -> None:
        self._login = login
        self._pager = pager

    def look(self) -> Seen:
        """Return the schema without allowed values."""
        users = self._pager.numbered(front("user", {"fields": "id,LastUpdated"}), 1)
        fields = self._whole("customfield", _FIELDS)
        roles = self._whole("customrole", _ROLES)
        schema = Schema(
            self._login.version or self._version(),
            _sees_users(users.items),
            tuple(_custom_field(each) for each in fields.items if _applies(each) and not _is_disabled(each)),
            tuple(_custom_role(each) for each in roles.items if not _is_disabled(each)),
        )
        fronts = {"customfield": fields, "customrole": roles}
        return Seen(schema, {**fronts, "user": users} if schema.sees_users else fronts)

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

    def _version(self) -> str:
        return str(decoded(self._login.send(Request("GET", "/REST/2.0/rt")), "rt").get("Version", ""))

    def _whole(self, type_name: str, fields: str) -> Rows:
        """Return a small listing, disabled rows included, as if it were one page."""
        stretches = list(self._pager.all(listing(type_name, {"fields": fields}), empty_pages=1))
        items = [item for each in stretches for item in each.items]
        total = None if stretches[0].announced is None else len(items)
        return Rows(items, total, 1, stretches[0].server_time, stretches[-1].server_time)

    def _allowed(self, field: CustomField) -> tuple[str, ...]:
        if field.native != "Select":
            return ()
        answer = self._login.send(Request("GET", f"/REST/2.0/customfield/{field.id}"))
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


def _sees_users(items: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether stamps of users are readable; an account's own always is (seen on 5.0.3)."""
    return sum(each.get("LastUpdated") not in (None, "", NO_DATE) for each in items) > 1


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
