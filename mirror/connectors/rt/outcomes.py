"""What an answer to a write means, and what an error leaves us knowing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from mirror.connectors.http import Answer
from mirror.errors import AuthError, ProtocolError, RefusedError, RemoteError, RetryableError, StaleError

T = TypeVar("T")

_DONE = frozenset({200, 201, 204})


def read(answer: Answer) -> Answer:
    """Return the answer to a write that RT took; what it did with it is another question.

    Raises:
        StaleError: the record has changed or is gone; nothing was written.
        RefusedError: RT says no, in its own words.
        RetryableError: nobody knows what happened.
    """
    if answer.status in _DONE:
        return answer
    said = _message(answer) or f"RT answered {answer.status}"
    if answer.status in (404, 412):
        raise StaleError(said)
    if 400 <= answer.status < 500:
        raise RefusedError(said)
    raise RetryableError(said)


def document(answer: Answer) -> object:
    """Return the JSON in the answer to a write.

    Raises:
        RetryableError: it is none; the write may have been done.
    """
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError as error:
        raise RetryableError("the answer of RT to a write cannot be read") from error


def words(said: object) -> tuple[str, ...]:
    """Return the messages in an answer; some are null (rt.md §6.3)."""
    return tuple(each for each in said if isinstance(each, str)) if isinstance(said, list) else ()


def before_sending(ask: Callable[[], T]) -> T:
    """Call `ask`, with whatever keeps it from its answer as an error that says that nothing was written."""
    try:
        return ask()
    except (AuthError, RefusedError, StaleError):
        raise
    except RemoteError as error:
        after = error.after_seconds if isinstance(error, RetryableError) else None
        raise RetryableError(str(error), after, is_unsent=True) from error


def knowing_what(send: Callable[[], T]) -> T:
    """Call `send`, with an answer that cannot be believed as an error that leaves the outcome open."""
    try:
        return send()
    except ProtocolError as error:
        raise RetryableError(str(error)) from error


def or_error(make: Callable[[], T]) -> T | RemoteError:
    """Return what `make` returns or the error it raises."""
    try:
        return make()
    except RemoteError as error:
        return error


def _message(answer: Answer) -> str:
    try:
        found = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return ""
    return str(found.get("message") or "") if isinstance(found, dict) else ""
