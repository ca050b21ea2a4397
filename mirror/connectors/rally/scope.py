"""Which workspace a source means.

Source: rally.md §0 fact 8, §1 (subscription), Appendix A steps 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mirror.connectors.rally.decode import id_of
from mirror.connectors.rally.wire import Query, Result, Wire, parsed
from mirror.errors import ConfigError, ProtocolError

_NAMES = ("ObjectID", "Name", "State", "SchemaVersion")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of the subscription.

    Attributes:
        schema_version: changes with every change of types and fields (rally.md §7 R); None when the server does not say.
    """

    id: int
    name: str
    schema_version: str | None

    @property
    def ref(self) -> str:
        """The short reference that every request carries."""
        return f"/workspace/{self.id}"


class _Row(msgspec.Struct):
    id: int = msgspec.field(name="ObjectID")
    name: str = msgspec.field(name="Name", default="")
    state: str | None = msgspec.field(name="State", default=None)
    schema_version: str | None = msgspec.field(name="SchemaVersion", default=None)


class _Subscription(msgspec.Struct):
    ref: str = msgspec.field(name="_ref")


def find_workspace(wire: Wire, wanted: str) -> Workspace:
    """Return the workspace named `wanted`, or with that ObjectID; the only open one when `wanted` is empty.

    Raises:
        ConfigError: there is no such workspace, or several and none was named.
    """
    rows = _by_id(wire, int(wanted)) if wanted.isascii() and wanted.isdigit() else []
    rows = rows or _by_name(wire)
    matching = [each for each in rows if wanted in ("", each.name, str(each.id))]
    if len(matching) == 1:
        return Workspace(matching[0].id, matching[0].name, matching[0].schema_version)
    names = ", ".join(sorted(each.name for each in rows)) or "none that this credential may see"
    if not matching:
        raise ConfigError(f"Rally has no open workspace called {wanted!r}; there is: {names}")
    raise ConfigError(f"Rally has several workspaces; name one with workspace = … in mirror.toml: {names}")


def _by_id(wire: Wire, object_id: int) -> list[_Row]:
    name, root, _ = wire.get(f"workspace/{object_id}", {"fetch": ",".join(_NAMES)})
    return [parsed(root, _Row)] if name == "Workspace" else []


def _by_name(wire: Wire) -> list[_Row]:
    """Return the open workspaces, all of them, so that a wrong name can be answered with the right ones."""
    _, root, _ = wire.get("subscription", {"fetch": "ObjectID"})
    try:
        subscription = msgspec.json.decode(_single(root), type=_Subscription)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the subscription has an unexpected shape: {error}") from error
    query = Query(f"Subscription/{id_of(subscription.ref)}/Workspaces", "(State = Open)", _NAMES, 200)
    params = query.params("")
    del params["workspace"]
    _, document, _ = wire.get(query.type_path, params)
    result = msgspec.json.decode(document, type=Result)
    if result.errors:
        raise ProtocolError(f"workspaces: {'; '.join(result.errors)}")
    return [parsed(each, _Row) for each in result.rows]


def _single(root: msgspec.Raw) -> msgspec.Raw:
    """Return the subscription itself, whether the answer was the singleton or a list of one (rally.md §1 R)."""
    listed = msgspec.json.decode(root, type=Result).rows
    return listed[0] if listed else root
