"""Keys of what changed: behind a moment where the server compares moments, else since a time; many types in one question.

Source: versionone.md §4.2 (sync query rules), §6.4 (values that follow the parent's), C14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from mirror.connectors.versionone.catalog import STAMP
from mirror.connectors.versionone.keys import found_in
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.paging import Pager
from mirror.connectors.versionone.question import Question, Reply
from mirror.connectors.versionone.selection import PARENT_MOMENT, key_picks
from mirror.connectors.versionone.server import Server
from mirror.errors import MirrorError
from mirror.model.page import Key, KeyPage, KeyRange
from mirror.model.progress import Watermark
from mirror.model.schema import RecordType

_MOMENTS_BACK = 200
"""Moments of transactions that run side by side may show out of order; so many are listed again."""


class _Place(Protocol):
    server: Server
    pager: Pager
    page_size: int

    def follows(self, record_type: RecordType) -> bool: ...

    def scope_terms(self, record_type: RecordType) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class _Group:
    """Types that one question lists.

    Attributes:
        position: behind it the listing starts; None when it starts at a time.
    """

    asked: str
    types: tuple[RecordType, ...]
    since: datetime
    position: int | None

    @property
    def names(self) -> list[str]:
        return [each.name for each in self.types]


def changes(place: _Place, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> Iterator[KeyPage]:
    """Yield changed keys by type; what one request cannot answer is asked further, type by type where a group is refused."""
    groups = _groups(place, types, since)
    questions = [_question(place, each) for each in groups]
    for group, question, reply in zip(groups, questions, place.server.form.ask(questions), strict=True):
        if reply.failure and len(group.types) > 1:
            alone = [replace(group, asked=each.name, types=(each,)) for each in group.types]
            asked = [_question(place, each) for each in alone]
            for single, its, answer in zip(alone, asked, place.server.form.ask(asked), strict=True):
                yield from _pages(place, single, its, answer)
        else:
            yield from _pages(place, group, question, reply)


def _groups(place: _Place, types: Sequence[RecordType], since: Mapping[str, Watermark]) -> list[_Group]:
    """Put types together that one question can list, apart by whether a position is known for them."""
    moments = place.server.compares_moments
    together: dict[tuple[str, bool], list[RecordType]] = {}
    for each in types:
        family = "" if place.scope_terms(each) else each.family
        known = moments and since[each.name].position is not None
        together.setdefault((family or each.name, known), []).append(each)
    groups = []
    for (asked, known), some in together.items():
        marks = [since[each.name] for each in some]
        position = min(each.position or 0 for each in marks) if known else None
        groups.append(_Group(asked, tuple(some), min(each.at for each in marks), position))
    return groups


def _question(place: _Place, group: _Group) -> Question:
    follows = len(group.types) == 1 and place.follows(group.types[0])
    if group.position is None:
        stamps = [STAMP, *(["Parent." + STAMP] if follows else [])]
        terms = [f"{each}>='{written(group.since)}'" for each in stamps]
    else:
        behind = max(0, group.position - _MOMENTS_BACK)
        terms = [f"{each}>'{behind}'" for each in (MOMENT, *([PARENT_MOMENT] if follows else []))]
    picks = key_picks(group.types[0], follows=follows)
    if group.asked != group.types[0].name:
        return Question(group.asked, picks, ("|".join(terms),), place.page_size, abstract=True)
    scope = place.scope_terms(group.types[0])
    return Question(group.asked, picks, ("|".join(terms), *scope), place.page_size)


def _pages(place: _Place, group: _Group, question: Question, first: Reply) -> Iterator[KeyPage]:
    """Yield the keys of one listing by type, page by page; at its end all types are complete up to the newest moment."""
    newest = group.position or 0
    reply = first
    try:
        for reply in place.pager.replies(question, KeyRange(), first):
            if reply.failure:
                break
            by_type: dict[str, list[Key]] = {name: [] for name in group.names}
            for each in found_in(reply):
                newest = max(newest, each.moment)
                if each.type_name in by_type:
                    by_type[each.type_name].append(each.key)
            for name, keys in by_type.items():
                if keys and not reply.complete:
                    yield KeyPage(name, keys, False, reply.server_time)
            if reply.complete:
                position = newest or None
                for name, keys in by_type.items():
                    yield KeyPage(name, keys, True, first.server_time, position=position)
                return
    except MirrorError as error:
        reply = replace(reply, failure=str(error))
    for name in group.names:
        yield KeyPage(name, (), False, reply.server_time, failure=reply.failure)


def written(moment: datetime) -> str:
    """Return an instant, aware, as a filter takes it: UTC without a zone (§4.1 S)."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
