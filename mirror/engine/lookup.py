"""Turns what people write for another record into that record: by its name, its key, its id, `Type:id` or NEW-3.

People are also known by their login and their address. Every problem is a ValueError whose message is a sentence for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mirror.engine.finding import Found, by_source, label_of, new_number, reference, typed
from mirror.engine.validate import FEW, article, is_storable, listed, nearest
from mirror.model.change import Action
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Target
from mirror.store.finding import Finder, Hit

ACCOUNTS = ("username", "emailaddress", "email")
"""Fields, in lower case, by which people are known besides their name: rally.md §10.2 (User), versionone.md §7.2 (Member),
rt.md §6.9 (user)."""

ADDRESSES = ("/", "https://", "http://")
"""How a reference begins that is written as trackers write it: rally.md §3."""

_TYPES = ("TypeDefinition",)
"""What refers to one of these is about records of one type: the states of portfolio items. rally.md §10.2 (state)"""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks for the records that a field of one source may refer to.

    Attributes:
        layouts: type name -> layout, of that source.
    """

    finder: Finder
    layouts: Mapping[str, Layout]

    def target(self, layout: Layout, field: Field, given: object) -> Target:
        """Return the record that `given` means as a value, or an item, of `field`.

        Args:
            given: text as people write it, an id, a Target or a Found.

        Raises:
            ValueError: it means no record, several, or one of a type that the field does not take.
        """
        if isinstance(given, Found):
            given = Target(given.layout.type.name, given.record_id)
        if isinstance(given, Target):
            return self._exactly(layout, field, given)
        if isinstance(given, bool) or not isinstance(given, str | int) or not str(given).strip():
            raise ValueError(f"{field.name} takes {_kinds(field)}: a name, a key or an id, not {given!r}")
        text = self._own(str(given).strip())
        if text.startswith(ADDRESSES):
            text = reference(self.layouts.values(), text)
        if not is_storable(text):
            raise ValueError(f"{field.name} takes {_kinds(field)}, and none is called {text!r}")
        hits = self._entries(layout, _distinct(self._meant(field, text)))
        if len(hits) == 1:
            return _target(hits[0])
        if hits:
            raise ValueError(f"{field.name}: {text!r} may be {listed(map(self._told, hits))}: say which by TYPE:ID")
        return self._unmirrored(layout, field, text)

    def of_type(self, layout: Layout, text: str) -> Target:
        """Return the record of a type that people call `text`, as the argument of an operation.

        Raises:
            ValueError: it means none of them.
        """
        return self.target(layout, Field(layout.type.name, Kind.REFERENCE, targets=(layout.type.name,)), text)

    def _exactly(self, layout: Layout, field: Field, target: Target) -> Target:
        """Return the record of that type and id; of one whose type is not mirrored what is known already."""
        kinds = self._candidates(field)
        name = target.type_name
        if name and name not in self.layouts:
            if name in field.targets or self.finder.points_to(layout, field.name, name):
                return Target(name, target.id, target.name)
            raise ValueError(f"{field.name} takes {_kinds(field)}, and there is no type {name}")
        if name:
            kinds = [self.layouts[name]] if self.layouts[name] in kinds else []
        if not kinds:
            raise ValueError(f"{field.name} takes {_kinds(field)}, and {name} is none")
        hits = self._by_id(kinds, target.id)
        if len(hits) == 1:
            return _target(hits[0])
        if hits:
            raise ValueError(
                f"{field.name}: the id {target.id} may be {listed(map(self._told, hits))}: say its type as well"
            )
        if not name and len(field.targets) == 1 and field.targets[0] not in self.layouts:
            return Target(field.targets[0], target.id, target.name)
        only = field.targets[0] if len(field.targets) == 1 else "record"
        raise ValueError(f"{field.name}: there is no {name or only} with the id {target.id}")

    def _entries(self, layout: Layout, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Return those of several records that a list has for this type; all of them where none says for which it is."""
        own = [each for each in hits if self._shown_type(each) == layout.type.display_name] if len(hits) > 1 else []
        return own or hits

    def _shown_type(self, hit: Hit) -> str | None:
        columns = [
            each.name for each in hit.layout.columns if each.field == type_field(hit.layout) and each.part is Part.NAME
        ]
        row = self.finder.row(hit.layout, hit.id) if columns else None
        return row[columns[0]] if row else None

    def _own(self, text: str) -> str:
        """Return a key without the name of the source, which can only be this one."""
        source, colon, rest = text.partition(":")
        is_this = any(each.source.casefold() == source.casefold() for each in self.layouts.values())
        return rest.strip() if colon and is_this and rest.strip() else text

    def _told(self, hit: Hit) -> str:
        """Return a record as people tell it from others of the same name: with its key, and the project it is in."""
        label = label_of(hit)
        exact = f"{hit.layout.type.name}:{hit.id}"
        known = [] if label in (hit.name, exact.replace(":", "/", 1)) else [label]
        known += [f"in {each}" for each in self._projects(hit)]
        return f"{exact} ({' '.join(known)})" if known else exact

    def _projects(self, hit: Hit) -> list[str]:
        """Return the name of the project that a record is in, if its type has the field that the work has for that."""
        fields = {name for each in self.layouts.values() if each.type.work_item for name in each.type.work_item.project}
        columns = [each.name for each in hit.layout.columns if each.field in fields and each.part is Part.NAME]
        row = self.finder.row(hit.layout, hit.id) if columns else None
        return [str(row[each]) for each in columns if row[each]] if row else []

    def _by_id(self, types: Sequence[Layout], record_id: int) -> list[Hit]:
        """Return the records with that id, also those that vanished: trackers go on showing them in references."""
        return self.finder.by_id(types, record_id) or self.finder.buried(types, record_id)

    def _meant(self, field: Field, text: str) -> list[Hit]:
        """Return the records that `text` may mean, of the types that the field takes."""
        kinds = self._candidates(field)
        number = new_number(text)
        if number is not None:
            return self._fitting(field, self.finder.created(by_source(self.layouts.values()), number), text)
        with_type = typed(self.layouts.values(), text)
        if with_type is not None and (with_type[1].isdecimal() or new_number(with_type[1]) is not None):
            return self._fitting(field, self._by_number(*with_type), text)
        hits = self.finder.by_id(kinds, int(text)) if text.isdecimal() else []
        hits += self.finder.by_name(self._named(field), text)
        hits = hits or self.finder.by_field(self._named(field), ACCOUNTS, text)
        if not hits and not text.isdecimal():
            hits = self._fitting(field, self.finder.by_key(self.layouts.values(), text), text)
        return hits or (self.finder.buried(kinds, int(text)) if text.isdecimal() else [])

    def _by_number(self, types: Sequence[Layout], text: str) -> list[Hit]:
        number = new_number(text)
        if number is not None:
            return [each for each in self.finder.created(by_source(types), number) if each.layout in types]
        return self._by_id(types, int(text))

    def _fitting(self, field: Field, hits: Sequence[Hit], text: str) -> list[Hit]:
        """Return the hits of types that the field takes.

        Raises:
            ValueError: there are hits, and all are of other types.
        """
        kinds = self._candidates(field)
        fitting = [each for each in hits if each.layout in kinds]
        if hits and not fitting:
            raise ValueError(f"{field.name} takes {_kinds(field)}, and {text} is {article(hits[0].layout.type.name)}")
        return fitting

    def _candidates(self, field: Field) -> list[Layout]:
        """Return the types that a field may refer to; all of them where it is declared for one that is not mirrored.

        A target that is no type of the source may be an abstract one, or one that is left out of the mirror.
        """
        there = [self.layouts[each] for each in field.targets if each in self.layouts]
        return there if there and len(there) == len(field.targets) else list(self.layouts.values())

    def _named(self, field: Field) -> list[Layout]:
        """Return the types to look for names in; where any type may be meant, those whose records have keys: the work."""
        there = [self.layouts[each] for each in field.targets if each in self.layouts]
        return there or [each for each in self.layouts.values() if each.type.key_field and not field.targets]

    def _unmirrored(self, layout: Layout, field: Field, text: str) -> Target:
        """Return a record that is not mirrored: as other records show it, or by its bare id.

        Raises:
            ValueError: nothing is known of it, or the types that the field takes are mirrored and have no such record.
        """
        missing = [each for each in field.targets if each not in self.layouts]
        if missing:
            seen = self.finder.seen(layout, field.name, text)
            if len(seen) == 1:
                return Target(seen[0].type_name or missing[0], seen[0].id, seen[0].name)
            number = text.rpartition(":")[2]
            if number.isdecimal() and len(field.targets) == 1 and text in (number, f"{missing[0]}:{number}"):
                return Target(missing[0], int(number))
            raise ValueError(f"{field.name}: {listed(missing)} is not mirrored here, so {text!r} must be said by its id")
        raise ValueError(f"{field.name} takes {_kinds(field)}, and none is called {text!r}{self._instead(field, text)}")

    def _instead(self, field: Field, text: str) -> str:
        """Return what may have been meant; of names that are all different some, and how to make a person of an address."""
        types = self._named(field)
        names = self.finder.near_names(types)
        made = next((each.type for each in types if _is_person(each) and "@" in text), None)
        is_made = made is not None and Action.CREATE.value in made.actions
        new = f"make one with mirror new {made.name}, and say the key that it prints" if made is not None and is_made else ""
        if near := nearest(text, names):
            return f"; did you mean {listed(near)}?{f' Else {new}' if new else ''}"
        if new:
            return f"; {new}"
        some = names[:FEW]
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        return f"; there {'are' if len(names) > 1 else 'is'} {', '.join(map(repr, some))}{more}" if some else ""


def type_field(layout: Layout) -> str | None:
    """Return the field by which the entries of a list say for which type they are; None for a list of one type."""
    return next((each.name for each in layout.type.fields if each.targets == _TYPES), None)


def item_of(item: Item) -> str:
    """Return an item of a many-valued field as the queue has it: `Type:id`, or the plain value."""
    if isinstance(item, str):
        return item
    return f"{item.type_name}:{item.id}" if item.type_name else str(item.id)


def _is_person(layout: Layout) -> bool:
    return any(each.name.lower() in ACCOUNTS for each in layout.type.fields)


def _kinds(field: Field) -> str:
    return listed(map(article, field.targets)) if field.targets else "another record"


def _distinct(hits: Sequence[Hit]) -> list[Hit]:
    return list({(each.layout.type.name, each.id): each for each in hits}.values())


def _target(hit: Hit) -> Target:
    return Target(hit.layout.type.name, hit.id, hit.name)
