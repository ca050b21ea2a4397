"""Comments, replies and the mail they cause: transactions with their attachments. rt.md §6.5, §6.6"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mirror.simulators.rt.columns import NO_DATE, RTNAME
from mirror.simulators.rt.lifecycles import LIFECYCLES
from mirror.simulators.rt.refs import people
from mirror.simulators.rt.work import NOBODY, RT_SYSTEM, RefusedError, Work

_NEEDED = ("FileName", "FileType", "FileContent")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message.

    Attributes:
        data: None for a container of others.
    """

    content_type: str
    data: bytes | None
    filename: str | None = None
    subject: str | None = None


_NOTHING = Part("application/octet-stream", None)
"""What stands for a text that was not given (seen on 5.0.3)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is kept: one part, or a container and the parts in it."""

    parts: tuple[Part, ...] = field(default_factory=tuple)


def message(given: dict[str, Any], *, subject: str | None) -> Message:
    """Return the message in the body of a request.

    Raises:
        RefusedError: a file without all it needs.
    """
    files = [_file(each) for each in given.get("Attachments") or ()]
    content = given.get("Content")
    lines = str(content).replace("\r\n", "\n")  # as in mail (seen on 5.0.3)
    text = Part(str(given.get("ContentType") or "text/plain"), lines.encode()) if content else _NOTHING
    if not files:
        return Message((replace(text, subject=subject),))
    return Message((Part("multipart/mixed", None, subject=subject), text, *files))


def attach(work: Work, transaction: int, kept: Message) -> None:
    """Store the parts of a message with its transaction; in a container the parts name it as their parent."""
    parent = 0
    for part in kept.parts:
        message_id = None if parent else f"rt-5.0.3-{transaction}.0-0-0@{RTNAME}"
        number = work.insert(
            "attachment",
            TransactionId=transaction,
            Parent=parent,
            MessageId=message_id or "",
            Subject=part.subject or "",
            Filename=part.filename,
            ContentType=part.content_type,
            ContentEncoding=None if part.data is None else _encoding(part),
            Content=part.data,
            Headers=_headers(part, message_id),
        )
        parent = parent or (number if part.content_type.startswith("multipart/") else 0)


def comment(work: Work, ticket: int, given: dict[str, Any]) -> int:
    """Add a comment and return its transaction."""
    number = _record(work, ticket, "Comment", given)
    admins = people(work.view, "queue", work.view.row("ticket", ticket)["Queue"], "AdminCc")
    _mail(work, ticket, "CommentEmailRecord", (*people(work.view, "ticket", ticket, "AdminCc"), *admins), "[Comment] ")
    return number


def reply(work: Work, ticket: int, given: dict[str, Any]) -> int:
    """Add a reply, tell everybody, open the ticket if need be, and return the reply's transaction."""
    number = _record(work, ticket, "Correspond", given)
    row = work.view.row("ticket", ticket)
    requestors = people(work.view, "ticket", ticket, "Requestor")
    if work.user not in requestors and any(_address(work, each) for each in requestors):
        work.change("ticket", ticket, touch=False, Told=work.stamp)
    _mail_to_staff(work, ticket)
    _mail(work, ticket, "EmailRecord", (*requestors, *people(work.view, "ticket", ticket, "Cc")), "")
    if row["Status"] not in LIFECYCLES[work.view.row("queue", row["Queue"])["Lifecycle"]].active:
        _open(work.system(), ticket)
        work.change("ticket", ticket)  # the reply itself is booked last
    return number


def mail_on_create(work: Work, ticket: int) -> None:
    """Tell everybody of a new ticket."""
    _mail(work, ticket, "EmailRecord", people(work.view, "ticket", ticket, "Requestor"), "AutoReply: ")
    _mail_to_staff(work, ticket)
    _mail(work, ticket, "EmailRecord", people(work.view, "ticket", ticket, "Cc"), "")


def mail_on_owner(work: Work, ticket: int) -> None:
    """Tell the new owner."""
    _mail(work, ticket, "EmailRecord", people(work.view, "ticket", ticket, "Owner"), "")


def mail_on_resolve(work: Work, ticket: int) -> None:
    """Tell the requestors that their ticket is done."""
    _mail(work, ticket, "EmailRecord", people(work.view, "ticket", ticket, "Requestor"), "Resolved: ")


def _mail_to_staff(work: Work, ticket: int) -> None:
    row = work.view.row("ticket", ticket)
    staff = (
        *people(work.view, "ticket", ticket, "Owner"),
        *people(work.view, "ticket", ticket, "AdminCc"),
        *people(work.view, "queue", row["Queue"], "AdminCc"),
    )
    _mail(work, ticket, "EmailRecord", staff, "")


