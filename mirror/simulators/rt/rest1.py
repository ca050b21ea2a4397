"""As much of REST 1.0, and of the pages for people, as opens and closes sessions. rt.md §2.2, §8"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from mirror.simulators.rt import auth
from mirror.simulators.rt.reading import VERSION
from mirror.simulators.rt.state import View
from mirror.simulators.rt.world import World

FORM = "/NoAuth/Login.html"
_FORM_PAGE = b"""<!DOCTYPE html><html><head><title>Login</title></head><body><form method="post" action="/NoAuth/Login.html">
<input name="user"><input type="password" name="pass"></form></body></html>"""


class Login:
    """Answers requests below `/REST/1.0`: always with status 200, the real one is in the first line (rt.md §1.13)."""

    def __init__(self, world: World, gate: auth.Gate) -> None:
        self._world = world
        self._gate = gate

    def serve(self, request: Request) -> Response:
        """Answer a request: with credentials that are good it opens a session."""
        if not self._world.switches.rest1:
            return Response(b"<html><body>Page not found</body></html>", status=404, content_type="text/html")
        view, cookie = self._world.view(), request.cookies.get(self._gate.cookie)
        if request.path.rstrip("/").endswith("/logout"):
            self._gate.close(cookie or "")
            return _page("200 Ok", "")
        user = self._user(view, request, cookie)
        if user is None:
            return _page("401 Credentials required", "")
        response = _page("200 Ok", "# Welcome to RT")
        response.set_cookie(self._gate.cookie, self._gate.open(user, self._world.now()), path="/", httponly=True)
        return response

    def serve_form(self, request: Request) -> Response:
        """Answer the page to log in: 200 and a cookie in any case, which is good only after the right password.

        Seen on 5.0.3; a token is not looked at there.
        """
        if not self._world.switches.login_form:
            return Response(b"<html><body>Page not found</body></html>", status=404, content_type="text/html")
        name = request.form.get("user")
        user = None if name is None else auth.by_password(self._world.view(), name, request.form.get("pass", ""))
        moment = self._world.now()
        value = self._gate.open(user, moment) if user is not None else self._gate.stranger(moment)
        response = Response(_FORM_PAGE, content_type="text/html; charset=utf-8")
        response.set_cookie(self._gate.cookie, value, path="/", httponly=True)
        return response

    def _user(self, view: View, request: Request, cookie: str | None) -> int | None:
        name, password = request.values.get("user"), request.values.get("pass")
        if name is not None:
            return auth.by_password(view, name, password or "")
        way, _, secret = request.headers.get("Authorization", "").partition(" ")
        if way.lower() == "token":  # rt.md §2.1: HTTP Basic is not accepted here
            return auth.by_token(view, secret)
        return self._gate.by_session(cookie, self._world.now(), self._world.switches.session_seconds)


def _page(status: str, text: str) -> Response:
    return Response(f"RT/{VERSION} {status}\n\n{text}\n", content_type="text/plain; charset=utf-8")
