"""Who is there: keys and counts of ranges of ids.

Source: versionone.md §4.2 (rules 3 and 7), C1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from mirror.connectors.base import Window
from mirror.connectors.versionone.catalog import SMALL_FAMILY
from mirror.connectors.versionone.counting import counts
from mirror.connectors.versionone.keys import found_in
from mirror.connectors.versionone.paging import OFFSET, Pager
from mirror.connectors.versionone.question import Question, Reply
from mirror.connectors.versionone.selection import key_picks
from mirror.connectors.versionone.server import Server
from mirror.errors import MirrorError
from mirror.model.page import Key, KeyPage, KeyRange
from mirror.model.schema import RecordType


class _Place(Protocol):
    server: Server
    pager: Pager
    page_size: int

    def follows(self, record_type: RecordType) -> bool: ...

    def scope_terms(self, record_type: RecordType) -> tuple[str, ...]: ...


def census(place: _Place, windows: Sequence[Window]) -> Iterator[KeyPage]:
    """Answer each window, in order: keys from one batch or, where there are none, small types together; counts singly."""
    together = {} if place.server.form.batches else _small_together(place, windows)
    listed = [each for each in windows if not each.count_only and each.type.name not in together]
    counted = [each for each in windows if each.count_only]
    keys = iter(zip(listed, place.server.form.ask([_first(place, each) for each in listed]), strict=True))
    numbers = _counts(place, counted)
    for window in windows:
        if window.count_only:
            yield next(numbers)
        elif window.type.name in together:
            yield together[window.type.name]
        else:
            asked, reply = next(keys)
            yield _keys(place, asked, reply)


def _question(place: _Place, record_type: RecordType) -> Question:
    picks = key_picks(record_type, follows=place.follows(record_type))
    return Question(record_type.name, picks, place.scope_terms(record_type), place.page_size)


def _first(place: _Place, window: Window) -> Question:
    return place.pager.within(_question(place, window.type), window.keys)


def _counting(place: _Place, window: Window) -> Question:
    question = Question(window.type.name, (), place.scope_terms(window.type), 1)
    return place.pager.within(question, window.keys)


def _counts(place: _Place, windows: Sequence[Window]) -> Iterator[KeyPage]:
    """Yield the answers to windows that only want a number; None where ids cannot be compared and a range is meant."""
    questions = [_counting(place, each) for each in windows]
    # Only rest-1.v1 tells totals; one that does not in its first answer will not in the others.
    replies = place.server.rest.ask(questions[:1])
    if replies and replies[0].total is not None:
        replies += place.server.rest.ask(questions[1:])
        totals = [each.total for each in replies]
    else:
        totals = counts(place.server.form, questions)
        replies = replies * len(questions)
    by_offset = place.server.ids_by == OFFSET
    for window, reply, total in zip(windows, replies, totals, strict=True):
        known = None if by_offset and window.keys != KeyRange() else total
        yield KeyPage(window.type.name, (), False, reply.server_time, total=known, failure=reply.failure)


def _keys(place: _Place, window: Window, first: Reply) -> KeyPage:
    name, keys = window.type.name, list[Key]()
    if first.failure:
        return KeyPage(name, (), False, first.server_time, failure=first.failure)
    is_narrowed = window.keys != KeyRange() and place.server.ids_by == OFFSET
    try:
        # By offset the first question was not narrowed to the range, so it is asked anew.
        replies = place.pager.replies(_question(place, window.type), window.keys, None if is_narrowed else first)
        for reply in replies:
            keys.extend(each.key for each in found_in(reply))
    except MirrorError as error:
        return KeyPage(name, (), False, first.server_time, failure=str(error))
    return KeyPage(name, keys, True, first.server_time, total=len(keys))


def _small_together(place: _Place, windows: Sequence[Window]) -> dict[str, KeyPage]:
    """Return the answers to windows on whole small types, all from one listing; none when that is refused."""
    whole = [each for each in windows if each.keys == KeyRange() and not each.count_only]
    types = [each.type for each in whole if each.type.family == SMALL_FAMILY]
    if len(types) < 2:
        return {}
    question = Question(SMALL_FAMILY, key_picks(types[0], follows=False), size=place.page_size, abstract=True)
    first: Reply | None = None
    found: dict[str, list[Key]] = {each.name: [] for each in types}
    try:
        for reply in place.pager.replies(question, KeyRange()):
            first = first or reply
            for each in found_in(reply):
                if each.type_name in found:
                    found[each.type_name].append(each.key)
    except MirrorError:
        return {}
    if first is None:
        return {}
    at = first.server_time
    return {name: KeyPage(name, keys, True, at, total=len(keys)) for name, keys in found.items()}
