"""Routes, statuses and headers: what is asked of whom, and in which order refusals come. rt.md §3"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from email.utils import format_datetime
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from mirror.simulators.rt import auth
from mirror.simulators.rt.call import Call, message
from mirror.simulators.rt.control import Controls
from mirror.simulators.rt.reading import COLLECTIONS, Reader, broken
from mirror.simulators.rt.rest1 import FORM, Login
from mirror.simulators.rt.shapes import BrokenError
from mirror.simulators.rt.work import RT_SYSTEM, RefusedError
from mirror.simulators.rt.world import World
from mirror.simulators.rt.writing import Writer
from mirror.simulators.traffic import HANG_UP

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PREFIX = "/REST/2.0"
_KNOWN = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_SINGLE = "ticket|queue|user|group|customfield|customrole|asset|catalog|article|class|transaction|attachment"
_NAMED = r"(queue|user)/([^/]+)"
_NUMBERED = r"(ticket|group|customfield|asset|catalog|article|class)/(\d+)"

_Read = Callable[[Reader, tuple[str, ...]], Response]
_Write = Callable[[Writer, tuple[str, ...]], Response]


class Route:
    """One form of address, and what answers it by method."""

    def __init__(self, pattern: str, *, get: _Read | None = None, searched: bool = False, **writes: _Write) -> None:
        self.pattern = re.compile(rf"^{pattern}$")
        self.get = get
        self.searched = searched
        self.writes = {name.upper(): write for name, write in writes.items()}

    @property
    def methods(self) -> list[str]:
        """Methods in the order in which `Allow` names them."""
        reads = ["GET", "HEAD"] if self.get else []
        return [*reads, *(["POST"] if self.searched else []), *(each for each in self.writes)]


def _listed(table: str) -> Route:
    name = next(each for each, kind in COLLECTIONS.items() if kind == table)
    return Route(f"/{name}", get=lambda r, _: r.collection(table), searched=True)


_ROUTES = (
    Route("/rt", get=lambda r, _: r.about()),
    Route("/tickets", get=lambda r, _: r.tickets(), searched=True),
    Route("/tickets/bulk", post=lambda w, _: w.bulk(), put=lambda w, _: w.bulk()),
    Route("/tickets/bulk/(comment|correspond)", post=lambda w, m: w.bulk_say(m[0])),
    *(_listed(table) for table in COLLECTIONS.values()),
    Route("/queues/all", get=lambda r, _: r.every("queue"), searched=True),
    Route("/catalogs/all", get=lambda r, _: r.every("catalog"), searched=True),
    Route("/classes/all", get=lambda r, _: r.every("class"), searched=True),
    Route(r"/ticket/(\d+)/(take|untake|steal)", put=lambda w, m: w.update("ticket", m[0], m[1])),
    Route(r"/ticket/(\d+)/(comment|correspond)", post=lambda w, m: w.say(m[0], m[1])),
    Route(r"/ticket/(\d+)/attachments", get=lambda r, m: r.attachments_of_ticket(m[0]), searched=True),
    Route(r"/transaction/(\d+)/attachments", get=lambda r, m: r.attachments_of_transaction(int(m[0])), searched=True),
    Route(
        r"/(ticket|queue|asset|user|group|article)/([^/]+)/history", get=lambda r, m: r.history(m[0], m[1]), searched=True
    ),
    Route(r"/(queue|catalog|class)/(\d+)/customfields", get=lambda r, m: r.fields_of(m[0], m[1]), searched=True),
    Route(r"/customfield/(\d+)/values", get=lambda r, m: r.values_of(int(m[0])), searched=True),
    Route(r"/customfield/(\d+)/value", post=lambda w, m: w.add_value(int(m[0]))),
    Route(r"/customfield/(\d+)/value/(\d+)", delete=lambda w, m: w.delete_value(int(m[1]))),
    Route(
        r"/group/(\d+)/members",
        get=lambda r, m: r.members_of(int(m[0])),
        delete=lambda w, m: w.remove_members(int(m[0]), None),
        put=lambda w, m: w.add_members(int(m[0])),
    ),
    Route(r"/group/(\d+)/member/(\d+)", delete=lambda w, m: w.remove_members(int(m[0]), int(m[1]))),
    Route(r"/download/cf/(\d+)", get=lambda r, m: r.download(int(m[0]))),
    Route(r"/(transaction|attachment|customrole)/(\d+)", get=lambda r, m: r.record(m[0], m[1])),
    Route(rf"/({_SINGLE})", post=lambda w, m: w.create(m[0])),
    *(
        Route(
            f"/{pattern}",
            get=lambda r, m: r.record(m[0], m[1]),
            delete=lambda w, m: w.delete(m[0], m[1]),
            put=lambda w, m: w.update(m[0], m[1]),
            post=lambda w, m: w.create_over(m[0], m[1]),
        )
        for pattern in (_NAMED, _NUMBERED)
    ),
)


class Application:
    """Answers every request for one world."""

    def __init__(self, world: World, gate: auth.Gate, controls: Controls) -> None:
        self._world = world
        self._gate = gate
        self._controls = controls
        self._login = Login(world, gate)
        self._turns = itertools.count(1)
        self._reads = itertools.count(1)
        self._writes = itertools.count(1)
        self._guarded = itertools.count(1)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._answered(request)
        except Exception as problem:  # noqa: BLE001 - whoever asks is told, as by a server that fails
            response = message(500, f"the simulator failed: {problem!r}")
        finally:
            request.close()  # uploaded files are kept open till then
        response.headers["Date"] = format_datetime(self._world.now(), usegmt=True)
        body = response.get_data()
        if response.status_code not in (204, 304):
            response.headers["Content-Length"] = str(len(body))
        # written by hand: a library that knows better would drop headers that RT sends with a 304
        start_response(response.status, list(response.headers))
        return [body]

    def _answered(self, request: Request) -> Response:
        if request.path.startswith("/simulator"):
            return self._controls.serve(request)
        with self._world.lock:
            self._world.state.release(self._world.now())
            if request.path.startswith("/REST/1.0"):
                return self._login.serve(request)
            if request.path == FORM:
                return self._login.serve_form(request)
            if not request.path.startswith(_PREFIX + "/"):
                return Response(b"<html><body>Page not found</body></html>", status=404, content_type="text/html")
            user = self._user(request)
            if user is None:
                return self._stranger(request)
            return self._routed(request, user)

    def _user(self, request: Request) -> int | None:
        view = self._world.view()
        lasts = self._world.switches.session_seconds
        user = self._gate.by_session(request.cookies.get(self._gate.cookie), self._world.now(), lasts)
        row = None if user is None else view.get("user", user)
        if row is not None and not row["Disabled"]:
            return user
        if "token" in request.args:
            return auth.by_token(view, request.args["token"])
        return auth.by_header(view, request.headers.get("Authorization", ""))

    def _stranger(self, request: Request) -> Response:
        if not auth.looks_like_a_browser(request.headers.get("User-Agent", ""), request.cookies):
            return message(401)
        response = Response(b"Login required", status=302)
        response.headers["Location"] = "/"
        response.autocorrect_location_header = False
        return response

    def _routed(self, request: Request, user: int) -> Response:
        call = Call.of(request, _PREFIX, self._world.base)
        for route in _ROUTES:
            found = route.pattern.match(call.path)
            if found is not None:
                return self._checked(request, call, route, found.groups(), user)
        return message(404)

    def _checked(self, request: Request, call: Call, route: Route, parts: tuple[str, ...], user: int) -> Response:
        if call.method not in _KNOWN:
            return message(501)
        if call.method not in route.methods:
            response = message(405)
            response.headers["Allow"] = ", ".join(route.methods)
            return response
        if call.method in ("PUT", "POST") and call.content_type == "" and not route.searched:
            return message(415)
        accepted = request.accept_mimetypes
        if accepted and not accepted["application/json"]:
            return message(406)
        try:
            if call.method in ("GET", "HEAD") or (call.method == "POST" and route.searched):
                return self._read(call, route, parts, user)
            return self._write(request, call, route, parts, user)
        except (BrokenError, RefusedError) as problem:
            return broken(problem)

    def _read(self, call: Call, route: Route, parts: tuple[str, ...], user: int) -> Response:
        if _hits(self._world.switches.error_every, next(self._reads)):
            return message(500)
        read = route.get
        if read is None:
            return message(405)
        asker = self._world.asker(user, lagging=True)
        return read(Reader(call, asker, self._world.switches, next(self._turns)), parts)

    def _write(self, request: Request, call: Call, route: Route, parts: tuple[str, ...], user: int) -> Response:
        work = self._world.work(user)
        response = route.writes[call.method](Writer(call, work, lambda ticket: self._race(call, ticket)), parts)
        if _hits(self._world.switches.lost_answer_every, next(self._writes)):
            request.environ[HANG_UP] = True
        return response

    def _race(self, call: Call, ticket: int) -> None:
        """Let somebody else edit a ticket behind the check of its ETag, if it is the turn (rt.md §6.4)."""
        is_guarded = call.path.startswith("/ticket/") and bool(call.header("If-Match"))
        if is_guarded and _hits(self._world.switches.racing_edit_every, next(self._guarded)):
            self._world.work(RT_SYSTEM).note("ticket", ticket, "Set", Field="Priority", OldValue="0", NewValue="0")


def _hits(every: int, count: int) -> bool:
    """Return whether a count is one of each `every`; 0 is never."""
    return every > 0 and count % every == 0
