"""Files that are to be attached: their content stays in memory until it is queued, each once, by its digest."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable
from pathlib import Path

from mirror.engine.edit import Upload
from mirror.errors import InvalidEditError, UsageError
from mirror.model.change import Action, Change
from mirror.store.queue import Queue

ANY_CONTENT = "application/octet-stream"


class Files:
    """The content of files by the digest of it."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def take(self, file: str | Path | bytes, *, name: str, content_type: str, largest: int | None) -> Upload:
        """Take in a file, or bytes with a name.

        Args:
            content_type: else what the name tells.
            largest: how many bytes the tracker takes; None when no limit is known.

        Raises:
            UsageError: the file cannot be read.
            InvalidEditError: bytes have no name, or are too many.
        """
        content = file if isinstance(file, bytes) else _read(Path(file))
        called = name or ("" if isinstance(file, bytes) else Path(file).name)
        if not called:
            raise InvalidEditError("bytes to attach need a name: attach(b'…', name='notes.txt')")
        if largest is not None and len(content) > largest:
            raise InvalidEditError(f"{called} has {len(content):,} bytes, and the tracker takes at most {largest:,}")
        digest = hashlib.sha256(content).hexdigest()
        self._contents[digest] = content
        return Upload(called, content_type or mimetypes.guess_type(called)[0] or ANY_CONTENT, digest, len(content))

    def store(self, queue: Queue, changes: Iterable[Change]) -> None:
        """Put the contents that these changes need into the database."""
        for each in changes:
            if each.action is Action.ATTACH and each.value is not None:
                queue.put_blob(self._contents[each.value["digest"]])

    def clear(self) -> None:
        """Forget all of them."""
        self._contents.clear()


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
