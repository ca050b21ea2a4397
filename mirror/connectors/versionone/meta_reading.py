"""Answers of meta.v1, in JSON or XML, read into plain data.

Source: versionone.md §5.1 R.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from xml.etree import ElementTree as Xml

import msgspec

from mirror.connectors.versionone.meta import MetaAttribute, MetaType
from mirror.connectors.versionone.refusals import no_result

_CUSTOM = "Custom_"


class _Link(msgspec.Struct):
    name: str = msgspec.field(name="nameref", default="")
    token: str = msgspec.field(name="tokenref", default="")


class _Attribute(msgspec.Struct):
    name: str = msgspec.field(name="Name")
    kind: str = msgspec.field(name="AttributeType")
    display_name: str = msgspec.field(name="DisplayName", default="")
    read_only: bool = msgspec.field(name="IsReadOnly", default=False)
    required: bool = msgspec.field(name="IsRequired", default=False)
    multi: bool = msgspec.field(name="IsMultivalue", default=False)
    custom: bool = msgspec.field(name="IsCustom", default=False)
    base: _Link | None = msgspec.field(name="Base", default=None)
    reciprocal: _Link | None = msgspec.field(name="ReciprocalRelation", default=None)
    related: _Link | None = msgspec.field(name="RelatedAsset", default=None)


class _Type(msgspec.Struct):
    name: str = msgspec.field(name="Name")
    display_name: str = msgspec.field(name="DisplayName", default="")
    abstract: bool = msgspec.field(name="Abstract", default=False)
    base: _Link | None = msgspec.field(name="Base", default=None)
    display: _Link | None = msgspec.field(name="DefaultDisplayBy", default=None)
    attributes: dict[str, _Attribute] = msgspec.field(name="Attributes", default_factory=dict)
    operations: dict[str, msgspec.Raw] = msgspec.field(name="Operations", default_factory=dict)


class _Meta(msgspec.Struct):
    types: dict[str, _Type] = msgspec.field(name="AssetTypes")


@lru_cache(maxsize=2)
def read_meta(body: bytes) -> Mapping[str, MetaType]:
    """Return the types in an answer, one or all, by name.

    The last ones are kept: whoever watches an instance gets the same answer of some megabytes time after time.

    Raises:
        RefusedError, RetryableError: the body is something else.
    """
    try:
        if body.lstrip()[:1] == b"<":
            return _from_xml(body)
        return _from_json(body)
    except (msgspec.DecodeError, Xml.ParseError, KeyError):
        no_result(body)


def _from_json(body: bytes) -> Mapping[str, MetaType]:
    # Flags are real booleans in JSON (§5.1); `strict=False` also takes them as the strings that XML has.
    if "AssetTypes" in msgspec.json.decode(body, type=dict[str, msgspec.Raw]):
        found = msgspec.json.decode(body, type=_Meta, strict=False).types.values()
    else:
        found = [msgspec.json.decode(body, type=_Type, strict=False)]  # type: ignore[assignment]
    return {each.name: _type(each) for each in found}


def _type(each: _Type) -> MetaType:
    return MetaType(
        name=each.name,
        base=each.base.name if each.base else "",
        abstract=each.abstract,
        display_name=_spoken(each.display_name, each.name),
        display=each.display.token if each.display else "",
        attributes={it.name: _attribute(it) for it in each.attributes.values()},
        operations=tuple(each.operations),
    )


def _attribute(each: _Attribute) -> MetaAttribute:
    return MetaAttribute(
        name=each.name,
        kind=each.kind,
        display_name=_spoken(each.display_name, each.name),
        related=each.related.name if each.related else "",
        multi=each.multi,
        required=each.required,
        read_only=each.read_only,
        custom=each.custom or each.name.startswith(_CUSTOM),
        reciprocal=each.reciprocal.token if each.reciprocal else "",
        inherited=each.base.token if each.base else "",
    )


def _from_xml(body: bytes) -> dict[str, MetaType]:
    root = Xml.fromstring(body)  # noqa: S314  see above
    if root.tag not in ("Meta", "AssetType"):
        raise KeyError(root.tag)
    elements = [root] if root.tag == "AssetType" else root.findall("AssetType")
    return {each.attrib["name"]: _xml_type(each) for each in elements}


def _xml_type(element: Xml.Element) -> MetaType:
    name = element.attrib["name"]
    return MetaType(
        name=name,
        base=_ref(element, "Base", "nameref"),
        abstract=_flag(element.attrib, "abstract"),
        display_name=_spoken(element.get("displayname", ""), name),
        display=_ref(element, "DefaultDisplayBy", "tokenref"),
        attributes={each.attrib["name"]: _xml_attribute(each) for each in element.iterfind("AttributeDefinition")},
        operations=tuple(each.attrib["name"] for each in element.iterfind("Operation")),
    )


def _xml_attribute(element: Xml.Element) -> MetaAttribute:
    name, flags = element.attrib["name"], element.attrib
    return MetaAttribute(
        name=name,
        kind=flags["attributetype"],
        display_name=_spoken(flags.get("displayname", ""), name),
        related=_ref(element, "RelatedAsset", "nameref"),
        multi=_flag(flags, "ismultivalue"),
        required=_flag(flags, "isrequired"),
        read_only=_flag(flags, "isreadonly"),
        custom=_flag(flags, "iscustom") or name.startswith(_CUSTOM),
        reciprocal=_ref(element, "ReciprocalRelation", "tokenref"),
        inherited=_ref(element, "Base", "tokenref"),
    )


def _ref(element: Xml.Element, tag: str, attribute: str) -> str:
    found = element.find(tag)
    return "" if found is None else found.get(attribute, "")


def _flag(flags: Mapping[str, str], name: str) -> bool:
    return flags.get(name, "").lower() == "true"


def _spoken(display_name: str, name: str) -> str:
    """Return a name for people: `AttributeDefinition'Scope'Workitem` is a key for localisation and means Scope."""
    parts = display_name.split("'")
    return parts[1] if len(parts) > 1 and parts[1] else display_name or name
