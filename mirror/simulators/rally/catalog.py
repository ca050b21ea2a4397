"""The schema as objects: TypeDefinitions, AttributeDefinitions and allowed values, and the schema answer. rally.md §7."""

from __future__ import annotations

from typing import Any

from mirror.simulators.rally.items import Fields, Item, RefusedError
from mirror.simulators.rally.schema import Attribute, Schema, TypeSpec, make_attribute
from mirror.simulators.rally.shapes import API, Renderer
from mirror.simulators.rally.state import State, View
from mirror.simulators.rally.transaction import Allocator, Transaction

FieldSpec = tuple[str, str, str, str]
"""Type path, element name, kind, argument."""

_SCHEMA_TYPES = {
    "string": "string",
    "text": "string",
    "raw": "string",
    "pick": "string",
    "state": "string",
    "weblink": "WebLink",
    "integer": "long",
    "decimal": "double",
    "boolean": "boolean",
    "date": "dateTime",
}
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "contains", "!contains")


class Installer:
    """Builds the objects that describe one workspace's schema.

    Args:
        place: `Workspace` and `Subscription` of everything made.
        first_negative: built-in attribute definitions get ids from here downwards (rally.md §1 S).
    """

    def __init__(self, state: State, schema: Schema, allocator: Allocator, place: Fields) -> None:
        self._state = state
        self._schema = schema
        self._allocator = allocator
        self._place = place
        self.definitions: dict[str, Item] = {}

    def install(self, first_negative: int) -> None:
        """Make all definitions."""
        negative = first_negative
        for spec in self._schema.specs():
            self.definitions[spec.path] = self._type_definition(spec)
        for spec in self._schema.specs():
            for attribute in self._schema.attributes(spec.path).values():
                if attribute.custom or attribute.hidden:
                    continue
                negative -= 1 + self.describe(spec.path, attribute, negative)

    def _type_definition(self, spec: TypeSpec) -> Item:
        values: Fields = {
            **self._place,
            "Name": spec.name,
            "DisplayName": spec.display,
            "ElementName": spec.element,
            "TypePath": spec.path,
            "IDPrefix": spec.prefix or None,
            "Ordinal": spec.ordinal,
            "Abstract": spec.can("a"),
            "Creatable": spec.can("c"),
            "Copyable": spec.can("c") and bool(spec.prefix),
            "Deletable": spec.can("d"),
            "Queryable": spec.can("q"),
            "ReadOnly": not spec.can("u"),
            "Restorable": spec.can("R"),
            "UserListable": spec.can("q"),
            "HierarchyConfigurableType": spec.path.startswith("PortfolioItem/"),
        }
        if spec.parent:
            values["Parent"] = self.definitions[spec.parent].oid
        kept = {name: value for name, value in values.items() if value not in (None, False, -1) or name == "Ordinal"}
        if kept["Ordinal"] == -1:
            del kept["Ordinal"]
        item = Item(self._allocator.take(), "TypeDefinition", kept)
        self._state.insert(item)
        return item

    def describe(self, path: str, attribute: Attribute, oid: int) -> int:
        """Add the definition of one attribute with its allowed values; return how many values there are."""
        definition = self.definitions[path]
        item = Item(oid, "AttributeDefinition", {**self._place, **self._facts(attribute), "TypeDefinition": definition.oid})
        values = allowed_texts(attribute)
        members = []
        for index, text in enumerate(values):
            value_oid = self._allocator.take() if attribute.custom else oid - 1 - index
            self._state.insert(self._allowed_value(value_oid, item.oid, (index, text), custom=attribute.custom))
            members.append(value_oid)
        if members:
            item.values["AllowedValues"] = tuple(members)
        self._state.insert(item)
        definition.values["Attributes"] = (*definition.values.get("Attributes", ()), item.oid)
        return len(members)

    def _allowed_value(self, oid: int, definition: int, place: tuple[int, str], *, custom: bool) -> Item:
        index, text = place
        values: Fields = {
            **self._place,
            "StringValue": text,
            "LocalizedStringValue": text,
            "ValueIndex": index,
            "AttributeDefinition": definition,
        }
        if not custom:
            # Built-in values have no identity: _ref "null" and ObjectID null. rally.md §7 S
            values["_nameless"] = True
        return Item(oid, "AllowedAttributeValue", values)

    def _facts(self, attribute: Attribute) -> Fields:
        target = self.definitions.get(attribute.target)
        facts: Fields = {
            "Name": attribute.display,
            "ElementName": attribute.name,
            "AttributeType": attribute.attribute_type,
            "RealAttributeType": real_type(attribute),
            "SchemaType": schema_type(attribute),
            "Type": schema_type(attribute),
            "Constrained": attribute.kind in ("pick", "state", "multi"),
            "Custom": attribute.custom,
            "Filterable": True,
            "Sortable": not attribute.is_collection,
            "ReadOnly": attribute.read_only,
            "Required": attribute.required,
            "SystemRequired": attribute.required and not attribute.custom,
            "Owned": attribute.kind == "inverse",
            "MaxLength": attribute.max_length,
            "MaxFractionalDigits": 2 if attribute.kind == "decimal" else -1,
            "AllowedValueType": target.oid if target is not None else None,
        }
        defaults = self._schema.attributes("AttributeDefinition")
        return {name: value for name, value in facts.items() if value != defaults[name].default}


def allowed_texts(attribute: Attribute) -> tuple[str, ...]:
    """Return the allowed values as listed: a built-in rating has both "" and None. rally.md §5 S"""
    blank = ("",) if attribute.kind == "pick" and not attribute.custom and not attribute.required else ()
    return (*blank, *attribute.values)


