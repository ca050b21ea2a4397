"""One request, read, and the answers that it can get. rt.md §3"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Request, Response

from mirror.simulators.rt.work import RefusedError

_encode = msgspec.json.Encoder().encode

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    412: "Precondition Failed",
    415: "Unsupported Media Type",
    500: "Internal Server Error",
    501: "Not Implemented",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request below `/REST/2.0`.

    Attributes:
        path: behind that.
        params: of the query; of a form in the body, too.
        lists: the same with every value of each name.
        base: address of `/REST/2.0`, as configured; `_url` values begin with it.
    """

    method: str
    path: str
    params: Mapping[str, str]
    lists: Mapping[str, list[str]]
    body: bytes
    content_type: str
    headers: Mapping[str, str]
    files: Mapping[str, list[FileStorage]]
    base: str
    uri: tuple[str, str]

    @classmethod
    def of(cls, request: Request, prefix: str, base: str) -> Call:
        """Read a request."""
        content_type = (request.mimetype or "").lower()
        body = request.get_data(cache=True, parse_form_data=False)
        lists = request.args.to_dict(flat=False)
        files: dict[str, list[FileStorage]] = {}
        if content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            for name, values in request.form.to_dict(flat=False).items():
                lists[name] = [*lists.get(name, []), *values]
            files = request.files.to_dict(flat=False)
        params = {name: values[0] for name, values in lists.items()}
        uri = (request.base_url, request.query_string.decode("ascii", "replace"))
        path = request.path.removeprefix(prefix).rstrip("/") or "/"
        headers = dict(request.headers.items())
        return cls(request.method, path, params, lists, body, content_type, headers, files, base, uri)

    def header(self, name: str) -> str:
        """Return a header, empty when it was not sent."""
        return next((value for each, value in self.headers.items() if each.lower() == name.lower()), "")

    def json(self) -> Any:
        """Return the JSON body, or the one in a part named JSON; query parameters are merged into an object (rt.md §3.2).

        Raises:
            RefusedError: 415 for another kind of body, 400 for malformed JSON, 500 for bad UTF-8.
        """
        found = self._document()
        if isinstance(found, dict):
            query = {name: values for name, values in self.lists.items() if name != "JSON"}
            found |= {name: values[0] if len(values) == 1 else values for name, values in query.items()}
        return found

    def _document(self) -> Any:
        if self.content_type == "multipart/form-data":
            if "JSON" not in self.params:
                raise RefusedError(400, "Json is a required field for multipart/form-data")
            return decoded(self.params["JSON"].encode())
        if self.content_type != "application/json":
            raise RefusedError(415, REASONS[415])
        return decoded(self.body) if self.body else {}


def decoded(body: bytes) -> Any:
    """Return the document in a JSON body."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusedError(500, "") from None
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as problem:
        raise RefusedError(400, f"JSON parse error: {problem}\n") from None


def answer(content: object, status: int = 200, *, quoted: bool = True) -> Response:
    """Return a JSON answer."""
    charset = '"utf-8"' if quoted else "utf-8"
    return Response(_encode(content), status=status, content_type=f"application/json; charset={charset}")


def message(status: int, text: str = "") -> Response:
    """Return an error with its message; 500 without one has an empty body (rt.md §3.4)."""
    if status == 500 and not text:
        return Response(b"", status=500, content_type='application/json; charset="utf-8"')
    return answer({"message": text or REASONS.get(status, "Error")}, status, quoted=False)


def created(content: object, location: str) -> Response:
    """Return the answer to a successful POST."""
    response = answer(content, 201, quoted=False)
    response.headers["Location"] = location
    response.autocorrect_location_header = False
    return response


def plain(status: int) -> Response:
    """Return an answer without a body."""
    return Response(b"", status=status, content_type='application/json; charset="utf-8"')
