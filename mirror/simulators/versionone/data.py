"""The service rest-1: `Data`, `Hist` and `New`. versionone.md §1, §3, §6."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import msgspec

from mirror.simulators.versionone import render_json, render_xml
from mirror.simulators.versionone.evaluate import Binder, UnknownAttributeError
from mirror.simulators.versionone.grammar import GrammarError, parse_path
from mirror.simulators.versionone.paths import Route
from mirror.simulators.versionone.payload import read_payload
from mirror.simulators.versionone.query import ALL_ROWS, Query, last_version, run
from mirror.simulators.versionone.requests import Call, read_query
from mirror.simulators.versionone.rules_input import oid_of
from mirror.simulators.versionone.selection import Row, bind_selection, read_row
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View

NOT_FOUND = 404
Renderer = render_xml.XmlRenderer | render_json.JsonRenderer | render_json.HalRenderer

_RENDERERS: dict[str, Callable[[str], Renderer]] = {
    "xml": render_xml.XmlRenderer,
    "json": render_json.JsonRenderer,
    "hal": render_json.HalRenderer,
}

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back.

    Attributes:
        wrote: True if something was changed, so that the answer may be lost.
    """

    body: bytes
    content_type: str
    wrote: bool = False


@dataclass(slots=True)
class Turns:
    """Counts what switches hit every so often, and what tests ask for.

    Attributes:
        full_scans: lists without any filter, counted at their first page. versionone.md §10.6
    """

    full_scans: int = 0
    _pages: count[int] = field(default_factory=lambda: count(1))

    def is_short(self, every: int) -> bool:
        """True for each `every`-th page."""
        return bool(every) and next(self._pages) % every == 0


