"""What the answer to a write means: done, refused, or nobody knows.

Almost every failure comes with HTTP 200 and a list of Errors (rally.md §0 fact 1); a write with Errors has done nothing.

Source: rally.md §5 (envelopes), §6 (errors), §8.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.rally.decode import Ref, id_of
from mirror.connectors.rally.wire import page_title
from mirror.errors import AuthError, RefusedError, RemoteError, RetryableError, StaleError

T = TypeVar("T")

_CONFLICT = "Concurrency conflict"  # rally.md §6 R: another transaction touched the same row; nothing was written
_GONE = ("Cannot find object to read", "Object to delete cannot be null", "Could not read object: Object not found")
"""Openings of errors about a record that is not there any more, or not for us (rally.md §6 R/C)."""


class InvalidKeyError(AuthError):
    """The security token is none of this session's, or too old (rally.md §2 D); nothing was done."""


class Made(msgspec.Struct):
    """The object of an answer, as far as it is of interest; which fields come is asked for with `fetch`."""

    ref: str = msgspec.field(name="_ref", default="")
    number: int | None = msgspec.field(name="ObjectID", default=None)
    version_id: str | None = msgspec.field(name="VersionId", default=None)
    object_version: str | None = msgspec.field(name="_objectVersion", default=None)
    created_at: str | None = msgspec.field(name="CreationDate", default=None)
    history: Ref | None = msgspec.field(name="RevisionHistory", default=None)

    @property
    def id(self) -> int | None:
        """The ObjectID, also where only the reference tells it (rally.md Appendix A T); None when neither does."""
        if self.number is not None or not self.ref:
            return self.number
        try:
            return id_of(self.ref)
        except ValueError:
            return None

    @property
    def version(self) -> int | None:
        """The VersionId after the write; None when the answer does not tell."""
        text = self.version_id or self.object_version or ""
        return int(text) if text.isdigit() else None


class Outcome(msgspec.Struct):
    """A CreateResult, an OperationResult or one entry of a BatchResult (rally.md §5 R)."""

    errors: list[str] = msgspec.field(name="Errors", default_factory=list)
    warnings: list[str] = msgspec.field(name="Warnings", default_factory=list)
    made: Made | None = msgspec.field(name="Object", default=None)


class _Batch(msgspec.Struct):
    errors: list[str] = msgspec.field(name="Errors", default_factory=list)
    results: list[Outcome] = msgspec.field(name="Results", default_factory=list)


_ROOTS = msgspec.json.Decoder(dict[str, Outcome])
_BATCH_ROOTS = msgspec.json.Decoder(dict[str, _Batch])


def read_outcome(answer: Answer) -> Outcome:
    """Return what a write that was accepted has done.

    Raises:
        InvalidKeyError, AuthError: who we are is not accepted.
        RefusedError, StaleError: see `refusal`.
        RetryableError: a concurrency conflict, then nothing was done; or an answer that cannot be understood, then nobody
            knows.
    """
    outcome = _single(answer, _ROOTS)
    if outcome.errors:
        raise refusal(outcome.errors)
    return outcome


def read_outcomes(answer: Answer, count: int) -> list[Outcome]:
    """Return what became of each of the `count` entries of a batch, their Errors in place.

    Raises:
        AuthError, RefusedError: the batch was refused as a whole.
        RetryableError: it cannot be understood, or answers another number of entries.
    """
    batch = _single(answer, _BATCH_ROOTS)
    if batch.errors and not batch.results:
        raise refusal(batch.errors)
    if len(batch.results) != count:
        raise RetryableError(f"Rally answered {len(batch.results)} of {count} entries of a batch")
    return batch.results


def refusal(errors: Sequence[str]) -> RemoteError:
    """Return the error that these Errors are, in Rally's own words."""
    text = "; ".join(errors)
    if "Invalid key" in text:
        return InvalidKeyError(text)
    if errors[0].startswith(_CONFLICT):
        return RetryableError(text, is_unsent=True)
    if errors[0].startswith(_GONE):
        return StaleError(text)
    return RefusedError(text)


def _single(answer: Answer, decoder: msgspec.json.Decoder[dict[str, T]]) -> T:
    """Return the single root of an answer to a write.

    Rally says yes with 200 (rally.md §5 R); what another yes means, its body must tell. An answer from 300 to 499 that is
    not 401 is a refusal, of Rally or of what stands before it, and then nothing was done. Behind any other the server may
    have gone on: 502 and 524 come when a request ran past the cap (§6 D), 408 when a proxy did not wait.
    """
    if 200 <= answer.status < 300:
        return _root(answer, decoder)
    words = f"Rally answered {answer.status} ({page_title(answer) or _text(answer) or 'no reason given'})"
    if answer.status == 401 or "Your IP address" in words:  # rally.md §6 R
        raise AuthError(words)
    if answer.status >= 500 or answer.status == 408:
        raise RetryableError(words, is_answered=answer.status == 500)
    raise RefusedError(words)


def _root(answer: Answer, decoder: msgspec.json.Decoder[dict[str, T]]) -> T:
    try:
        roots = decoder.decode(answer.body)
    except msgspec.DecodeError as error:
        reason = page_title(answer) or "the body ends early or has an unexpected shape"
        raise RetryableError(f"Rally's answer to a write cannot be read ({reason})") from error
    name, found = next(iter(roots.items()), ("", None))
    if len(roots) != 1 or found is None or not name.endswith("Result"):  # rally.md §5 R
        raise RetryableError("Rally's answer to a write has no single root, or another one than is known")
    return found


def _text(answer: Answer) -> str:
    """Return a body of plain text, as an unknown address gives it with 405 (rally.md §1 R)."""
    if not answer.headers.get("Content-Type", "").startswith("text/plain"):
        return ""
    return answer.body[:500].decode("utf-8", "replace")
