"""Controls for whoever runs the simulator, outside `/slm`; nothing here exists at the vendor's."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import msgspec
from flask import Flask, Response, request

from mirror.simulators.faults import Fault, FaultPlan
from mirror.simulators.rally.auth import Gate
from mirror.simulators.rally.items import RefusedError
from mirror.simulators.rally.world import World
from mirror.simulators.traffic import RequestLog

_RECENT = 200


class Controls:
    """Routes below `/simulator`."""

    def __init__(self, world: World, log: RequestLog, faults: FaultPlan, gate: Gate) -> None:
        self._world = world
        self._log = log
        self._faults = faults
        self._gate = gate
        self._lock = threading.Lock()

    def install(self, app: Flask) -> None:
        """Add the routes to an application."""
        app.add_url_rule("/simulator/health", "health", self.health)
        app.add_url_rule("/simulator/requests", "requests", self.requests)
        app.add_url_rule("/simulator/requests", "forget", self.forget, methods=["DELETE"])
        app.add_url_rule("/simulator/switches", "switches", self.switches, methods=["GET", "POST"])
        app.add_url_rule("/simulator/faults", "faults", self.faults, methods=["GET", "POST", "DELETE"])
        app.add_url_rule("/simulator/sessions", "sessions", self.expire, methods=["DELETE"])
        app.add_url_rule("/simulator/restore/<int:oid>", "restore", self.restore, methods=["POST"])
        app.add_url_rule("/simulator/rollup", "rollup", self.roll_up, methods=["POST"])

    def health(self) -> Response:
        """Say that the simulator runs, and how much it holds."""
        with self._world.lock:
            return _json({"status": "ok", "objects": len(self._world.state.items)})

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
            self._world.state.generation += 1
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
        """End all sessions."""
        self._gate.expire()
        return _json({"count": 0})

    def restore(self, oid: int) -> Response:
        """Bring an object back from the recycle bin; the vendor offers this in the browser only. rally.md §9.1"""
        try:
            return _json({"restored": self._world.restore(oid)})
        except RefusedError as refusal:
            return _json({"error": refusal.text}, 404)

    def roll_up(self) -> Response:
        """Bring late roll-ups up to date."""
        return _json({"moved": self._world.roll_up()})


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
