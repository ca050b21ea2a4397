"""Routes, statuses and headers of an instance. versionone.md §1, §2, §3.4."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import format_datetime
from itertools import count

import msgspec
from flask import Flask, Response, request

from mirror.simulators.traffic import HANG_UP
from mirror.simulators.versionone import attachments, errors, meta, misc, render_xml
from mirror.simulators.versionone.auth import Gate, UnauthorizedError, challenge
from mirror.simulators.versionone.bulk import Bulk
from mirror.simulators.versionone.data import Answer, DataService, Turns
from mirror.simulators.versionone.query_v1 import MalformedError, answer_queries
from mirror.simulators.versionone.requests import Call, read_call
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View
from mirror.simulators.versionone.world import World

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
"""All of them, so that what is refused is refused the vendor's way."""
_HTML = "text/html; charset=utf-8"
_JSON = "application/json; charset=utf-8"
REST = ("rest-1.v1", "rest-1.oauth.v1")
"""The second is needed only where the instance uses Windows authentication. versionone.md §1 D"""


_FRESH: dict[tuple[object, ...], Answer] = {}
"""What meta.v1 says of instances whose schema is as it was built in: the same for all in this process."""

_XML_SERVICES = ("meta.v1", "config.v1", *attachments.SERVICES)


class Answering:
    """Turns requests into answers for one world.

    Args:
        instance: first part of all paths, `/Acme`.
    """

    def __init__(self, world: World, gate: Gate, instance: str) -> None:
        self.world = world
        self.turns = Turns()
        self._gate = gate
        self._instance = instance
        self._writes = count(1)
        self._meta: dict[tuple[object, ...], Answer] = {}

    def serve(self, service: str, path: str = "") -> Response:
        """Answer one request below the instance."""
        switches = self.world.switches
        limit = switches.query_string_limit
        if limit and len(request.query_string) > limit:
            # IIS refuses by itself, before anything else. versionone.md §4.2.4 I
            return self._html(
                404, "The request filtering module is configured to deny a request with a too long query string."
            )
        try:
            member, ticket = self._who(service)
        except UnauthorizedError:
            return self._html(401)
        response = self._guarded(service, read_call(request, path, switches), member)
        if ticket:
            # Replaying it avoids a login per call. versionone.md §2 D
            response.set_cookie(self._gate.cookie, ticket, path=self._instance, httponly=True)
        return response

    def _who(self, service: str) -> tuple[int, str]:
        """Return the member and a new ticket; nobody is asked for at meta.v1 when it is open. C10"""
        open_to_all = service == "meta.v1" and self.world.switches.meta_open
        if open_to_all and "Authorization" not in request.headers:
            return self.world.landmarks.admin, ""
        return self._gate.check(request, self.world.switches)

    def _guarded(self, service: str, call: Call, member: int) -> Response:
        try:
            with self.world.lock:
                answer = self._dispatch(service, call, member)
        except MalformedError as problem:
            return self._html(500, str(problem))
        except RefusedError as refusal:
            return self._refuse(service, call, refusal)
        if answer.wrote:
            self._perhaps_lose()
        response = Response(answer.body)
        response.headers["Content-Type"] = answer.content_type
        response.headers["Cache-Control"] = "no-cache"
        response.headers["VersionOne"] = f"Ultimate/{self.world.schema.version}; Methodology"
        return response

    def _dispatch(self, service: str, call: Call, member: int) -> Answer:
        switches = self.world.switches
        if call.method not in ("GET", "POST"):
            # versionone.md §1 D
            raise RefusedError(405, "Method Not Allowed")
        view = View(self.world, member).delayed(switches.replica_lag_seconds)
        services: dict[str, Callable[[View, Call], Answer]] = {
            "meta.v1": self._describe,
            "loc.v1": self._localise,
            "loc-2.v1": self._localise_all,
            "config.v1": self._configure,
            "assetdetail.v1": self._show,
        }
        if service in REST:
            return DataService(view, call, f"{self._instance}/{service}", self.turns).answer()
        if service in attachments.SERVICES:
            return self._body(view, service, call)
        if service in ("query.v1", "query.legacy.v1") and switches.query_v1:
            return self._query(view, call)
        if service == "api" and call.path.strip("/") == "asset" and switches.bulk:
            return self._bulk(view, call)
        if service not in services:
            raise RefusedError(404, f"Not found: {service}")
        if call.method != "GET":
            raise RefusedError(405, "Method Not Allowed")
        return services[service](view, call)

    # Services

    def _describe(self, view: View, call: Call) -> Answer:
        parts = [part for part in call.path.split("/") if part]
        if "xsl" in call.args:
            return Answer(meta.page(view.schema).encode(), _HTML)
        as_json = call.form != "xml"
        key = (self._instance, view.schema.generation, *parts, as_json, view.switches.iscustom_in_meta)
        described = self._meta if view.schema.generation else _FRESH
        known = described.get(key)
        if known is None:
            root = f"{self._instance}/meta.v1"
            found = meta.Meta(view.schema, root, with_custom_flag=view.switches.iscustom_in_meta).find(parts)
            if as_json:
                known = Answer(msgspec.json.encode(found.json()), _JSON)
            else:
                known = Answer(render_xml.document(found.xml()), render_xml.CONTENT_TYPE)
            described[key] = known
        return known

    def _localise(self, view: View, call: Call) -> Answer:
        return Answer(misc.localise(next(iter(request.args), "")).encode(), "text/plain; charset=utf-8")

    def _localise_all(self, view: View, call: Call) -> Answer:
        return Answer(msgspec.json.encode(misc.localise_all(next(iter(request.args), ""))), _JSON)

    def _configure(self, view: View, call: Call) -> Answer:
        return Answer(render_xml.document(misc.configuration(view.schema.version)), render_xml.CONTENT_TYPE)

    def _show(self, view: View, call: Call) -> Answer:
        return Answer(misc.detail_page(view, call.args).encode(), _HTML)

    def _body(self, view: View, service: str, call: Call) -> Answer:
        if call.method == "GET":
            return Answer(*attachments.read(view, attachments.find(view, service, call.path.strip("/"))))
        if service == attachments.BY_HASH:
            raise RefusedError(405, "Method Not Allowed")
        present = view.as_of(None)
        asset = attachments.find(present, service, call.path.strip("/"))
        content = attachments.uploaded(call.body, call.content_type)
        self.world.set_blob(asset, content, by=view.member)
        return Answer(b"", render_xml.CONTENT_TYPE, wrote=True)

    def _query(self, view: View, call: Call) -> Answer:
        if call.method != "POST":
            raise RefusedError(405, "Method Not Allowed")
        return Answer(msgspec.json.encode(answer_queries(view, call.body)), _JSON)

    def _bulk(self, view: View, call: Call) -> Answer:
        if call.method != "POST":
            raise RefusedError(405, "Method Not Allowed")
        answer, wrote = Bulk(view.as_of(None)).answer(call)
        return Answer(msgspec.json.encode(answer), _JSON, wrote)

    # Refusals

    def _refuse(self, service: str, call: Call, refusal: RefusedError) -> Response:
        """Return an error in the form of the answer, or an IIS page where a switch says so. §3.4 S"""
        if self.world.switches.html_errors:
            return self._html(refusal.status, refusal.message)
        if call.form == "xml" and service in (*REST, *_XML_SERVICES):
            return Response(errors.xml_error(call.href, refusal), refusal.status, content_type=render_xml.CONTENT_TYPE)
        return Response(errors.json_error(refusal), refusal.status, content_type=_JSON)

    def _html(self, status: int, message: str = "") -> Response:
        response = Response(errors.html_error(status, message), status, content_type=_HTML)
        if status == 401:
            response.headers["WWW-Authenticate"] = challenge(self.world.switches)
        return response

    def _perhaps_lose(self) -> None:
        every = self.world.switches.lost_answer_every
        if every and next(self._writes) % every == 0:
            request.environ[HANG_UP] = True


def make_app(
    world: World, gate: Gate, instance: str, more: Callable[[Flask], None] | None = None
) -> tuple[Flask, Answering]:
    """Build the application; `more` may add routes."""
    app = Flask(__name__)
    answering = Answering(world, gate, instance)
    rules = {
        f"{instance}/<service>": "service",
        f"{instance}/<service>/<path:path>": "below",
        f"{instance}/<service>/": "root",
    }
    for rule, name in rules.items():
        app.add_url_rule(rule, name, answering.serve, methods=_METHODS, merge_slashes=False, strict_slashes=True)
    app.register_error_handler(404, lambda _error: Response(errors.html_error(404), 404, content_type=_HTML))

    @app.after_request
    def date(response: Response) -> Response:
        response.headers["Date"] = format_datetime(world.now(), usegmt=True)
        return response

    if more is not None:
        more(app)
    return app, answering
