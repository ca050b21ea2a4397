"""How records look in answers: alone, and as items of a listing. rt.md §3.3, §4.1, §6"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mirror.simulators.rt import fields, hyperlinks
from mirror.simulators.rt.columns import COLUMNS, LOOKUPS, OBJECT_TYPES, PUBLIC_OF_USERS, TYPE_OF, Kind
from mirror.simulators.rt.dates import shown
from mirror.simulators.rt.refs import CUSTOM_ROLE, Refs, is_single, roles_of
from mirror.simulators.rt.rights import Rights, principals
from mirror.simulators.rt.state import Row, View
from mirror.simulators.rt.switches import Switches

_NOBODY = "Nobody"
_NEVER_ALONE = {("transaction", "ObjectType"), ("transaction", "ObjectId"), ("attachment", "ContentEncoding")}


class BrokenError(Exception):
    """The server fails over this, with status 500 and nothing said (rt.md §3.4)."""


@dataclass(slots=True)
class Renderer:
    """Shows records to one user.

    Attributes:
        params: the request's parameters, in which `fields[…]` are looked up.
    """

    view: View
    rights: Rights
    base: str
    switches: Switches = field(default_factory=Switches)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def refs(self) -> Refs:
        return Refs(self.view, self.base)

    # Listings

    def item(self, table: str, number: int, names: list[str]) -> dict[str, Any]:
        """Return an item of a listing with the named fields."""
        row = self.view.row(table, number)
        shown_item = self.refs.to(table, number)
        for name in names:
            shown_item[name] = self.links(table, row) if name == "_hyperlinks" else self.expanded(table, row, name, "fields")
        return shown_item

    def links(self, table: str, row: Row) -> list[dict[str, Any]]:
        """Return the record's `_hyperlinks`."""
        return hyperlinks.of(self.view, self.rights, self.refs, table=table, row=row)

    def expanded(self, table: str, row: Row, name: str, prefix: str) -> Any:
        """Return one field as listings show it; an unknown one is empty (rt.md §4.1)."""
        column = COLUMNS[table].get(name)
        if (table, name) in (("attachment", "Parent"), ("group", "Instance")):
            raise BrokenError
        if name == "CustomFields":
            return self._custom_fields(table, row, f"{prefix}[CustomFields]") or ""
        if name == "CustomRoles":
            return self._custom_roles(table, row, f"{prefix}[CustomRoles]")
        if name == "ContentLength" and table == "attachment":
            return str(len(row["Content"] or b""))
        if self._is_role(table, name):
            return self._role(table, row, name, f"{prefix}[{name}]")
        if column is None or not self._readable(table, row, name):
            return "1970-01-01T00:00:00Z" if column is not None and column.kind is Kind.DATE else ""
        if name == "id":
            return row["id"]
        if column.target and column.listed:
            return self.object(column.target, row[name], f"{prefix}[{name}]") or self._plain(table, row, name)
        return self._plain(table, row, name)

    def object(self, table: str, number: int | None, prefix: str) -> Any:
        """Return a reference, with the fields that the request wants of it."""
        if not number or self.view.get(table, number) is None:
            return ""
        found = self.refs.to(table, number)
        for name in filter(None, self.params.get(prefix, "").split(",")):
            found[name] = self.expanded(table, self.view.row(table, number), name, prefix)
        return found

    def _plain(self, table: str, row: Row, name: str) -> Any:
        value = row.get(name) or _default(table, row, name)
        match COLUMNS[table][name].kind:
            case Kind.DATE:
                return shown(value)
            case Kind.BLOB:
                return decoded(row)
        return "" if value is None else value if isinstance(value, dict) else str(value)

    def _readable(self, table: str, row: Row, name: str) -> bool:
        """Return whether a column of a user may be read; other records are seen whole or not at all."""
        if table != "user":
            return True
        return name in PUBLIC_OF_USERS or row["id"] == self.rights.user or self.rights.may("AdminUsers")

    # Custom fields and roles

    def _custom_fields(self, table: str, row: Row, prefix: str) -> list[dict[str, Any]]:
        numbers = fields.applicable(self.view, self.rights, table, row)
        found = []
        for number in numbers:
            definition = self.view.row("customfield", number)
            entry = self.object("customfield", number, prefix)
            values = [self._value(definition, each) for each in fields.values_of(row, number)]
            found.append({**entry, "name": definition["Name"], "values": values})
        turn = row["id"] % len(found) if found else 0
        return [*found[turn:], *found[:turn]]  # rt.md §3.3: in no order

    def _value(self, definition: Row, value: fields.Value) -> Any:
        if definition["Type"] == "DateTime":
            return shown(value.content)
        if definition["Type"] in ("Image", "Binary"):
            return {
                "content_type": value.content_type,
                "filename": value.content,
                "_url": f"{self.base}/download/cf/{value.id}",
            }
        return value.content

    def _custom_roles(self, table: str, row: Row, prefix: str) -> Any:
        if table not in ("ticket", "queue", "asset", "catalog"):
            return ""
        names = (each for each in roles_of(self.view, table, row) if each.startswith("RT::CustomRole-"))
        return {self.role_name(each): self._role(table, row, each, prefix) for each in names}

    def role_name(self, name: str) -> str:
        """Return how answers call a role."""
        if not self.switches.roles_by_name or not name.startswith(CUSTOM_ROLE):
            return name
        return str(self.view.row("customrole", int(name.rpartition("-")[2]))["Name"])

    def _is_role(self, table: str, name: str) -> bool:
        if name.startswith("RT::CustomRole-"):
            return table in ("ticket", "asset")
        people = {"ticket": ("Requestor", "Cc", "AdminCc"), "asset": ("Owner", "HeldBy", "Contact")}
        return name in people.get(table, ())

    def _role(self, table: str, row: Row, name: str, prefix: str) -> Any:
        group = self.view.role(f"{OBJECT_TYPES[table]}-Role", row["id"], name)
        single = is_single(self.view, name)
        if group is None:
            return self.object("user", self.view.user_named(_NOBODY), prefix) if single else []
        members = [self.object(self.refs.kind_of(each), each, prefix) for each in self.view.members(group)]
        return (members[0] if members else "") if single else members

    # Alone

    def alone(self, table: str, row: Row) -> dict[str, Any]:
        """Return a record as its own address shows it."""
        found = {name: value for name in COLUMNS[table] if (value := self._alone(table, row, name)) is not None}
        found["id"] = row["id"]
        if table == "transaction":
            found |= self._of_transaction(row)
        if table in ("ticket", "queue", "asset", "catalog"):
            for role in roles_of(self.view, table, row):
                if table != "catalog" or not is_single(self.view, role):
                    # of the single roles only a ticket's owner is a column as well, and filled like one
                    prefix = "fields[Owner]" if (table, role) == ("ticket", "Owner") else ""
                    found[self.role_name(role)] = self._role(table, row, role, prefix)
        if table in LOOKUPS and table not in ("transaction", "catalog"):
            found["CustomFields"] = self._custom_fields(table, row, "")
        found |= self._extras(table, row)
        if table == "user" and not self._readable(table, row, ""):
            kept = {name: found.get(name) for name in ("RealName", "EmailAddress", "Name", "Privileged")}
            return {**kept, "_hyperlinks": self.links(table, row)}
        return {**found, "_hyperlinks": self.links(table, row)}

    def _alone(self, table: str, row: Row, name: str) -> Any:
        column, value = COLUMNS[table][name], row.get(name)
        if value is None or (table, name) in _NEVER_ALONE:
            return None
        if table == "customfield" and name == "BasedOn" and not value:
            return None
        if column.target:
            return self._expanded_alone(column.target, value, name)
        if column.kind is Kind.BLOB:
            return base64.encodebytes(value).decode("ascii")
        if name == "Parent" and value:
            return self.refs.to(table, value)
        return self._plain(table, row, name)

    def _expanded_alone(self, target: str, number: int, name: str) -> Any:
        found = self.refs.to(target, number)
        wanted = self.params.get(f"fields[{name}]", "")
        for each in filter(None, wanted.split(",")):
            found[each] = self.expanded(target, self.view.row(target, number), each, f"fields[{name}]")
        return found

    def _of_transaction(self, row: Row) -> dict[str, Any]:
        table = TYPE_OF.get(row["ObjectType"], "")
        number = self.view.effective(row["ObjectId"]) if table == "ticket" else row["ObjectId"]
        found: dict[str, Any] = {"Object": self.refs.to(table, number)}
        if row["Type"] in ("AddLink", "DeleteLink"):
            raise BrokenError  # seen on 5.0.3: it cannot serialize the address of the other end
        if row["Type"] == "CustomField":
            found["Field"] = self.refs.to("customfield", int(row["Field"]))
            for name in ("OldReference", "NewReference"):
                if row.get(name):
                    found[name] = self.refs.bare("objectcustomfieldvalue", row[name])
        return found

    def _extras(self, table: str, row: Row) -> dict[str, Any]:
        """Return what single records of some types show besides their columns."""
        match table:
            case "queue":
                tickets = fields.of_queue(self.view, self.rights, row["id"], LOOKUPS["ticket"])
                changes = fields.of_queue(self.view, self.rights, row["id"], LOOKUPS["transaction"])
                return {
                    "TicketCustomFields": [self._field_entry(each) for each in tickets],
                    "TicketTransactionCustomFields": [self._field_entry(each) for each in changes],
                }
            case "class":
                numbers = fields.of_queue(self.view, self.rights, row["id"], LOOKUPS["article"])
                return {"ArticleCustomFields": [self._field_entry(each) for each in numbers]}
            case "user":
                groups = sorted(principals(self.view, row["id"]) - {row["id"]})
                own = [each for each in groups if self.view.row("group", each)["Domain"] == "UserDefined"]
                return {
                    "Privileged": int(bool(row["Privileged"])),
                    "Disabled": str(row["Disabled"]),
                    "Memberships": [self.refs.to("group", each) for each in own],
                }
            case "group":
                members = [self.refs.principal(each) for each in self.view.members(row["id"])]
                return {"Members": members, "Disabled": str(row["Disabled"])}
            case "customfield" if row["Type"] == "Select":
                names = fields.allowed(self.view, row["id"])
                return {"Values": names} if names else {}
        return {}

    def _field_entry(self, number: int) -> dict[str, Any]:
        entry = self.refs.to("customfield", number)
        return {**entry, "ref": "customfield", "name": self.view.row("customfield", number)["Name"]}


def _default(table: str, row: Row, name: str) -> Any:
    """Return what stands for a NULL; only custom fields have something of the kind, and only in listings."""
    if table == "customfield" and name == "ValuesClass":
        return "RT::CustomFieldValues"
    if table == "customfield" and name == "RenderType" and row["Type"] == "Select":
        return "Dropdown" if row["MaxValues"] == 1 else "Select box"
    return row.get(name)


def decoded(row: Row) -> str:
    """Return an attachment's content as listings give it: text, or bytes as code points (rt.md §6.5)."""
    data: bytes = row["Content"] or b""
    kind = row["ContentType"] or ""
    return data.decode("utf-8", "replace") if kind.startswith(("text/", "message/")) else data.decode("latin-1")
