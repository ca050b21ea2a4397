"""Which types and fields a workspace has: the schema endpoint, and the lists of allowed values that it only refers to.

Source: rally.md §7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from mirror.connectors.http import Answer, Request
from mirror.connectors.rally.catalog import AllowedValue, make_catalog, read_definitions, unlisted_values
from mirror.connectors.rally.scope import Workspace
from mirror.connectors.rally.wire import Query, Result, Wire, read_root
from mirror.errors import ProtocolError
from mirror.model.schema import Catalog

_PAGE_SIZE = 2000


def read_catalog(wire: Wire, workspace: Workspace, known_digest: str | None) -> Catalog | None:
    """Return the workspace's types; None when their digest is `known_digest`."""
    path, result = f"/slm/schema/v2.0/workspace/{workspace.id}", None
    while result is None:
        path, result = wire.transport.send(Request("GET", path), _schema_or_redirect)
    digest = workspace.schema_version or hashlib.blake2b(b"".join(map(bytes, result.rows))).hexdigest()
    if digest == known_digest:
        return None
    definitions = read_definitions(result.rows)
    return make_catalog(definitions, digest, _allowed_values(wire, unlisted_values(definitions)))


def _allowed_values(wire: Wire, paths: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Read allowed values by the path of their collection; one that cannot be read stays empty, it is only shown."""
    queries = [Query(path, None, ("StringValue",), _PAGE_SIZE, order="") for path in paths]
    decode = msgspec.json.Decoder(AllowedValue).decode
    return {
        path: tuple(decode(each).text or "" for each in answered.result.rows)
        for path, answered in zip(paths, wire.queries(queries), strict=True)
    }


def _schema_or_redirect(answer: Answer) -> tuple[str, Result | None]:
    """Return (path to follow, None), or (\"\", the type definitions).

    The endpoint redirects to an address that ends in the digest (rally.md §7 C). Only the path is followed: the credential
    never goes to a host that the settings do not name.

    Raises:
        ProtocolError: no types, or a redirect to where we were.
    """
    if answer.status in (301, 302, 303, 307, 308):
        path = urlsplit(answer.headers.get("Location", "")).path
        if not path.startswith("/slm/schema/"):
            raise ProtocolError("the schema endpoint redirects to somewhere else")
        return path, None
    _, root = read_root(answer)
    result = msgspec.json.decode(root, type=Result)
    if not result.rows:
        raise ProtocolError(f"the schema endpoint gave no types {'; '.join(result.errors)}".rstrip())
    return "", result
