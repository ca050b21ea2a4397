"""Controls for whoever runs the simulator, below `/simulator`; nothing here exists in RT."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from werkzeug.wrappers import Request, Response

from mirror.simulators.faults import Fault, FaultPlan
from mirror.simulators.rt.world import World
from mirror.simulators.traffic import RequestLog

_RECENT = 200


class Controls:
    """Answers what is asked about the simulator itself."""

    def __init__(self, world: World, log: RequestLog, faults: FaultPlan) -> None:
        self._world = world
        self._log = log
        self._faults = faults

    def serve(self, request: Request) -> Response:
        """Answer one request."""
        match request.path.removeprefix("/simulator").strip("/").split("/"):
            case ["health"]:
                return _json({"status": "ok", "tickets": len(self._world.ids("ticket"))})
            case ["requests"]:
                return self._requests(request.method)
            case ["switches"]:
                return self._switches(request)
            case ["faults"]:
                return self._rules(request)
            case ["shred", number] if number.isdigit() and request.method == "POST":
                self._world.shred(int(number))
                return _json({"shredded": int(number)})
        return _json({"error": "no such control"}, 404)

    def _requests(self, method: str) -> Response:
        if method == "DELETE":
            self._log.clear()
        seen = list(self._log)
        recent = [{"method": each.method, "path": each.path, "query": each.query, "status": each.status} for each in seen]
        counts = Counter(each.method for each in seen)
        return _json({"count": len(seen), "by_method": dict(counts), "recent": recent[-_RECENT:]})

    def _switches(self, request: Request) -> Response:
        with self._world.lock:
            try:
                self._world.switches = self._world.switches.with_changes(_body(request))
            except (TypeError, ValueError) as problem:
                return _json({"error": str(problem)}, 400)
            return _json(msgspec.to_builtins(self._world.switches))

    def _rules(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.clear()
        if request.method == "POST":
            try:
                self._faults.add(Fault(**_body(request)))
            except (TypeError, ValueError) as problem:
                return _json({"error": str(problem)}, 400)
        rules = [{**msgspec.to_builtins(fault), "hits": hits} for fault, hits in self._faults.rules()]
        return _json({"faults": rules})


def _body(request: Request) -> dict[str, Any]:
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
