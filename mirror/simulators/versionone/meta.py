"""The service meta.v1: types, attributes and operations as XML and JSON. versionone.md §5.1."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from mirror.simulators.versionone.schema import AssetType, Attribute, Schema
from mirror.simulators.versionone.state import RefusedError

Json = dict[str, Any]


class Meta:
    """Describes a schema.

    Args:
        root: address of the service as links show it, `/Acme/meta.v1`.
        with_custom_flag: whether attributes say `iscustom`; before 16.x they did not. §5.1 R
    """

    def __init__(self, schema: Schema, root: str, *, with_custom_flag: bool = True) -> None:
        self._schema = schema
        self._root = root
        self._with_custom_flag = with_custom_flag

    def find(self, path: list[str]) -> Described:
        """Return what a path names: everything, a type, an attribute or an operation.

        Raises:
            RefusedError: 404, there is no such thing.
        """
        if not path:
            return Everything(self)
        asset_type = self._schema.get(path[0])
        if asset_type is None:
            raise RefusedError(404, f"Unknown AssetType: {path[0]}")
        if len(path) == 1:
            return DescribedType(self, asset_type)
        attribute = self._schema.attribute(path[0], path[1])
        if attribute is not None and len(path) == 2:
            return DescribedAttribute(self, path[0], attribute)
        if path[1] in self._schema.operations(path[0]) and len(path) == 2:
            return DescribedOperation(self, path[0], path[1])
        raise RefusedError(404, f"Unknown AttributeDefinition: {'.'.join(path)}")

    @property
    def schema(self) -> Schema:
        """What is described."""
        return self._schema

    def href(self, token: str = "") -> str:
        """Return the address of a token such as `Story.Name`."""
        return f"{self._root}/{token.replace('.', '/')}"

    def links(self, asset_type: AssetType) -> dict[str, str]:
        """Return the tokens that a type points to, by element name; only those it has. §5.1 R"""
        name = "Name" if self._schema.attribute(asset_type.name, "Name") else None
        candidates = {
            "DefaultOrderBy": asset_type.default_order_by,
            "DefaultDisplayBy": asset_type.display_by,
            "ShortName": asset_type.short_name,
            "Name": name,
            "Description": asset_type.description,
        }
        return {key: f"{asset_type.name}.{attribute}" for key, attribute in candidates.items() if attribute}

    def attribute_links(self, type_name: str, attribute: Attribute) -> dict[str, str]:
        """Return the tokens that an attribute points to; `Base` says where it is inherited from. §5.1 R"""
        candidates = {
            "Base": attribute.token if attribute.owner != type_name else None,
            "ReciprocalRelation": attribute.reciprocal,
            "OrderByAttribute": attribute.order_by,
            "DisplayByAttribute": attribute.display_by,
        }
        return {key: token for key, token in candidates.items() if token}

    def flags(self, attribute: Attribute) -> dict[str, bool]:
        """Return the flags of an attribute, in the order meta shows them."""
        flags = {
            "IsReadOnly": attribute.read_only,
            "IsRequired": attribute.required,
            "IsMultivalue": attribute.multi,
            "IsCanned": attribute.canned,
        }
        return {**flags, "IsCustom": attribute.custom} if self._with_custom_flag else flags

    def display_name(self, type_name: str, attribute: Attribute) -> str:
        """Return the localisation key: `AttributeDefinition'Scope'Workitem`. §5.1 R"""
        return f"AttributeDefinition'{attribute.name}'{self._schema.root(type_name, attribute.name).partition('.')[0]}"


class Described:
    """Something meta tells about, in both forms."""

    def xml(self) -> str:
        """Return the element of a document of its own."""
        raise NotImplementedError

    def json(self) -> Json:
        """Return the same as JSON."""
        raise NotImplementedError


class Everything(Described):
    """All types."""

    def __init__(self, meta: Meta) -> None:
        self._meta = meta
        self._types = [DescribedType(meta, each) for each in meta.schema.types()]

    def xml(self) -> str:
        """Return the root `Meta`."""
        types = "".join(each.element("") for each in self._types)
        return f'<Meta href="{self._meta.href()}" version="{self._meta.schema.version}">{types}</Meta>'

    def json(self) -> Json:
        """Return the types by name."""
        types = {each.name: each.content() for each in self._types}
        return {"HREF": self._meta.href(), "Version": self._meta.schema.version, "AssetTypes": types}


class DescribedType(Described):
    """One type with everything it inherits: one request per type is enough. §5.1 R"""

    def __init__(self, meta: Meta, asset_type: AssetType) -> None:
        self._meta = meta
        self._type = asset_type
        self.name = asset_type.name
        attributes = meta.schema.attributes(asset_type.name).values()
        self._attributes = [DescribedAttribute(meta, self.name, each) for each in attributes]
        self._operations = [DescribedOperation(meta, self.name, each) for each in meta.schema.operations(self.name)]

    def xml(self) -> str:
        """Return the root `AssetType`, which carries address and version."""
        return self.element(f' href="{self._meta.href(self.name)}" version="{self._meta.schema.version}"')

    def element(self, more: str) -> str:
        """Return the element with more XML attributes."""
        links = "".join(_link(self._meta, key, token) for key, token in self._meta.links(self._type).items())
        parts = [*(each.element("") for each in self._attributes), *(each.element("") for each in self._operations)]
        head = (
            f'name="{self.name}" token="{self.name}" displayname="AssetType\'{self.name}" abstract="{self._type.abstract}"'
        )
        return f"<AssetType {head}{more}>{self._base()}{links}{''.join(parts)}</AssetType>"

    def _base(self) -> str:
        base = self._type.base
        return f'<Base nameref="{base}" href="{self._meta.href(base)}" />' if base else ""

    def json(self) -> Json:
        """Return the type with its version."""
        return {
            "_type": "AssetType",
            "HREF": self._meta.href(self.name),
            "Version": self._meta.schema.version,
        } | self.content()

    def content(self) -> Json:
        """Return the type as a part of a larger answer."""
        base = self._type.base
        links = {key: _json_link(self._meta, token) for key, token in self._meta.links(self._type).items() if key != "Name"}
        return {
            "_type": "AssetType",
            "Name": self.name,
            "Token": self.name,
            "DisplayName": f"AssetType'{self.name}",
            "Abstract": self._type.abstract,
            **({"Base": {"nameref": base, "href": self._meta.href(base)}} if base else {}),
            **links,
            "Attributes": {each.token: each.json() for each in self._attributes},
            "Operations": {each.name: each.json() for each in self._operations},
        }


class DescribedAttribute(Described):
    """One attribute as seen from a type that has it."""

    def __init__(self, meta: Meta, type_name: str, attribute: Attribute) -> None:
        self._meta = meta
        self._type = type_name
        self._attribute = attribute
        self.token = f"{type_name}.{attribute.name}"

    def xml(self) -> str:
        """Return the root `AttributeDefinition`, which carries `of`. §1 R"""
        return self.element(f' href="{self._meta.href(self.token)}" of="{self._type}"')

    def element(self, more: str) -> str:
        """Return the element with more XML attributes; flags are `True` and `False`. §5.1 R"""
        attribute = self._attribute
        flags = "".join(f' {key.lower()}="{value}"' for key, value in self._meta.flags(attribute).items())
        display = quoteattr(self._meta.display_name(self._type, attribute))
        links = self._meta.attribute_links(self._type, attribute).items()
        inner = "".join(_link(self._meta, key, token) for key, token in links)
        if attribute.related:
            inner += f'<RelatedAsset nameref="{attribute.related}" href="{self._meta.href(attribute.related)}" />'
        head = f'name="{attribute.name}" token="{self.token}" displayname={display} attributetype="{attribute.kind}"{flags}'
        opened = f"<AttributeDefinition {head}{more}"
        return f"{opened}>{inner}</AttributeDefinition>" if inner else f"{opened} />"

    def json(self) -> Json:
        """Return the attribute; flags are real booleans. §5.1 R"""
        attribute = self._attribute
        links = self._meta.attribute_links(self._type, attribute).items()
        related = attribute.related
        return {
            "_type": "AttributeDefinition",
            "Name": attribute.name,
            "Token": self.token,
            "DisplayName": self._meta.display_name(self._type, attribute),
            "AttributeType": attribute.kind,
            **self._meta.flags(attribute),
            **{key: _json_link(self._meta, token) for key, token in links},
            **({"RelatedAsset": {"nameref": related, "href": self._meta.href(related)}} if related else {}),
        }


class DescribedOperation(Described):
    """One operation, with the boolean attribute that says whether it would be accepted. §6.2 R"""

    def __init__(self, meta: Meta, type_name: str, name: str) -> None:
        self._meta = meta
        self._type = type_name
        self.name = name
        self._validator = f"{type_name}.{meta.schema.operations(type_name)[name]}"

    def xml(self) -> str:
        """Return the root `Operation`."""
        return self.element(f' href="{self._meta.href(f"{self._type}.{self.name}")}" of="{self._type}"')

    def element(self, more: str) -> str:
        """Return the element with more XML attributes."""
        return f'<Operation name="{self.name}"{more}>{_link(self._meta, "Validator", self._validator)}</Operation>'

    def json(self) -> Json:
        """Return the operation."""
        return {"_type": "Operation", "Name": self.name, "Validator": _json_link(self._meta, self._validator)}


def _link(meta: Meta, key: str, token: str) -> str:
    return f'<{key} href="{meta.href(token)}" tokenref="{token}" />'


def _json_link(meta: Meta, token: str) -> Json:
    return {"href": meta.href(token), "tokenref": token}


def page(schema: Schema) -> str:
    """Return the human-readable rendering that `?xsl=api.xsl` asks for. §1 D"""
    parts: list[str] = []
    for each in schema.types():
        items = "".join(f"<li>{escape(name)}</li>" for name in schema.attributes(each.name))
        parts.append(f"<h2>{escape(each.name)}</h2><ul>{items}</ul>")
    head = f"<!DOCTYPE html><html><head><title>API {schema.version}</title></head>"
    return f"{head}<body>{''.join(parts)}</body></html>"
