"""The answer of the schema endpoint for the benchmark's one type: TypeDefinitions with their attributes inline."""

from __future__ import annotations

from functools import cache

from benchmarks.records import BASE
from benchmarks.shape import ATTRIBUTES, TYPE_NAME, Attribute

_FAMILY = ("PersistableObject", "DomainObject", "WorkspaceDomainObject", "Artifact")


@cache
def schema_rows() -> list[dict[str, object]]:
    """Return the abstract types above the served one, top first, then the served one with all its attributes."""
    rows = [_definition(number, name, above) for number, (name, above) in enumerate(_lineage())]
    served = rows[-1]
    served["Attributes"] = [_attribute(number, each) for number, each in enumerate(ATTRIBUTES)]
    served |= {"Abstract": False, "Creatable": True, "Queryable": True, "Deletable": True, "Restorable": True}
    return rows


def _lineage() -> list[tuple[str, str | None]]:
    names = [*_FAMILY, TYPE_NAME]
    return list(zip(names, [None, *names], strict=False))


def _definition(number: int, name: str, above: str | None) -> dict[str, object]:
    return {
        "_ref": f"{BASE}/typedefinition/{-51_000 - number}",
        "_refObjectName": name,
        "_type": "TypeDefinition",
        "ObjectID": -51_000 - number,
        "ElementName": name,
        "Name": name,
        "DisplayName": "User Story" if name == TYPE_NAME else name,
        "TypePath": name,
        "IDPrefix": "US" if name == TYPE_NAME else "",
        "Abstract": True,
        "Parent": above and {"_ref": f"{BASE}/typedefinition/{-51_000 - number + 1}", "_refObjectName": above},
        "Creatable": False,
        "Queryable": False,
        "ReadOnly": False,
        "Deletable": False,
        "Restorable": False,
        "Ordinal": -1,
        "RevisionHistory": None,
        "Attributes": [],
    }


def _attribute(number: int, attribute: Attribute) -> dict[str, object]:
    object_id = -12_000 - number
    pointing = attribute.target != ""
    return {
        "_ref": f"{BASE}/attributedefinition/{object_id}",
        "_refObjectName": attribute.name,
        "_type": "AttributeDefinition",
        "ObjectID": object_id,
        "ElementName": attribute.name,
        "Name": attribute.name.removeprefix("c_"),
        "AttributeType": attribute.native,
        "Custom": attribute.custom,
        "Required": attribute.required,
        "ReadOnly": attribute.name in ("ObjectID", "ObjectUUID", "VersionId", "FormattedID", "CreationDate"),
        "Filterable": True,
        "Hidden": False,
        "SchemaType": attribute.target if pointing else attribute.native.lower(),
        "Constrained": attribute.native == "STATE",
        "AllowedValueType": {"_refObjectName": attribute.target, "_type": "TypeDefinition"} if pointing else None,
        "AllowedValues": [],
        "MaxLength": 32_768 if attribute.shape == "html" else 256 if attribute.shape == "text" else -1,
        "MaxFractionalDigits": 2,
    }
