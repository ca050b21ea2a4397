"""Files as RT keeps them whole: multipart, where names may be of any script; JSON damages those (rt.md §6.5)."""

from __future__ import annotations

import secrets

import msgspec

from mirror.connectors.http import Request
from mirror.errors import RefusedError
from mirror.model.write import File

_UNKNOWN = "application/octet-stream"


def comment_with(file: File, ticket: int) -> Request:
    """Return the request that adds a file to a ticket, as a comment without a text.

    Raises:
        RefusedError: RT would keep the file otherwise, or not at all.
    """
    _check(file)
    boundary = secrets.token_hex(16)
    described = msgspec.json.encode({"Content": "", "ContentType": "text/plain"})
    lines = [
        f"--{boundary}",
        'Content-Disposition: form-data; name="JSON"',
        "Content-Type: application/json",
        "",
        described.decode(),
        f"--{boundary}",
        f'Content-Disposition: form-data; name="Attachments"; filename="{file.name}"',
        f"Content-Type: {_type_kept(file)}",
        "",
        "",
    ]
    body = "\r\n".join(lines).encode() + file.content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return Request("POST", f"/REST/2.0/ticket/{ticket}/comment", json=body, headers=headers, repeatable=False)


def _check(file: File) -> None:
    if not file.content:
        raise RefusedError(f"{file.name} is empty, and RT takes no empty files")
    if any(each in '"\\/' or not each.isprintable() for each in file.name) or not file.name.strip():
        raise RefusedError(f"RT cannot keep the name {file.name!r}: it has a quotation mark, a slash or a control character")


def _type_kept(file: File) -> str:
    """Return the content type to send: RT recodes text that is not UTF-8 (seen on 5.0.3)."""
    kind = file.content_type.partition(";")[0].strip().lower()
    if "/" not in kind or not kind.isascii() or not kind.isprintable() or kind.startswith("multipart/"):
        return _UNKNOWN
    if kind.startswith("text/"):
        try:
            file.content.decode()
        except UnicodeDecodeError:
            return _UNKNOWN
    return kind
