"""What an answer to a write means, and what an error leaves us knowing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.ids import id_told
from mirror.errors import AuthError, ProtocolError, RefusedError, RemoteError, RetryableError, StaleError

T = TypeVar("T")

_DONE = frozenset({200, 201, 204})
_SHOWN = 40


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
    if 400 <= answer.status < 500 and answer.status != 408:  # the server, or a proxy before it, did not wait any longer
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


def number(told: object) -> int:
    """Return the number of a record as an answer tells it.

    Raises:
        RetryableError: that is no number; the record may have been made.
    """
    found = id_told(told)
    if found is None:
        raise RetryableError(f"RT does not tell the number of what it made ({str(told)[:_SHOWN]!r})")
    return found


def said(told: object) -> tuple[str, ...]:
    """Return the messages in the answer to what nobody compares afterwards.

    Raises:
        RetryableError: RT says nothing; it may have been done.
    """
    found = words(told)
    if not found:
        raise RetryableError("RT does not say what it did")
    return found


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


def begun(error: RemoteError) -> RemoteError:
    """Return what a further call of a write ran into; nothing was done with that one alone."""
    if isinstance(error, RetryableError) and error.is_unsent:
        return RetryableError(str(error), error.after_seconds)
    return error


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
