"""Answers of rest-1 as JSON: the typed form and the HAL-like one. versionone.md §3.3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mirror.simulators.versionone.paths import Route
from mirror.simulators.versionone.query import Found
from mirror.simulators.versionone.selection import Row
from mirror.simulators.versionone.state import Value
from mirror.simulators.versionone.texts import json_of
from mirror.simulators.versionone.view import View

CONTENT_TYPE = "application/json; charset=utf-8"
HAL_CONTENT_TYPE = "haljson; charset=utf-8"
"""versionone.md §1 R (2013)."""

Json = dict[str, Any]


class JsonRenderer:
    """Writes rows as typed JSON. §3.3 R

    Args:
        service: address of the service as links show it, `/Acme/rest-1.v1`.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def list(self, found: Found, *, root: str, total: bool, size: int) -> Json:
        """Return an envelope, `Assets` or `History`; its rows are under `Assets` in both.

        Args:
            total: whether the envelope says how many match (C1).
            size: the page size it says (C6).
        """
        counted = {"total": found.total} if total else {}
        return {
            "_type": root,
            **counted,
            "pageSize": size,
            "pageStart": found.start,
            "Assets": [self.asset(row) for row in found.rows],
        }

    def asset(self, row: Row) -> Json:
        """Return one asset with its attributes."""
        attributes = {route.name: self.element(row.view, route, value) for route, value in row.values}
        return {"_type": "Asset", "href": f"{self._service}/{row.address}", "id": row.oid, "Attributes": attributes}

    def template(self, service_path: str, row: Sequence[tuple[Route, Value]], view: View) -> Json:
        """Return the template of a new asset; suggested values are marked with `act`. §3.2 D"""
        attributes = {route.name: {**self.element(view, route, value), "act": "set"} for route, value in row}
        return {"_type": "Asset", "href": f"{self._service}/{service_path}", "Attributes": attributes}

    def element(self, view: View, route: Route, value: Value) -> Json:
        """Return one attribute: null for a missing value, `[]` for an empty list."""
        kind = "Relation" if route.attribute.is_relation else "Attribute"
        return {"_type": kind, "name": route.name, "value": self._value(view, route, value)}

    def single(self, row: Row) -> Json:
        """Return one attribute as a document of its own."""
        route, value = row.values[0]
        return {**self.element(row.view, route, value), "href": f"{self._service}/{row.address}/{route.name}"}

    def _value(self, view: View, route: Route, value: Value) -> Any:
        one = self._target if route.attribute.is_relation else None
        if isinstance(value, list):
            return [one(view, each) if one else json_of(view, route.attribute, each) for each in value]
        if value is None and route.attribute.multi:
            return []
        if one and value is not None:
            return one(view, value)
        return json_of(view, route.attribute, value)

    def _target(self, view: View, asset: Any) -> Json:
        oid = view.oid(asset)
        return {"_type": "Asset", "href": f"{self._service}/Data/{oid.replace(':', '/')}", "idref": oid}


class HalRenderer:
    """Writes rows as HAL: scalars flat, relations under `_links`. §3.3 R

    Args:
        service: address of the service as links show it.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def list(self, found: Found, *, root: str, total: bool, size: int) -> Sequence[Json]:
        """Return the rows; the form has no place for the rest."""
        return [self.asset(row) for row in found.rows]

    def asset(self, row: Row) -> Json:
        """Return one asset."""
        links: Json = {"self": {"href": f"{self._service}/{row.address}", "id": row.oid}}
        scalars: Json = {}
        for route, value in row.values:
            if route.attribute.is_relation:
                links[route.name] = self._links(row.view, value)
            elif isinstance(value, list):
                scalars[route.name] = [json_of(row.view, route.attribute, each) for each in value]
            else:
                scalars[route.name] = json_of(row.view, route.attribute, value)
        return {**scalars, "_links": links}

    def template(self, service_path: str, row: Sequence[tuple[Route, Value]], view: View) -> Json:
        """Return the template of a new asset as far as the form allows."""
        scalars = {
            r.name: json_of(view, r.attribute, v) for r, v in row if not r.attribute.is_relation and not isinstance(v, list)
        }
        links = {r.name: self._links(view, v) for r, v in row if r.attribute.is_relation}
        return {**scalars, "_links": {"self": {"href": f"{self._service}/{service_path}"}, **links}}

    def single(self, row: Row) -> Json:
        """Return an asset with one attribute."""
        return self.asset(row)

    def _links(self, view: View, value: Value) -> Any:
        targets: list[Any] = value if isinstance(value, list) else [] if value is None else [value]
        return [
            {"href": f"{self._service}/Data/{view.oid(each).replace(':', '/')}", "idref": view.oid(each)} for each in targets
        ]
