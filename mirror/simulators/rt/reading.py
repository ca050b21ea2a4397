"""GET of REST 2.0: single records and listings. rt.md §3, §4"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from werkzeug.wrappers import Response

from mirror.simulators.rt import search
from mirror.simulators.rt.call import Call, answer, decoded, message, plain
from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, OBJECT_TYPES
from mirror.simulators.rt.dates import shown
from mirror.simulators.rt.listing import Paging, page_of
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.shapes import BrokenError, Renderer
from mirror.simulators.rt.sql import QueryError
from mirror.simulators.rt.state import Row, View
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import RefusedError

VERSION = "5.0.3+dfsg-3~deb12u6"
COLLECTIONS = {
    "queues": "queue",
    "users": "user",
    "groups": "group",
    "customfields": "customfield",
    "customroles": "customrole",
    "assets": "asset",
    "catalogs": "catalog",
    "articles": "article",
    "classes": "class",
    "transactions": "transaction",
    "attachments": "attachment",
}
_WITH_HISTORY = frozenset("ticket queue user group asset catalog article".split())
_MISSING_IS_404 = frozenset("ticket asset article user customrole".split())


class Reader:
    """Answers the reading requests of one user."""

    def __init__(self, call: Call, asker: search.Asker, switches: Switches, turn: int) -> None:
        self._call = call
        self._asker = asker
        self._switches = switches
        self._turn = turn
        self.renderer = Renderer(asker.view, asker.rights, call.base, switches, call.params)

    @property
    def _view(self) -> View:
        return self._asker.view

    @property
    def _rights(self) -> Rights:
        return self._asker.rights

    # Single records

    def about(self) -> Response:
        """Answer `/rt`."""
        content: dict[str, object] = {"Version": VERSION}
        return answer(content | {"Plugins": []} if self._rights.superuser else content)

    def record(self, table: str, name: str) -> Response:
        """Answer `/<type>/<number or name>`."""
        row = find(self._view, table, name)
        if row is None:
            return self._missing(table)
        if not self.may_see(table, row):
            return message(403)
        etag = etag_of(self._view, self._rights, table, row)
        failed = self.unchanged(etag)
        if failed is not None:
            return stamped(failed, "", row if "LastUpdated" in COLUMNS[table] else None, self.renderer)
        content = self.renderer.alone(table, row)
        if table == "attachment":
            content["Content"] = content.get("Content")
        return stamped(answer(content), etag, row if "LastUpdated" in COLUMNS[table] else None, self.renderer)

    def may_see(self, table: str, row: Row) -> bool:
        """Return whether the user may read a record by its address."""
        if table == "user":
            return True
        return self._rights.sees(table, row)

    def unchanged(self, etag: str) -> Response | None:
        """Return the answer to a condition that makes a further look unnecessary (rt.md §3.4), if there is one."""
        if etag and _tags(self._call.header("If-None-Match")) & {etag, "*"}:
            response = plain(304)
            response.headers["ETag"] = f'"{etag}"'
            return response
        if self._call.header("If-Modified-Since") or self._call.header("If-Unmodified-Since"):
            raise BrokenError
        return None

    def _missing(self, table: str) -> Response:
        if table in ("transaction", "attachment"):
            return message(500, "Internal Server Error")
        seen = {"queue": "SeeQueue", "group": "SeeGroup", "customfield": "SeeCustomField"}
        right = seen.get(table, {"catalog": "ShowCatalog", "class": "SeeClass"}.get(table, ""))
        if table in _MISSING_IS_404 or self._rights.may(right):
            return message(404)
        return message(403)

    def download(self, number: int) -> Response:
        """Answer `/download/cf/N`: the bytes of a file in a custom field."""
        for table in LOOKUPS:
            for each in self._view.ids(table):
                row = self._view.row(table, each)
                for values in row.get("CF", {}).values():
                    for value in values:
                        if value.id == number and self._rights.may("SeeCustomField"):
                            return Response(value.data, content_type=value.content_type)
        return message(404)

    # Listings

    def tickets(self) -> Response:
        """Answer `/tickets`."""
        call = self._call
        query = call.params.get("query", "")
        if call.params.get("simple") and query:
            query = _simple(query)
        try:
            numbers = search.tickets(self._asker, query)
        except QueryError as problem:
            return message(400, f"{problem} at /usr/share/request-tracker5/lib/RT/Tickets.pm line 3187.\n")
        return self._page("ticket", numbers)

    def collection(self, table: str, *, among: Sequence[int] | None = None) -> Response:
        """Answer a listing that is searched by conditions; `among` narrows it to some rows."""
        call = self._call
        text = call.params.get("query", "")
        given: Any = None
        if call.method == "POST":
            if call.content_type != "application/json":
                return message(415)
            given = decoded(call.body) if call.body.strip() else None
        elif "[" in text:
            given = decoded(text.encode())
        disabled_too = bool(call.params.get("find_disabled_rows"))
        if table in ("transaction", "asset") and text and not text.lstrip().startswith("["):
            searched = search.transactions if table == "transaction" else search.assets
            try:  # rt.md §6.4: the SQL form drops what the address narrows the listing to
                numbers = searched(self._asker, text)
            except QueryError as problem:
                return message(400, f"{problem} at /usr/share/request-tracker5/lib/RT/SQL.pm line 177.\n")
        else:
            numbers = search.by_conditions(self._asker, table, given, disabled_too=disabled_too, among=among)
        return self._page(table, numbers)

    def every(self, table: str) -> Response:
        """Answer `/queues/all` and the like."""
        disabled_too = bool(self._call.params.get("find_disabled_rows"))
        among = self._view.ids(table)
        numbers = search.by_conditions(self._asker, table, None, disabled_too=disabled_too, among=among)
        return self._page(table, numbers)

    def history(self, table: str, name: str) -> Response:
        """Answer `/<type>/<name>/history`; of a ticket with that of the tickets merged into it (rt.md §6.7)."""
        row = find(self._view, table, name)
        if row is None:
            return self.collection("transaction", among=[])
        numbers: Sequence[int] = history_of(self._view, table, row["id"])
        if table == "ticket":
            numbers = search.shown_tickets(self._asker, numbers)
        return self.collection("transaction", among=numbers)

    def attachments_of_ticket(self, name: str) -> Response:
        """Answer `/ticket/N/attachments`."""
        row = find(self._view, "ticket", name)
        if row is None or not self._rights.sees("ticket", row):
            return self.collection("attachment", among=[])
        transactions = history_of(self._view, "ticket", row["id"])
        return self.collection("attachment", among=self._attachments(transactions))

    def attachments_of_transaction(self, number: int) -> Response:
        """Answer `/transaction/N/attachments`."""
        return self.collection("attachment", among=self._attachments([number]))

    def _attachments(self, transactions: Sequence[int]) -> list[int]:
        return sorted(each for number in transactions for each in self._view.attachments_of(number))

    def fields_of(self, table: str, name: str) -> Response:
        """Answer `/queue/N/customfields` and the like."""
        row = find(self._view, table, name)
        start = OBJECT_TYPES[table]
        fields = [(each, self._view.row("customfield", each)) for each in self._view.ids("customfield")]
        mine = [n for n, f in fields if f["LookupType"].startswith(start) and row is not None and _is_at(f, row["id"])]
        return self.collection("customfield", among=mine)

    def values_of(self, number: int) -> Response:
        """Answer `/customfield/N/values`."""
        if not self._rights.may("SeeCustomField"):
            return message(403)
        numbers = [
            n for n in self._view.ids("customfieldvalue") if self._view.row("customfieldvalue", n)["CustomField"] == number
        ]
        numbers = list(search.ordered(self._view, "customfieldvalue", numbers, [], 0))
        url = f"{self._call.base}/customfield/{number}/value"
        items = [
            {
                "type": "customfieldvalue",
                "id": n,
                "name": self._view.row("customfieldvalue", n)["Name"],
                "_url": f"{url}/{n}",
            }
            for n in numbers
        ]
        return answer(self._short(items))

    def members_of(self, number: int) -> Response:
        """Answer `/group/N/members`."""
        if not self._rights.may("AdminGroupMembership"):
            return message(403)
        items = []
        for each in self._view.members(number):
            kind = self.renderer.refs.kind_of(each)
            items.append({"type": kind, "id": each, "_url": f"{self._call.base}/{kind}/{each}"})
        return answer(self._short(items))

    def _short(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the envelope of listings that have no pages of their own account."""
        paging = Paging(self._call.params, self._switches)
        start = (paging.page - 1) * paging.per_page
        page = items[start : start + paging.per_page]
        return {"count": len(page), "total": len(items), "per_page": paging.per_page, "page": paging.page, "items": page}

    def _page(self, table: str, numbers: Sequence[int]) -> Response:
        call = self._call
        if call.header("If-Modified-Since"):
            return plain(304)
        orders = call.lists.get("order", [])
        names = call.lists.get("orderby", [])
        keys = [(name, at < len(orders) and orders[at].upper() == "DESC") for at, name in enumerate(names)]
        shuffle = self._turn if self._switches.shuffled_order else 0
        paging = Paging(call.params, self._switches)
        found = search.ordered(self._view, table, numbers, keys, shuffle)
        total = None if found or not numbers else len(numbers)
        content = page_of(self.renderer, table, found, paging=paging, uri=call.uri, total=total)
        return answer(content)


