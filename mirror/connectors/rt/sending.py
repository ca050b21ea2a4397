"""Makes the calls of writes, each once, and tells what came of them.

RT says yes to almost everything (rt.md §1.2), so what it says is only handed on; where nobody compares fields afterwards,
as for its own operations and for deletion, the record is read here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from mirror.connectors.chunk import stoppable
from mirror.connectors.http import Answer, Request
from mirror.connectors.rt import upload
from mirror.connectors.rt.account import Myself
from mirror.connectors.rt.catalog import LINK_REFS, OPERATIONS, Schema
from mirror.connectors.rt.collections import COLLECTIONS
from mirror.connectors.rt.drafting import Draft, Drafting
from mirror.connectors.rt.effects import Effects, merge_target
from mirror.connectors.rt.encode import sayable
from mirror.connectors.rt.localtime import LocalTime, is_local
from mirror.connectors.rt.naming import Naming
from mirror.connectors.rt.outcomes import before_sending, begun, document, knowing_what, number, or_error, read, said, words
from mirror.connectors.rt.overwriting import Overwriting
from mirror.connectors.rt.present import Present, Reader
from mirror.connectors.rt.righting import Righting
from mirror.errors import RefusedError, RemoteError, RetryableError, StaleError
from mirror.model.change import Action
from mirror.model.write import Receipt, Target, Write

WRITES_AT_ONCE = 20  # creations in one call, at 40 to 80 ms each (rt.md §10); if its answer is lost, all are looked for

LAG = timedelta(seconds=3)
"""How long reads are given to show a write: RT itself reads what it writes, a database behind it may be a copy that lags."""

_PAUSES = (0.0, 0.2, 0.4, 0.8, 1.6)  # seconds between looks for what was done, LAG in all
_BULK = "/REST/2.0/tickets/bulk"


class Sender:
    """Sends the writes of one account."""

    def __init__(
        self,
        send: Callable[[Request], Answer],
        reader: Reader,
        myself: Myself,
        schema: Callable[[], Schema],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sleep = sleep
        self._send = send
        self._reader = reader
        self._myself = myself
        self._schema = schema
        self._overwriting = Overwriting(send, myself)
        self._effects = Effects(send, reader, myself)
        self._offset = timedelta(0)  # of a time zone that is not known, as it was right the last time

    def send(self, writes: Sequence[Write]) -> list[Receipt | RemoteError]:
        """Return for each write, in order, the receipt or what went wrong."""
        attempt = stoppable(self._outcome)
        together = [each for each in writes if each.action is Action.CREATE and each.layout.type.name == "ticket"]
        if len(together) < 2:
            return [attempt(each) for each in writes]
        made = iter(self._create_together(together))
        return [next(made) if each in together else attempt(each) for each in writes]

    def overwritten(self, write: Write) -> Mapping[str, str]:
        """Return what an update without an answer has replaced; see `Overwriting.look_later`."""
        return self._overwriting.look_later(write, self._drafting(write))

    def _outcome(self, write: Write) -> Receipt | RemoteError:
        try:
            return self._carry_out(write)
        except RemoteError as error:
            return error

    def _carry_out(self, write: Write) -> Receipt:
        match write.action:
            case Action.CREATE:
                return self._create(write)
            case Action.UPDATE:
                return self._update(write)
            case Action.DELETE:
                return self._delete(write)
            case Action.COMMENT:
                return self._comment(write)
            case Action.ATTACH:
                return self._attach(write)
            case Action.OPERATE:
                return self._operate(write)
        raise RefusedError(f"RT cannot {write.action} a {write.layout.type.name}")

    # Creating

    def _create(self, write: Write) -> Receipt:
        name = write.layout.type.name
        draft = before_sending(lambda: self._creation(write))
        answer = self._call("POST", f"/REST/2.0{COLLECTIONS[name].record}", draft.body)
        # A user is called by name in the answer itself.
        made = number(answer.headers.get("Location", "").rpartition("/")[2])
        return self._righted(write, draft, Receipt(made))

    def _creation(self, write: Write) -> Draft:
        """Return the body that creates a record.

        Raises:
            RefusedError: a value would not come out as it was wanted; nothing is made then.
        """
        self._check_ends(write)
        draft = self._drafting(write).creation(write)
        if draft.words:
            raise RefusedError("; ".join(draft.words))
        return draft

    def _create_together(self, writes: Sequence[Write]) -> list[Receipt | RemoteError]:
        """Create tickets in one call, which answers for each on its own (rt.md §6.8)."""
        drafts: list[Draft | RemoteError] = [or_error(partial(self._creation, each)) for each in writes]
        bodies = [each.body for each in drafts if isinstance(each, Draft)]
        try:
            told = iter(self._told_together(bodies) if bodies else ())
        except RemoteError as error:
            return [error if isinstance(each, Draft) else each for each in drafts]
        return [
            each if isinstance(each, RemoteError) else self._made(write, each, next(told))
            for write, each in zip(writes, drafts, strict=True)
        ]

    def _told_together(self, bodies: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        told = document(self._call("POST", _BULK, bodies))
        if not isinstance(told, list) or len(told) != len(bodies) or not all(isinstance(each, dict) for each in told):
            raise RetryableError("RT does not tell what became of each new ticket")
        ids = [str(each["id"]) for each in told if "id" in each]
        if len(set(ids)) < len(ids):
            raise RetryableError("RT gives several new tickets one number")
        return told

    def _made(self, write: Write, draft: Draft, told: Mapping[str, Any]) -> Receipt | RemoteError:
        if "id" not in told and told.get("message"):
            return RefusedError(str(told["message"]))
        return or_error(lambda: self._righted(write, draft, Receipt(number(told.get("id")))))

    # Changing

    def _update(self, write: Write) -> Receipt:
        before_sending(lambda: self._check_ends(write))
        present = before_sending(lambda: self._reader.present(write))
        drafting = before_sending(lambda: self._drafting(write))
        draft = drafting.update(write, present)
        if not draft.body:
            if draft.words:
                raise RefusedError("; ".join(draft.words))
            return Receipt(write.record_id or 0)
        messages = self._put(write, draft.body, present.etag)
        failure: RemoteError | None = None
        try:
            messages += self._put(write, draft.then, "") if draft.then else ()
        except RemoteError as error:
            failure = error
        overwritten, doubts = self._overwriting.look(write, draft, present, drafting.naming)
        if failure is not None and not overwritten:
            raise begun(failure)
        told = (*messages, *draft.words, *doubts, *([] if failure is None else [str(failure)]))
        receipt = Receipt(write.record_id or 0, told, overwritten)
        return self._righted(write, draft, receipt, present)

    def _check_ends(self, write: Write) -> None:
        """Refuse links to articles and assets that this account may not read.

        RT adds one to the address `Permission Denied` in place of an article (seen on 5.0.3).

        Raises:
            RefusedError: one of them cannot be read.
        """
        for name in LINK_REFS:
            for item in write.added.get(name, ()):
                if isinstance(item, Target) and item.type_name in ("article", "asset"):
                    try:
                        self._reader.document(item.type_name, item.id)
                    except StaleError as error:
                        raise RefusedError(str(error)) from error

    def _put(self, write: Write, body: Mapping[str, Any], etag: str) -> tuple[str, ...]:
        """Change a record unless it has changed since it had that ETag, and return what RT says (rt.md §6.4)."""
        return words(document(self._call("PUT", path_of(write), body, {"If-Match": etag} if etag else None)))

    def _righted(self, write: Write, draft: Draft, receipt: Receipt, before: Present | None = None) -> Receipt:
        """Set instants right that RT has read in a time zone nobody knew (rt.md §6.3)."""
        if not is_local(write) or draft.local.is_known:
            return receipt
        drafting = Drafting(Naming.of(self._schema(), write.layout.type.name), draft.local)
        righted = Righting(self._reader, drafting, self._put).right(write, receipt, before)
        self._offset = draft.local.offset
        return righted

    def _delete(self, write: Write) -> Receipt:
        """Set the status `deleted`, as DELETE does, which answers a refusal with a bare 500 (seen on 5.0.3)."""
        present = before_sending(lambda: self._reader.unchanged(write))
        messages = self._put(write, {"Status": "deleted"}, present.etag)
        if not self._shows_soon(lambda: self._status(write) == "deleted"):
            raise RefusedError("; ".join(messages) or "RT did not delete it, and does not say why")
        return Receipt(write.record_id or 0, messages)

    # Saying and doing

    def _comment(self, write: Write) -> Receipt:
        if not sayable(write.text):
            raise RefusedError("the text holds zero bytes or half of a character, which RT does not keep")
        kind = "correspond" if write.kind == "reply" else "comment"
        answer = self._call("POST", f"{path_of(write)}/{kind}", {"Content": write.text, "ContentType": "text/plain"})
        return Receipt(write.record_id or 0, said(document(answer)))

    def _attach(self, write: Write) -> Receipt:
        if write.file is None:
            raise RefusedError("there is no file to attach")
        answer = self._send_once(upload.comment_with(write.file, write.record_id or 0))
        return Receipt(write.record_id or 0, said(document(answer)))

    def _operate(self, write: Write) -> Receipt:
        if write.operation not in OPERATIONS:
            raise RefusedError(f"RT has no operation {write.operation!r}; it has {', '.join(OPERATIONS)}")
        if write.operation == "merge":
            answer = self._call("PUT", path_of(write), {"MergeInto": merge_target(write)})
        else:
            answer = self._call("PUT", f"{path_of(write)}/{write.operation}", {})
        messages = words(document(answer))
        if not self._shows_soon(lambda: self._effects.shows(write)):
            raise RefusedError("; ".join(messages) or f"RT did not {write.operation} it, and does not say why")
        return Receipt(write.record_id or 0, messages)

    # Parts of these

    def _status(self, write: Write) -> object:
        return self._reader.document(write.layout.type.name, write.record_id or 0).get("Status")

    def _shows_soon(self, shows: Callable[[], bool]) -> bool:
        """Return whether reads come to show what was done."""
        for seconds in _PAUSES:
            self._sleep(seconds)
            if knowing_what(shows):
                return True
        return False

    def _drafting(self, write: Write) -> Drafting:
        zone = self._myself.account().zone if is_local(write) else None
        return Drafting(Naming.of(self._schema(), write.layout.type.name), LocalTime(zone, self._offset))

    def _call(self, method: str, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        request = Request(method, path, json=msgspec.json.encode(body), headers=headers or {}, repeatable=False)
        return self._send_once(request)

    def _send_once(self, request: Request) -> Answer:
        return read(knowing_what(lambda: self._send(request)))


def path_of(write: Write) -> str:
    """Return the path of the record that is written to."""
    return f"/REST/2.0{COLLECTIONS[write.layout.type.name].record}/{write.record_id}"
