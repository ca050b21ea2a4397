"""What bulk commands write: Oids, names, aliases and subqueries become values. versionone.md §8.2 S."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mirror.simulators.versionone.query import Query
from mirror.simulators.versionone.query_v1 import literal_text, read_command
from mirror.simulators.versionone.rules_input import Changed, Write
from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View


@dataclass(frozen=True, slots=True)
class Created:
    """A command nested in another, that creates an asset.

    Attributes:
        alias: `@x`, or "" without one.
    """

    alias: str
    command: Mapping[str, Any]


@dataclass(slots=True)
class Written:
    """What is to be written to one asset.

    Attributes:
        own: values of its own attributes.
        others: changes of the other sides of relations, which need the asset to exist.
        nested: by attribute, assets to create and relate.
    """

    own: dict[str, Write] = field(default_factory=dict)
    others: dict[str, Write] = field(default_factory=dict)
    nested: dict[str, list[Created]] = field(default_factory=dict)


class Values:
    """Reads values of commands.

    Args:
        aliases: assets by alias, filled while commands are carried out.
        run: returns the assets a query finds.
    """

    def __init__(self, view: View, aliases: Mapping[str, list[int]], run: Callable[[Query], list[int]]) -> None:
        self._view = view
        self._aliases = aliases
        self._run = run

    def of_new(self, type_name: str, given: Mapping[str, Any]) -> Written:
        """Return what a new asset is to have.

        Raises:
            RefusedError: an attribute is unknown, or a name or alias leads nowhere.
        """
        return self._written(type_name, given, asset=None)

    def of_known(self, asset: int, given: Mapping[str, Any]) -> Written:
        """Return what an asset is to get; RefusedError as `of_new`."""
        return self._written(self._view.type_of(asset), given, asset=asset)

    def _written(self, type_name: str, given: Mapping[str, Any], asset: int | None) -> Written:
        written = Written()
        for name, value in given.items():
            attribute = self._view.schema.attribute(type_name, name)
            if attribute is None:
                # The literal is versionone.md §3.4 S.
                raise RefusedError(400, f"Unknown AttributeDefinition: {type_name}.{name}")
            if attribute.multi and attribute.is_relation:
                self._relate(written, attribute, value)
            elif attribute.multi:
                written.own[name] = self._several(value)
            elif attribute.is_relation:
                written.own[name] = self._target(attribute, value)
            else:
                written.own[name] = self._scalar(attribute, value, asset)
        return written

    def _scalar(self, attribute: Attribute, value: Any, asset: int | None) -> Write:
        """A value; a rank beside another asset's; or a replacement within a text. §8.2 S"""
        if isinstance(value, dict) and value.keys() <= {"Before", "After"} and attribute.kind == "Rank":
            side, other = next(iter(value.items()))
            rank = self._view.value(self._single(attribute, other), attribute.name)
            return f"{rank!s}{'-' if side == 'Before' else '+'}"
        if isinstance(value, dict) and value.keys() == {"find", "replace"} and asset is not None:
            text = str(self._view.value(asset, attribute.name) or "")
            return text.replace(str(value["find"]), str(value["replace"]))
        if isinstance(value, dict | list):
            raise RefusedError(400, f"Violation'Invalid'{attribute.token}")
        return None if value is None else literal_text(value)

    def _several(self, value: Any) -> Changed:
        if isinstance(value, dict):
            return Changed(tuple(_listed(value.get("add"))), tuple(_listed(value.get("remove"))))
        return Changed(add=tuple(_listed(value)))

    # Relations

    def _relate(self, written: Written, attribute: Attribute, value: Any) -> None:
        """Sort what a multi relation is given into additions, removals and assets to create."""
        add, remove = _split(value)
        created = [each for each in map(_created, add) if each is not None]
        added = [asset for each in add if _created(each) is None for asset in self.targets(attribute, each)]
        removed = [asset for each in remove for asset in self.targets(attribute, each)]
        if created:
            written.nested[attribute.name] = created
        if added or removed:
            change = Changed(tuple(added), tuple(removed))
            (written.others if attribute.forward is not None else written.own)[attribute.name] = change

    def _target(self, attribute: Attribute, value: Any) -> int | None:
        if value in (None, "", "NULL"):
            return None
        return self._single(attribute, value)

    def _single(self, attribute: Attribute, value: Any) -> int:
        found = self.targets(attribute, value)
        if len(found) != 1:
            raise RefusedError(400, f"Violation'Invalid'{attribute.token}")
        return found[0]

    def targets(self, attribute: Attribute, value: Any) -> list[int]:
        """Return the assets that an Oid, an alias, a name or a subquery stands for.

        Raises:
            RefusedError: it stands for nothing.
        """
        if isinstance(value, dict):
            if "from" not in value:
                raise RefusedError(400, f"Violation'Invalid'{attribute.token}")
            return self._run(read_command(self._view, self.resolved(value)).query)
        text = str(value)
        if text.startswith("@"):
            return self._aliased(text)
        type_name, _, key = text.partition(":")
        if self._view.schema.get(type_name) is not None and key.split(":")[0].lstrip("-").isdigit():
            return [int(key.split(":")[0])]
        return self._named(attribute, text)

    def _named(self, attribute: Attribute, name: str) -> list[int]:
        related = attribute.related or ""
        if attribute.kind == "Relation" and "Name" in self._view.schema.attributes(related):
            for asset in self._view.ids(related):
                if self._view.value(asset, "Name") == name:
                    return [asset]
        raise RefusedError(400, f"Invalid OID token: {name}")

    def _aliased(self, alias: str) -> list[int]:
        if alias not in self._aliases:
            raise RefusedError(400, f"Unknown alias: {alias}")
        return self._aliases[alias]

    # Queries and arguments

    def resolved(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Return a query with its aliases replaced: in `from` by the assets they stand for, in `where` by an Oid.

        Raises:
            RefusedError: an alias is unknown or stands for nothing.
        """
        found = dict(command)
        where = command.get("where")
        if isinstance(where, dict):
            found["where"] = {name: self._resolved_value(value) for name, value in where.items()}
        source = str(command["from"])
        if source.startswith("@"):
            assets = self._aliased(source)
            if not assets:
                raise RefusedError(400, f"Nothing found: {source}")
            oids = ",".join(f"'{self._view.oid(asset)}'" for asset in assets)
            found["from"] = self._view.type_of(assets[0])
            found["filter"] = [*_listed(command.get("filter")), f"ID={oids}"]
        return found

    def _resolved_value(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("@") and len(self._aliased(value)) == 1:
            return self._view.oid(self._aliased(value)[0])
        return value

    def arguments(self, given: Any) -> dict[str, Any]:
        """Return the arguments of an operation, assets as Oids.

        Raises:
            RefusedError: they are not a map, or a subquery finds more or less than one asset.
        """
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise RefusedError(400, "Invalid args")
        found: dict[str, Any] = {}
        for name, value in given.items():
            subquery = isinstance(value, dict) or (isinstance(value, str) and value.startswith("@"))
            marker = Attribute(name, "args", "Relation")
            found[name] = self._view.oid(self._single(marker, value)) if subquery else value
        return found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _split(value: Any) -> tuple[list[Any], list[Any]]:
    """Return additions and removals: a list or scalar adds; `{"add":..,"remove":..}` or `{"Member:20":"remove"}`. §8.2 S"""
    if not isinstance(value, dict) or "from" in value or _created(value) is not None:
        return _listed(value), []
    if value.keys() <= {"add", "remove"}:
        return _listed(value.get("add")), _listed(value.get("remove"))
    acts: dict[str, list[Any]] = {"add": [], "remove": []}
    for token, act in value.items():
        if act not in acts:
            raise RefusedError(400, f"Invalid act: {act}")
        acts[act].append(token)
    return acts["add"], acts["remove"]


def _created(value: Any) -> Created | None:
    """Return the nested command, with its alias, if a value is one."""
    if not isinstance(value, dict):
        return None
    if "AssetType" in value:
        return Created("", value)
    name, inner = next(iter(value.items()), ("", None))
    if len(value) == 1 and name.startswith("@") and isinstance(inner, dict) and "AssetType" in inner:
        return Created(name, inner)
    return None
