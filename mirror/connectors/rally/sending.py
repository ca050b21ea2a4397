"""Makes the calls of writes, each once, and tells what came of them.

Updates and creations that need no further call go together in one batch; the rest one after the other. Only a call that
Rally says it has done nothing with is made again.

Source: rally.md §2 (authentication), §6 (errors), §8 (writing).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from mirror.connectors.chunk import stoppable
from mirror.connectors.http import Answer, Request
from mirror.connectors.ids import id_told
from mirror.connectors.rally import encode
from mirror.connectors.rally.answers import InvalidKeyError, Outcome, read_outcome, read_outcomes, refusal
from mirror.connectors.rally.encode import Call
from mirror.connectors.rally.keys import iso
from mirror.connectors.rally.overwriting import Overwriting
from mirror.connectors.rally.wire import API, Wire, parsed
from mirror.errors import AuthError, ProtocolError, RefusedError, RemoteError, RetryableError
from mirror.model.change import Action
from mirror.model.write import Receipt, Write

T = TypeVar("T")

log = logging.getLogger(__name__)

WRITES_PER_BATCH = 25  # a batch whose answer is lost leaves so many to be looked for
_CONFLICT_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds before a further call of a write that has begun is made again
_SESSIONS = 3  # tries to get a call through with a password, each with a security token of its own
_BATCHES, _REFUSED = "write batches", "refused"


class _User(msgspec.Struct):
    id: int = msgspec.field(name="ObjectID")


@dataclass(frozen=True, slots=True)
class Sent:
    """A write that Rally said yes to.

    Attributes:
        version: the VersionId that it led to; None where the answer does not tell.
        is_whole: all its calls were accepted.
    """

    receipt: Receipt
    version: int | None
    is_whole: bool = True


class Sender:
    """Sends the writes of one credential."""

    def __init__(self, wire: Wire, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._wire = wire
        self._sleep = sleep
        self._overwriting = Overwriting(wire, sleep=sleep)
        self._me: int | None = None

    def me(self) -> int:
        """Return the ObjectID of the user that the credential stands for, asked once (rally.md §1 R)."""
        if self._me is None:
            _, root, _ = self._wire.get("user", {"fetch": "ObjectID"})
            self._me = parsed(root, _User).id
        return self._me

    def overwritten(self, write: Write) -> dict[str, str]:
        """Return what an update without an answer has replaced; see `Overwriting.look_later`."""
        return self._overwriting.look_later(write, self.me())

    def send(self, writes: Sequence[Write]) -> list[Sent | RemoteError]:
        """Return for each write, in order, that it was sent, or what went wrong."""
        together = [each for each in writes if _fits_batch(each)]
        outcomes: dict[int, Outcome | RemoteError] = {}
        if len(together) > 1 and self._wire.learned.get(_BATCHES) != _REFUSED:
            outcomes = {id(each): outcome for each, outcome in zip(together, self._batch(together), strict=False)}
        attempt = stoppable(lambda each: self._settled(each, outcomes.get(id(each))))
        return [attempt(each) for each in writes]

    def _settled(self, write: Write, outcome: Outcome | RemoteError | None) -> Sent | RemoteError:
        if isinstance(outcome, RemoteError):
            return outcome
        outcomes = [outcome] if outcome is not None else []
        try:
            if not outcomes:
                self._carry_out(write, outcomes)
            return self._receipt(write, outcomes)
        except RemoteError as error:
            return self._begun(write, outcomes, error) or error

    def _begun(self, write: Write, outcomes: Sequence[Outcome], error: RemoteError) -> Sent | None:
        """Return a receipt for an update whose later calls failed if its first one replaced what we had not seen.

        That must be told, and an error cannot; which of the later ones took effect is read back in any case. None else.
        """
        if write.action is not Action.UPDATE or not outcomes or not isinstance(error, RefusedError | RetryableError):
            return None
        sent = self._receipt(write, outcomes)
        if not sent.receipt.overwritten:
            return None
        return replace(sent, receipt=replace(sent.receipt, words=(*sent.receipt.words, str(error))), is_whole=False)

    def _carry_out(self, write: Write, outcomes: list[Outcome]) -> None:
        """Make the calls of one write, in order, and put what came of each into `outcomes`."""
        if write.action is Action.ATTACH:
            self._attach(write, outcomes)
            return
        for each in encode.calls_of(write):
            outcomes.append(self._go_on(each) if outcomes else self._post(each))

    def _attach(self, write: Write, outcomes: list[Outcome]) -> None:
        if write.file is None:
            raise RefusedError("there is no file to attach")
        bring = encode.content(write.file)
        user = f"/user/{_before_sending(self.me)}"
        outcomes.append(self._post(bring))
        ref = f"/attachmentcontent/{_id_told(outcomes[0])}"
        outcomes.append(self._go_on(encode.attachment(write, ref, user)))

    def _go_on(self, call: Call) -> Outcome:
        """Make a further call of a write that has begun.

        After a concurrency conflict, which has done nothing, it is made again; the first call of a write is left to the
        caller then, who reads the record anew. A failure is never one of a write that did nothing.
        """
        for pause in _CONFLICT_PAUSES:
            try:
                return self._post(call)
            except RetryableError as error:
                if not error.is_unsent:
                    raise
                self._sleep(max(pause, error.after_seconds or 0.0))
        try:
            return self._post(call)
        except RetryableError as error:
            raise RetryableError(str(error), error.after_seconds) from error

    def _post(self, call: Call) -> Outcome:
        body = msgspec.json.encode(call.body) if call.body is not None else None
        return self._call(call.method, f"{API}/{quote(call.path)}", call.params, body, read_outcome)

    def _call(self, method: str, path: str, params: Mapping[str, str], body: bytes | None, read: Callable[[Answer], T]) -> T:
        """Make one call, and again only when nothing was done: a security token was not accepted, or a session is over.

        Rally says the first with Errors (§2 D), and answers 401 before it looks at what is asked (§6 R). Beside an API key
        there is neither, and a 401 is final: the key is read-only (§2 D).

        Raises:
            RemoteError: as the readers of answers raise; RetryableError for whatever leaves us not knowing.
        """
        for session in range(1, _SESSIONS + 1):
            key = _before_sending(self._wire.login.key)
            request = Request(method, path, self._params(params, key), body, repeatable=False)
            try:
                return knowing_what(partial(self._wire.transport.send, request, read))
            except AuthError as error:
                is_renewed = session > 1 and not isinstance(error, InvalidKeyError)
                if not key or session == _SESSIONS or is_renewed:
                    raise
                self._wire.login.forget_key(key)
        raise AssertionError("there is at least one session")

    def _params(self, params: Mapping[str, str], key: Mapping[str, str]) -> dict[str, str]:
        """Return the parameters of a call; without `workspace` the user's default one would be written to (§8.1 D)."""
        return {"workspace": self._wire.workspace, **params, **key}

    def _batch(self, writes: Sequence[Write]) -> Iterator[Outcome | RemoteError]:
        """Yield what became of each write of a batch; nothing when batches are refused, which has written nothing then.

        Each entry stands for itself, as far as is known (rally.md §8.5 I); were it otherwise, reading the records back would
        tell.
        """
        entries = [self._entry(each) for write in writes for each in encode.calls_of(write)]
        body = msgspec.json.encode({"Batch": entries})
        try:
            outcomes = self._call("POST", f"{API}/batch", {}, body, lambda answer: read_outcomes(answer, len(writes)))
        except (AuthError, RefusedError) as error:
            log.info("batches of writes are refused and will not be used reason=%s", error)
            self._wire.learned[_BATCHES] = _REFUSED
            return
        except RemoteError as error:
            yield from (error for _ in writes)
            return
        yield from (refusal(each.errors) if each.errors else each for each in outcomes)

    def _entry(self, call: Call) -> dict[str, object]:
        """Return an entry; updates are recorded with PUT (rally.md §8.5 R), creations are POST elsewhere (§1 R)."""
        method = "POST" if call.path.endswith("/create") else "PUT"
        path = f"/{quote(call.path)}?{urlencode(self._params(call.params, {}))}"
        return {"Entry": {"Path": path, "Method": method, "Body": call.body}}

    def _receipt(self, write: Write, outcomes: Sequence[Outcome]) -> Sent:
        words = [word for each in outcomes for word in each.warnings]
        made = outcomes[0].made if outcomes else None
        if write.action is Action.CREATE:
            if _was_there(write, outcomes[0]):
                words.append(f"there was a {write.layout.type.name} of that name, and Rally gave that one")
            record_id = _id_told(outcomes[0])
            return Sent(Receipt(record_id, tuple(words)), made.version if made is not None else None)
        if write.action in (Action.COMMENT, Action.ATTACH):
            _id_told(outcomes[-1])
        record_id = write.record_id or 0
        version = made.version if made is not None and write.action in (Action.UPDATE, Action.RANK) else None
        if write.action is not Action.UPDATE or made is None or not write.values:
            return Sent(Receipt(record_id, tuple(words)), version)
        found = self._overwriting.look(write, made)
        return Sent(Receipt(record_id, (*words, *found.words), found.fields), version)


