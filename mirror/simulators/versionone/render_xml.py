"""Answers of rest-1 as XML. versionone.md §3.1, §3.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from mirror.simulators.versionone.paths import Route
from mirror.simulators.versionone.query import Found
from mirror.simulators.versionone.selection import Row
from mirror.simulators.versionone.state import Value
from mirror.simulators.versionone.texts import text_of
from mirror.simulators.versionone.view import View

CONTENT_TYPE = "text/xml; charset=utf-8"

_FORBIDDEN = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


def clean(text: str) -> str:
    """Return text as XML content; characters that XML 1.0 cannot hold are dropped."""
    return escape(text.translate(_FORBIDDEN)).replace("\r", "&#xD;")


def document(root: str) -> bytes:
    """Return a whole document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{root}'.encode()


class XmlRenderer:
    """Writes rows.

    Args:
        service: address of the service as links show it, `/Acme/rest-1.v1`.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def list(self, found: Found, *, root: str, total: bool, size: int) -> str:
        """Return an envelope, `Assets` or `History`.

        Args:
            total: whether the envelope says how many match (C1).
            size: the page size it says (C6).
        """
        counted = f' total="{found.total}"' if total else ""
        assets = "".join(map(self.asset, found.rows))
        return f'<{root}{counted} pageSize="{size}" pageStart="{found.start}">{assets}</{root}>'

    def asset(self, row: Row) -> str:
        """Return one asset with its attributes."""
        head = f'<Asset href="{self._service}/{row.address}" id="{row.oid}"'
        if not row.values:
            return f"{head} />"
        return f"{head}>{''.join([self.element(row.view, route, value) for route, value in row.values])}</Asset>"

    def template(self, service_path: str, row: Sequence[tuple[Route, Value]], view: View) -> str:
        """Return the template of a new asset; suggested values are marked `act="set"`. §3.2 D"""
        body = "".join(self.element(view, route, value, act=' act="set"') for route, value in row)
        return f'<Asset href="{self._service}/{service_path}">{body}</Asset>'

    def element(self, view: View, route: Route, value: Value, *, act: str = "") -> str:
        """Return one `Attribute` or `Relation` element."""
        name = quoteattr(route.name)
        if route.attribute.is_relation:
            return self._relation(view, name, value, act)
        return self._attribute(view, route, f"name={name}{act}", value)

    def single(self, row: Row) -> str:
        """Return one attribute as the root of a document; relations carry `of`. §3.2"""
        route, value = row.values[0]
        address = f"{self._service}/{row.address}/{escape(route.name)}"
        head = f"name={quoteattr(route.name)} href={quoteattr(address)}"
        if not route.attribute.is_relation:
            return self._attribute(row.view, route, head, value)
        return self._relation(row.view, quoteattr(route.name), value, f' href={quoteattr(address)} of="{row.oid}"')

    def _relation(self, view: View, name: str, value: Value, more: str) -> str:
        targets = value if isinstance(value, list) else [] if value is None else [value]
        if not targets:
            return f"<Relation name={name}{more} />"
        return f"<Relation name={name}{more}>{''.join([self._target(view, each) for each in targets])}</Relation>"

    def _target(self, view: View, asset: Any) -> str:
        oid = view.oid(asset)
        return f'<Asset href="{self._service}/Data/{oid.replace(":", "/")}" idref="{oid}" />'

    def _attribute(self, view: View, route: Route, head: str, value: Value) -> str:
        if isinstance(value, list):
            values = "".join([self._value(text_of(view, route.attribute, each)) for each in value])
            return f"<Attribute {head}>{values}</Attribute>" if values else f"<Attribute {head} />"
        text = text_of(view, route.attribute, value)
        return f"<Attribute {head}>{clean(text)}</Attribute>" if text else f"<Attribute {head} />"

    def _value(self, text: str) -> str:
        return f"<Value>{clean(text)}</Value>" if text else "<Value />"
