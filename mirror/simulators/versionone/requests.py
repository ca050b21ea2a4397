"""One request to rest-1, read: form of the answer, parameters, query. versionone.md §1, §4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import Request

from mirror.simulators.versionone.grammar import (
    GrammarError,
    parse_filter,
    parse_order,
    parse_selection,
    parse_variables,
)
from mirror.simulators.versionone.query import Query
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.view import View, read_instant

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the services need it.

    Attributes:
        path: below the service, decoded.
        args: parameters by lower-case name: names are case-insensitive, the first of equals counts. §1 I
        form: `xml`, `json` or `hal`.
        href: path and query as sent, for error bodies.
    """

    method: str
    path: str
    args: dict[str, str]
    body: bytes
    content_type: str
    form: str
    href: str

    @property
    def comment(self) -> str | None:
        """The change comment, with or without quotes around it. §4 S"""
        text = self.args.get("comment")
        if text and len(text) > 1 and text[0] == text[-1] == "'":
            return text[1:-1]
        return text or None

    @property
    def need_total(self) -> bool:
        """True if `needTotal=true` was asked. C1"""
        return self.args.get("needtotal", "").lower() == "true"


def read_call(request: Request, path: str, switches: Switches) -> Call:
    """Read a request; `path` is what follows the service."""
    args: dict[str, str] = {}
    for name, value in request.args.items(multi=True):
        args.setdefault(name.lower(), value)
    return Call(
        method=request.method,
        path=path,
        args=args,
        body=request.get_data(),
        content_type=request.headers.get("Content-Type", ""),
        form=answer_form(request.headers.get("Accept", ""), args) if switches.json else "xml",
        href=request.full_path.rstrip("?"),
    )


def answer_form(accept: str, args: dict[str, str]) -> str:
    """Return the form a client asks for, by header or parameter; XML if it does not say. §1 L/D/S/R"""
    wanted = f"{args.get('acceptformat', '')} {args.get('accept', '')} {accept}".lower()
    if "haljson" in wanted:
        return "hal"
    return "json" if "application/json" in wanted or "text/json" in wanted else "xml"


def read_query(view: View, call: Call, type_name: str, *, asset: int | None = None, versions: bool = False) -> Query:
    """Read the query parameters. §4

    Raises:
        RefusedError: one of them does not follow its notation.
    """
    args = call.args
    sel, where = args.get("sel"), args.get("where", "")
    size, start = _page(args.get("page", ""))
    as_of = args.get("asof", "")
    return Query(
        type_name=type_name,
        asset=asset,
        selection=None if sel is None else _parse(parse_selection, sel, "SEL"),
        condition=_parse(parse_filter, where, "") if where.strip() else None,
        order=_parse(parse_order, args.get("sort", ""), "SORT"),
        size=size,
        start=start,
        find=args.get("find", ""),
        find_in=_parse(parse_selection, args.get("findin", ""), "FINDIN"),
        # The user's zone, not UTC. §4 D
        as_of=read_instant(as_of, view.zone) if as_of else None,
        versions=versions,
        variables=_parse(parse_variables, args.get("with", ""), "WITH"),
    )


def _parse(parse: Callable[[str], Parsed], text: str, name: str) -> Parsed:
    try:
        return parse(text)
    except GrammarError as problem:
        raise RefusedError(400, f"Invalid {name} parameter: {problem}" if name else str(problem)) from None


def _page(text: str) -> tuple[int | None, int]:
    """Read `size,start` or `size`; the start counts rows from 0. §4"""
    if not text:
        return None, 0
    size, _, start = text.replace(" ", "").partition(",")
    if not size.isdigit() or not (start or "0").isdigit():
        raise RefusedError(400, f"Invalid PAGE parameter: {text}")
    return int(size), int(start or "0")
