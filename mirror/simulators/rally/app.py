"""Routes, headers and HTTP statuses of the web service. rally.md §1, §2, §6."""

from __future__ import annotations

import base64
import itertools
import threading
import zlib
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import msgspec
from flask import Flask, Request, Response, request

from mirror.simulators.rally import batch, catalog
from mirror.simulators.rally.auth import Gate, UnauthorizedError
from mirror.simulators.rally.convert import reference_id
from mirror.simulators.rally.items import RefusedError
from mirror.simulators.rally.requests import UnknownPathError, names_object
from mirror.simulators.rally.service import Args, Service, hits, operation_result, query_result
from mirror.simulators.rally.shapes import Row
from mirror.simulators.rally.world import World
from mirror.simulators.traffic import HANG_UP

_SERVICE = "/slm/webservice"
_METHODS = ["GET", "POST", "PUT", "DELETE"]

CONFLICT = (
    "Concurrency conflict: [Object has been modified since being read for update in this context] - "
    "ConcurrencyConflictException : Modified since read on update : Object Class : "
    "com.f4tech.slm.domain.{name} : ObjectID : {oid}"
)
"""rally.md §6 R. Stories are called UserStory there."""


class Answering:
    """Turns requests into answers for one world."""

    def __init__(self, world: World, gate: Gate) -> None:
        self.world = world
        self._gate = gate
        self._turns = itertools.count(1)
        self._writes = itertools.count(1)
        self._answers = itertools.count(1)
        self._ids = itertools.count(1)
        self._encode = msgspec.json.Encoder().encode
        self._schemas: dict[tuple[int, str, int], bytes] = {}
        self._schema_lock = threading.Lock()

    # Answers

    def json(self, content: Row) -> Response:
        """Return a JSON answer with the headers of rally.md §2 R; `<` is written as an escape (§5 R)."""
        body = self._encode(content).replace(b"<", b"\\u003C")
        return self.raw(body, "application/json;  charset=utf-8")

    def raw(self, body: bytes, content_type: str) -> Response:
        """Return any answer with the usual headers."""
        response = Response(body)
        response.headers["Content-Type"] = content_type
        response.headers["RallyRequestID"] = f"sim{next(self._ids):012d}"
        response.headers["ETag"] = f'W/"{zlib.crc32(body):08x}"'
        response.headers["Cache-Control"] = "private,max-age=0,must-revalidate"
        response.headers["Expires"] = "Thu, 01 Jan 1970 00:00:00 GMT"
        response.headers["Vary"] = "Accept-Encoding"
        return response

    def html(self, status: int, title: str) -> Response:
        """Return an HTML error page. rally.md §6 R"""
        page = f"<html><head><title>Error {status} {title}</title></head><body><h2>{title}</h2></body></html>"
        response = self.raw(page.encode(), "text/html;charset=utf-8")
        response.status_code = status
        if status == 401:
            response.headers["WWW-Authenticate"] = 'Basic realm="Rally ALM"'
        return response

    # Requests

    def serve(self, version: str, path: str) -> Response:
        """Answer one request below `/slm/webservice`."""
        try:
            self._gate.check(request, refuses_ended=self.world.switches.ended_session_refused)
        except UnauthorizedError as stranger:
            return self.html(401, stranger.title)
        if path.removesuffix(".js") == "security/authorize":
            return self._authorize()
        base = f"{request.host_url.rstrip('/')}{_SERVICE}/{version}"
        try:
            if request.method == "GET":
                return self._read(base, path)
            return self._write(base, path)
        except UnknownPathError:
            return self._no_service(path)

    def _authorize(self) -> Response:
        token, cookies = self._gate.open_session()
        response = self.json(operation_result(SecurityToken=token))
        for name, value in cookies.items():
            response.set_cookie(name, value, path="/", httponly=True)
        return response

    def _read(self, base: str, path: str) -> Response:
        with self.world.lock:
            service = Service(self.world, base, next(self._turns))
            return self.json(service.get(path, request.args))

    def _no_service(self, path: str) -> Response:
        # rally.md §1 R
        text = f"Could not find web service for /{path} using request method {request.method}."
        if request.method != "GET":
            text += " However a service does exist at that path using method(s) GET."
        response = self.raw(text.encode(), "text/plain;charset=utf-8")
        response.status_code = 405
        return response

    def _write(self, base: str, path: str) -> Response:
        trimmed = path.removesuffix(".js").strip("/")
        try:
            self._gate.check_write(request)
        except RefusedError as refusal:
            return self.json(operation_result(errors=[refusal.text]))
        body = read_body(request)
        with self.world.lock:
            service = Service(self.world, base, next(self._turns))
            if trimmed.lower() == "batch":
                answer = self._batch(service, body)
            else:
                answer = self.json(self.write_one(service, request.method, trimmed, request.args, body))
        self._perhaps_lose()
        return answer

    def _perhaps_lose(self) -> None:
        if hits(self.world.switches.lost_answer_every, next(self._answers)):
            request.environ[HANG_UP] = True

    def write_one(self, service: Service, method: str, path: str, args: Args, body: Any) -> Row:
        """Carry out one write, alone or as an entry of a batch."""
        if hits(self.world.switches.conflict_every, next(self._writes)):
            return operation_result(errors=[conflict_text(path)])
        head, _, last = path.rpartition("/")
        last = last.lower()
        if method == "DELETE":
            return service.delete(path, args)
        if last == "create" and head:
            return service.create(head, args, body)
        if last in ("add", "remove") and method == "POST":
            return service.change_collection(head, args, body, add=last == "add")
        if last == "copy" and method == "POST":
            return service.copy(head, args)
        if not names_object(last):
            raise UnknownPathError
        return service.update(path, args, body)

    def _batch(self, service: Service, body: Any) -> Response:
        refused = self.world.switches.batch_refused
        if refused == "401":
            return self.html(401, "Full authentication is required to access this resource")
        if refused == "405" or request.method != "POST":
            raise UnknownPathError
        if refused == "errors":
            return self.json({"BatchResult": {"Errors": ["Batch requests are not allowed"], "Warnings": [], "Results": []}})
        return self.json(batch.answer(service, body, self.write_one))

    def schema(self, scope: str, oid: str, digest: str = "") -> Response:
        """Answer the schema service: a redirect to the address that ends in the digest, then all types. rally.md §7 C"""
        try:
            self._gate.check(request)
        except UnauthorizedError as stranger:
            return self.html(401, stranger.title)
        with self.world.lock:
            workspace = self._workspace_of(scope, reference_id(oid))
            if workspace is None:
                return self.json(query_result(errors=["Cannot find object to read"]))
            current = self.world.state.schemas[workspace].digest
            if digest != current:
                response = self.raw(b"", "text/html")
                response.status_code = 302
                path = request.path.removesuffix(f"/{digest}") if digest else request.path
                response.headers["Location"] = f"{request.host_url.rstrip('/')}{path.rstrip('/')}/{current}"
                return response
            return self.raw(self._schema_body(workspace, current), "application/json;  charset=utf-8")

    def _workspace_of(self, scope: str, oid: int | None) -> int | None:
        item = self.world.state.items.get(oid) if oid is not None else None
        if item is None or item.type.lower() != scope.lower():
            return None
        return item.oid if item.type == "Workspace" else item.values.get("Workspace")

    def _schema_body(self, workspace: int, digest: str) -> bytes:
        key = (workspace, digest, hash(request.host_url))
        known = self._schemas.get(key)
        if known is None:
            view = self.world.view()
            service = Service(self.world, f"{request.host_url.rstrip('/')}{_SERVICE}/v2.0")
            rows = catalog.schema_rows(view, service.renderer(view, {}), workspace)
            answer = query_result(rows, total=len(rows))
            answer["QueryResult"] |= {"StartIndex": 1, "PageSize": len(rows)}
            known = self._schemas[key] = self._encode(answer)
        return known

    def download(self, oid: int) -> Response:
        """Answer `/slm/attachment/<oid>/<file>` with the bytes themselves. rally.md §8.3 C/D"""
        with self.world.lock:
            view = self.world.view(lagging=True)
            attachment = view.reachable(oid)
            content = view.get(attachment.values.get("Content", 0)) if attachment is not None else None
            if attachment is None or content is None:
                return self.html(404, "Not Found")
            data = base64.b64decode(content.values.get("Content", ""))
            return self.raw(data, attachment.values.get("ContentType", "application/octet-stream"))


