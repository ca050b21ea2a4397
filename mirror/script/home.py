"""One source as scripts see it: its types, the names in them, and what answers queries about it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mirror.connectors.belongings import Belongings
from mirror.connectors.language import Asked, Language
from mirror.engine.finding import find_type
from mirror.errors import UnknownTypeError
from mirror.model.layout import Layout
from mirror.model.schema import Field
from mirror.script.shape import Shape
from mirror.store.search import Searching
from mirror.store.store import Store

_FEW = 3


@dataclass(slots=True)
class Home:
    """One source. What it knows of the catalogue is looked up once, and again after `renew`.

    Attributes:
        belongings: where the tracker keeps what was said about records, and their files.
        catalogue: returns type name -> layout.
        asked: returns what a query means now, given the layouts.
        as_of: the instant of which everything is answered; None for now.
        url: root address of the tracker, without a trailing slash.
    """

    source: str
    store: Store
    language: Language
    belongings: Belongings
    catalogue: Callable[[], Mapping[str, Layout]]
    asking: Callable[[Mapping[str, Layout]], Asked]
    as_of: datetime | None = None
    url: str = ""
    _layouts: Mapping[str, Layout] | None = None
    _searching: Searching | None = None
    _kept: Mapping[str, datetime] | None = None
    _shapes: dict[str, Shape] = field(default_factory=dict)

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """Type name -> layout, of all types."""
        if self._layouts is None:
            self._layouts = self.catalogue()
        return self._layouts

    @property
    def searching(self) -> Searching:
        """What answers queries."""
        if self._searching is None:
            self._searching = self.store.search(self.layouts, self.as_of)
        return self._searching

    @property
    def kept(self) -> Mapping[str, datetime]:
        """The types whose history is kept, each with the instant since when."""
        if self._kept is None:
            self._kept = self.store.history.since(self.source)
        return self._kept

    def at(self, instant: datetime) -> Home:
        """Return the source as it was at an instant."""
        own = (self.source, self.store, self.language, self.belongings, self.catalogue, self.asking)
        return Home(*own, url=self.url, as_of=instant)

    def knows(self, type_name: str) -> bool:
        """Return whether records of a type can be had: it is mirrored, and as of an instant its history is kept."""
        return type_name in self.layouts and (self.as_of is None or type_name in self.kept)

    def renew(self) -> None:
        """Look at the catalogue again when it is next needed: a sync may have brought another."""
        layouts, self._kept = self.catalogue(), None
        if layouts is not self._layouts:
            self._layouts, self._searching = layouts, None
            self._shapes.clear()

    def asked(self) -> Asked:
        """Return what a query means now."""
        return self.asking(self.layouts)

    def shape(self, type_name: str) -> Shape:
        """Return the names of a type, by its exact name."""
        found = self._shapes.get(type_name)
        if found is None:
            found = self._shapes[type_name] = Shape(self.layouts[type_name], self.language, self.asked)
        return found

    def types(self, name: str) -> tuple[Layout, ...]:
        """Return the types that people mean by `name`; several for an abstract one (`Artifact`).

        Raises:
            UnknownTypeError: there is none; carries the nearest names.
        """
        exact = self.layouts.get(name)
        if exact is not None:
            return (exact,)
        meant = [self.layouts[each] for each in self.language.types(name, self.layouts) if each in self.layouts]
        if meant:
            return tuple(meant)
        try:
            return (find_type({self.source: self.layouts}, name),)
        except UnknownTypeError:
            near = difflib.get_close_matches(name, sorted(self.layouts), n=_FEW)
            raise UnknownTypeError(name, tuple(near)) from None

    def type(self, name: str) -> Layout:
        """Return the one type that people mean by `name`.

        Raises:
            UnknownTypeError: there is none, or several are meant; carries their names.
        """
        found = self.types(name)
        if len(found) > 1:
            raise UnknownTypeError(name, tuple(each.type.name for each in found))
        return found[0]

    def candidates(self, described: Field) -> list[str]:
        """Return the names of the mirrored types that a field may refer to."""
        found = [each for name in described.targets for each in self._concrete(name)]
        return list(dict.fromkeys(found))

    def _concrete(self, name: str) -> tuple[str, ...]:
        return (name,) if name in self.layouts else self.language.types(name, self.layouts)
