"""Where each record type is listed, and which fields to ask for.

Source: rt.md §3.1, §4, §5.2 and §6.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mirror.connectors.rt.catalog import LINK_REFS
from mirror.connectors.rt.search import Condition, Search, Tongue, either
from mirror.model.schema import Kind, RecordType


@dataclass(frozen=True, slots=True)
class Collection:
    """How the records of one type are listed.

    Attributes:
        base: the condition that every listing of the type carries.
        stamp: the field with the instant of the last change; of transactions and attachments that of their creation.
        record: path of a single record; its number or name follows.
        depth: where RT does not count rows, so many pages without a visible row are read before none is expected.
    """

    path: str
    tongue: Tongue
    stamp: str = "LastUpdated"
    base: str | tuple[Condition, ...] = ()
    record: str = ""
    depth: int = 1


_DEEP = 5
# rt.md §5.2: reminders and approvals are tickets too, shown only to queries that mention Type. They are mirrored, the
# column `type` tells them apart: other tickets link to them.
_ANY_TICKET = "Type != ''"

COLLECTIONS: Mapping[str, Collection] = {
    "ticket": Collection("/tickets", Tongue.TICKETS, base=_ANY_TICKET, record="/ticket", depth=_DEEP),
    "transaction": Collection("/transactions", Tongue.JSON, "Created", record="/transaction", depth=_DEEP),
    "attachment": Collection("/attachments", Tongue.JSON, "Created", record="/attachment", depth=_DEEP),
    "queue": Collection("/queues", Tongue.JSON, record="/queue"),
    "user": Collection("/users", Tongue.NONE, record="/user"),
    "group": Collection(
        "/groups",
        Tongue.JSON,
        # rt.md §6.9: the rest are five role groups for each ticket, shown as its watchers, and RT's own groups
        base=(Condition("Domain", "=", "UserDefined"),),
        record="/group",
    ),
    "customfield": Collection("/customfields", Tongue.JSON, record="/customfield"),
    "customrole": Collection("/customroles", Tongue.JSON, record="/customrole"),
    "asset": Collection("/assets", Tongue.JSON, record="/asset", depth=_DEEP),
    "catalog": Collection("/catalogs", Tongue.JSON, record="/catalog"),
    "article": Collection("/articles", Tongue.JSON, record="/article", depth=_DEEP),
    "class": Collection("/classes", Tongue.JSON, record="/class"),
}

_PEOPLE_IN_LISTINGS = frozenset({"ticket", "asset"})  # of queues and groups only single records show them
_NOT_LISTED = frozenset({("user", "Disabled"), ("user", "Privileged"), ("group", "Disabled")})


def whole(record_type: RecordType, queues: tuple[int, ...] = ()) -> Search:
    """Return the search for all records of a type with all fields that a listing can show.

    Args:
        queues: ids that narrow tickets and transactions; none means all.
    """
    return _search(record_type.name, fields(record_type), queues)


def keys_only(record_type: RecordType, queues: tuple[int, ...] = (), *, stamped: bool = True) -> Search:
    """Return the search for all records of a type with only what a revision is made of.

    Args:
        stamped: whether stamps are readable; if not, the revision is made of everything.
    """
    stamp = COLLECTIONS[record_type.name].stamp
    further = ",TransactionId" if record_type.name == "attachment" else ""  # tells whether it is in scope
    wanted = {"fields": f"id,{stamp}{further}"} if stamped else fields(record_type)
    return _search(record_type.name, wanted, queues)


def listing(type_name: str, wanted: Mapping[str, str]) -> Search:
    """Return the search for all records of a type with the fields named in the request parameters `wanted`."""
    return _search(type_name, wanted, ())


def front(type_name: str, wanted: Mapping[str, str], queues: tuple[int, ...] = ()) -> Search:
    """Return the search for a type's records, the latest changed first.

    Its first page shows at once what changed of late and how many records there are.
    """
    stamp = COLLECTIONS[type_name].stamp
    order = "id" if stamp == "Created" else stamp  # numbers are given in the order of creation
    return _search(type_name, wanted, queues).latest_first(order)


def links_of(search: Search, ids: tuple[int, ...]) -> Search:
    """Return the search for the links of those of the tickets `ids` that have any.

    `_hyperlinks` makes a page of 100 tickets a third dearer (rt.md §10), and most tickets have no links. RT hides links to
    deleted tickets without touching the tickets that show them (rt.md §7.1), so a link to a ticket that the account may
    not see can vanish unnoticed; those to visible ones are read again by the engine when the target goes.
    """
    base = f"{search.base} AND Linked IS NOT NULL"
    return Search(search.path, search.tongue, base, {"fields": "_hyperlinks"}, ids=ids)


def _search(type_name: str, wanted: Mapping[str, str], queues: tuple[int, ...]) -> Search:
    found = COLLECTIONS[type_name]
    tongue, base = found.tongue, found.base
    if queues and type_name == "ticket":
        base = f"{base} AND {either('Queue', queues)}"
    if queues and type_name == "transaction":
        tongue = Tongue.TRANSACTIONS
        base = f"ObjectType = 'RT::Ticket' AND {either('TicketQueue', queues)}"
    return Search(found.path, tongue, base, wanted, disabled_too=True)


def fields(record_type: RecordType) -> Mapping[str, str]:
    """Return the request parameters that make a listing show every field of the type, references with their names."""
    names, expanded = ["id"], {}
    for field in record_type.fields:
        if field.custom or field.name in LINK_REFS or (record_type.name, field.name) in _NOT_LISTED:
            continue
        if field.name == "Object":
            names += ["ObjectType", "ObjectId"]
            continue
        if field.kind is Kind.LINKS and record_type.name not in _PEOPLE_IN_LISTINGS:
            continue
        names.append(field.name)
        if field.kind in (Kind.REFERENCE, Kind.LINKS):
            expanded[f"fields[{field.name}]"] = "id,Name"
    names += _further(record_type)
    return {"fields": ",".join(names), "fields[CustomRoles]": "id,Name", **expanded}


def _further(record_type: RecordType) -> list[str]:
    custom = [field for field in record_type.fields if field.custom]
    names = []
    if any(field.name.startswith("CF.") for field in custom):
        names.append("CustomFields")
    if any(field.name.startswith("CustomRole.") for field in custom):
        names.append("CustomRoles")
    if record_type.name != "ticket" and record_type.field("RefersTo") is not None:
        names.append("_hyperlinks")
    return names