def read_body(incoming: Request) -> Any:
    """Return the JSON body, or None if there is none that can be read."""
    data = incoming.get_data()
    try:
        return msgspec.json.decode(data) if data else None
    except msgspec.DecodeError:
        return None


def conflict_text(path: str) -> str:
    """Return the concurrency conflict for the object a path names."""
    parts = path.split("/")
    name = {"hierarchicalrequirement": "UserStory"}.get(parts[0].lower(), parts[0].capitalize())
    oid = next((part for part in parts if part.isdigit()), "0")
    return CONFLICT.format(name=name, oid=oid)


def make_app(world: World, gate: Gate, more: Callable[[Flask], None] | None = None) -> Flask:
    """Build the application; `more` may add routes."""
    app = Flask(__name__)
    answering = Answering(world, gate)
    app.add_url_rule(f"{_SERVICE}/<version>/<path:path>", "service", answering.serve, methods=_METHODS)
    schema = "/slm/schema/<version>/<scope>/<oid>"
    app.add_url_rule(schema, "schema", lambda version, scope, oid: answering.schema(scope, oid))
    app.add_url_rule(
        f"{schema}/<digest>", "digest", lambda version, scope, oid, digest: answering.schema(scope, oid, digest)
    )
    app.add_url_rule("/slm/attachment/<int:oid>/<path:name>", "download", lambda oid, name: answering.download(oid))
    app.register_error_handler(404, lambda _error: answering.html(404, "Not Found"))

    @app.after_request
    def date(response: Response) -> Response:
        response.headers["Date"] = format_datetime(world.now(), usegmt=True)
        return response

    if more is not None:
        more(app)
    return app
