"""The records of a type, or those that a query finds: asked for step by step, read when they are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Never, Self, cast, overload

from mirror.connectors.language import Asked, Criteria
from mirror.errors import QueryError, UsageError
from mirror.model.layout import Layout
from mirror.model.schema import Kind
from mirror.query.expr import EVERYTHING, All, Order, Query
from mirror.script.doubts import doubts
from mirror.script.frames import Table
from mirror.script.home import Home
from mirror.script.instants import Instant, Several, instant_of
from mirror.script.instead import instead
from mirror.script.moments import Moments
from mirror.script.ordering import orders
from mirror.script.past import past_of
from mirror.script.record import R_co
from mirror.script.selecting import Selection, selection
from mirror.script.session import Session
from mirror.script.where import where
from mirror.store.search import Row, Terms
from mirror.store.store import no_history

if TYPE_CHECKING:
    from mirror.script.watcher import Changed, Created, Deleted, Watcher

PEERS = 10_000
"""How many records of one loop are read, and read on, together; memory holds no more of them."""


@dataclass(frozen=True, slots=True)
class Records(Generic[R_co]):
    """Records of one type, or of several. Every method that narrows them returns others and leaves these as they are.

    Attributes:
        layouts: the types.
        texts: queries in the tracker's own language; all of them hold.
        equal: what `where` was given.
        keys: the order, in the tracker's own language; empty for the query's own.
        terms: what `select` was given.
        size: how many at most; None for all.
        start: how many are passed over.
    """

    session: Session
    home: Home
    layouts: tuple[Layout, ...]
    texts: tuple[str, ...] = ()
    equal: tuple[Mapping[str, object], ...] = ()
    keys: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    size: int | None = None
    start: int = 0

    if not TYPE_CHECKING:  # to a type checker and an editor nothing but what is there has a name

        def __getattr__(self, name: str) -> Never:
            raise AttributeError(f"Records have no {name!r}{instead(self, name)}", name=name, obj=self)

    # narrowing

    def find(self, text: str | Criteria) -> Self:
        """Return those of them that a query in the tracker's own language finds; as of its instant where it says one.

        It may be a mapping of fields to the values they have, or a list of conditions that all hold, as pyral takes them.

        Raises:
            QueryError: it cannot be understood; points at the place.
        """
        written = text if isinstance(text, str) else self.home.language.written(text)
        found = self._checked(replace(self, texts=(*self.texts, written)))
        at = next((each.as_of for each in found._queries() if each.as_of is not None), None)
        return found if at is None else found.as_of(at)

    def where(self, **equal: object) -> Self:
        """Return those of them whose fields have these values; None for none, a list for any of its items.

        Names may be dotted, with `__` for the dot: `Owner__Name="Ann"`. A reference takes a record, an id, a shown name, a
        key, a person's address, or what trackers write for it: `"Scope:1014"`, `"/project/17"`.

        Raises:
            QueryError: there is no such field, or it cannot have such a value.
        """
        return self._checked(replace(self, equal=(*self.equal, equal)))

    def order(self, *keys: str) -> Self:
        """Return them in another order: `"Priority"`, `"-LastUpdateDate"`, or both in one text with a comma.

        Raises:
            QueryError: a key cannot be understood.
        """
        return self._checked(replace(self, keys=keys))

    sort = order

    def select(self, *terms: str) -> Self:
        """Say what `rows`, `dicts` and the frames are to have, in the tracker's own language: `"Owner.Name"`.

        Raises:
            QueryError: a term cannot be understood.
        """
        return self._checked(replace(self, terms=(*self.terms, *terms)))

    def limit(self, size: int) -> Self:
        """Return at most so many of them."""
        return self.page(size, 0)

    def page(self, size: int, start: int = 0) -> Self:
        """Return at most `size` of them, without the first `start`."""
        if size < 0 or start < 0:
            raise UsageError("a page has a size and a start of 0 or more")
        left = size if self.size is None else min(size, max(0, self.size - start))
        return replace(self, size=left, start=self.start + start)

    @overload
    def as_of(self, instant: Instant) -> Self: ...
    @overload
    def as_of(self, instant: Several) -> Moments: ...
    def as_of(self, instant: Instant | Several) -> Self | Moments:
        """Return them as the tracker had them at an instant, read only; what they lead to is as of the same instant.

        Args:
            instant: an aware datetime, a day (its beginning, UTC), or either as ISO 8601 text. A list of these gives one
                iterable through all of them in turn, with the instant as `as_of` in each record and row.

        Raises:
            UsageError: it is none, has no time zone or is yet to come; or the history of a type is not kept.
        """
        if not isinstance(instant, date | str):
            return Moments(tuple(self.as_of(each) for each in instant))
        at = instant_of(instant, self.home.asked().now)
        for each in self.layouts:
            if each.type.name not in self.home.kept:
                raise no_history(self.home.source, each.type.name)
        past = past_of(self.session, self.home.source, at)
        return replace(self, session=past, home=past.home(self.home.source))

    # reading

    def __call__(self, key: str | int) -> R_co:
        """Return the record of this type with that key or number: `rt.ticket(17)`, `acme.Defect("DE17")`.

        Raises:
            UnknownRecordError: there is none.
        """
        name = self.layouts[0].type.name if len(self.layouts) == 1 else ""
        return cast("R_co", self.session.find(self.home.source, f"{name}/{key}" if name else str(key)))

    def __iter__(self) -> Iterator[R_co]:
        """Yield them as they are read. What one of them leads to is read for up to 10,000 of them at once."""
        with self._reading() as rows:
            while chunk := list(islice(rows, PEERS)):
                yield from self._adopted(chunk)
                chunk.clear()  # while the next ones are read, nothing but the script holds these

    def all(self) -> list[R_co]:
        """Return all of them."""
        return [*iter(self)]

    def first(self) -> R_co | None:
        """Return the first; None when there is none."""
        return next(iter(self.limit(1)), None)

    def count(self) -> int:
        """Return how many there are."""
        found = max(0, self.home.searching.count(self._queries()) - self.start)
        return found if self.size is None else min(found, self.size)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of what was selected, or of all fields, as they are read; no Record is made."""
        yield from self._selected(self._selection())

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Yield as `rows` does, by name."""
        chosen = self._selection()
        names = chosen.names
        for row in self._selected(chosen):
            yield dict(zip(names, row, strict=True))

    def values(self, name: str) -> Iterator[Any]:
        """Yield the value of one field, or of whatever `select` takes, as they are read: `values("Owner.Name")`.

        Raises:
            QueryError: the name cannot be understood.
        """
        chosen = self._checked(replace(self, terms=(name,)))
        return (value for (value,) in chosen.rows())

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return self.first() is not None

    @overload
    def __getitem__(self, index: int) -> R_co: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> R_co | Self:
        if isinstance(index, slice):
            return self._sliced(index)
        if index < 0:
            raise IndexError("records are counted from the first; order them the other way round")
        found = self.page(1, index).first()
        if found is None:
            raise IndexError(f"there are no {index + 1} records")
        return found

    def _sliced(self, part: slice) -> Self:
        start = part.start or 0
        if part.step not in (None, 1):
            raise UsageError("records are sliced without a step")
        if part.stop is not None:
            return self.page(max(part.stop - start, 0) if part.stop >= 0 else part.stop, start)
        rest = self.page(0, start)
        return replace(rest, size=None if self.size is None else max(0, self.size - start))

    # frames

    def to_pandas(self) -> Any:
        """Return what was selected as a pandas.DataFrame.

        Raises:
            UsageError: pandas is not installed.
        """
        return self._table().to_pandas()

    def to_polars(self) -> Any:
        """Return what was selected as a polars.DataFrame.

        Raises:
            UsageError: polars is not installed.
        """
        return self._table().to_polars()

    def to_arrow(self) -> Any:
        """Return what was selected as a pyarrow.Table.

        Raises:
            UsageError: pyarrow is not installed.
        """
        return self._table().to_arrow()

    # writing

    def create(self, fields: Mapping[str, object] | None = None, /, **more: object) -> R_co:
        """Create a record; it can be referred to at once, and is queued with the other changes of the session.

        Raises:
            InvalidEditError: a required field is missing, or a value is not possible.
            UsageError: these are of several types.
        """
        return cast("R_co", self.session.writer.create(self._only(), {**(fields or {}), **more}))

    def create_many(self, rows: Iterable[Mapping[str, object]]) -> list[R_co]:
        """Create a record of each row of values: all of them, or none."""
        return cast("list[R_co]", self.session.writer.create_many(self._only(), rows))

    def update_many(self, fields: Mapping[str, object] | None = None, /, **more: object) -> int:
        """Give fields of all of them other values: of all, or of none; return how many there are."""
        return self.session.writer.set_many(self.all(), {**(fields or {}), **more})

    # watching

    def watch(
        self,
        *,
        created: Created | None = None,
        changed: Changed | None = None,
        deleted: Deleted | None = None,
        name: str = "",
        own: bool = False,
        since_start: bool = False,
    ) -> Watcher:
        """Have callbacks called when something happens to them on the tracker, as `Mirror.watch` does.

        A record that the query found before it changed, or before it was deleted, is one of them.

        Raises:
            UsageError: nothing to call, a limit, or another watcher of this session has the name.
        """
        called = {"created": created, "changed": changed, "deleted": deleted}
        return self.session.watch(self, **called, name=name, own=own, since_start=since_start)

    # what is asked

    def _queries(self) -> list[Query]:
        """Return what is asked of each type. One that lacks a field has no such records; at least one must understand all.

        Raises:
            QueryError: none does.
        """
        asked = self.home.asked()
        found: list[Query] = []
        refused: list[QueryError] = []
        ordered = orders(self.home.language, self.layouts, ",".join(self.keys), asked)
        for layout in self.layouts:
            try:
                found.append(self._query(layout, ordered[layout.type.name], asked))
            except QueryError as error:
                refused.append(error)
        if refused and not found:
            raise refused[0]
        return found

    def _query(self, layout: Layout, order: tuple[Order, ...], asked: Asked) -> Query:
        language, shape = self.home.language, self.home.shape(layout.type.name)
        queries = [language.query(text, layout, asked) for text in self.texts]
        conditions = [each.where for each in queries] + [where(self.home, shape, each) for each in self.equal]
        order = order or (queries[-1].order if queries else ())
        held = conditions[0] if len(conditions) == 1 else All(tuple(conditions)) if conditions else EVERYTHING
        notes = tuple(note for each in queries for note in each.notes)
        return Query(layout.type.name, held, order, notes, next((each.as_of for each in queries if each.as_of), None))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was understood otherwise than the tracker would have, and what is named and not there, as sentences."""
        queries = self._queries()
        notes = [note for each in queries for note in each.notes]
        lacking = {each.type.name for each in self.layouts} - {each.type_name for each in queries}
        notes += [f"What is asked is not known of {', '.join(sorted(lacking))}: none of these is found"] if lacking else []
        notes += self._unknown_past()
        notes += doubts(self.home, queries, " ".join(self.texts))
        return tuple(dict.fromkeys(notes))

    def _unknown_past(self) -> list[str]:
        """Return what to say of types whose history begins after the instant that is asked about."""
        at, kept = self.home.as_of, self.home.kept if self.home.as_of is not None else {}
        young = {each.type.name: since for each in self.layouts if (since := kept.get(each.type.name))}
        return [
            f"history of {name} is kept since {since:%Y-%m-%dT%H:%M:%SZ}; of before, only what did not change since is known"
            for name, since in young.items()
            if at is not None and at < since
        ]

    def _selection(self) -> Selection:
        """Return what was selected, or all fields."""
        return selection(self.home, self.layouts, self.terms)

    def sql(self) -> str:
        """Return the SQL that these records are read with, or what was selected of them."""
        terms = self._selection().terms if self.terms else None
        return self.home.searching.sql(self._queries(), terms, limit=self.size, offset=self.start)

    def __repr__(self) -> str:
        said = "".join(f".find({each!r})" for each in self.texts)
        return f"<{' | '.join(each.type.name for each in self.layouts)} of {self.home.source}{said}>"

    def _checked(self, narrowed: Self) -> Self:
        """Return `narrowed`, all of which is understood."""
        narrowed._queries()
        if narrowed.terms:
            narrowed._selection()
        return narrowed

    @contextmanager
    def _reading(self, terms: Terms | None = None) -> Iterator[Iterator[Row]]:
        """Read these records inside the block; the transaction ends with it."""
        rows = self.home.searching.rows(self._queries(), terms, limit=self.size, offset=self.start)
        with closing(rows):
            yield rows

    def _adopted(self, chunk: Sequence[Row]) -> list[R_co]:
        """Return the records of these rows, in their order; those of one type are peers."""
        by_type: dict[str, list[tuple[Any, ...]]] = {}
        for row in chunk:
            by_type.setdefault(row.type_name, []).append(row.values)
        adopted = {name: iter(self.session.adopt(self.home.source, name, rows)) for name, rows in by_type.items()}
        return [cast("R_co", next(adopted[row.type_name])) for row in chunk]

    def _selected(self, chosen: Selection) -> Iterator[tuple[Any, ...]]:
        with self._reading(chosen.terms) as rows:
            for row in rows:
                yield chosen.values(row.values)

    def columns(self) -> tuple[Sequence[str], Sequence[Kind | None]]:
        """Return the names of what `rows` yields, and of which kinds it is; None where the values tell."""
        chosen = self._selection()
        return chosen.names, chosen.kinds

    def _table(self) -> Table:
        chosen = self._selection()
        return Table(chosen.names, chosen.kinds, self._selected(chosen))

    def _only(self) -> Layout:
        if len(self.layouts) != 1:
            raise UsageError(f"say which type to create: {', '.join(each.type.name for each in self.layouts)}")
        return self.layouts[0]
