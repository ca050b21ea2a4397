"""The columns of every record type: which there are, what they hold, and which of them name another record.

Source: rt.md §3.3 and §6; column lists as a running RT 5.0.3 shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"  # shown as text (rt.md §3.3)
    DATE = "date"  # kept as `YYYY-MM-DD HH:MM:SS`, UTC
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        target: the type whose number it holds; empty when it is no reference.
        listed: whether listings show the reference as an object; single records always do.
    """

    kind: Kind
    target: str = ""
    listed: bool = True


NO_DATE = "1970-01-01 00:00:00"
"""What RT stores for a date that is not set but was created with the record."""


def _text(names: str) -> dict[str, Column]:
    return {name: Column(Kind.TEXT) for name in names.split()}


def _numbers(names: str) -> dict[str, Column]:
    return {name: Column(Kind.NUMBER) for name in names.split()}


def _dates(names: str) -> dict[str, Column]:
    return {name: Column(Kind.DATE) for name in names.split()}


def _reference(name: str, target: str, *, listed: bool = True) -> dict[str, Column]:
    return {name: Column(Kind.NUMBER, target, listed)}


_BIRTH = {**_reference("Creator", "user"), **_dates("Created")}
_LIFE = {**_BIRTH, **_reference("LastUpdatedBy", "user"), **_dates("LastUpdated")}

COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "ticket": {
        **_numbers("id IsMerged"),
        **_reference("EffectiveId", "ticket", listed=False),
        **_reference("Queue", "queue"),
        **_reference("Owner", "user"),
        **_text("Type Subject Status SLA"),
        **_numbers("InitialPriority FinalPriority Priority TimeEstimated TimeWorked TimeLeft"),
        **_dates("Told Starts Started Due Resolved"),
        **_LIFE,
    },
    "transaction": {
        **_numbers("id ObjectId TimeTaken OldReference NewReference"),
        **_text("ObjectType Type Field OldValue NewValue ReferenceType Data"),
        **_BIRTH,
    },
    "attachment": {
        **_numbers("id Parent"),
        **_reference("TransactionId", "transaction", listed=False),
        **_text("MessageId Subject Filename ContentType ContentEncoding Headers"),
        "Content": Column(Kind.BLOB),
        **_BIRTH,
    },
    "queue": {
        **_numbers("id SortOrder SLADisabled Disabled"),
        **_text("Name Description CorrespondAddress CommentAddress SubjectTag Lifecycle"),
        **_LIFE,
    },
    "user": {
        **_numbers("id"),
        **_text("Name Comments Signature EmailAddress FreeformContactInfo Organization RealName NickName Lang Gecos"),
        **_text("HomePhone WorkPhone MobilePhone PagerPhone Address1 Address2 City State Zip Country Timezone"),
        **_text("SMIMECertificate"),
        **_LIFE,
    },
    "group": {**_numbers("id Instance"), **_text("Name Description Domain"), **_LIFE},
    "customfield": {
        **_numbers("id MaxValues SortOrder UniqueValues Disabled"),
        **_text("Name Type RenderType Pattern ValuesClass Description LookupType EntryHint CanonicalizeClass"),
        **_reference("BasedOn", "customfield"),
        **_LIFE,
    },
    "customfieldvalue": {
        **_numbers("id SortOrder"),
        **_reference("CustomField", "customfield"),
        **_text("Name Description Category"),
        **_LIFE,
    },
    "customrole": {**_numbers("id MaxValues Disabled"), **_text("Name Description EntryHint"), **_LIFE},
    "asset": {
        **_numbers("id"),
        **_text("Name Status Description"),
        **_reference("Catalog", "catalog"),
        **_LIFE,
    },
    "catalog": {**_numbers("id Disabled"), **_text("Name Description Lifecycle"), **_LIFE},
    "article": {
        **_numbers("id SortOrder Parent Disabled"),
        **_text("Name Summary URI"),
        **_reference("Class", "class"),
        **_LIFE,
    },
    "class": {**_numbers("id SortOrder Disabled"), **_text("Name Description"), **_LIFE},
}

OBJECT_TYPES: Mapping[str, str] = {
    "ticket": "RT::Ticket",
    "transaction": "RT::Transaction",
    "queue": "RT::Queue",
    "user": "RT::User",
    "group": "RT::Group",
    "customfield": "RT::CustomField",
    "customrole": "RT::CustomRole",
    "asset": "RT::Asset",
    "catalog": "RT::Catalog",
    "article": "RT::Article",
    "class": "RT::Class",
}
"""Our name of a type -> RT's, as `ObjectType` of transactions says it (rt.md §6.6)."""

TYPE_OF = {name: table for table, name in OBJECT_TYPES.items()}

LOOKUPS: Mapping[str, str] = {
    "ticket": "RT::Queue-RT::Ticket",
    "transaction": "RT::Queue-RT::Ticket-RT::Transaction",
    "queue": "RT::Queue",
    "user": "RT::User",
    "group": "RT::Group",
    "asset": "RT::Catalog-RT::Asset",
    "catalog": "RT::Catalog",
    "article": "RT::Class-RT::Article",
    "class": "RT::Class",
}
"""`LookupType` of the custom fields of a type."""

HOLDERS: Mapping[str, str] = {"ticket": "Queue", "asset": "Catalog", "article": "Class"}
"""The column that decides which custom fields a record has."""

PUBLIC_OF_USERS = frozenset(
    "Name EmailAddress Organization RealName NickName Lang Gecos SMIMECertificate City Country Timezone id".split()
)
"""What everybody may read of a user; the rest is for administrators and for the user (seen on 5.0.3)."""

WITH_DISABLED = frozenset("queue customfield customrole catalog article class user group".split())
"""Types whose listings leave disabled records out unless asked for them."""

RTNAME = "rt.test.example"
"""Name and organization of the simulated RT: part of its addresses and of its session cookie."""


def uri_of(table: str, number: int) -> str:
    """Return how links and transactions write a record of ours (rt.md §6.6)."""
    if table == "article":
        return f"fsck.com-article://{RTNAME}/article/{number}"
    if table == "asset":
        return f"asset://{RTNAME}/{number}"
    return f"fsck.com-rt://{RTNAME}/{table}/{number}"


def local_of(uri: str) -> tuple[str, int] | None:
    """Return type and number of the record that a link's end names, None for an address elsewhere."""
    scheme, _, rest = uri.partition(":")
    if scheme == "asset" and rest.rpartition("/")[0] == f"//{RTNAME}":
        return "asset", int(rest.rpartition("/")[2])
    head, _, number = rest.rpartition("/")
    if scheme in ("fsck.com-rt", "fsck.com-article") and number.isdigit():
        table = head.rpartition("/")[2]
        return (table, int(number)) if head == f"//{RTNAME}/{table}" else None
    return None
