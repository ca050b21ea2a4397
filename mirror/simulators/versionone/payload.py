"""What a client wants written, out of XML or JSON. versionone.md §6.1."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import msgspec

from mirror.simulators.versionone.rules_input import Changed, Write
from mirror.simulators.versionone.schema import Schema
from mirror.simulators.versionone.state import RefusedError


def read_payload(schema: Schema, type_name: str, body: bytes, content_type: str) -> dict[str, Write]:
    """Return what is to be written, by attribute name, values still as the client spelled them.

    Raises:
        RefusedError: the body cannot be read, an attribute is unknown, or an `act` does not fit.
    """
    if "json" in content_type.lower() or body.lstrip()[:1] == b"{":
        return _Reader(schema, type_name).json(body)
    return _Reader(schema, type_name).xml(body)


class _Reader:
    def __init__(self, schema: Schema, type_name: str) -> None:
        self._schema = schema
        self._type = type_name

    def _is_relation(self, name: str) -> bool:
        attribute = self._schema.attribute(self._type, name)
        if attribute is None:
            raise RefusedError(400, f"Unknown AttributeDefinition: {self._type}.{name}")
        return attribute.is_relation

    # XML

    def xml(self, body: bytes) -> dict[str, Write]:
        try:
            root = ElementTree.fromstring(body)  # noqa: S314 - the client is on this machine
        except ElementTree.ParseError as problem:
            raise RefusedError(400, f"Invalid XML: {problem}") from None
        if root.tag != "Asset":
            raise RefusedError(400, f"Invalid payload: {root.tag}")
        found: dict[str, Write] = {}
        for element in root:
            name = element.get("name", "")
            if element.tag != ("Relation" if self._is_relation(name) else "Attribute"):
                raise RefusedError(400, f"Violation'Invalid'{self._type}.{name}")
            found[name] = self._relation(element) if element.tag == "Relation" else self._attribute(element)
        return found

    def _attribute(self, element: ElementTree.Element) -> Write:
        """A scalar with `act="set"`, or values that are added and removed."""
        if element.get("act") == "set":
            return element.text or ""
        return _changed([(value.get("act", ""), value.text or "") for value in element.findall("Value")])

    def _relation(self, element: ElementTree.Element) -> Write:
        targets = element.findall("Asset")
        if element.get("act") != "set":
            return _changed([(target.get("act", ""), target.get("idref", "")) for target in targets])
        if len(targets) > 1:
            raise RefusedError(400, f"Invalid payload: {element.get('name')}")
        return targets[0].get("idref") if targets else None

    # JSON

    def json(self, body: bytes) -> dict[str, Write]:
        try:
            content: Any = msgspec.json.decode(body)
        except msgspec.DecodeError as problem:
            raise RefusedError(400, f"Invalid JSON: {problem}") from None
        attributes = content.get("Attributes") if isinstance(content, dict) else None
        if not isinstance(attributes, dict):
            raise RefusedError(400, "Invalid payload: Attributes")
        return {name: self._member(name, given) for name, given in attributes.items()}

    def _member(self, name: str, given: Any) -> Write:
        """An object with `value`, or the bare list that later documentation shows. §6.1 S, D"""
        relation = self._is_relation(name)
        act = given.get("act", "") if isinstance(given, dict) else ""
        value = given.get("value") if isinstance(given, dict) else given
        if isinstance(value, list):
            key = "idref" if relation else "value"
            if not all(isinstance(each, dict) for each in value):
                raise RefusedError(400, f"Invalid payload: {name}")
            return _changed([(each.get("act", ""), each.get(key, "")) for each in value])
        if act != "set":
            raise RefusedError(400, f"Invalid act: {act}")
        if relation and isinstance(value, dict):
            return value.get("idref")
        return "" if value is None and not relation else value


def _changed(pairs: list[tuple[str, Any]]) -> Changed:
    """`act` values are exactly `set`, `add` and `remove`. §6.1"""
    for act, _ in pairs:
        if act not in ("add", "remove"):
            raise RefusedError(400, f"Invalid act: {act}")
    return Changed(
        add=tuple(value for act, value in pairs if act == "add"),
        remove=tuple(value for act, value in pairs if act == "remove"),
    )
