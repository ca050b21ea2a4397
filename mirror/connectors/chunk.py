"""Writes of one chunk that are sent one after the other, or some at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mirror.errors import AuthError, RemoteError, RetryableError
from mirror.model.write import Write

Result = TypeVar("Result")


def stoppable(do: Callable[[Write], Result | RemoteError]) -> Callable[[Write], Result | RemoteError]:
    """Return what does as `do`, until the tracker says that it takes no writes now; further ones have that as their answer.

    That is a refused credential, or one that writes too fast and is told for how long to wait.
    """
    stops: list[RemoteError] = []

    def attempt(write: Write) -> Result | RemoteError:
        if stops:
            return stops[0]
        found = do(write)
        match found:
            case AuthError():
                stops.append(found)
            case RetryableError(is_unsent=True) if found.after_seconds is not None:
                stops.append(found)
        return found

    return attempt
