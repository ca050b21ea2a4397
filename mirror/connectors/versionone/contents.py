"""The bytes of VersionOne's attachments: from an address of their own, as they are.

Source: versionone.md §6.5, §1 (attachment.img).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from mirror.connectors.http import Transport
from mirror.connectors.versionone.abilities import ATTACHMENT
from mirror.connectors.versionone.wire import BODY, Wire
from mirror.model.source import Source


class VersionOneContents:
    """The attachments of one instance."""

    type_name: ClassVar[str] = ATTACHMENT
    largest: ClassVar[int | None] = None

    def __init__(self, source: Source, transport: Transport) -> None:
        self._wire = Wire(transport, source.credential)

    def read(self, record_id: int, references: Mapping[str, int]) -> bytes:
        """Return the bytes of an attachment."""
        return self._wire.get(f"{BODY}/{record_id}", {}, lambda answer: answer.body)
