"""Reading through a connector as the engine does, and what a bare client says the rows ought to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mirror.connectors.rt.connector import RTConnector
from mirror.model.layout import HEAD, Layout, arrange, table_name
from mirror.model.page import Key, KeyRange, Page
from mirror.model.progress import Watermark
from mirror.model.schema import Catalog
from mirror.store.store import Store
from tests.support.rt.client import Client

NO_DATE = "1970-01-01T00:00:00Z"
LINKS = {
    "DependsOn": "depends-on",
    "DependedOnBy": "depended-on-by",
    "RefersTo": "refers-to",
    "ReferredToBy": "referred-to-by",
    "Parents": "parent",
    "Children": "child",
}
_BOOKKEEPING = ("_revision", "_synced_at", "_dirty", "source", "_extra")
_NUMBERS = ("Priority", "InitialPriority", "FinalPriority", "TimeWorked", "TimeLeft", "TimeEstimated")
_STAMPS = ("Created", "LastUpdated", "Due", "Starts", "Started", "Resolved", "Told")


def catalog_of(connector: RTConnector) -> Catalog:
    """Return what the connector discovers."""
    found = connector.discover(None)
    assert found is not None
    return found


def layout_of(connector: RTConnector, type_name: str) -> Layout:
    """Return a fresh layout of one type."""
    return arrange("acme", "rt", catalog_of(connector).types[type_name], table=table_name("rt", type_name))


def pages(connector: RTConnector, layout: Layout) -> Sequence[Page]:
    """Return all pages of a type."""
    found, keys = [], KeyRange()
    while True:
        page = connector.fetch(layout, keys)()
        found.append(page)
        if page.after is None:
            return found
        keys = KeyRange(page.after, keys.until)


def rows(found: Sequence[Page]) -> dict[int, dict[str, Any]]:
    """Return rows by id, each by column name."""
    names = [*HEAD, *(column.name for column in found[0].layout.columns)]
    assert not any(page.bad for page in found)
    return {row[1]: dict(zip(names, row, strict=True)) for page in found for row in page.rows}


def links(found: Sequence[Page], field: str, owner: int) -> list[tuple[Any, ...]]:
    """Return the link rows of one record without owner and position, in order."""
    return [tuple(row[2:]) for page in found for row in page.links[field] if row[0] == owner]


def every_record(connector: RTConnector, type_name: str) -> tuple[Sequence[Page], dict[int, dict[str, Any]]]:
    """Load one type; return its pages and its rows."""
    found = pages(connector, layout_of(connector, type_name))
    return found, rows(found)


def changed(connector: RTConnector, type_name: str, since: Any) -> dict[int, Key]:
    """Return the changed keys of one type."""
    record_type = catalog_of(connector).types[type_name]
    answers = list(connector.changes([record_type], {type_name: Watermark(since)}))
    assert [answer.complete for answer in answers] == [False] * (len(answers) - 1) + [True]
    assert not any(answer.failure for answer in answers)
    return {key.id: key for answer in answers for key in answer.keys}


class Truth:
    """What a superuser's bare client reads of tickets, one by one."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, int] = {}

    def ticket(self, number: int) -> dict[str, Any]:
        """Return the columns that a ticket's row must have, custom fields that hold several values left out."""
        shown = self._client.get(f"/ticket/{number}", **{"fields[Queue]": "Name"})
        row: dict[str, Any] = {
            "subject": shown["Subject"] or None,
            "status": shown["Status"],
            "type": shown["Type"],
            "queue_id": int(shown["Queue"]["id"]),
            "queue_name": shown["Queue"]["Name"],
        }
        for name, column in (("Owner", "owner"), ("Creator", "creator"), ("LastUpdatedBy", "last_updated_by")):
            row |= {f"{column}_id": self.user(shown[name]["id"]), f"{column}_name": shown[name]["id"]}
        for name in _NUMBERS:
            row[_column(name)] = int(shown[name])
        for name in _STAMPS:
            row[_column(name)] = _stamp(shown.get(name, NO_DATE))
        for field in shown["CustomFields"]:
            values = field["values"]
            if len(values) < 2 and field["name"] not in ("Platforms", "Tags", "Visits", "Host", "Picture"):
                row["cf_" + field["name"].lower().replace(" ", "_")] = _custom(field["name"], values)
        return row

    def links(self, number: int) -> dict[str, set[tuple[int | None, str | None, str | None]]]:
        """Return the targets of a ticket's link fields and its watchers."""
        shown = self._client.get(f"/ticket/{number}")
        found: dict[str, set[tuple[int | None, str | None, str | None]]] = {
            name: {_target(each) for each in shown["_hyperlinks"] if each["ref"] == ref} for name, ref in LINKS.items()
        }
        for role in ("Requestor", "Cc", "AdminCc"):
            found[role] = {self._member(each) for each in shown[role]}
        return found

    def _member(self, shown: Mapping[str, Any]) -> tuple[int, str, str]:
        if shown["type"] == "group":
            return int(shown["id"]), self._client.get(f"/group/{shown['id']}")["Name"], "group"
        return self.user(shown["id"]), shown["id"], "user"

    def user(self, name: str) -> int:
        if name not in self._ids:
            self._ids[name] = self._client.user_id(name)
        return self._ids[name]


