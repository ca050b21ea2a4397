"""From what a client sends to what is stored: one value at a time, with the tracker's own words when it cannot be."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, tzinfo
from typing import Any

from mirror.simulators.rally.items import Item, RefusedError, oid_of, parse_date
from mirror.simulators.rally.schema import Attribute, Schema
from mirror.simulators.rally.state import View

_SCRIPT = re.compile(r"<\s*(script|iframe|object|embed)\b", re.IGNORECASE)
_REF = re.compile(r"(?:.*/)?(?P<type>(?:portfolioitem/)?[a-z]+)/(?P<id>-?\d+|[0-9a-f-]{36})(?:\.js)?", re.IGNORECASE)


def reference_id(value: Any) -> int | None:
    """Return the ObjectID in any form of reference, or None when it is no reference at all.

    An absolute or short ref text, an object with `_ref`, or the bare number. rally.md §8.1 R/C.
    """
    if isinstance(value, dict):
        return reference_id(value.get("_ref"))
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value).strip()
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    matched = _REF.fullmatch(text)
    if matched is None:
        return oid_of(text)
    return int(matched["id"]) if re.fullmatch(r"-?\d+", matched["id"]) else oid_of(matched["id"])


def reference_text(value: Any) -> str:
    """Return a reference as error texts quote it."""
    return str(value.get("_ref") if isinstance(value, dict) else value)


class Converter:
    """Converts the fields of one type in one workspace.

    Attributes:
        zone: of days and times that name none.
    """

    def __init__(self, view: View, schema: Schema, type_path: str, *, zone: tzinfo = UTC) -> None:
        self._view = view
        self._zone = zone
        self._schema = schema
        self._type = type_path
        self._element = schema.spec(type_path).element

    def convert(self, attribute: Attribute, value: Any) -> Any:
        """Return the value to store; None clears the field.

        Raises:
            RefusedError: with one of the texts of rally.md §6.
        """
        if value is None:
            return self._empty(attribute)
        kinds = {
            "string": self._text,
            "text": self._text,
            "raw": self._content,
            "integer": self._number,
            "decimal": self._number,
            "boolean": self._boolean,
            "date": self._date,
            "pick": self._pick,
            "state": self._state,
            "ref": self._reference,
            "weblink": self._web_link,
        }
        return kinds[attribute.kind](attribute, value)

    def _empty(self, attribute: Attribute) -> Any:
        if attribute.required:
            raise self.missing(attribute)
        return "None" if attribute.kind == "pick" and attribute.default == "None" else None

    def missing(self, attribute: Attribute) -> RefusedError:
        """Return the refusal of an empty required field; it uses the display name. rally.md §6 R."""
        return RefusedError(f"Validation error: {self._element}.{attribute.display} should not be null")

    def _text(self, attribute: Attribute, value: Any) -> str:
        if isinstance(value, (dict, list)):
            raise RefusedError(f'Could not convert: "{attribute.name}" must be a string')
        text = value if isinstance(value, str) else str(value)
        if attribute.required and not text:
            raise self.missing(attribute)
        if 0 <= attribute.max_length < len(text):
            # rally.md §6 R
            limit = f"length is greater than the maximum length of {attribute.max_length}"
            raise RefusedError(f"Validation error: {self._element}.{attribute.display} {limit}")
        if _SCRIPT.search(text):
            # rally.md §6 R
            advice = "contained invalid input. Search 'HTML Whitelist' at help.rallydev.com for details."
            raise RefusedError(f"Validation error: {self._element}.{attribute.name} {advice}")
        return text

    def _content(self, _attribute: Attribute, value: Any) -> str:
        # Base64 with line breaks fails with exactly this text. rally.md §8.3 R
        text = str(value)
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            raise RefusedError("Could not convert:  : value to convert :") from None
        return text

    def _number(self, attribute: Attribute, value: Any) -> int | float:
        try:
            return int(value) if attribute.kind == "integer" else float(value)
        except (TypeError, ValueError):
            # No text is recorded for this case; the shape is that of the other conversions.
            raise RefusedError(
                f'Could not convert: "{attribute.name}" must be a number : value to convert : {value}'
            ) from None

    def _boolean(self, attribute: Attribute, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise RefusedError(f'Could not convert: "{attribute.name}" must be a boolean : value to convert : {value}')

    def _date(self, _attribute: Attribute, value: Any) -> str:
        parsed = parse_date(str(value), self._zone)
        if parsed is None:
            # rally.md §6 D
            raise RefusedError("Could not update: Could not write changes in Unit of work")
        return parsed

    def _pick(self, attribute: Attribute, value: Any) -> Any:
        text = str(value)
        if text == "" and not attribute.required:
            return self._empty(attribute)
        if text in attribute.values:
            return text
        # rally.md §6 C
        raise RefusedError(f"Validation error: {self._element}.{attribute.display} is an invalid value")

    def _state(self, attribute: Attribute, value: Any) -> str:
        text = str(value)
        if text in attribute.values:
            return text
        # rally.md §6 R
        raise RefusedError(
            f'Could not convert: "{attribute.name}" must be a string : Conversion method name : '
            f"com.f4tech.slm.convert.WorkProductConversion.getStateNamed : value to convert : {text} : "
            f"type to convert : class com.f4tech.slm.domain.State : valid set is : ({','.join(attribute.values)})"
        )

    def _reference(self, attribute: Attribute, value: Any) -> Any:
        if value in ("", "null"):
            return self._empty(attribute)
        return self.member(attribute, value).oid

    def member(self, attribute: Attribute, value: Any) -> Item:
        """Return the object a reference names; it must exist, be readable and be of a fitting type. rally.md §6 R."""
        oid = reference_id(value)
        item = self._view.reachable(oid) if oid is not None else None
        if item is None or not self._fits(attribute, item):
            raise RefusedError(f"Could not read: Could not read referenced object {reference_text(value)}")
        return item

    def _fits(self, attribute: Attribute, item: Item) -> bool:
        return attribute.target in self._schema.lineage(item.type)

    def _web_link(self, attribute: Attribute, value: Any) -> dict[str, str] | None:
        if not isinstance(value, dict):
            raise RefusedError(f'Could not convert: "{attribute.name}" must be an object')
        # Recorded answers spell LinkID, the vendor's OpenAPI file LinkId; take both. rally.md §5
        link = value.get("LinkID", value.get("LinkId"))
        if not link and not value.get("DisplayString"):
            return None
        return {"LinkID": str(link or ""), "DisplayString": str(value.get("DisplayString") or "")}
