"""Files: an Attachment first, then its bytes.

A file of which only the first half arrived is not counted as attached; sending it again completes that Attachment instead of
making a second one.

Source: versionone.md §6.5, §1 (attachment.img), C5.
"""

from __future__ import annotations

from dataclasses import replace

from mirror.connectors.http import Answer
from mirror.connectors.versionone.abilities import ATTACHMENT
from mirror.connectors.versionone.discussing import ours_since
from mirror.connectors.versionone.history import one
from mirror.connectors.versionone.payload import Payload, Setting
from mirror.connectors.versionone.posting import before_writing, create
from mirror.connectors.versionone.question import Flat, Pick, Question, id_in
from mirror.connectors.versionone.refusals import RefusedError as NotThereError
from mirror.connectors.versionone.wire import BODY
from mirror.connectors.versionone.writers import Place, oid, rows_of
from mirror.errors import RefusedError
from mirror.model.write import File, Receipt, Write

_NOT_FOUND = 404


def attach(place: Place, write: Write) -> Receipt:
    """Attach a file, or complete the Attachment that an earlier attempt has left without its bytes."""
    file = _file(write)
    with before_writing():
        known = {key: _content(place, key) for key in _candidates(place, replace(write, since=None))}
    key = next((key for key, content in known.items() if not content), None)
    if key is None:
        key = create(place.wire, ATTACHMENT, attachment(write)).id
    place.wire.post(f"{BODY}/{key}", file.content, file.content_type, lambda _answer: None)
    return Receipt(write.record_id or 0)


def attachment(write: Write) -> Payload:
    """Return what an Attachment is made of; its required body is sent empty at first."""
    file = _file(write)
    return Payload(
        (
            Setting("Name", file.name),
            Setting("Filename", file.name),
            Setting("ContentType", file.content_type),
            Setting("Content", None),
            Setting("Asset", oid(write), True),
        )
    )


def attached(place: Place, write: Write) -> list[int]:
    """Return the ids of the Attachments that we have made of a file since `write.since`, and that have all its bytes."""
    content = _file(write).content
    return [key for key in _candidates(place, write) if _content(place, key) == content]


def _candidates(place: Place, write: Write) -> list[int]:
    """Return our Attachments of that name and kind on the asset, made since `write.since`."""
    file = _file(write)
    expected = {"Name": file.name, "Filename": file.name, "ContentType": file.content_type}
    picks = tuple(Pick(each) for each in expected)
    terms = (f"Asset='{oid(write)}'", *ours_since(place, write))
    rows = rows_of(place, Question(ATTACHMENT, picks, terms))
    return [id_in(row["_oid"]) for row in rows if _shows(row, expected)]


def _shows(row: Flat, expected: dict[str, str]) -> bool:
    return all(one(row.get(name)) == value for name, value in expected.items())


def _content(place: Place, key: int) -> bytes:
    """Return the bytes of an Attachment; none when nothing was uploaded yet."""

    def read(answer: Answer) -> bytes:
        return answer.body

    try:
        return place.wire.get(f"{BODY}/{key}", {}, read)
    except NotThereError as error:
        if error.status != _NOT_FOUND:
            raise
        return b""


def _file(write: Write) -> File:
    if write.file is None:
        raise RefusedError("there is no file to attach")
    return write.file