def _target(link: Mapping[str, Any]) -> tuple[int | None, str | None, str | None]:
    if link["type"] == "external":
        return None, link["_url"], None
    return int(link["id"]), None, link["type"]


def _column(name: str) -> str:
    return "".join("_" + each.lower() if each.isupper() else each for each in name).strip("_")


def _stamp(text: str) -> str | None:
    return None if text == NO_DATE else text.replace("Z", ".000Z")


def _custom(name: str, values: Sequence[Any]) -> str | None:
    if not values or name == "Target Date":
        return values[0] if values else None
    if name == "Seen At":
        return _stamp(values[0])
    return "" if values[0] is None else str(values[0])


def stored(store: Store, layout: Layout) -> dict[int, dict[str, Any]]:
    with store.read(f"SELECT * FROM {layout.table}") as found:
        listed = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    return {row["id"]: row for row in listed}


def stored_links(store: Store, layout: Layout) -> dict[str, set[tuple[Any, ...]]]:
    found = {}
    for link in layout.links:
        with store.read(f"SELECT * FROM {link.name}") as read:
            names = [name for name in read.columns if name not in ("source", "position")]
            found[link.field] = {tuple(row[read.columns.index(name)] for name in names) for row in read.rows}
    return found


def plain(row: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: int(row[name]) if isinstance(row[name], bool) else row[name] for name in names}


def differences(store: Store, connector: RTConnector, *, sees_all_tickets: bool) -> list[str]:
    """Return a sentence for each difference between the tables and a fresh reading of everything.

    A link to a ticket that the account may not see can vanish with that ticket, and nothing tells; such links are
    forgiven, but only to an account that does not see all tickets.
    """
    found = []
    for name, layout in store.layouts("acme").items():
        fresh = pages(connector, layout)
        here, there = stored(store, layout), rows(fresh)
        found += [f"{name} {key}: missing here" for key in there.keys() - here.keys()]
        found += [f"{name} {key}: gone on the server" for key in here.keys() - there.keys()]
        names = [each for each in next(iter(there.values()), {}) if each not in _BOOKKEEPING]
        for key in here.keys() & there.keys():
            one, other = plain(here[key], names), plain(there[key], names)
            found += [f"{name} {key}.{n}: {one[n]!r} {other[n]!r}" for n in names if _differ(n, one[n], other[n])]
        expected = {field: {(row[0], *row[2:]) for page in fresh for row in page.links[field]} for field in fresh[0].links}
        for field, links in stored_links(store, layout).items():
            lost = links - expected[field]
            if name == "ticket" and not sees_all_tickets:
                lost = {each for each in lost if each[-1] != "ticket" or each[1] in here}
            found += [f"{name}.{field}: {each} only here" for each in lost]
            found += [f"{name}.{field}: {each} only there" for each in expected[field] - links]
    return found


def _differ(column: str, here: Any, there: Any) -> bool:
    """Return whether two values differ; a name that RT does not tell may be known from the record it belongs to."""
    return bool(here != there) and not (there is None and column.endswith("_name"))
