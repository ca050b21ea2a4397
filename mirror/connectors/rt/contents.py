"""The bytes of RT's attachments: base64 with line breaks, in the record itself.

Source: rt.md §6.5.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import ClassVar

from mirror.connectors.http import Request, Transport
from mirror.connectors.rt.login import Login
from mirror.connectors.rt.search import decoded
from mirror.errors import ProtocolError
from mirror.model.source import Source


class RTContents:
    """The attachments of one RT."""

    type_name: ClassVar[str] = "attachment"
    largest: ClassVar[int | None] = None  # 11 MB went both ways unchanged (rt.md §6.5)

    def __init__(self, source: Source, transport: Transport) -> None:
        self._login = Login(transport, source.credential)

    def read(self, record_id: int, references: Mapping[str, int]) -> bytes:
        """Return the bytes of an attachment; none of a multipart container.

        Raises:
            ProtocolError: it is not there, or not to be seen; or it is no base64.
        """
        found = decoded(self._login.send(Request("GET", f"/REST/2.0/attachment/{record_id}")), "attachment")
        try:
            return b64decode(str(found.get("Content") or ""))
        except ValueError as error:
            raise ProtocolError(f"the content of attachment {record_id} is no base64") from error
