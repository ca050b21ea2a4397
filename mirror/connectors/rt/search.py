"""What to ask of a collection, and the answer: one request each, by key and never by guesswork about order.

Source: rt.md §4 (envelope, JSON search) and §5 (TicketSQL); own readings of RT 5.0.3 where the docstring says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.login import checked
from mirror.errors import ProtocolError
from mirror.model.page import KeyRange

PER_PAGE = 100  # rt.md §4.1: the server's own maximum
_PLACES = {"Accept": "application/json"}


class Tongue(StrEnum):
    """How the rows of a collection are chosen."""

    TICKETS = "TicketSQL"
    TRANSACTIONS = "TransactionSQL"
    JSON = "JSON conditions"
    NONE = "none"  # users: id and LastUpdated are dropped from a search, even for superusers (seen on 5.0.3)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a search.

    Attributes:
        value: as it is compared, unquoted; for dates in JSON conditions `YYYY-MM-DD HH:MM:SS` UTC (rt.md §4.3).
    """

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Search:
    """Rows of one collection.

    Attributes:
        base: for SQL a text, not empty; for JSON conditions.
        fields: request parameters that name the wanted fields.
        descending: newest ids first.
        order: the column to order by.
    """

    path: str
    tongue: Tongue
    base: str | tuple[Condition, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    keys: KeyRange = field(default_factory=KeyRange)
    ids: tuple[int, ...] = ()
    descending: bool = False
    order: str = "id"
    disabled_too: bool = False

    def within(self, keys: KeyRange) -> Search:
        """Return the same search narrowed to `keys`."""
        return replace(self, keys=keys)

    def newest_first(self) -> Search:
        """Return the same search in descending order."""
        return replace(self, descending=True)

    def latest_first(self, stamp: str) -> Search:
        """Return the same search in descending order of a stamp."""
        return replace(self, descending=True, order=stamp)

    def only(self, condition: Condition) -> Search:
        """Return the same search with one condition more."""
        if isinstance(self.base, str):
            return replace(self, base=f"{self.base} AND {_sql(condition)}")
        return replace(self, base=(*self.base, condition))

    def request(self, *, page: int = 1, per_page: int = PER_PAGE) -> Request:
        """Return the request for one page; every one can be repeated, searches write nothing."""
        params = {
            **self.fields,
            "orderby": self.order,
            "order": "DESC" if self.descending else "ASC",
            "per_page": str(per_page),
            "page": str(page),
        }
        if self.disabled_too:
            params["find_disabled_rows"] = "1"
        path = "/REST/2.0" + self.path
        match self.tongue:
            case Tongue.TICKETS:  # rt.md §3.2: only tickets want a form, and a long query is only safe in a body
                return Request("POST", path, form={**params, "query": self._text()}, headers=_PLACES)
            case Tongue.TRANSACTIONS:
                return Request("GET", path, params={**params, "query": self._text()}, headers=_PLACES)
            case Tongue.JSON:
                return Request("POST", path, params=params, json=self._json(), headers=_PLACES)
            case Tongue.NONE:
                return Request("GET", path, params=params, headers=_PLACES)

    def _text(self) -> str:
        parts = [str(self.base), f"id > {self.keys.after}"]
        if self.keys.until is not None:
            parts.append(f"id <= {self.keys.until}")
        if self.ids:
            parts.append("(" + " OR ".join(f"id = {each}" for each in self.ids) + ")")
        return " AND ".join(parts)

    def _json(self) -> bytes:
        """Return the conditions: those of `base` on one field are alternatives, and so are the ids.

        How conditions on one field are joined is always said: unsaid it is OR (rt.md §4.3), but AND for queues (seen on
        5.0.3).
        """
        base = () if isinstance(self.base, str) else self.base
        asked = [_json_condition(each.field, each.operator, each.value, "OR") for each in base]
        if self.ids:
            asked += [_json_condition("id", "=", str(each), "OR") for each in self.ids]
        else:
            asked.append(_json_condition("id", ">", str(self.keys.after), "AND"))
            if self.keys.until is not None:
                asked.append(_json_condition("id", "<=", str(self.keys.until), "AND"))
        return json.dumps(asked).encode()


def _json_condition(field_name: str, operator: str, value: str, joined_by: str) -> dict[str, str]:
    return {"field": field_name, "operator": operator, "value": value, "entry_aggregator": joined_by}


def _sql(condition: Condition) -> str:
    value = condition.value.replace("\\", "\\\\").replace("'", "\\'")  # rt.md §5.1
    return f"{condition.field} {condition.operator} '{value}'"


def either(field_name: str, values: Sequence[int]) -> str:
    """Return SQL for a field that has one of those numbers; there is no IN (rt.md §1.11)."""
    return "(" + " OR ".join(f"{field_name} = {each}" for each in values) + ")"


@dataclass(frozen=True, slots=True)
class Rows:
    """One answer of a collection.

    Attributes:
        items: in the order asked for.
        total: rows that match in all; None when the account may not see them all, and then rows are missing from
            `items` without a sign (rt.md §4.2).
        page: the page that was answered, which is not always the one asked for.
        server_time: when the server was asked, or a little before, UTC, aware.
        answered_at: when it had answered, UTC, aware.
    """

    items: Sequence[dict[str, Any]]
    total: int | None
    page: int
    server_time: datetime
    answered_at: datetime

    @property
    def is_whole(self) -> bool:
        """Whether these are all rows there are."""
        return self.total is not None and self.total <= len(self.items)


def rows_of(answer: Answer, what: str) -> Rows:
    """Return the rows in the answer to a Search.

    Raises:
        ProtocolError: a refused query, or an answer that is no listing.
    """
    document = decoded(answer, what)
    try:
        total = document["total"]
        return Rows(
            document["items"],
            None if total is None else int(total),
            int(document.get("page") or 1),
            asked_at(answer),
            answer.server_time,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"{what}: the answer is no listing") from error


def asked_at(answer: Answer) -> datetime:
    """Return an instant at or before the one at which the server looked at its data."""
    return answer.server_time - timedelta(seconds=answer.elapsed_seconds)


def decoded(answer: Answer, what: str) -> dict[str, Any]:
    """Return the JSON object in a good answer."""
    body = checked(answer, what)
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"{what}: the answer is not JSON") from error
    if not isinstance(document, dict):
        raise ProtocolError(f"{what}: the answer is no JSON object")
    return document


def id_of(item: Mapping[str, Any]) -> int:
    """Return the number of a listed record, which comes as text or as a number (rt.md §3.3).

    Raises:
        ProtocolError: there is none.
    """
    try:
        return int(item["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"a listed record has no number: {str(dict(item))[:200]}") from error