def real_type(attribute: Attribute) -> str:
    """Return `RealAttributeType`, which tells drop-downs, multi-selects and users apart. rally.md §7 S"""
    if attribute.kind == "pick" and attribute.custom:
        return "DROP_DOWN"
    if attribute.kind == "multi":
        return "MULTI_VALUE"
    return "USER" if attribute.target == "User" and attribute.kind == "ref" else attribute.attribute_type


def schema_type(attribute: Attribute) -> str:
    """Return `SchemaType`. rally.md §7 S"""
    return _SCHEMA_TYPES.get(attribute.kind) or attribute.target.replace("/", "-")


def _installer(tx: Transaction, workspace: int) -> Installer:
    state = tx.state
    there = state.items[workspace]
    place = {"Workspace": workspace, "Subscription": there.values["Subscription"]}
    installer = Installer(state, state.schemas[workspace], tx.allocator, place)
    for item in tx.view.every("TypeDefinition"):
        if item.values["Workspace"] == workspace:
            installer.definitions[item.values["TypePath"]] = item
    return installer


def element_name(name: str) -> str:
    """Return the JSON name of a custom field: `c_` is required in v2.0. rally.md §3 D/C"""
    return name if name.startswith("c_") else f"c_{name.replace(' ', '')}"


def add_field(tx: Transaction, workspace: int, field: FieldSpec) -> None:
    """Add a custom field to a type and describe it, also for the types below.

    Raises:
        RefusedError: no such type, or the field exists.
    """
    path, name, kind, argument = field
    schema = tx.state.schemas[workspace]
    spec = schema.find(path)
    name = element_name(name)
    if spec is None or schema.attribute(spec.path, name) is not None:
        raise RefusedError(f"cannot add {name} to {path}")
    attribute = make_attribute(name, kind, argument, custom=True)
    schema.put_custom(spec.path, attribute)
    installer = _installer(tx, workspace)
    for below in {spec.path, *schema.concrete(spec.path)}:
        definition = tx.edit(installer.definitions[below].oid)
        installer.definitions[below] = definition
        installer.describe(below, attribute, tx.allocator.take())
        tx.touch(definition.oid)


def remove_field(tx: Transaction, workspace: int, path: str, name: str) -> None:
    """Remove a custom field, its description and all its values; no object gets a new version by that.

    Raises:
        RefusedError: there is no such custom field.
    """
    schema = tx.state.schemas[workspace]
    spec = schema.find(path)
    name = element_name(name)
    if spec is None or name not in schema.custom(spec.path):
        raise RefusedError(f"no custom field {name} on {path}")
    affected = {spec.path, *schema.concrete(spec.path)}
    for definition in list(tx.view.every("TypeDefinition")):
        if definition.values["Workspace"] == workspace and definition.values["TypePath"] in affected:
            _drop_definition(tx, definition, name)
    for below in affected:
        for oid in list(tx.state.ids.get(below, ())):
            item = tx.state.items[oid]
            if name in item.values and item.values.get("Workspace") == workspace:
                tx.put(oid, name, None)
                tx.edit(oid).values.pop(name, None)
                tx.hush(oid, name)
    schema.drop_custom(spec.path, name)


def _drop_definition(tx: Transaction, definition: Item, name: str) -> None:
    kept = []
    for oid in definition.values.get("Attributes", ()):
        attribute = tx.state.items[oid]
        if attribute.values["ElementName"] == name:
            for value in attribute.values.get("AllowedValues", ()):
                tx.remove(value)
            tx.remove(oid)
        else:
            kept.append(oid)
    tx.edit(definition.oid).values["Attributes"] = tuple(kept)
    tx.touch(definition.oid)


def schema_rows(view: View, renderer: Renderer, workspace: int) -> list[dict[str, Any]]:
    """Return the types as the schema service lists them: attributes inline, allowed values inline or as a reference.

    rally.md §7 S/C and Appendix B item 3 T, which names every key the vendor's client insists on.
    """
    rows = []
    for definition in view.every("TypeDefinition"):
        if definition.values["Workspace"] == workspace:
            rows.append(_schema_row(view, renderer, definition))
    return rows


def _schema_row(view: View, renderer: Renderer, definition: Item) -> dict[str, Any]:
    row = {**renderer.shell(definition), **renderer.plain(definition)}
    parent = definition.values.get("Parent")
    row["Parent"] = renderer.reference(parent) if parent is not None else None
    described = (view.get(oid) for oid in definition.values.get("Attributes", ()))
    row["IDPrefix"] = row["IDPrefix"] or ""
    row["Attributes"] = [_attribute_row(view, renderer, item) for item in described if item is not None]
    return row


def _attribute_row(view: View, renderer: Renderer, item: Item) -> dict[str, Any]:
    row = {**renderer.shell(item), **renderer.plain(item)}
    row["AllowedValues"] = _allowed(view, renderer, item)
    row["AllowedQueryOperators"] = [{"OperatorName": operator} for operator in _OPERATORS]
    return row


def _allowed(view: View, renderer: Renderer, item: Item) -> Any:
    members = item.values.get("AllowedValues", ())
    if item.values["AttributeType"] in ("RATING", "STATE", "COLLECTION") and members:
        address = renderer.address(item).replace("/attributedefinition/", "/AttributeDefinition/")
        return {**API, "_ref": f"{address}/AllowedValues", "_type": "AllowedAttributeValue", "Count": len(members)}
    values = (view.get(oid) for oid in members)
    return [{**renderer.shell(value), **renderer.plain(value)} for value in values if value is not None]
