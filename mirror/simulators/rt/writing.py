"""POST, PUT and DELETE of REST 2.0. rt.md §6"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from mirror.simulators.rt import messages, others, people, tickets, values
from mirror.simulators.rt.call import Call, answer, created, message, plain
from mirror.simulators.rt.reading import etag_of, find, refused_by_match
from mirror.simulators.rt.refs import Refs
from mirror.simulators.rt.work import DENIED, NOBODY, RefusedError, Work

_BULK = "/REST/2.0/tickets/bulk"


class Writer:
    """Answers the writing requests of one user.

    Args:
        race: called between the check of a precondition and the write, with the ticket's number.
    """

    def __init__(self, call: Call, work: Work, race: Callable[[int], None]) -> None:
        self._call = call
        self._work = work
        self._race = race
        self._refs = Refs(work.view, call.base)

    def create(self, table: str) -> Response:
        """Answer `POST /<type>`."""
        given = self._object()
        number = self._created(table, given)
        return created(self._refs.to(table, number), f"/REST/2.0/{table}/{number}")

    def create_over(self, table: str, name: str) -> Response:
        """Answer `POST /<type>/N`: refused for one that exists, else another one is made (rt.md §3.4)."""
        given = self._object()
        if find(self._work.view, table, name) is not None:
            return message(409, "Resource already exists; use PUT to update")
        number = self._created(table, given)
        return created(self._refs.to(table, number), f"/REST/2.0/{table}/{number}")

    def update(self, table: str, name: str, action: str = "") -> Response:
        """Answer `PUT /<type>/N`, with an action behind it also `take`, `untake` and `steal`."""
        row = find(self._work.view, table, name)
        if row is None:
            return self._update_missing()
        if not self._may_touch(table, row):
            return message(403)
        if self._is_stale(table, row):
            return message(412)
        given = self._object()
        self._race(row["id"])
        said: list[str | None] = []
        if action:
            said.append(self._act(row["id"], action))
        if table == "ticket":
            said += tickets.update(self._work, row["id"], given)
        else:
            said += others.update(self._work, table, row["id"], given)
        return answer(said)

    def delete(self, table: str, name: str) -> Response:
        """Answer `DELETE /<type>/N`."""
        row = find(self._work.view, table, name)
        if row is None:
            return message(404)
        if not self._may_touch(table, row):
            return message(403)
        if self._is_stale(table, row):
            return message(412)
        if table == "ticket":
            said = tickets.set_status(self._work, row["id"], "deleted")
            return plain(204) if said == "Ticket deleted" else message(500, "Internal Server Error")
        done = others.disable(self._work, table, row["id"])
        return plain(204) if done else message(500, "Internal Server Error")

    def say(self, name: str, kind: str) -> Response:
        """Answer `POST /ticket/N/comment` and `/correspond`."""
        given = self._message()
        row = find(self._work.view, "ticket", name)
        if row is None:
            return message(400, "Message could not be recorded")
        if self._is_stale("ticket", row):
            return message(412)
        said, transaction = self._say(row["id"], kind, given)
        if transaction is None:
            return message(400, DENIED)
        response = created(said, f"/REST/2.0/transaction/{transaction}")
        response.content_type = 'application/json; charset="utf-8"'
        return response

    def bulk(self) -> Response:
        """Answer `POST` and `PUT /tickets/bulk` (rt.md §6.8)."""
        given = self._list()
        if self._call.method == "POST":
            return created([self._bulk_create(each) for each in given], _BULK)
        return answer([self._bulk_update(each) for each in given])

    def bulk_say(self, kind: str) -> Response:
        """Answer `POST /tickets/bulk/comment` and `/correspond`."""
        found = []
        for each in self._list():
            row = find(self._work.view, "ticket", str(each.get("id")))
            if row is None:
                found.append([each.get("id"), "Resource does not exist"])
                continue
            said, transaction = self._say(row["id"], kind, each)
            found.append([each.get("id"), *(said if transaction is not None else [DENIED])])
        return created(found, _BULK)

    def add_value(self, field: int) -> Response:
        """Answer `POST /customfield/N/value`."""
        if not self._work.rights.may("AdminCustomField"):
            return message(403)
        number = others.add_value(self._work, field, self._object())
        return created(self._refs.bare("customfieldvalue", number), f"/REST/2.0/customfieldvalue/{number}")

    def delete_value(self, number: int) -> Response:
        """Answer `DELETE /customfield/N/value/M`."""
        if not self._work.rights.may("AdminCustomField"):
            return message(403)
        if self._work.view.get("customfieldvalue", number) is None:
            return message(404)
        self._work.remove("customfieldvalue", number)
        return plain(204)

    def add_members(self, group: int) -> Response:
        """Answer `PUT /group/N/members`."""
        if not self._work.rights.may("AdminGroupMembership"):
            return message(403)
        return answer([self._add_member(group, each) for each in self._list()])

    def remove_members(self, group: int, member: int | None) -> Response:
        """Answer `DELETE /group/N/members` and `/group/N/member/M`."""
        if not self._work.rights.may("AdminGroupMembership"):
            return message(403)
        for each in self._work.view.members(group):
            if member in (None, each):
                people.remove_member(self._work, group, each)
        return plain(204)

    # Parts of these

    def _created(self, table: str, given: dict[str, Any]) -> int:
        return tickets.create(self._work, given) if table == "ticket" else others.create(self._work, table, given)

    def _update_missing(self) -> Response:
        if self._call.header("If-Match"):
            return message(412)
        self._object()
        return message(404, "Resource does not exist; use POST to create")

    def _may_touch(self, table: str, row: dict[str, Any]) -> bool:
        match table:
            case "ticket" | "asset" | "article":
                return self._work.rights.sees(table, row)
            case "user":
                return True
            case "customrole":
                return False
        return others.may_modify(self._work.rights, table)

    def _is_stale(self, table: str, row: dict[str, Any]) -> bool:
        etag = etag_of(self._work.view, self._work.rights, table, row)
        return refused_by_match(self._call.header("If-Match"), etag)

    def _act(self, ticket: int, action: str) -> str:
        owner = self._work.user if action != "untake" else NOBODY
        if action == "steal" and self._work.view.row("ticket", ticket)["Owner"] == owner:
            return "You already own this ticket"
        return tickets.set_owner(self._work, ticket, owner, kind=action.capitalize())

    def _say(self, ticket: int, kind: str, given: dict[str, Any]) -> tuple[list[str | None], int | None]:
        right = "CommentOnTicket" if kind == "comment" else "ReplyToTicket"
        queue = self._work.view.row("ticket", ticket)["Queue"]
        if not (self._work.rights.may(right, queue) or self._work.rights.may("ModifyTicket", queue)):
            return [], None
        record = messages.comment if kind == "comment" else messages.reply
        transaction = record(self._work, ticket, given)
        said: list[str | None] = ["Comments added" if kind == "comment" else "Correspondence added"]
        said += values.update(self._work, "ticket", ticket, given.get("CustomFields") or {})
        roles = {**given, **tickets.custom_roles(self._work, given.get("CustomRoles"))}
        said += people.update_roles(self._work, "ticket", ticket, roles)
        if given.get("Status"):
            said.append(tickets.set_status(self._work, ticket, str(given["Status"])))
        return said, transaction

    def _bulk_create(self, given: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._refs.to("ticket", tickets.create(self._work, given))
        except RefusedError as refusal:
            return {"message": refusal.text}

    def _bulk_update(self, given: dict[str, Any]) -> list[Any]:
        row = find(self._work.view, "ticket", str(given.get("id")))
        if row is None or not self._work.rights.sees("ticket", row):
            return [given.get("id"), "Resource does not exist"]
        return [given.get("id"), *tickets.update(self._work, row["id"], given)]

    def _add_member(self, group: int, given: object) -> str:
        if not str(given).isdigit():
            return "You should provide principal id for each member to add"
        member = int(str(given))
        if people.principal(self._work, member) is None:
            return "Couldn't find that principal"
        name = people.name_of(self._work, member)
        if member in self._work.view.members(group):
            return f"Group already has member: {name}"
        people.add_member(self._work, group, member)
        return f"Member added: {name}"

    def _object(self) -> dict[str, Any]:
        found = self._call.json()
        if not isinstance(found, dict):
            raise RefusedError(400, "JSON object must be a HASH")
        return self._with_files(found)

    def _list(self) -> list[Any]:
        found = self._call.json()
        if not isinstance(found, list):
            raise RefusedError(400, "JSON object must be a ARRAY")
        return found

    def _message(self) -> dict[str, Any]:
        """Return the message in the body: JSON, or a plain text of its content type."""
        if self._call.content_type in ("text/plain", "text/html"):
            text = self._call.body.decode("latin-1")  # rt.md §6.5, and the bytes are taken for characters (seen on 5.0.3)
            return {"Content": text, "ContentType": self._call.content_type}
        found = self._object()
        if found.get("Content") and not found.get("ContentType"):
            raise RefusedError(400, "ContentType is a required field for application/json")
        return found

    def _with_files(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the object of a multipart request with the uploaded files in it; these keep their names (rt.md §6.5)."""
        uploads = self._call.files.get("Attachments")
        if uploads:
            given["Attachments"] = [messages.uploaded(each.filename or "", each.mimetype, each.read()) for each in uploads]
        for name, value in (given.get("CustomFields") or {}).items():
            if isinstance(value, dict) and value.get("UploadField") in self._call.files:
                each = self._call.files[value["UploadField"]][0]
                file = {"FileName": each.filename, "FileType": each.mimetype, "FileContent": _base64(each.read())}
                given["CustomFields"][name] = file
        return given


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
