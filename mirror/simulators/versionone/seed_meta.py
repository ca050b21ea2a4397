"""The schema as rows of AssetType, AttributeDefinition and Operation, with negative ids (versionone.md §5.3 R, §1 R)."""

from __future__ import annotations

from mirror.simulators.versionone.schema import AssetType, Attribute
from mirror.simulators.versionone.state import State, Stored

_FIRST_ATTRIBUTE = -1001
_FIRST_OPERATION = -100_001


def add_all(state: State, moment: int) -> None:
    """Add a row for every type, and for every attribute and operation one to the type that declares it."""
    types = {each.name: -1 - place for place, each in enumerate(state.schema.types())}
    for asset_type in state.schema.types():
        _add(state, "AssetType", types[asset_type.name], _type_values(asset_type, types), moment)
    attribute_id = _FIRST_ATTRIBUTE
    for asset_type in state.schema.types():
        for attribute in asset_type.attributes.values():
            _add(state, "AttributeDefinition", attribute_id, _attribute_values(attribute, types), moment)
            attribute_id -= 1
    _add_operations(state, types, moment)


def _add_operations(state: State, types: dict[str, int], moment: int) -> None:
    attributes = {state.assets[each].values["Token"]: each for each in state.by_type["AttributeDefinition"]}
    operation_id = _FIRST_OPERATION
    for asset_type in state.schema.types():
        for name, validator in asset_type.operations.items():
            token = state.schema.root(asset_type.name, validator)
            values = {"Name": name, "Token": f"{asset_type.name}.{name}", "Asset": types[asset_type.name]}
            _add(state, "Operation", operation_id, {**values, "Validator": attributes[token]}, moment)
            operation_id -= 1


def add_attribute(state: State, attribute: Attribute, moment: int) -> None:
    """Add the row of one attribute."""
    types = {state.assets[each].values["Name"]: each for each in state.by_type["AssetType"]}
    attribute_id = state.by_type["AttributeDefinition"][0] - 1
    _add(state, "AttributeDefinition", attribute_id, _attribute_values(attribute, types), moment)


def row_of(state: State, token: str) -> int:
    """Return the id of an attribute's row; LookupError if there is none."""
    for each in state.by_type["AttributeDefinition"]:
        if state.assets[each].values["Token"] == token:
            return each
    raise LookupError(f"no attribute {token}")


def _add(state: State, type_name: str, asset_id: int, values: dict[str, Stored], moment: int) -> None:
    asset = state.insert(type_name, moment, asset_id)
    # Thousands of values that no other row knows of need no bookkeeping; only relations with two sides do.
    for name in ("Asset", "Base"):
        state.put(asset, name, values.get(name), moment)
    asset.values.update({name: value for name, value in values.items() if value is not None})


def _type_values(asset_type: AssetType, types: dict[str, int]) -> dict[str, Stored]:
    return {
        "Name": asset_type.name,
        "IsAbstract": asset_type.abstract,
        "IsCustom": asset_type.name.startswith("Custom_"),
        "NumberPattern": asset_type.number_prefix,
        "Base": types[asset_type.base] if asset_type.base else None,
    }


def _attribute_values(attribute: Attribute, types: dict[str, int]) -> dict[str, Stored]:
    return {
        "Name": attribute.name,
        "Token": attribute.token,
        "AttributeType": attribute.kind,
        "IsBasic": attribute.basic,
        "IsRequired": attribute.required,
        "IsReadOnly": attribute.read_only,
        "IsMultivalue": attribute.multi,
        "IsCustom": attribute.custom,
        "IsCanned": attribute.canned,
        "Asset": types[attribute.owner],
        "RelatedAsset": types[attribute.related] if attribute.related else None,
    }
