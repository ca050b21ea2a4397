"""Comments: an Expression that mentions the asset, in a Conversation of its own; where there are none, a Note.

Source: versionone.md §6.5.
"""

from __future__ import annotations

import html
import logging
import re
from datetime import UTC, datetime

from mirror.connectors.versionone.abilities import CONVERSATION, DELETE, EXPRESSION, speaks_by
from mirror.connectors.versionone.history import one
from mirror.connectors.versionone.payload import Members, Payload, Setting
from mirror.connectors.versionone.posting import Written, before_writing, create, operate
from mirror.connectors.versionone.question import Flat, Pick, Question, flat, id_in
from mirror.connectors.versionone.writers import Place, oid, rows_of
from mirror.errors import RefusedError, RemoteError, RetryableError
from mirror.model.write import Receipt, Write

log = logging.getLogger(__name__)

REPLY = "reply"
_LONGEST_NAME = 60


def comment(place: Place, write: Write) -> Receipt:
    """Say something about an asset."""
    with before_writing():
        spoken_by = speaks_by(place.meta(), write.layout.type.name)
        answered = _last_said(place, oid(write)) if write.kind == REPLY else None
    if spoken_by == EXPRESSION:
        _express(place, write, answered)
    elif spoken_by:
        create(place.wire, spoken_by, note(write))
    else:
        raise RefusedError(f"VersionOne takes no comments on {write.layout.type.name}")
    return Receipt(write.record_id or 0)


def _express(place: Place, write: Write, answered: Flat | None) -> None:
    if write.kind == REPLY and answered is None:
        raise RefusedError("nothing has been said about it that could be replied to")
    if answered is not None:
        create(place.wire, EXPRESSION, expression(place, write, str(one(answered["BelongsTo"])["_oid"]), answered))
        return
    conversation = _opened(place)
    try:
        create(place.wire, EXPRESSION, expression(place, write, conversation, None))
    except RetryableError as error:
        if error.is_unsent:
            _closed(place, conversation)
        raise
    except RemoteError:
        _closed(place, conversation)
        raise


def _opened(place: Place) -> str:
    """Return the oid of a new conversation.

    When the answer is lost, an empty one may be left, which nobody sees; nothing was said, so it may be said again.
    """
    try:
        made: Written = create(place.wire, CONVERSATION, Payload())
    except RetryableError as error:
        raise RetryableError(str(error), error.after_seconds, is_unsent=True) from error
    return f"{made.type_name}:{made.id}"


def _closed(place: Place, conversation: str) -> None:
    """Take away a conversation in which nothing could be said."""
    try:
        operate(place.wire, conversation, DELETE)
    except RemoteError as error:
        log.info("an empty conversation is left oid=%s reason=%s", conversation, error)


def expression(place: Place, write: Write, conversation: str, answered: Flat | None) -> Payload:
    """Return what an Expression is made of; a reply names what it answers instead of the asset, as most do (§6.5 L)."""
    settings = [Setting("Content", write.text), Setting("BelongsTo", conversation, True)]
    with before_writing():
        if place.caller.oid:
            settings.append(Setting("Author", place.caller.oid, True))
        if write.since is not None and (at := place.caller.local(_naive(write.since).isoformat())):
            settings.append(Setting("AuthoredAt", at))
    if answered is not None:
        return Payload((*settings, Setting("InReplyTo", str(answered["_oid"]), True)))
    return Payload(tuple(settings), (Members("Mentions", (oid(write),)),))


def note(write: Write) -> Payload:
    """Return what a Note is made of; its name is the first line of the text."""
    name = words(write.text)[:_LONGEST_NAME] or "comment"
    asset = Setting("Asset", oid(write), True)
    return Payload((Setting("Name", name), Setting("Content", write.text), Setting("Personal", "false"), asset))


def said(place: Place, write: Write) -> list[int]:
    """Return the ids of what we have said about an asset since `write.since` with the text of the write."""
    spoken_by = speaks_by(place.meta(), write.layout.type.name)
    if not spoken_by:
        return []
    relation = "Mentions" if spoken_by == EXPRESSION else "Asset"
    term = f"{relation}='{oid(write)}'"
    if spoken_by == EXPRESSION and write.kind == REPLY:
        term = f"BelongsTo.ContainedExpressions.Mentions='{oid(write)}'"
    terms = (term, *ours_since(place, write))
    rows = rows_of(place, Question(spoken_by, (Pick("Content"),), terms))
    found = {id_in(row["_oid"]): str(one(row.get("Content")) or "") for row in rows}
    exact = [key for key, text in found.items() if text == write.text]
    # The server may write markup its own way; author, asset and time are ours already.
    return exact or [key for key, text in found.items() if words(text) == words(write.text)]


def ours_since(place: Place, write: Write) -> tuple[str, ...]:
    """Return terms for what we have made since a write was first sent; some servers keep whole seconds only."""
    terms = [f"CreatedBy='{place.caller.oid}'"] if place.caller.oid else []
    if write.since is not None:
        terms.append(f"CreateDateUTC>='{_naive(write.since).replace(microsecond=0).isoformat()}'")
    return tuple(terms)


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _last_said(place: Place, asset: str) -> Flat | None:
    """Return the newest Expression that mentions an asset, with its conversation."""
    terms = (f"Mentions='{asset}'",)
    question = Question(EXPRESSION, (Pick("BelongsTo"),), terms, 1, proof=False, backwards=True)
    documents = place.server.form.send(question)().documents
    return flat(documents[0]) if documents else None


def words(text: str) -> str:
    """Return the words of a rich text, without markup and with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
