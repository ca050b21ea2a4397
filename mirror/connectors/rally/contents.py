"""The bytes of Rally's attachments: in an AttachmentContent of their own, as base64.

Source: rally.md §8.3.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import ClassVar

import msgspec

from mirror.connectors.http import Transport
from mirror.connectors.rally.decode import Ref, id_of
from mirror.connectors.rally.wire import Wire, parsed
from mirror.errors import ProtocolError
from mirror.model.source import Source


class _Attachment(msgspec.Struct):
    content: Ref | None = msgspec.field(name="Content", default=None)


class _Content(msgspec.Struct):
    content: str | None = msgspec.field(name="Content", default=None)


class RallyContents:
    """The attachments of one subscription."""

    type_name: ClassVar[str] = "Attachment"
    largest: ClassVar[int | None] = 50_000_000  # rally.md §8.3 C

    def __init__(self, source: Source, transport: Transport) -> None:
        self._wire = Wire(transport, source.credential)

    def read(self, record_id: int, references: Mapping[str, int]) -> bytes:
        """Return the bytes of an attachment.

        Raises:
            ProtocolError: it has none, or they are no base64.
        """
        content_id = references.get("Content") or self._content_of(record_id)
        document = parsed(self._wire.get(f"attachmentcontent/{content_id}", {"fetch": "Content"})[1], _Content)
        try:
            return b64decode(document.content or "")
        except ValueError as error:
            raise ProtocolError(f"the content of Attachment {record_id} is no base64") from error

    def _content_of(self, record_id: int) -> int:
        found = parsed(self._wire.get(f"attachment/{record_id}", {"fetch": "Content"})[1], _Attachment)
        if found.content is None:
            raise ProtocolError(f"Attachment {record_id} has no content")
        return id_of(found.content.ref)
