"""One page of a listing and the envelope around it. rt.md §4.1, §4.2"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.shapes import Renderer
from mirror.simulators.rt.state import View
from mirror.simulators.rt.switches import Switches

_USUAL = 20
_LOOK_AHEAD = 200


class Paging:
    """Which page is asked for, and how large it is."""

    def __init__(self, params: Mapping[str, str], switches: Switches) -> None:
        asked = _number(params.get("per_page"), _USUAL)
        self.per_page = min(asked, switches.page_size_cap)
        self.page = _number(params.get("page"), 1)


def page_of(
    renderer: Renderer,
    table: str,
    numbers: Sequence[int],
    *,
    paging: Paging,
    uri: tuple[str, str],
    total: int | None = None,
) -> dict[str, Any]:
    """Return the answer with one page of `numbers`.

    Args:
        numbers: all rows found, in order; those of types other than tickets regardless of rights.
        uri: the request's address without its query, and the query.
        total: rows that were found, when an unknown order hides them (rt.md §4.1).
    """
    rights, view, switches = renderer.rights, renderer.view, renderer.switches
    last = max(1, math.ceil(len(numbers) / paging.per_page))
    page = min(paging.page, last) if switches.last_page_again and numbers else paging.page
    start = (page - 1) * paging.per_page
    visible = _visible(view, rights, table, numbers[start : start + paging.per_page])
    names = [each for each in renderer.params.get("fields", "").split(",") if each]
    items = [renderer.item(table, each, names) for each in visible]
    known = len(numbers) if total is None else total
    total = known if rights.counts(table) else None
    pages: float | None = None if total is None else math.ceil(total / paging.per_page) or 0.0
    answer: dict[str, Any] = {"count": len(items), "total": total, "per_page": paging.per_page, "page": page}
    answer |= {"items": items, "pages": pages}
    return answer | _neighbours(page, pages, uri, more=_has_more(renderer, table, numbers[start + paging.per_page :]))


def _visible(view: View, rights: Rights, table: str, numbers: Sequence[int]) -> Sequence[int]:
    if rights.superuser and table != "asset":
        return numbers
    rows = ((each, view.row(table, each)) for each in numbers)
    return [each for each, row in rows if (table != "asset" or row["Status"] != "deleted") and rights.sees(table, row)]


def _has_more(renderer: Renderer, table: str, following: Sequence[int]) -> bool:
    """Return whether, looking some rows ahead, the user is shown another one (rt.md §12)."""
    if not renderer.switches.look_ahead:
        return False
    return bool(_visible(renderer.view, renderer.rights, table, following[:_LOOK_AHEAD]))


def _neighbours(page: int, pages: float | None, uri: tuple[str, str], *, more: bool) -> dict[str, str]:
    path, query = uri
    found = {}
    if (pages and page < pages) or (pages is None and more):
        found["next_page"] = f"{path}?{_with_page(query, page + 1)}"
    if pages and page > 1:
        found["prev_page"] = f"{path}?{_with_page(query, int(pages) if page > pages else page - 1)}"
    return found


def _with_page(query: str, page: int) -> str:
    """Return the query for another page; where one was given, a stray pair of nothing stays (rt.md §4.1)."""
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [("", "") if name == "page" else (name, value) for name, value in pairs]
    if kept and kept[-1] == ("", ""):
        kept.pop()
    return urlencode([*kept, ("page", str(page))], safe="'()*!~")


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() and int(text) > 0 else usual
