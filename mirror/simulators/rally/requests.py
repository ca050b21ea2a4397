"""One request, read: path, object, scope and paging. rally.md §1, §3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mirror.simulators.rally.convert import reference_id
from mirror.simulators.rally.items import RefusedError, oid_of
from mirror.simulators.rally.schema import Schema, TypeSpec
from mirror.simulators.rally.state import View
from mirror.simulators.rally.world import World

DEFAULT_PAGE = 20

_SINGLETONS = {"user": "User", "subscription": "Subscription"}
_COMPOSITE = re.compile(r"(\d+)u(\d+)[wp]\d+")


@dataclass(frozen=True, slots=True)
class Target:
    """What a path below the version names.

    Attributes:
        spec: the type.
        oid: ObjectID text as sent; "" for the type as a whole.
        rest: what follows the id: a collection, then perhaps `add` or `remove`.
    """

    spec: TypeSpec
    oid: str = ""
    rest: tuple[str, ...] = ()
    plural: bool = False


class UnknownPathError(Exception):
    """No web service answers there: HTTP 405. rally.md §1 R"""


def read_path(schema: Schema, path: str) -> Target:
    """Split a path; types match in any case, `.js` and a plural s are accepted. rally.md §1 R/C

    Raises:
        RefusedError: no such type.
    """
    parts = path.strip("/").removesuffix(".js").split("/")
    width = 2 if parts[0].lower() == "portfolioitem" and len(parts) > 1 and not _is_id(parts[1]) else 1
    name = "/".join(parts[:width])
    spec = schema.find(name)
    plural = spec is None and name.lower().endswith("s")
    if spec is None and plural:
        spec = schema.find(name[:-1])
    if spec is None:
        # rally.md §1 C
        raise RefusedError(f'Requested type name "{name}" is unknown.')
    rest = parts[width:]
    return Target(spec, rest[0] if rest else "", tuple(rest[1:]), plural)


def _is_id(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None or oid_of(text) is not None


def names_object(text: str) -> bool:
    """True for the last part of an address that is an id of any kind."""
    return _is_id(text) or _COMPOSITE.fullmatch(text) is not None


def is_singleton(target: Target, args: Mapping[str, str]) -> bool:
    """True for `/user` and `/subscription` without a query: one object, not a list. rally.md §1 R"""
    return target.spec.path.lower() in _SINGLETONS and not target.plural and not args.get("query")


def object_id(view: View, target: Target) -> int | None:
    """Return the ObjectID in a path: a number, an ObjectUUID, or a composite permission id. rally.md §1"""
    composite = _COMPOSITE.fullmatch(target.oid)
    if composite is not None:
        user, place = int(composite[1]), int(composite[2])
        name = "Project" if target.spec.path == "ProjectPermission" else "Workspace"
        for item in view.every(target.spec.path):
            if item.values.get("User") == user and item.values.get(name) == place:
                return item.oid
        return None
    return int(target.oid) if re.fullmatch(r"-?\d+", target.oid) else oid_of(target.oid)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page. rally.md §3 R/D"""

    start: int
    pagesize: int


def read_paging(args: Mapping[str, str], cap: int) -> Paging:
    """Read `start` and `pagesize`: 1-based, default 20, clamped by the server."""
    start = _positive(args.get("start"), 1)
    return Paging(start, min(_positive(args.get("pagesize"), DEFAULT_PAGE), cap))


def _positive(text: str | None, default: int) -> int:
    if text is None or not text.strip().lstrip("-").isdigit():
        return default
    return max(1, int(text))


def read_workspace(world: World, args: Mapping[str, str]) -> int:
    """Return the workspace a request speaks of: the user's default one if it does not say. rally.md §3 D

    Raises:
        RefusedError: it names something that is no workspace.
    """
    text = args.get("workspace")
    if not text or text == "null" or world.switches.workspace_scope_dropped:
        return world.landmarks.workspace
    oid = reference_id(text)
    item = world.state.items.get(oid) if oid is not None else None
    if item is None or item.type != "Workspace":
        raise RefusedError(f"Could not read: Could not read referenced object {text}")
    return item.oid


def read_projects(view: View, args: Mapping[str, str]) -> frozenset[int] | None:
    """Return the projects in scope; None for the whole workspace. rally.md §3 C/R

    Ancestors and descendants are included unless the client says otherwise. rally.md §3 D

    Raises:
        RefusedError: it names something that is no readable project.
    """
    text = args.get("project")
    if not text or text == "null":
        return None
    oid = reference_id(text)
    item = view.reachable(oid) if oid is not None else None
    if item is None or item.type != "Project":
        raise RefusedError(f"Could not read: Could not read referenced object {text}")
    found = {item.oid}
    if args.get("projectScopeUp", "true").lower() != "false":
        found |= _ancestors(view, item.oid)
    if args.get("projectScopeDown", "true").lower() != "false":
        found |= _descendants(view, item.oid)
    return frozenset(found)


def _ancestors(view: View, oid: int) -> set[int]:
    found: set[int] = set()
    step = view.get(oid)
    while step is not None and step.values.get("Parent") not in (None, *found):
        found.add(step.values["Parent"])
        step = view.get(step.values["Parent"])
    return found


def _descendants(view: View, oid: int) -> set[int]:
    item = view.get(oid)
    children = view.members(item, "Children") if item is not None else ()
    found = set(children)
    for child in children:
        found |= _descendants(view, child)
    return found
