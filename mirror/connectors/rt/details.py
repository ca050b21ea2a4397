"""What listings do not show and costs further requests: links, watchers, members, and facts of users."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        sees_users: bool,
    ) -> None:
        self._send = send
        self._ask = ask
        self._people = people
        self._sees_users = sees_users

    def completed(self, record_type: RecordType, search: Search, items: _Items) -> _Items:
        """Return at most a page of `items`, that `search` listed, with the rest of their values."""
        if not items:
            return items
        if record_type.name == "ticket":
            return self._with_links(search, items)
        if record_type.name == "user" and self._sees_users:
            return self._with_facts(items)
        if record_type.name in _HALF_LISTED:
            return self._with_people(record_type, items)
        return items

    def users(self, record_type: RecordType, ids: Sequence[int]) -> Sequence[Answer]:
        """Return the records of users as answered; only for accounts that administer users."""
        expanded = {name: value for name, value in fields(record_type).items() if name != "fields"}
        path = f"/REST/2.0{COLLECTIONS[record_type.name].record}"
        return [self._send(Request("GET", f"{path}/{each}", params=expanded)) for each in ids]

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
        members = [each for item in completed for name in wanted for each in _members(item.get(name))]
        self._people.learn(str(each["id"]) for each in members if each["type"] == "user")
        self._name_groups([each for each in members if each["type"] == "group"])
        return completed

    def _name_groups(self, members: Sequence[dict[str, Any]]) -> None:
        """Put the names of groups beside their numbers, as expanded references have them."""
        for number in {int(each["id"]) for each in members}:
            answer = self._send(Request("GET", f"/REST/2.0/group/{number}"))
            if answer.status == 200:
                name = decoded(answer, "group").get("Name")
                for each in members:
                    if int(each["id"]) == number:
                        each["Name"] = name

    def _with_record(self, record_type: RecordType, item: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
        path = f"/REST/2.0{COLLECTIONS[record_type.name].record}/{id_of(item)}"
        answer = self._send(Request("GET", path))
        if answer.status in (403, 404):
            return item
        record = decoded(answer, record_type.name)
        return {**item, **{name: record[name] for name in wanted if name in record}}


def _members(value: Any) -> Sequence[dict[str, Any]]:
    return value if isinstance(value, list) else ()
