"""`POST /batch`: many requests in one. rally.md §8.5 R/S.

Each entry stands for itself: whether a batch is atomic is unknown, so it is taken not to be (I). The reply to an entry
with Method GET is not recorded either; here it is the content of the QueryResult, or of the object under `Object` (I).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from mirror.simulators.rally.items import RefusedError
from mirror.simulators.rally.requests import UnknownPathError
from mirror.simulators.rally.service import Args, Service
from mirror.simulators.rally.shapes import API, Row

Write = Callable[[Service, str, str, Args, Any], Row]


def answer(service: Service, body: Any, write: Write) -> Row:
    """Return the BatchResult; results keep the order of the entries."""
    entries = body.get("Batch") if isinstance(body, dict) else body
    if not isinstance(entries, list):
        return {"BatchResult": {"Errors": ["Could not parse the request body"], "Warnings": [], "Results": []}}
    results = [_entry(service, each.get("Entry", each) if isinstance(each, dict) else {}, write) for each in entries]
    return {"BatchResult": {"Errors": [], "Warnings": [], "Results": results}}


def _entry(service: Service, entry: dict[str, Any], write: Write) -> Row:
    method = str(entry.get("Method", "")).upper()
    parts = urlsplit(str(entry.get("Path", "")))
    args = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = re.sub(r"^.*/webservice/v[^/]+/", "", parts.path).strip("/").removesuffix(".js")
    try:
        if method == "GET":
            return _get(service, path, args)
        return cast("Row", next(iter(write(service, method, path, args, entry.get("Body")).values())))
    except UnknownPathError:
        return _failed(f"Could not find web service for /{path} using request method {method}.")
    except RefusedError as refusal:
        return _failed(refusal.text)


def _get(service: Service, path: str, args: Args) -> Row:
    if service.world.switches.batch_get_refused:
        return _failed("Method GET is not allowed in a batch")
    root, content = next(iter(service.get(path, args).items()))
    content = cast("Row", content)
    if root in ("QueryResult", "OperationResult"):
        return content
    found = {name: value for name, value in content.items() if name not in ("Errors", "Warnings")}
    return {**API, "Errors": [], "Warnings": [], "Object": found}


def _failed(text: str) -> Row:
    return {**API, "Errors": [text], "Warnings": []}
