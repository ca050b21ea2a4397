"""What listings do not show and costs further requests: links, watchers, members, and facts of users."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.collections import COLLECTIONS, fields, links_of
from mirror.connectors.rt.people import People
from mirror.connectors.rt.search import Rows, Search, decoded, id_of
from mirror.model.schema import Kind, RecordType

_Items = Sequence[dict[str, Any]]
_HALF_LISTED = frozenset({"queue", "group"})
"""Types whose people are shown by single records only; there are few of them."""


class Details:
    """Completes listed items for one account."""

    def __init__(
        self,
        send: Callable[[Request], Answer],
        ask: Callable[[Request], Rows],
        people: People,
        *,
        superuser: bool,
    ) -> None:
        self._send = send
        self._ask = ask
        self._people = people
        self._superuser = superuser

    def completed(self, record_type: RecordType, search: Search, items: _Items) -> _Items:
        """Return at most a page of `items`, that `search` listed, with the rest of their values."""
        if not items:
            return items
        if record_type.name == "ticket":
            return self._with_links(search, items)
        if record_type.name == "user" and self._superuser:
            return self._with_facts(items)
        if record_type.name in _HALF_LISTED:
            return self._with_people(record_type, items)
        return items

    def users(self, record_type: RecordType, ids: Sequence[int]) -> tuple[_Items, Sequence[Answer]]:
        """Return users as their own records show them, and the answers; only for superusers.

        Other accounts would be shown less than in a listing.
        """
        expanded = {name: value for name, value in fields(record_type).items() if name != "fields"}
        answers = [
            self._send(Request("GET", f"/REST/2.0{COLLECTIONS[record_type.name].record}/{each}", params=expanded))
            for each in ids
        ]
        found = [decoded(each, record_type.name) for each in answers if each.status not in (403, 404)]
        return found, answers

    def _with_links(self, search: Search, items: _Items) -> _Items:
        rows = self._ask(links_of(search, tuple(id_of(each) for each in items)).request())
        found = {id_of(each): each.get("_hyperlinks") or () for each in rows.items}
        return [{**each, "_hyperlinks": found.get(id_of(each), ())} for each in items]

    def _with_facts(self, items: _Items) -> _Items:
        enabled = self._people.enabled([str(each["Name"]) for each in items], self._ask)
        privileged = self._people.privileged()
        return [
            {
                **each,
                "Disabled": int(each["Name"] not in enabled),
                "Privileged": int(each["Name"] in privileged),
            }
            for each in items
        ]

    def _with_people(self, record_type: RecordType, items: _Items) -> _Items:
        wanted = {field.name for field in record_type.fields if field.kind is Kind.LINKS} | {"Disabled"}
        completed = [self._with_record(record_type, each, wanted) for each in items]
        self._people.learn(_named(completed, wanted))
        return completed

    def _with_record(self, record_type: RecordType, item: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
        path = f"/REST/2.0{COLLECTIONS[record_type.name].record}/{id_of(item)}"
        answer = self._send(Request("GET", path))
        if answer.status in (403, 404):
            return item
        record = decoded(answer, record_type.name)
        return {**item, **{name: record[name] for name in wanted if name in record}}


def _named(items: Sequence[Mapping[str, Any]], wanted: set[str]) -> Sequence[str]:
    return [
        str(member["id"])
        for item in items
        for name in wanted
        if isinstance(item.get(name), list)
        for member in item[name]
        if member.get("type") == "user"
    ]
