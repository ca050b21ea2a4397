"""Controls for whoever runs the simulator, outside the instance; nothing here exists at the vendor's."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from flask import Flask, Response, request

from mirror.simulators.faults import Fault, FaultPlan
from mirror.simulators.traffic import RequestLog
from mirror.simulators.versionone.auth import Gate
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.world import World

_RECENT = 200


class Controls:
    """Routes below `/simulator`."""

    def __init__(self, world: World, log: RequestLog, faults: FaultPlan, gate: Gate) -> None:
        self._world = world
        self._log = log
        self._faults = faults
        self._gate = gate

    def install(self, app: Flask) -> None:
        """Add the routes to an application."""
        app.add_url_rule("/simulator/health", "health", self.health)
        app.add_url_rule("/simulator/requests", "requests", self.requests)
        app.add_url_rule("/simulator/requests", "forget", self.forget, methods=["DELETE"])
        app.add_url_rule("/simulator/switches", "switches", self.switches, methods=["GET", "POST"])
        app.add_url_rule("/simulator/faults", "faults", self.faults, methods=["GET", "POST", "DELETE"])
        app.add_url_rule("/simulator/sessions", "sessions", self.expire, methods=["DELETE"])
        app.add_url_rule("/simulator/fields/<type_name>/<name>", "fields", self.fields, methods=["POST", "DELETE"])
        app.add_url_rule("/simulator/projects/<int:scope>", "projects", self.projects, methods=["POST", "DELETE"])

    def health(self) -> Response:
        """Say that the simulator runs, and how much it holds."""
        with self._world.lock:
            return _json({"status": "ok", "objects": len(self._world.state.assets), "moment": self._world.moment})

    def requests(self) -> Response:
        """Return counts and the most recent requests."""
        seen = list(self._log)
        recent = [{"method": each.method, "path": each.path, "query": each.query, "status": each.status} for each in seen]
        counts = Counter(each.method for each in seen)
        return _json({"count": len(seen), "by_method": dict(counts), "recent": recent[-_RECENT:]})

    def forget(self) -> Response:
        """Empty the log."""
        self._log.clear()
        return _json({"count": 0})

    def switches(self) -> Response:
        """Return the switches, after setting those in the body."""
        with self._world.lock:
            try:
                self._world.switches = self._world.switches.with_changes(_body())
            except (TypeError, ValueError) as problem:
                return _json({"error": str(problem)}, 400)
            return _json(msgspec.to_builtins(self._world.switches))

    def faults(self) -> Response:
        """Return the fault rules, after adding the one in the body or, with DELETE, dropping all."""
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            try:
                self._faults.add(Fault(**_body()))
            except (TypeError, ValueError) as problem:
                return _json({"error": str(problem)}, 400)
        rules = [{**msgspec.to_builtins(fault), "hits": hits} for fault, hits in self._faults.rules()]
        return _json({"faults": rules})

    def expire(self) -> Response:
        """Forget all session tickets."""
        self._gate.expire()
        return _json({"count": 0})

    def fields(self, type_name: str, name: str) -> Response:
        """Add a custom field of the kind in the body, or remove it, as an administrator does in the browser."""
        try:
            if request.method == "DELETE":
                self._world.remove_field(type_name, name)
                return _json({"removed": name})
            given = _body()
            added = self._world.add_field(type_name, name, str(given.pop("kind", "Text")), **given)
            return _json({"added": added.token})
        except (KeyError, TypeError, ValueError, RefusedError) as problem:
            return _json({"error": str(problem)}, 400)

    def projects(self, scope: int) -> Response:
        """Close a project to everybody, or open it again with DELETE."""
        (self._world.show if request.method == "DELETE" else self._world.hide)(scope)
        return _json({"project": scope, "hidden": request.method == "POST"})


def _body() -> dict[str, Any]:
    data = request.get_data()
    try:
        found = msgspec.json.decode(data) if data else {}
    except msgspec.DecodeError as problem:
        raise ValueError(str(problem)) from None
    if isinstance(found, dict):
        return found
    raise ValueError("a JSON object is expected")


def _json(content: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status=status, content_type="application/json")