def find(view: View, table: str, name: str) -> Row | None:
    """Return a record by number, or name where it has one; a merged ticket is the one it was merged into."""
    if not name.isdigit() and table not in ("queue", "user"):
        return None
    number = view.named(table, name)
    if number is None:
        return None
    return view.get(table, view.effective(number) if table == "ticket" else number)


def history_of(view: View, table: str, number: int) -> list[int]:
    """Return the transactions of a record, ascending; of a ticket with those of tickets merged into it."""
    numbers = [number, *(view.merged_into(number) if table == "ticket" else ())]
    return sorted(each for n in numbers for each in view.transactions_of(OBJECT_TYPES[table], n))


def etag_of(view: View, rights: Rights, table: str, row: Row) -> str:
    """Return a record's ETag: its newest transaction that the user may see, else its stamp (rt.md §6.1)."""
    if table in _WITH_HISTORY:
        for number in reversed(history_of(view, table, row["id"])):
            if rights.sees("transaction", view.row("transaction", number)):
                return str(number)
    if "LastUpdated" not in COLUMNS[table]:
        return ""
    readable = table != "user" or rights.may("AdminUsers") or rights.user == row["id"]
    return shown(row["LastUpdated"] if readable else None)


def stamped(response: Response, etag: str, row: Row | None, renderer: Renderer) -> Response:
    """Return an answer with ETag and Last-Modified, which is no HTTP date (rt.md §6.1)."""
    if etag:
        response.headers["ETag"] = f'"{etag}"'
    if row is not None:
        table = "user" if "EmailAddress" in row else "ticket"
        response.headers["Last-Modified"] = str(renderer.expanded(table, row, "LastUpdated", ""))
    return response


def refused_by_match(header: str, etag: str) -> bool:
    """Return whether an `If-Match` header does not fit the present ETag; without one nothing is refused (rt.md §6.4)."""
    return bool(header) and header.strip() != "*" and etag not in _tags(header)


def _tags(header: str) -> set[str]:
    """Return the tags of a header; weak ones never match."""
    return {each.strip().strip('"') for each in header.split(",") if each.strip() and not each.strip().startswith("W/")}


def _is_at(field: Row, number: int) -> bool:
    return 0 in field["Applies"] or number in field["Applies"]


def _simple(words: str) -> str:
    """Return the query that simple search makes of words: a number, or words in the subject."""
    if re.fullmatch(r"#?\d+", words.strip()):
        return f"id = {words.strip().lstrip('#')}"
    quoted = words.replace("\\", "\\\\").replace("'", "\\'")
    return f"( Subject LIKE '{quoted}' ) AND ( Status = '__Active__' )"


def broken(problem: RefusedError | BrokenError) -> Response:
    """Return the answer for what is refused, or what the server fails over."""
    return message(problem.status, problem.text) if isinstance(problem, RefusedError) else message(500)