def unsent(error: RemoteError) -> RemoteError:
    """Return what happened before anything was sent as an error that says so."""
    if isinstance(error, AuthError | RefusedError):
        return error
    after = error.after_seconds if isinstance(error, RetryableError) else None
    return RetryableError(str(error), after, is_unsent=True)


def _before_sending(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except RemoteError as error:
        raise unsent(error) from error


def knowing_what(send: Callable[[], T]) -> T:
    """Call `send`, with every error of it that leaves the outcome open as a RetryableError."""
    try:
        return send()
    except ProtocolError as error:  # an answer came and cannot be believed
        raise RetryableError(str(error)) from error
    except RemoteError as error:
        if type(error) is RemoteError:  # the server's certificate was not accepted: no request has left
            raise unsent(error) from error
        raise


def _fits_batch(write: Write) -> bool:
    """Return whether a write is one call that may stand in a batch: collections may not (rally.md §8.5 C)."""
    if write.added or write.removed:
        return False
    return write.action is Action.CREATE or (write.action is Action.UPDATE and bool(write.values))


def _id_told(outcome: Outcome) -> int:
    """Return the id of what was made.

    Raises:
        RetryableError: something was made, and the answer does not say what.
    """
    told = id_told(outcome.made.id) if outcome.made is not None else None
    if told is None:
        raise RetryableError("Rally made it and does not say under which id")
    return told


def _was_there(write: Write, outcome: Outcome) -> bool:
    """Return whether Rally gave a record that existed, as it does for a tag's name (rally.md §8.1 R).

    A new one may bear a time shortly before that of the answer (§11 R), so a second does not count.
    """
    created_at = outcome.made.created_at if outcome.made is not None else None
    if write.since is None or created_at is None:
        return False
    return created_at < iso(write.since - timedelta(seconds=1))
