"""How the bytes of files are read that are attached to records; the mirror itself has only their names and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from mirror.model.source import Source

if TYPE_CHECKING:
    from mirror.connectors.http import Transport


class Contents(Protocol):
    """The files of one tracker.

    Attributes:
        type_name: the type whose records are files.
        largest: how many bytes a file may have that is attached; None when no limit is known.
    """

    type_name: ClassVar[str]
    largest: ClassVar[int | None]

    def __init__(self, source: Source, transport: Transport) -> None: ...

    def read(self, record_id: int, references: Mapping[str, int]) -> bytes:
        """Return the bytes of a file.

        Args:
            references: field -> id of what the record refers to, as mirrored.

        Raises:
            RemoteError: the tracker does not give it.
        """
        ...
