"""Keeps prepared, compressed pieces of pages, and joins them into whole gzip answers without compressing again.

A deflate stream may be cut wherever it was fully flushed (RFC 1951, section 3.2.3), so a page is the head of the
envelope as a stored block, compressed chunks of a hundred records with stored commas between them, and a tail. The
checksum of the whole is computed from the checksums of the pieces.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.records import Templates

CHUNK = 100
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_ENTRY = struct.Struct("<QIII")  # offset and length in the file; length and checksum of the plain text


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: deflate blocks ending at a byte, the length of its plain text and its CRC-32."""

    packed: memoryview | bytes
    length: int
    checksum: int


class Shelf:
    """Pieces for whole chunks, on disk and mapped into memory; other pieces are made when asked for."""

    def __init__(self, folder: Path, templates: Templates) -> None:
        self._data = folder / "chunks.bin"
        self._index = folder / "chunks.idx"
        self._templates = templates
        folder.mkdir(parents=True, exist_ok=True)
        self._entries: list[tuple[int, int, int, int]] = []
        self._map: mmap.mmap | None = None
        self._open()

    def prepare(self, count: int) -> None:
        """Make the chunks of the first `count` records, where they are not there yet."""
        missing = range(len(self._entries), -(-count // CHUNK))
        if not missing:
            return
        with self._data.open("ab") as data, self._index.open("ab") as index, ThreadPoolExecutor(2) as pool:
            offset = sum(each[1] for each in self._entries)
            for piece in pool.map(lambda chunk: self._made(chunk * CHUNK, CHUNK), missing, chunksize=8):
                data.write(piece.packed)
                index.write(_ENTRY.pack(offset, len(piece.packed), piece.length, piece.checksum))
                offset += len(piece.packed)
        self._open()

    def pieces(self, first: int, count: int) -> list[Piece]:
        """Return pieces that together hold the records `first` to `first + count - 1`, without the commas between them."""
        found = []
        position, end = first, first + count
        while position < end:
            step = min(CHUNK - position % CHUNK, end - position)
            stocked = step == CHUNK and position // CHUNK < len(self._entries)
            found.append(self._stocked(position // CHUNK) if stocked else self._made(position, step))
            position += step
        return found

    def _open(self) -> None:
        if not self._index.exists():
            return
        self._entries = [_ENTRY.unpack_from(each) for each in _cut(self._index.read_bytes(), _ENTRY.size)]
        with self._data.open("rb") as data:
            self._map = mmap.mmap(data.fileno(), 0, access=mmap.ACCESS_READ)

    def _stocked(self, chunk: int) -> Piece:
        offset, packed, length, checksum = self._entries[chunk]
        assert self._map is not None
        return Piece(memoryview(self._map)[offset : offset + packed], length, checksum)

    def _made(self, first: int, count: int) -> Piece:
        return compressed(b",".join(self._templates.render(each) for each in range(first, first + count)))


def compressed(text: bytes, level: int = 6) -> Piece:
    """Return `text` as deflate blocks that end at a byte and are referred to by nothing behind them."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Piece(packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH), len(text), zlib.crc32(text))


def stored(text: bytes, *, final: bool = False) -> Piece:
    """Return `text`, shorter than 64 KiB, as one uncompressed block (RFC 1951, section 3.2.4)."""
    head = struct.pack("<BHH", int(final), len(text), len(text) ^ 0xFFFF)
    return Piece(head + text, len(text), zlib.crc32(text))


def gzip_answer(head: bytes, pieces: list[Piece], tail: bytes) -> list[memoryview | bytes]:
    """Return the parts of a gzip body whose plain text is head, the pieces joined by commas, tail."""
    comma = stored(b",")
    sequence = [stored(head)]
    for number, piece in enumerate(pieces):
        sequence += [comma, piece] if number else [piece]
    sequence.append(stored(tail, final=True))
    checksum = length = 0
    for each in sequence:
        checksum = _combined(checksum, each.checksum, each.length)
        length += each.length
    return [
        _GZIP_HEAD,
        *(each.packed for each in sequence),
        struct.pack("<II", checksum, length & 0xFFFFFFFF),
    ]


def _combined(first: int, second: int, second_length: int) -> int:
    """Return the CRC-32 of two texts put together, from the CRC-32 of each and the length of the second.

    Appending n bytes multiplies the first remainder by x to the power 8n, modulo the polynomial of CRC-32
    (RFC 1952, section 8).
    """
    factor, square, exponent = 1 << 31, 1 << 30, 8 * second_length
    while exponent:
        if exponent & 1:
            factor = _product(factor, square)
        square = _product(square, square)
        exponent >>= 1
    return _product(factor, first) ^ second


def _product(left: int, right: int) -> int:
    """Return left times right modulo the CRC polynomial; the highest bit stands for x to the power 0."""
    total = 0
    for bit in range(31, -1, -1):
        if left >> bit & 1:
            total ^= right
        right = (right >> 1) ^ (0xEDB88320 if right & 1 else 0)
    return total


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data) - size + 1, size)]
