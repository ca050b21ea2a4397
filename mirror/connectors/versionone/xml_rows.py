"""Answers of rest-1.v1 in XML as flat rows, equal to those of query.v1.

Source: versionone.md §3.1 R.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as Xml

from mirror.connectors.versionone.question import Flat
from mirror.connectors.versionone.refusals import no_result
from mirror.errors import ProtocolError


def read_assets(body: bytes) -> tuple[list[Flat], int | None]:
    """Return the rows of an envelope, or the one row of a single asset, and the total if it is told.

    Raises:
        RefusedError, RetryableError: the body is something else.
        ProtocolError: an asset has no id.
    """
    try:
        root = Xml.fromstring(body)  # noqa: S314  see above
    except Xml.ParseError:
        no_result(body)
    if root.tag == "Asset":
        return [_row(root)], 1
    if root.tag not in ("Assets", "History"):
        no_result(body)
    total = root.get("total")
    return [_row(each) for each in root.iterfind("Asset")], int(total) if total else None


def _row(asset: Xml.Element) -> Flat:
    oid = asset.get("id")
    if oid is None:
        raise ProtocolError("an asset in the answer has no id")
    row: dict[str, Any] = {"_oid": oid}
    for each in asset:
        name = each.get("name", "")
        row[name] = _relation(each) if each.tag == "Relation" else _attribute(each)
    return row


def _relation(element: Xml.Element) -> Any:
    """Return the targets as a list; whether there may be many is not told here, so the decoder takes one out of it."""
    return [{"_oid": each.get("idref")} for each in element.iterfind("Asset")]


def _attribute(element: Xml.Element) -> Any:
    values = element.findall("Value")
    if values:
        return [each.text for each in values]
    return element.text
