"""The records of a source as they were at one instant: objects of their own, to be read and never changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Never, cast

from mirror.errors import UnknownRecordError, UsageError
from mirror.model.layout import Layout
from mirror.query.expr import OWN_ID, Compare, Op, Path, Query
from mirror.script.home import Home
from mirror.script.record import Record
from mirror.script.session import Session

if TYPE_CHECKING:
    from mirror.script.writing import Writer

_KEY = re.compile(r"(?:(?P<type>.+)[/:])?(?P<key>[^/:]+)")


def past_of(session: Session, source: str, at: datetime) -> PastSession:
    """Return the session of what the records of `source` were at an instant; the same one while a script holds some of them.

    Args:
        at: aware, UTC.

    Raises:
        UsageError: no history is kept of any of its types.
    """
    if session.as_of == at:
        return cast("PastSession", session)
    live = session.live
    found = live.pasts.get((source, at))
    if found is None:
        found = live.pasts[source, at] = PastSession(live, live.home(source), at)
    return cast("PastSession", found)


class PastSession(Session):
    """The records of one source as of one instant. What is reached from one of them is as of the same instant.

    A record whose type has no history is not to be had: what refers to it shows the name that it had.
    """

    def __init__(self, live: Session, home: Home, at: datetime) -> None:
        super().__init__(_refuse_reading, live.content)
        self.as_of = at
        self.live = live
        self.writer = cast("Writer", _ReadOnly(at))
        self.watch = _refuse_watching
        self._home = home.at(at)
        self.enter(self._home)

    def find(self, source: str, key: str) -> Record:
        """Return the record that was called `key` then: `DE17`, `Defect/17`, `Defect:DE17`.

        Raises:
            UnknownRecordError: there was none, or there were several.
            UsageError: the history of its type is not kept.
        """
        match = _KEY.fullmatch(key.strip())
        kinds = self._kinds(match["type"]) if match else []
        queries = [query for each in kinds if match and (query := _called(each, match["key"], by_id=bool(match["type"])))]
        found = self._home.searching.ids(queries)
        if not found:
            raise UnknownRecordError(f"as of {self.as_of:%Y-%m-%dT%H:%M:%SZ} the mirror knows no {key} in {source}")
        if len(found) > 1:
            names = " and ".join(f"{name}/{number}" for name, number in found)
            raise UnknownRecordError(f"{key} were several then: say {names}")
        (type_name, number) = found[0]
        return self.records(source, [type_name], [number])[number]

    def _kinds(self, named: str | None) -> list[Layout]:
        if named:
            return [*self._home.types(named)]
        return [each for name, each in self._home.layouts.items() if name in self._home.kept and each.type.key_field]

    def records(self, source: str, type_names: Sequence[str], ids: Collection[int]) -> dict[int, Record]:
        """Return the records with those ids, by id, looked for in those of these types whose history is kept."""
        return super().records(source, [each for each in type_names if each in self._home.kept], ids)

    def pass_on(self) -> None:
        """Note that the database has been written to: more may be known now of what was."""
        super().pass_on()
        self._home.renew()


class _ReadOnly:
    """Stands where a session has what makes changes."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def __getattr__(self, name: str) -> Callable[..., Never]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_arguments: object, **_more: object) -> Never:
            raise UsageError(
                f"what was as of {self._at:%Y-%m-%dT%H:%M:%SZ} cannot be changed; take the record as it is, without as_of"
            )

        return refuse


def _refuse_reading(_source: str, _type_name: str, _record_id: int) -> Never:
    raise UsageError("a record as of an instant that is past cannot be refreshed; take it as it is now, without as_of")


def _refuse_watching(*_arguments: object, **_more: object) -> Never:
    raise UsageError("what was does not change any more; watch the records as they are now, without as_of")


def _called(layout: Layout, key: str, *, by_id: bool) -> Query | None:
    """Return the query for a record by its key, or where it may be that, its number; None when it cannot be of that type."""
    if by_id and key.isdecimal():
        return Query(layout.type.name, Compare(Path(OWN_ID), Op.EQ, int(key)))
    if layout.type.key_field is None:
        return None
    return Query(layout.type.name, Compare(Path(layout.type.key_field), Op.EQ, key, folds_case=True))
