"""Create, update, copy, rank and collection changes, each as steps of one transaction. rally.md §8."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from mirror.simulators.rally import ranks, rules
from mirror.simulators.rally.convert import Converter, reference_text
from mirror.simulators.rally.items import Fields, Item, RefusedError
from mirror.simulators.rally.schema import Attribute, Schema, TypeSpec
from mirror.simulators.rally.transaction import Transaction

COLORS = {"Defect": "#f9a814", "HierarchicalRequirement": "#21a2e0", "PortfolioItem/Feature": "#848689"}
"""`DisplayColor` of new objects. rally.md §10.4 R."""

_TOLERATED = frozenset(
    {"_ref", "_type", "_refObjectName", "_refObjectUUID", "_rallyAPIMajor", "_rallyAPIMinor", "_objectVersion"}
)


@dataclass(frozen=True, slots=True)
class Context:
    """Where new objects go when the client does not say. rally.md §8.1 R.

    Attributes:
        workspace: ObjectID.
        project: ObjectID; None when the workspace has none.
        subscription: ObjectID.
    """

    workspace: int
    project: int | None
    subscription: int


@dataclass(slots=True)
class Numbers:
    """Counters behind FormattedIDs, per workspace and type: never reused. rally.md §10.1 D/I."""

    _last: dict[tuple[int, str], int] = field(default_factory=dict)

    def take(self, workspace: int, spec: TypeSpec) -> str:
        """Return the next FormattedID of a type."""
        number = self._last.get((workspace, spec.path), 0) + 1
        self._last[(workspace, spec.path)] = number
        return f"{spec.prefix}{number}"


class Writer:
    """The write rules, applied inside a given transaction."""

    def __init__(self, tx: Transaction, context: Context, numbers: Numbers) -> None:
        self._tx = tx
        self._context = context
        self._numbers = numbers

    def create(self, type_path: str, body: dict[str, Any]) -> int:
        """Create an object; return its ObjectID, or that of the tag which already has the name. rally.md §8.1 R."""
        workspace = self._workspace(type_path, body)
        schema = self._schema(workspace)
        spec = schema.spec(type_path)
        if not spec.can("c"):
            raise RefusedError(f"Not authorized to create: {spec.element}")
        existing = self._existing_tag(type_path, body, workspace)
        if existing is not None:
            return existing
        fields, collections = self._convert(schema, spec, body, None)
        self._require(schema, spec, fields)
        rules.check(self._tx, type_path, fields, None)
        item = self._insert(schema, spec, fields, workspace)
        self._replace(item, collections)
        rules.react(self._tx, item)
        return item.oid

    def _workspace(self, type_path: str, body: dict[str, Any]) -> int | None:
        schema = self._schema(self._context.workspace)
        if "Workspace" not in schema.attributes(type_path):
            return None
        converter = Converter(self._tx.view, schema, type_path)
        attribute = schema.attributes(type_path)["Workspace"]
        for name, value in body.items():
            if name.lower() == "workspace" and value:
                return converter.member(attribute, value).oid
        project = body.get("Project")
        found = converter.member(schema.attributes("Iteration")["Project"], project) if project else None
        return found.values["Workspace"] if found is not None else self._context.workspace

    def _schema(self, workspace: int | None) -> Schema:
        return self._tx.state.schemas[workspace or self._context.workspace]

    def _existing_tag(self, type_path: str, body: dict[str, Any], workspace: int | None) -> int | None:
        if type_path != "Tag":
            return None
        return self.tag_named(str(body.get("Name", "")), workspace)

    def tag_named(self, name: str, workspace: int | None) -> int | None:
        """Return the tag of that name in a workspace, or None."""
        for tag in self._tx.view.every("Tag"):
            if tag.values.get("Name") == name and tag.values.get("Workspace") == workspace:
                return tag.oid
        return None

    def _convert(
        self, schema: Schema, spec: TypeSpec, body: dict[str, Any], item: Item | None
    ) -> tuple[Fields, dict[str, list[int]]]:
        converter = Converter(self._tx.view, schema, spec.path, zone=self._tx.view.zone(self._tx.user))
        by_lower = {name.lower(): attribute for name, attribute in schema.attributes(spec.path).items()}
        fields: Fields = {}
        collections: dict[str, list[int]] = {}
        for name, value in body.items():
            attribute = by_lower.get(name.lower())
            if attribute is None or attribute.hidden:
                self._warn(spec, name)
            elif attribute.is_writable_collection:
                collections[attribute.name] = self._members(converter, attribute, value)
            elif self._writable(attribute, item):
                fields[attribute.name] = converter.convert(attribute, value)
        return fields, collections

    def _warn(self, spec: TypeSpec, name: str) -> None:
        # rally.md §6 R: a warning, and the rest is applied.
        if name not in _TOLERATED:
            element = spec.element.lower()
            self._tx.warnings.append(f"Ignored JSON element {element}.{name} during processing of this request.")

    def _writable(self, attribute: Attribute, item: Item | None) -> bool:
        if attribute.read_only or attribute.is_collection:
            return False
        return item is None or not attribute.create_only

    def _members(self, converter: Converter, attribute: Attribute, value: Any) -> list[int]:
        # An array of objects; a text fails. rally.md §8.1 D
        if not isinstance(value, list):
            raise RefusedError(f'Could not convert: "{attribute.name}" must be an array')
        return [self.member(converter, attribute, each) for each in value]

    def member(self, converter: Converter, attribute: Attribute, value: Any) -> int:
        """Return the object one entry of a collection body means; tags may be named. rally.md §8.2 R."""
        if isinstance(value, dict) and "_ref" not in value and attribute.target == "Tag" and "Name" in value:
            found = self.tag_named(str(value["Name"]), self._context.workspace)
            if found is None:
                raise RefusedError(f"Could not read: Could not read referenced object {value['Name']}")
            return found
        return converter.member(attribute, value).oid

    def _require(self, schema: Schema, spec: TypeSpec, fields: Fields) -> None:
        converter = Converter(self._tx.view, schema, spec.path)
        for name, attribute in schema.attributes(spec.path).items():
            if attribute.required and attribute.default is None and fields.get(name) is None:
                raise converter.missing(attribute)

    def _insert(self, schema: Schema, spec: TypeSpec, fields: Fields, workspace: int | None) -> Item:
        attributes = schema.attributes(spec.path)
        item = self._tx.insert(spec.path, {"Subscription": self._context.subscription})
        values = {**self._given(spec, attributes, workspace), **fields}
        for name, value in values.items():
            self._tx.put(item.oid, name, value)
        if "DragAndDropRank" in attributes:
            self.rank(item, to="BOTTOM")
        return item

    def _given(self, spec: TypeSpec, attributes: dict[str, Attribute], workspace: int | None) -> Fields:
        given: Fields = {"Workspace": workspace} if workspace is not None else {}
        if "FormattedID" in attributes and workspace is not None:
            given["FormattedID"] = self._numbers.take(workspace, spec)
        if "Project" in attributes and spec.path not in ("Project", "Preference"):
            given["Project"] = self._default_project(workspace)
        if "CreatedBy" in attributes:
            given["CreatedBy"] = self._tx.user
            given["DisplayColor"] = COLORS.get(spec.path, "#21a2e0")
        if spec.path in ("ConversationPost", "Attachment", "TimeEntryItem"):
            given["User"] = self._tx.user
        if spec.path == "Attachment":
            given["Date"] = self._tx.stamp
        if spec.path.startswith("PortfolioItem/"):
            given["PortfolioItemType"] = self._type_definition(spec.path, workspace)
        return given

    def _default_project(self, workspace: int | None) -> int | None:
        if workspace == self._context.workspace and self._context.project is not None:
            return self._context.project
        projects = (item.oid for item in self._tx.view.every("Project") if item.values.get("Workspace") == workspace)
        return next(projects, None)

    def _type_definition(self, path: str, workspace: int | None) -> int | None:
        for item in self._tx.view.every("TypeDefinition"):
            if item.values.get("TypePath") == path and item.values.get("Workspace") == workspace:
                return item.oid
        return None

    def update(self, oid: int, body: dict[str, Any]) -> None:
        """Change fields and replace whole collections. rally.md §8.1."""
        item = self._tx.state.items[oid]
        schema = self._tx.state.schema_of(item)
        spec = schema.spec(item.type)
        if not spec.can("u"):
            raise RefusedError(f"Not authorized to update: {spec.element} {oid}")
        self._check_open(item, spec)
        fields, collections = self._convert(schema, spec, body, item)
        rules.check(self._tx, item.type, fields, item)
        for name, value in fields.items():
            if item.values.get(name, schema.attributes(item.type)[name].default) != value:
                self._tx.put(oid, name, value)
        self._replace(item, collections)
        if oid in self._tx.before:
            rules.react(self._tx, item)

    def _check_open(self, item: Item, spec: TypeSpec) -> None:
        # Nothing inside a closed project can be written. rally.md §6 D/C
        project = self._tx.find(self._tx.view.project_of(item))
        if project is not None and project is not item and project.values.get("State") == "Closed":
            raise RefusedError(f"Not authorized to update: {spec.element} {item.oid}")

    def _replace(self, item: Item, collections: dict[str, list[int]]) -> None:
        attributes = self._tx.state.schema_of(item).attributes(item.type)
        for name, wanted in collections.items():
            present = item.values.get(name, ())
            for member in present:
                if member not in wanted:
                    self._tx.link(item.oid, attributes[name], member, add=False)
            for member in wanted:
                self._tx.link(item.oid, attributes[name], member)

    def change_collection(self, oid: int, name: str, values: list[Any], *, add: bool) -> list[int]:
        """Add to or remove from a collection; return the ObjectIDs concerned. rally.md §8.2."""
        item = self._tx.state.items[oid]
        schema = self._tx.state.schema_of(item)
        attribute = schema.attributes(item.type)[name]
        if not attribute.is_writable_collection:
            raise RefusedError(f"Could not update: {schema.spec(item.type).element}.{name} is read-only")
        self._check_open(item, schema.spec(item.type))
        converter = Converter(self._tx.view, schema, item.type)
        members = [self.member(converter, attribute, value) for value in values]
        for member in members:
            self._tx.link(oid, attribute, member, add=add)
        return members

    def rank(self, item: Item, *, above: Any = None, below: Any = None, to: str = "") -> None:
        """Move one object in the ranking; no other rank changes. rally.md §8.4 C/I."""
        rank = self._rank_beside(above, below) if to == "" else self._rank_at(to.upper())
        first, last = self._tx.state.rank_bounds
        self._tx.state.rank_bounds = (min(first, rank), max(last, rank))
        self._tx.put(item.oid, "DragAndDropRank", rank)

    def _rank_at(self, place: str) -> str:
        first, last = self._tx.state.rank_bounds
        return ranks.between(None, first) if place == "TOP" else ranks.after(last)

    def _rank_beside(self, above: Any, below: Any) -> str:
        converter = Converter(self._tx.view, self._schema(None), "Defect")
        beside = converter.member(Attribute("Rank", "ref", "Rank", target="Artifact"), above or below)
        rank = beside.values.get("DragAndDropRank")
        if rank is None:
            raise RefusedError(f"Could not read: Could not read referenced object {reference_text(above or below)}")
        taken = [other for item in self._tx.state.items.values() if (other := item.values.get("DragAndDropRank"))]
        if above:
            return ranks.between(ranks.neighbour_below(taken, rank), rank)
        following = ranks.neighbour_above(taken, rank)
        return ranks.between(rank, following) if following is not None else ranks.after(rank)

    def copy(self, oid: int) -> int:
        """Create an object with the same writable fields. The answer's shape is not recorded (rally.md §1 S)."""
        item = self._tx.state.items[oid]
        attributes = self._tx.state.schema_of(item).attributes(item.type)
        body: dict[str, Any] = {}
        for name, value in item.values.items():
            attribute = attributes.get(name)
            if attribute is None or attribute.read_only or attribute.hidden or attribute.kind == "inverse":
                continue
            body[name] = [{"_ref": f"x/{member}"} for member in value] if attribute.is_collection else value
        if "Name" in body:
            body["Name"] = f"(Copy of) {body['Name']}"[:256]
        return self.create(item.type, body)

    def finish_attachment(self, oid: int) -> None:
        """Fill in `Size` from the content, whatever the client said. rally.md §8.3 S."""
        item = self._tx.state.items[oid]
        content = self._tx.find(item.values.get("Content"))
        if content is not None:
            size = len(base64.b64decode(content.values.get("Content", "")))
            self._tx.put(oid, "Size", size)
