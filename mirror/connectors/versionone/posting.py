"""POSTs that write, and what their answers and faults mean for a write.

Source: versionone.md §3.2 (answers to writes), §3.4 (errors), §6.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.ids import id_told
from mirror.connectors.versionone.payload import XML, Payload, to_xml
from mirror.connectors.versionone.refusals import RefusedError as NotDoneError
from mirror.connectors.versionone.wire import DATA, Wire
from mirror.errors import AuthError, ProtocolError, RefusedError, RemoteError, RetryableError, StaleError


@dataclass(frozen=True, slots=True)
class Written:
    """The version that a write has made.

    Attributes:
        moment: of the transaction; 0 when the answer does not tell.
    """

    type_name: str
    id: int
    moment: int


class _Asset(msgspec.Struct):
    id: str


_ASSET = msgspec.json.Decoder(_Asset)


def save(wire: Wire, path: str, payload: Payload) -> Written:
    """Create (`/Story`) or update (`/Story/1005`) an asset below Data."""
    return wire.post(DATA + path, to_xml(payload), XML, read_written)


def create(wire: Wire, type_name: str, payload: Payload) -> Written:
    """Create an asset below Data.

    Raises:
        RetryableError: the answer names something else, or nothing.
    """
    made = save(wire, f"/{type_name}", payload)
    if made.type_name != type_name:
        raise RetryableError(f"VersionOne says that it made {made.type_name}:{made.id}, which is no {type_name}")
    return made


def operate(wire: Wire, oid: str, operation: str) -> Written:
    """Run an operation on an asset, with an empty body (§6.2); returns what its answer names, which may be another asset."""
    return wire.post(f"{DATA}/{oid.replace(':', '/')}", b"", "", read_written, params={"op": operation})


def read_written(answer: Answer) -> Written:
    """Return what the answer to a write names.

    Raises:
        RetryableError: it is something else. What it echoes of our text must not be taken for a refusal.
    """
    body = answer.body
    try:
        oid = _xml_oid(body) if body.lstrip()[:1] == b"<" else _ASSET.decode(body).id
        return written_in(oid)
    except (msgspec.DecodeError, Xml.ParseError, KeyError, ValueError):
        raise RetryableError("VersionOne answered something else than what it wrote; nobody knows whether it did") from None


def written_in(token: str) -> Written:
    """Return what an oid token names, `Story:1005:903` or without the moment.

    Raises:
        ValueError: it names nothing.
    """
    type_name, _, rest = token.partition(":")
    number, _, moment = rest.partition(":")
    found = id_told(number)
    if not type_name or found is None or not (moment == "" or (moment.isascii() and moment.isdigit())):
        raise ValueError(f"{token!r} is no oid")
    return Written(type_name, found, int(moment or 0))


def _xml_oid(body: bytes) -> str:
    root = Xml.fromstring(body)  # noqa: S314  the server that is written to is trusted
    if root.tag != "Asset":
        raise KeyError(root.tag)
    return root.attrib["id"]


@contextmanager
def before_writing() -> Iterator[None]:
    """Mark faults of reading before a write as such: nothing was written yet."""
    try:
        yield
    except RetryableError as error:
        raise RetryableError(str(error), error.after_seconds, is_unsent=True) from error


def outcome(error: RemoteError) -> RemoteError:
    """Return an error of a write as the engine knows them; whatever leaves open what was done may be tried again."""
    match error:
        case NotDoneError():
            return RefusedError(error.reason or f"VersionOne answered {error.status} and gave no reason")
        case RefusedError() | StaleError() | AuthError() | RetryableError():
            return error
        case ProtocolError():
            return RetryableError(str(error))
        case _:
            return RetryableError(str(error), is_unsent=True)  # such as a certificate that cannot be verified