class DataService:
    """Answers one call.

    Args:
        view: what the caller sees, late replicas included; writes go past it.
        service: address of the service as links show it, `/Acme/rest-1.v1`.
    """

    def __init__(self, view: View, call: Call, service: str, turns: Turns) -> None:
        self._view = view
        self._call = call
        self._turns = turns
        self._render = _RENDERERS[call.form](service)

    def answer(self) -> Answer:
        """Answer the call.

        Raises:
            RefusedError: with the HTTP status of §3.4.
        """
        kind, *parts = self._call.path.strip("/").split("/", 3)
        services: dict[tuple[str, str], Callable[[list[str]], Answer]] = {
            ("GET", "Data"): lambda rest: self._read(rest, versions=False),
            ("GET", "Hist"): lambda rest: self._read(rest, versions=True),
            ("GET", "New"): self._new,
            ("POST", "Data"): self._write,
        }
        if kind not in ("Data", "Hist", "New") or not parts or not parts[0]:
            raise RefusedError(NOT_FOUND, f"Not found: {self._call.path}")
        if kind == "Hist" and not self._view.switches.hist:
            raise RefusedError(NOT_FOUND, f"Not found: {self._call.path}")
        serve = services.get((self._call.method, kind))
        if serve is None:
            raise RefusedError(405, "Method Not Allowed")
        if self._view.schema.get(parts[0]) is None:
            raise RefusedError(NOT_FOUND, f"Unknown AssetType: {parts[0]}")
        return serve([part for part in parts if part])

    # Reading

    def _read(self, parts: list[str], *, versions: bool) -> Answer:
        type_name = parts[0]
        if len(parts) == 1:
            return self._list(read_query(self._view, self._call, type_name, versions=versions), versions)
        asset = self._id(parts[1])
        attribute = "/".join(parts[2:])
        moment: int | None = None
        if attribute and attribute.split("/")[0].isdigit():
            text, _, attribute = attribute.partition("/")
            moment = int(text)
        if versions:
            return self._history(type_name, asset, attribute)
        return self._one(type_name, asset, moment, attribute)

    def _list(self, query: Query, versions: bool) -> Answer:
        switches = self._view.switches
        if query.condition is None and not query.find and not query.start and query.asset is None:
            self._turns.full_scans += 1
        short = query.size is not None and self._turns.is_short(switches.short_page_every)
        found = run(self._view, query, shift=switches.page_shift, short=short)
        with_total = switches.total == "always" or (switches.total == "asked" and self._call.need_total)
        size = len(found.rows) if switches.page_size_echo == "returned" and found.size != ALL_ROWS else found.size
        root = "History" if versions else "Assets"
        return self._encode(self._render.list(found, root=root, total=with_total, size=size))

    def _history(self, type_name: str, asset: int, attribute: str) -> Answer:
        """All versions of one asset, deleted ones included when the filter asks; perhaps of one attribute only."""
        known = self._view.world.exists(asset, at=self._view.at)
        if not (known and self._view.world.visible(asset, viewer=self._view.viewer) and self._is_of(type_name, asset)):
            raise self._missing(type_name, asset)
        query = read_query(self._view, self._call, type_name, asset=asset, versions=True)
        if attribute:
            self._single_route(type_name, attribute)
            query = replace(query, selection=[parse_path(attribute)])
        return self._list(query, versions=True)

    def _one(self, type_name: str, asset: int, moment: int | None, attribute: str) -> Answer:
        query = read_query(self._view, self._call, type_name)
        view = self._view if moment is None else self._view.as_of(moment)
        if query.as_of is not None:
            view = view.as_of(view.world.moment_at(query.as_of))
        if not view.is_there(type_name, asset):
            # A deleted asset is 404, too. C3
            raise self._missing(type_name, asset)
        shown = last_version(view, asset) if moment is not None or query.as_of is not None else None
        if attribute:
            row = read_row(view, asset, [self._single_route(view.type_of(asset), attribute)], moment=shown)
            return self._encode(self._render.single(row))
        routes = bind_selection(Binder(view, query.variables), view.type_of(asset), query.selection)
        return self._encode(self._render.asset(read_row(view, asset, routes, moment=shown)))

    def _single_route(self, type_name: str, text: str) -> Route:
        """Bind one attribute in a path, which may be a projection, filter, downcast or aggregate. §1 R/D"""
        try:
            return Binder(self._view).route(type_name, parse_path(text))
        except UnknownAttributeError as unknown:
            raise RefusedError(NOT_FOUND, unknown.message) from None
        except GrammarError as problem:
            raise RefusedError(400, str(problem)) from None

    def _new(self, parts: list[str]) -> Answer:
        """Return the template of a new asset. §1 D"""
        suggested = self._suggested(parts[0])
        binder = Binder(self._view)
        row = [(binder.route(parts[0], parse_path(name)), value) for name, value in suggested.items()]
        return self._encode(self._render.template(f"New/{parts[0]}", row, self._view))

    # Writing

    def _write(self, parts: list[str]) -> Answer:
        operation = self._call.args.get("op")
        if len(parts) == 1 and operation is None:
            return self._create(parts[0])
        if len(parts) != 2:
            raise RefusedError(405, "Method Not Allowed")
        present = View(self._view.world, self._view.viewer)
        asset = self._id(parts[1])
        undeletes = operation is not None and self._is_of(parts[0], asset)
        if not undeletes and not present.is_there(parts[0], asset):
            # The world itself refuses operations on deleted assets other than Undelete. C4
            raise self._missing(parts[0], asset)
        if operation is not None:
            with present.world.transaction(by=present.member, comment=self._call.comment):
                named = present.world.operate(asset, operation, by=present.member)
            return self._encode(self._render.asset(Row(named, present, last_version(present, named), [])), wrote=True)
        values = self._payload(present.type_of(asset))
        present.world.update(asset, values, by=present.member, comment=self._call.comment)
        return self._echo(present, asset, values)

    def _create(self, type_name: str) -> Answer:
        present = View(self._view.world, self._view.viewer)
        values = self._payload(type_name)
        suggested = self._suggested(type_name) if self._call.args.get("ctx") else {}
        asset = present.world.create(type_name, {**suggested, **values}, by=self._view.member, comment=self._call.comment)
        return self._echo(present, asset, values)

    def _suggested(self, type_name: str) -> dict[str, Any]:
        """Return what default rules and the context suggest, as far as it can be written."""
        context = self._call.args.get("ctx")
        suggested = self._view.world.template(type_name, oid_of(context) if context else None)
        attributes = self._view.schema.attributes(type_name)
        return {name: value for name, value in suggested.items() if not attributes[name].read_only}

    def _payload(self, type_name: str) -> dict[str, Any]:
        return read_payload(self._view.schema, type_name, self._call.body, self._call.content_type)

    def _echo(self, view: View, asset: int, values: dict[str, Any]) -> Answer:
        """Answer with the new version, and only those attributes that were sent. §3.2 R"""
        routes = bind_selection(Binder(view), view.type_of(asset), [parse_path(name) for name in values])
        row = read_row(view, asset, routes, moment=last_version(view, asset))
        return self._encode(self._render.asset(row), wrote=True)

    # Shared

    def _id(self, text: str) -> int:
        if not text.lstrip("-").isdigit():
            raise RefusedError(NOT_FOUND, f"Invalid OID token: {text}")
        return int(text)

    def _is_of(self, type_name: str, asset: int) -> bool:
        return self._view.schema.is_a(self._view.type_of(asset), type_name)

    def _missing(self, type_name: str, asset: int) -> RefusedError:
        return RefusedError(NOT_FOUND, f"Not found: {type_name}:{asset}")

    def _encode(self, content: Any, *, wrote: bool = False) -> Answer:
        if self._call.form == "xml":
            return Answer(render_xml.document(content), render_xml.CONTENT_TYPE, wrote)
        kind = render_json.HAL_CONTENT_TYPE if self._call.form == "hal" else render_json.CONTENT_TYPE
        return Answer(_ENCODER.encode(content), kind, wrote)