def _record(work: Work, ticket: int, kind: str, given: dict[str, Any]) -> int:
    subject = given.get("Subject")
    minutes = int(given.get("TimeTaken") or 0)
    kept = message(given, subject=subject)
    number = work.note("ticket", ticket, kind, Data=f"{subject}\n" if subject else "No Subject", TimeTaken=minutes)
    attach(work, number, kept)
    if minutes:
        worked = work.view.row("ticket", ticket)["TimeWorked"]
        work.change("ticket", ticket, touch=False, TimeWorked=worked + minutes)
    return number


def _open(work: Work, ticket: int) -> None:
    row = work.view.row("ticket", ticket)
    started: dict[str, Any] = {"Started": work.stamp} if row["Status"] == "new" and row["Started"] == NO_DATE else {}
    work.change("ticket", ticket, Status="open", **started)
    work.note("ticket", ticket, "Status", Field="Status", OldValue=row["Status"], NewValue="open")


def _mail(work: Work, ticket: int, kind: str, to: Iterable[int], prefix: str) -> None:
    """Record an outgoing mail, unless nobody is left to get it: whoever acts gets none."""
    reached = _deep(work, to) - {work.user, NOBODY, RT_SYSTEM}
    if not work.switches.mail or not any(_address(work, each) for each in reached):
        return
    system = work.system()
    subject = f"[{RTNAME} #{ticket}] {prefix}{work.view.row('ticket', ticket)['Subject']}"
    number = system.note("ticket", ticket, kind, touch=False, Data="")
    system.change("transaction", number, touch=False, Data=f"<rt-5.0.3-{number}.{ticket}-1-0@{RTNAME}>")
    said = f"{prefix or 'About '}ticket {ticket}.\n".encode()
    container = Part("multipart/alternative", None, subject=subject)
    attach(system, number, Message((container, Part("text/plain", said), Part("text/html", b"<p>" + said + b"</p>\n"))))


def _deep(work: Work, numbers: Iterable[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(numbers)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += work.view.members(each)
    return found


def _address(work: Work, user: int) -> str:
    row = work.view.get("user", user)
    return "" if row is None or row["Disabled"] else str(row["EmailAddress"] or "")


def uploaded(name: str, content_type: str, data: bytes) -> Part:
    """Return a file of a multipart request, which keeps its name, but for folders (rt.md §6.5, and seen on 5.0.3).

    Raises:
        RefusedError: it is empty.
    """
    if not data:
        raise RefusedError(400, "FileContent is a required field for each attachment in Attachments")
    return Part(content_type, _recoded(content_type, data), name.rpartition("/")[2])


def _recoded(content_type: str, data: bytes) -> bytes:
    """Return a file as it is kept: text that is not UTF-8 is taken for Latin-1 and made so (seen on 5.0.3)."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1").encode() if content_type.startswith("text/") else data
    return data


def _file(given: Any) -> Part:
    if isinstance(given, Part):
        return given
    if not isinstance(given, dict):
        raise RefusedError(400, "Each element of Attachments must be a hash")
    for name in _NEEDED:
        if not given.get(name):
            raise RefusedError(400, f"{name} is a required field for each attachment in Attachments")
    try:
        data = base64.b64decode(given["FileContent"])
    except (binascii.Error, ValueError):
        data = b""
    name = str(given["FileName"])
    if any(ord(each) > 255 for each in name):
        raise RefusedError(500, "")  # rt.md §6.5: such a name is a 500 and nothing is added
    shown = "".join(each if ord(each) < 128 else "\ufffd" for each in name)
    return Part(str(given["FileType"]), data, shown)


def _encoding(part: Part) -> str:
    """Return how RT keeps a part on SQLite (seen on 5.0.3)."""
    data = part.data or b""
    if b"\0" in data:
        return "base64"
    return "none" if data.isascii() else "quoted-printable"


def _headers(part: Part, message_id: str | None) -> str:
    lines = ["MIME-Version: 1.0", "X-RT-Interface: REST", f"Message-ID: <{message_id}>"] if message_id else []
    if part.subject:
        lines.append(f"Subject: {part.subject}")
    named = f'; name="{part.filename}"' if part.filename else ""
    charset = '; charset="utf-8"' if part.data is not None and part.content_type.startswith("text/") and not named else ""
    lines.append(f"Content-Type: {part.content_type}{named}{charset}")
    if part.filename:
        lines.append(f'Content-Disposition: inline; filename="{part.filename}"')
    lines.append(f"Content-Length: {len(part.data or b'')}")
    return "\n".join(lines)
