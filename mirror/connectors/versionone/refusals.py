"""What an answer that is no result means: the reason in it, and the error it becomes.

Source: versionone.md §3.4 (statuses, bodies and message literals), §2 (authentication).
"""

from __future__ import annotations

import html
import re
from typing import NoReturn

import msgspec

from mirror.connectors.http import Answer
from mirror.errors import AuthError, ProtocolError, RetryableError

_MESSAGE = re.compile(rb"<Message[^>]*>(.*?)</Message>", re.DOTALL)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_OURS = re.compile(r"Unknown |Invalid |Violation'|Resolution'")
"""Openings of messages about the request itself, whatever the status: the same request fails again (§3.4 L, S)."""


class RefusedError(ProtocolError):
    """The server understood the request and says no.

    Attributes:
        status: of HTTP.
        reason: what the server says; empty when it says nothing.
    """

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"VersionOne answered {status} ({reason or 'no reason given'})")


class _Exception(msgspec.Struct):
    message: str = ""


class _Errors(msgspec.Struct):
    exceptions: list[_Exception] = msgspec.field(default_factory=list)
    message: str = ""


def checked(answer: Answer) -> Answer:
    """Return the answer when its status says that it is a result.

    Raises:
        AuthError: 401, or a redirect, as to a page to sign in.
        RefusedError: 400, 403, 404, 405 and whatever else is about the request (§3.4 D).
        RetryableError: an unexpected fault of the server, or nobody waited for it to be done.
    """
    if 200 <= answer.status < 300:  # 200 is documented (§3.2); what another means, the body tells
        return answer
    reason = reason_in(answer.body)
    if answer.status == 401:
        raise AuthError(f"VersionOne does not accept the credential ({reason or 'status 401'})")
    if 300 <= answer.status < 400:
        raise AuthError("VersionOne redirects elsewhere, as to a page to sign in; check url and secret")
    if answer.status == 408 or (answer.status >= 500 and not _OURS.search(reason)):
        words = f"VersionOne answered {answer.status} ({reason or 'no reason given'})"
        raise RetryableError(words, is_answered=answer.status == 500)
    raise RefusedError(answer.status, reason)


def no_result(body: bytes) -> NoReturn:
    """Raise what a body means that came with status 200 and is not what was asked for.

    Raises:
        RefusedError: it names what is wrong with the request; query.v1 does so for malformed input (§8.1 S).
        RetryableError: it was cut, or is a page of something in between.
    """
    reason = reason_in(body)
    if _OURS.search(reason):
        raise RefusedError(200, reason)
    raise RetryableError(f"VersionOne answered something else than a result ({reason or 'the body ends early'})")


def reason_in(body: bytes) -> str:
    """Return the useful message of an error body in JSON, XML or HTML (§3.4); empty when there is none."""
    start = body.lstrip()[:1]
    if start in (b"{", b"["):
        return _json_reason(body)
    if found := _MESSAGE.findall(body):  # the innermost, which comes last, is the useful one
        return _plain(found[-1])
    text = _plain(re.sub(rb"<(style|script)\b.*?</\1>", b" ", body, flags=re.DOTALL)[:20_000])
    if about := _OURS.search(text):
        return text[about.start() : about.start() + 200].strip()
    return _plain(match[1]) if (match := _TITLE.search(body)) else ""


def _json_reason(body: bytes) -> str:
    try:
        errors = msgspec.json.decode(body, type=_Errors)
    except msgspec.DecodeError:
        return ""
    return errors.exceptions[-1].message if errors.exceptions else errors.message


def _plain(markup: bytes) -> str:
    text = re.sub(r"<[^>]*>", " ", markup.decode("utf-8", "replace"))
    return " ".join(html.unescape(text).split())
