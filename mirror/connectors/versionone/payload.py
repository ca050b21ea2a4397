"""What a write puts into attributes and relations, and the document that carries it.

Source: versionone.md §6.1 (payloads), §5.2 (attribute types), §8.2 (bulk commands).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree as Xml

from mirror.errors import RefusedError
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.model.write import Item, Target, Value, Write

XML = "text/xml;charset=UTF-8"  # as the vendor's Python client sends it (Appendix A T)

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""Extensible Markup Language 1.0, section 2.2: characters that a document cannot hold in any spelling."""

Instant = Callable[[str, str | None], tuple[str, str | None]]
"""From a TIMESTAMP field and its value in a row, None to clear it, to the attribute to write and the text for it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One scalar or single relation.

    Attributes:
        text: the value as it is written, of a relation the oid; None clears.
    """

    name: str
    text: str | None
    is_relation: bool = False
    kind: Kind = Kind.TEXT


@dataclass(frozen=True, slots=True)
class Members:
    """What comes into a many-valued attribute and what goes out; the rest of it stays."""

    name: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_relation: bool = True


@dataclass(frozen=True, slots=True)
class Payload:
    """All that one POST changes."""

    settings: tuple[Setting, ...] = ()
    members: tuple[Members, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing; saving it would make a version all the same (§6.1 Q)."""
        return not self.settings and not self.members


def payload_of(write: Write, instant: Instant) -> Payload:
    """Return what a CREATE or UPDATE changes."""
    settings = tuple(_setting(write.layout, name, value, instant) for name, value in write.values.items())
    names = dict.fromkeys((*write.added, *write.removed))
    members = (_members(write, name) for name in names)
    return Payload(settings, tuple(each for each in members if each.added or each.removed))


def _setting(layout: Layout, name: str, value: Value, instant: Instant) -> Setting:
    field = layout.type.field(name)
    kind = field.kind if field else Kind.TEXT
    if kind is Kind.REFERENCE:
        return Setting(name, oid_of(layout, name, value) if isinstance(value, Target) else None, True, kind)
    if isinstance(value, Target):
        raise RefusedError(f"{name} refers to no record")
    text = _text(value)
    if kind is Kind.TIMESTAMP:
        name, text = instant(name, text)
    return Setting(name, text, kind=kind)


def _text(value: str | int | float | bool | None) -> str | None:
    """Return a scalar as the server reads it: `true`, numbers without exponent or grouping, text as it is (§3.1 R)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(Decimal(str(value)), "f")
    return value or None


def _members(write: Write, name: str) -> Members:
    field = write.layout.type.field(name)
    is_relation = field is None or field.kind is not Kind.VALUES

    def tokens(items: tuple[Item, ...]) -> tuple[str, ...]:
        return tuple(each if isinstance(each, str) else oid_of(write.layout, name, each) for each in items)

    return Members(name, tokens(write.added.get(name, ())), tokens(write.removed.get(name, ())), is_relation)


def oid_of(layout: Layout, name: str, target: Target) -> str:
    """Return the oid token of a target of a field.

    Raises:
        RefusedError: its type is not known.
    """
    field = layout.type.field(name)
    type_name = target.type_name or (field.targets[0] if field and len(field.targets) == 1 else "")
    if not type_name:
        raise RefusedError(f"{name} may refer to records of several types; that of {target.id} is not known")
    return f"{type_name}:{target.id}"


def to_xml(payload: Payload) -> bytes:
    """Return the document of a POST; empty payloads give the bare `<Asset />` (§6.5).

    Raises:
        RefusedError: a text holds a character that XML cannot carry.
    """
    root = Xml.Element("Asset")
    for each in payload.settings:
        _set(root, each)
    for some in payload.members:
        _move(root, some)
    # A bare carriage return is read as a line feed (XML 1.0 section 2.11), and none of the markup has one.
    return bytes(Xml.tostring(root, encoding="utf-8")).replace(b"\r", b"&#13;")


def _set(root: Xml.Element, each: Setting) -> None:
    tag = "Relation" if each.is_relation else "Attribute"
    element = Xml.SubElement(root, tag, {"name": each.name, "act": "set"})
    if each.text is None:
        return
    if each.is_relation:
        Xml.SubElement(element, "Asset", {"idref": each.text})
    else:
        element.text = _carried(each.name, each.text)


def _move(root: Xml.Element, some: Members) -> None:
    element = Xml.SubElement(root, "Relation" if some.is_relation else "Attribute", {"name": some.name})
    for act, tokens in (("add", some.added), ("remove", some.removed)):
        for token in tokens:
            if some.is_relation:
                Xml.SubElement(element, "Asset", {"idref": token, "act": act})
            else:
                Xml.SubElement(element, "Value", {"act": act}).text = _carried(some.name, token)


def _carried(name: str, text: str) -> str:
    if found := _NOT_IN_XML.search(text):
        raise RefusedError(f"{name} holds the character U+{ord(found[0]):04X}, which cannot be sent to VersionOne")
    return text


def to_command(payload: Payload) -> dict[str, object]:
    """Return the values of a bulk command."""
    values: dict[str, object] = {each.name: each.text for each in payload.settings}
    return values | {each.name: _acts(each) for each in payload.members}


def _acts(each: Members) -> Mapping[str, list[str]]:
    acts = {"add": list(each.added), "remove": list(each.removed)}
    return {act: tokens for act, tokens in acts.items() if tokens}


def fits_command(payload: Payload) -> bool:
    """Return whether a bulk command can say it in the ways that are known to work (§8.2 S).

    What clears, days and instants, and plain values are known from rest-1.v1 alone; a text that begins with `@` would be an
    alias, and what XML cannot carry is refused everywhere alike.
    """
    return all(map(_is_plain, payload.settings)) and all(each.is_relation for each in payload.members)


def _is_plain(each: Setting) -> bool:
    if each.text is None or each.text.startswith("@") or _NOT_IN_XML.search(each.text):
        return False
    return each.kind not in (Kind.DATE, Kind.TIMESTAMP)
