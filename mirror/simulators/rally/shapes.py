"""Objects as JSON: shells, full objects, fetch lists, references and collection summaries. rally.md §5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from mirror.simulators.rally.evaluate import reference_of
from mirror.simulators.rally.fetching import FULL, LIST, SHELL, WHOLE, Fetch, only
from mirror.simulators.rally.items import Item, instant, uuid_of
from mirror.simulators.rally.schema import Attribute, Schema, TypeSpec
from mirror.simulators.rally.state import View, name_of

API = {"_rallyAPIMajor": "2", "_rallyAPIMinor": "0"}
_API_TEXT = '"_rallyAPIMajor":"2","_rallyAPIMinor":"0",'

SCALAR, REFERENCE, COLLECTION, TAGS, SPECIAL = range(5)

_TAG_LIKE = frozenset({"Tag", "Milestone", "AllowedAttributeValue"})

Plan = list[tuple[str, int, Any, Attribute]]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """What an answer depends on besides the objects.

    Attributes:
        base: address and version as the request used them; every `_ref` begins so. rally.md §1 R
        now: the tracker's time, for `_CreatedAt`.
        depth: how many levels of references a fetch list fills.
        permissions: add `_p`. rally.md §3 R
    """

    base: str
    now: datetime
    depth: int = 2
    permissions: bool = False


class Renderer:
    """Renders objects of one view. Keeps rendered fragments, so use it for one state only."""

    def __init__(self, view: View, scope: Scope) -> None:
        self._view = view
        self._scope = scope
        self._encode = msgspec.json.Encoder().encode
        self._plans: dict[tuple[str, int, str], Plan] = {}
        self._references: dict[int, msgspec.Raw] = {}
        self._nested: dict[tuple[int, int, str], msgspec.Raw] = {}
        self._specials = {
            "ObjectID": lambda item: None if "_nameless" in item.values else item.oid,
            "ObjectUUID": lambda item: uuid_of(item.oid),
            "VersionId": lambda item: str(item.version),
            "RevisionHistory": self._history,
            "SchemaVersion": self._schema_version,
        }

    # Addresses

    def address(self, item: Item) -> str:
        """Return `_ref`: lower case, and "null" for built-in allowed values. rally.md §1 R, §7 S"""
        if "_nameless" in item.values:
            return "null"
        return f"{self._scope.base}/{item.type.lower()}/{identifier(item)}"

    def _history(self, item: Item) -> msgspec.Raw | None:
        # References to revision histories have no _refObjectName. rally.md §5 R
        oid = item.oid + 1 if item.type != "Revision" else item.values["RevisionHistory"]
        if item.type != "Revision" and not self._view.state.schema_of(item).spec(item.type).can("h"):
            return None
        address = f"{self._scope.base}/revisionhistory/{oid}"
        text = f'{{{_API_TEXT}"_ref":"{address}","_refObjectUUID":"{uuid_of(oid)}","_type":"RevisionHistory"}}'
        return msgspec.Raw(text.encode())

    def _schema_version(self, item: Item) -> str:
        workspace = item.oid if item.type == "Workspace" else item.values["Workspace"]
        return self._view.state.schemas[workspace].digest

    # Objects

    def reference(self, oid: int) -> msgspec.Raw | None:
        """Return a bare reference; None if the object is gone."""
        known = self._references.get(oid)
        if known is None:
            item = self._view.get(oid)
            if item is None:
                return None
            known = self._references[oid] = msgspec.Raw(self._encode(self.shell(item)))
        return known

    def shell(self, item: Item) -> Row:
        """Return a reference as a query without fetch gives it."""
        row: Row = {**API, "_ref": self.address(item), "_refObjectUUID": uuid_of(item.oid)}
        name = name_of(item)
        if name is not None:
            row["_refObjectName"] = name
        row["_type"] = item.type
        return row

    def row(self, item: Item, fetch: Fetch) -> Row:
        """Return an object as one of several results: `_type` comes last."""
        if fetch.mode == SHELL:
            return self.shell(item)
        row = self._fields(item, fetch, self._scope.depth)
        row["_type"] = item.type
        return row

    def root(self, item: Item, fetch: Fetch, warnings: Iterable[str] = ()) -> Row:
        """Return the one object of a read: no `_type`, but Errors and Warnings. rally.md §5 R"""
        row = self._fields(item, fetch, self._scope.depth)
        row["Errors"] = []
        row["Warnings"] = list(warnings)
        return row

    def _fields(self, item: Item, fetch: Fetch, depth: int) -> Row:
        values = item.values
        row: Row = {
            **API,
            "_ref": self.address(item),
            "_refObjectUUID": uuid_of(item.oid),
            "_objectVersion": str(item.version),
        }
        name = name_of(item)
        if name is not None:
            row["_refObjectName"] = name
        if self._scope.permissions:
            row["_p"] = "7"
        get = values.get
        nested = fetch.mode == LIST and depth > 0
        for key, code, extra, attribute in self._plan(item, fetch):
            if code == SCALAR:
                row[key] = get(key, extra)
            elif code == REFERENCE:
                oid = get(key)
                if oid is None:
                    row[key] = None
                elif nested:
                    row[key] = self._hydrated(oid, key, fetch, depth)
                else:
                    row[key] = self.reference(oid)
            elif code == COLLECTION:
                row[key] = msgspec.Raw(f"{extra[0]}{item.oid}{extra[1]}{len(self._view.members(item, key))}}}".encode())
            elif code == TAGS:
                row[key] = self._tags(item, attribute)
            else:
                row[key] = extra(item)
        self._extras(item, fetch, row)
        return row

    def _extras(self, item: Item, fetch: Fetch, row: Row) -> None:
        for collection, names in fetch.summaries.items():
            if collection in row:
                row[collection] = self._summary(item, collection, names)

    def _hydrated(self, oid: int, name: str, fetch: Fetch, depth: int) -> msgspec.Raw | None:
        """Fill a referenced object with the names of the fetch list: they apply recursively. rally.md §3 D/R"""
        if fetch.shallow or name in fetch.inside:
            names = fetch.inside.get(name)
            if not names:
                return self.reference(oid)
            fetch = only(names)
        key = (oid, depth, fetch.key)
        known = self._nested.get(key)
        if known is None:
            item = self._view.reachable(oid)
            if item is None:
                return self.reference(oid)
            row = self._fields(item, fetch, depth - 1)
            row["_type"] = item.type
            known = self._nested[key] = msgspec.Raw(self._encode(row))
        return known

    # Plans: which attributes, in which order, rendered how

    def _plan(self, item: Item, fetch: Fetch) -> Plan:
        schema = self._view.state.schema_of(item)
        key = (item.type, id(schema), fetch.key)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._make_plan(schema, schema.spec(item.type), fetch)
        return plan

    def _make_plan(self, schema: Schema, spec: TypeSpec, fetch: Fetch) -> Plan:
        names = set(fetch.names)
        if spec.path == "HierarchicalRequirement" and "FormattedID" in names:
            # Asking for FormattedID on a story also returns DirectChildrenCount. rally.md §3 R
            names.add("DirectChildrenCount")
        plan: Plan = []
        for attribute in schema.attributes(spec.path).values():
            wanted = fetch.mode == FULL or attribute.name in names
            if wanted and not attribute.hidden:
                plan.append(self._step(spec, attribute))
                if attribute.name == "CreationDate" and fetch.mode == FULL:
                    plan.append(("_CreatedAt", SPECIAL, self._created_at, attribute))
        return plan

    def _step(self, spec: TypeSpec, attribute: Attribute) -> tuple[str, int, Any, Attribute]:
        name = attribute.name
        if name in self._specials:
            return name, SPECIAL, self._specials[name], attribute
        if attribute.kind == "ref":
            return name, REFERENCE, None, attribute
        if attribute.kind == "weblink":
            # An unset web link is an empty object. rally.md §5 R
            return name, SCALAR, {}, attribute
        if attribute.is_collection:
            code = TAGS if attribute.target in _TAG_LIKE and attribute.kind != "inverse" else COLLECTION
            before = f'{{{_API_TEXT}"_ref":"{self._scope.base}/{spec.path}/'
            return name, code, (before, f'/{name}","_type":"{attribute.target}","Count":'), attribute
        return name, SCALAR, attribute.default, attribute

    # Parts

    def _tags(self, item: Item, attribute: Attribute) -> Row:
        """Return the summary of Tags, Milestones or a multi-select field. rally.md §5 R"""
        address = f"{self._scope.base}/{item.type}/{item.oid}/{attribute.name}"
        members = [self._view.get(oid) for oid in self._view.members(item, attribute.name)]
        named = [self._tag(member) for member in members if member is not None]
        return {**API, "_ref": address, "_type": attribute.target, "_tagsNameArray": named, "Count": len(named)}

    def _tag(self, member: Item) -> Row:
        path = f"/{member.type.lower()}/{member.oid}"
        if member.type == "AllowedAttributeValue":
            return {"Name": member.values.get("StringValue"), "_ref": path, "_type": member.type}
        row: Row = {"Name": member.values.get("Name"), "_ref": path}
        if member.type == "Milestone":
            row["DisplayColor"] = member.values.get("DisplayColor", "#21a2e0")
            row["TargetDate"] = member.values.get("TargetDate")
        return row

    def _summary(self, item: Item, collection: str, names: tuple[str, ...]) -> Row:
        # `Tasks:summary[State]`: the parameter is documented, the answer's shape is not. rally.md §3 S
        members = [self._view.get(oid) for oid in self._view.members(item, collection)]
        found = [member for member in members if member is not None]
        row: Row = {**API, "_ref": f"{self._scope.base}/{item.type}/{item.oid}/{collection}", "Count": len(found)}
        for name in names:
            row[name] = dict(Counter(self._counted(member, name) for member in found))
        return row

    def _counted(self, member: Item, name: str) -> str:
        attribute = self._view.state.schema_of(member).attribute(member.type, name)
        value = member.values.get(name, attribute.default if attribute is not None else None)
        target = self._view.get(value) if attribute is not None and attribute.kind == "ref" and value else None
        return str(name_of(target) if target is not None else value)

    def _created_at(self, item: Item) -> str:
        """Return the age in words, as a person reads it; not for storing. rally.md §5 R"""
        created = item.values.get("CreationDate")
        if created is None:
            return ""
        moment = instant(created)
        minutes = int((self._scope.now - moment).total_seconds() // 60)
        if minutes < 1:
            return "just now"
        if minutes < 60:
            return f"{minutes} minutes ago"
        if moment.date() == self._scope.now.date():
            return f"today at {int(f'{moment:%I}')}:{moment:%M} {'am' if moment.hour < 12 else 'pm'}"
        year = "" if moment.year == self._scope.now.year else f", {moment.year}"
        return f"{moment:%b} {moment.day}{year}"

    # For tests

    def plain(self, item: Item) -> Row:
        """Return every field by name, references as `_ref`, `_refObjectName` and `_type` only."""
        row: Row = {}
        for key, code, extra, attribute in self._plan(item, WHOLE):
            if key == "_CreatedAt":
                continue
            if code == REFERENCE:
                row[key] = self._plain_reference(item.values.get(key))
            elif key == "RevisionHistory":
                row[key] = self._plain_reference(reference_of(item, key))
            elif code in (COLLECTION, TAGS):
                address = f"{self._scope.base}/{item.type}/{item.oid}/{key}"
                count = len(self._view.members(item, key))
                row[key] = {"_ref": address, "_type": attribute.target, "Count": count}
            else:
                row[key] = extra(item) if code == SPECIAL else item.values.get(key, extra)
        return row

    def _plain_reference(self, oid: int | None) -> Row | None:
        item = self._view.get(oid) if oid is not None else None
        if item is None:
            return None
        return {"_ref": self.address(item), "_refObjectName": name_of(item), "_type": item.type}


def identifier(item: Item) -> str:
    """Return the id in an address: composite for permissions (rally.md §1 C), else the ObjectID."""
    place = {"WorkspacePermission": ("Workspace", "w"), "ProjectPermission": ("Project", "p")}.get(item.type)
    if place is None:
        return str(item.oid)
    return f"{item.values.get('User')}u{item.values.get(place[0])}{place[1]}1"
