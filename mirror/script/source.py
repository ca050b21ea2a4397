"""One source of the mirror: its types as attributes, what the catalogue says of them, and its records by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mirror.engine.finding import reference
from mirror.engine.lookup import type_field
from mirror.errors import UnknownTypeError, UsageError
from mirror.model.schema import Field, Kind, RecordType
from mirror.script.belonging import File, Remark, files, remarks
from mirror.script.elsewhere import SOURCE, here
from mirror.script.home import Home
from mirror.script.instants import Instant, instant_of
from mirror.script.past import past_of
from mirror.script.record import Record
from mirror.script.records import Records
from mirror.script.session import Session
from mirror.script.stubs import stubs
from mirror.store.store import no_history


class SourceView:
    """One source. `acme.Defect`, or `acme["PortfolioItem/Feature"]`, are the records of a type.

    A type is named as the tracker names it, by its display name or its table, in any case; an abstract one (`Artifact`)
    means the records of several. `rt.ticket(17)` and `acme.Defect("DE17")` are one of them, by its number or key.
    """

    __slots__ = ("_home", "_session")

    def __init__(self, session: Session, home: Home) -> None:
        self._session = session
        self._home = home

    @property
    def name(self) -> str:
        """Its name in the settings."""
        return self._home.source

    def as_of(self, instant: Instant) -> SourceView:
        """Return the source as it was: all records reached from it are as of that instant, and read only.

        Args:
            instant: an aware datetime, a day (its beginning, UTC), or either as ISO 8601 text.

        Raises:
            UsageError: it is none, has no time zone or is yet to come; or no history is kept.
        """
        at = instant_of(instant, self._home.asked().now)
        if not self._home.kept:
            raise no_history(self.name)
        past = past_of(self._session, self.name, at)
        return SourceView(past, past.home(self.name))

    # types

    def __getattr__(self, name: str) -> Records:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except UnknownTypeError as error:
            raise AttributeError(f"{error}{here(SOURCE, name)}", name=name, obj=self) from None

    def __getitem__(self, name: str) -> Records:
        """Return the records of a type.

        Raises:
            UnknownTypeError: there is no such type; carries the nearest names.
        """
        self._home.renew()
        return Records(self._session, self._home, self._home.types(name))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(each for each in self._home.layouts if each.isidentifier())]

    def types(self) -> list[str]:
        """Return the names of all types, as the tracker has them; as of an instant those whose history is kept."""
        self._home.renew()
        return sorted(each for each in self._home.layouts if self._home.knows(each))

    def typedef(self, name: str) -> RecordType:
        """Return what the catalogue says of a type: its fields, its key, what can be done to it.

        Raises:
            UnknownTypeError: there is no such type.
        """
        return self._home.type(name).type

    def allowed_values(self, type_name: str, field: str) -> list[str]:
        """Return what a field may be set to, in the tracker's order; of a reference to a list the names in that list.

        Raises:
            UnknownTypeError: there is no such type.
            UsageError: it has no such field.
        """
        described = self._field(type_name, field)
        if described.allowed_values or described.kind not in (Kind.REFERENCE, Kind.LINKS):
            return [each for each in described.allowed_values if each]
        shown_as = self._home.type(type_name).type.display_name
        lists = [each for each in self._home.candidates(described) if self._home.layouts[each].type.key_field is None]
        return list(dict.fromkeys(name for each in lists for name in self._names(each, shown_as)))

    def states(self, type_name: str) -> list[str]:
        """Return the states that records of a type may be in, in the tracker's order; none when it has no states.

        Where the tracker does not list them (Request Tracker), those that any record is in, by their names.

        Raises:
            UnknownTypeError: there is no such type.
        """
        shown = self._home.type(type_name).type.work_item
        if shown is None or not shown.state:
            return []
        listed = self.allowed_values(type_name, shown.state[0])
        return listed or sorted({str(each) for each in self[type_name].values(shown.state[0]) if each})

    def stubs(self) -> str:
        """Return the text of a Python module that tells editors and type checkers of its types, fields and references.

        Its function of the name of the source returns the source: `from acme_types import acme`, then `acme(m).Defect`.
        """
        self._home.renew()
        return stubs(self._home, [each for each in dir(SourceView) if not each.startswith("_")])

    @property
    def keeps_history(self) -> bool:
        """Whether the history of any of its types is kept."""
        return bool(self._home.kept)

    def history_since(self, name: str) -> datetime | None:
        """Return since when the history of a type is kept; None when it is not.

        Raises:
            UnknownTypeError: there is no such type.
        """
        return self._home.kept.get(self._home.type(name).type.name)

    # records

    def get(self, key: str | int) -> Record:
        """Return the record that people call `key`: `US123`, `S-01005`, `ticket/17`, `Defect:17`, `NEW-3`.

        Raises:
            UnknownRecordError: there is none, or there are several; says what to say instead.
        """
        self._home.renew()
        return self._session.find(self.name, str(key))

    by_formatted_id = get

    def asset(self, oid: str) -> Record:
        """Return the record with that type and number: `Story:1005`, also with a moment behind it.

        A reference as trackers write it, `/defect/123`, and an address that ends in one do as well.

        Raises:
            UnknownRecordError: there is none.
        """
        self._home.renew()
        return self.get(reference(self._home.layouts.values(), oid))

    def discussion(self, record: Record) -> list[Remark]:
        """Return what was said about a record, oldest first."""
        return remarks(record, self._home)

    def files(self, record: Record) -> list[File]:
        """Return the files attached to a record; `file.record.content()` are the bytes of one."""
        return files(record, self._home)

    def create(self, type_name: str, fields: Mapping[str, object] | None = None, /, **more: object) -> Record:
        """Create a record of a type, as `Records.create` does."""
        return self[type_name].create(fields, **more)

    def __repr__(self) -> str:
        return f"<source {self.name}>"

    def _field(self, type_name: str, name: str) -> Field:
        try:
            return self._home.shape(self._home.type(type_name).type.name).place(name).field
        except ValueError as error:
            raise UsageError(str(error)) from None

    def _names(self, list_name: str, shown_as: str) -> list[str]:
        """Return the names in a list, as others show them; of one for several types those for the type shown as that."""
        layout = self._home.layouts[list_name]
        if layout.type.name_field is None:
            return []
        tells = type_field(layout)
        entries = self[list_name].where(**{tells: shown_as}) if tells is not None else self[list_name]
        return [str(name) for name in entries.values(layout.type.name_field) if name]
