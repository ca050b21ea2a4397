"""From a write to the body of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from operator import eq
from typing import Any

from mirror.connectors.rt import encode
from mirror.connectors.rt.catalog import LINK_REFS
from mirror.connectors.rt.localtime import LocalTime
from mirror.connectors.rt.naming import Naming
from mirror.connectors.rt.present import Present, is_member
from mirror.model.change import Action
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Write


@dataclass(slots=True)
class Draft:
    """The body of a call.

    Attributes:
        then: the body of a second call, for custom fields that can only be cleared once they hold something else.
        words: why fields are left out, a sentence for each.
        local: the clock by which instants were written.
        told: scalar field -> what a transaction of ours will show as its new value; None when that is not known.
    """

    local: LocalTime
    body: dict[str, Any] = field(default_factory=dict)
    then: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    told: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drafting:
    """Makes drafts for one type of record."""

    naming: Naming
    local: LocalTime

    def creation(self, write: Write) -> Draft:
        """Return the body that creates a record with everything in one call (rt.md §6.2); nothing is sent as empty."""
        draft = Draft(self.local)
        for name, value in write.values.items():
            if value is not None:
                self._put_scalar(draft, write, name)
        for name, items in write.added.items():
            self.naming.put(draft.body, name, self._made(draft, _field(write, name), items))
        return draft

    def update(self, write: Write, present: Present) -> Draft:
        """Return the body that makes of `present` what is wanted; what is so already is not in it.

        Links can be added and removed one by one; roles and custom fields are replaced as a whole (rt.md §6.3, §6.7).
        """
        draft = Draft(self.local)
        for name, value in write.values.items():
            self._put_scalar(draft, write, name)
            if value is None and encode.is_stubborn(_field(write, name), present.cell(write.layout, name)):
                self.naming.put(draft.body, name, encode.STAND_IN)
                self.naming.put(draft.then, name, None)
        for name in dict.fromkeys((*write.added, *write.removed)):
            if name in LINK_REFS:
                self._put_links(draft, write, name)
            else:
                self._put_replaced(draft, write, name, present)
        return draft

    def shown(self, write: Write) -> Draft:
        """Return a body for people, made without looking: of what is replaced it shows what comes and goes."""
        draft = Draft(self.local)
        for name in write.values:
            self._put_scalar(draft, write, name)
        for name in dict.fromkeys((*write.added, *write.removed)):
            signs = {"with": write.added.get(name, ()), "without": write.removed.get(name, ())}
            if write.action is Action.CREATE:
                self.naming.put(draft.body, name, [_said(each) for each in write.added[name]])
            elif name in LINK_REFS:
                self._put_links(draft, write, name)
            else:
                changes = {sign: [_said(each) for each in items] for sign, items in signs.items() if items}
                self.naming.put(draft.body, name, changes)
        return draft

    def _put_scalar(self, draft: Draft, write: Write, name: str) -> None:
        described = _field(write, name)
        try:
            wire = encode.scalar(described, write.values[name], self.local)
        except ValueError as refusal:
            draft.words.append(str(refusal))
            return
        self.naming.put(draft.body, name, wire)
        is_local = described.kind is Kind.TIMESTAMP and described.custom
        draft.told[name] = None if is_local else "" if wire is None else str(wire)

    def _put_links(self, draft: Draft, write: Write, name: str) -> None:
        for verb, items in (("Add", write.added.get(name, ())), ("Delete", write.removed.get(name, ()))):
            ends = self._made(draft, _field(write, name), items)
            if ends:
                draft.body[verb + name] = ends

    def _put_replaced(self, draft: Draft, write: Write, name: str, present: Present) -> None:
        described = _field(write, name)
        there = _there(described, present)
        added, removed = write.added.get(name, ()), write.removed.get(name, ())
        stay = [each.wire for each in there if not any(each.is_(item) for item in removed)]
        new = [item for item in added if not any(each.is_(item) for each in there)]
        made = self._made(draft, described, new)
        if any(each.wire in made for each in there):
            # a new instant is written in local time as another one is kept in UTC: RT would take it for that one
            draft.words.append(f"{name}: RT cannot tell the new value from one that is there; remove that one first")
        elif len(stay) < len(there) or made:
            self.naming.put(draft.body, name, stay + made)

    def _made(self, draft: Draft, described: Field, items: Iterable[Item]) -> list[int | str]:
        """Return items as RT takes them; of one that it would not keep, the words say why it is left out."""
        made = []
        for each in items:
            try:
                made.append(self._item(described, each))
            except ValueError as refusal:
                draft.words.append(str(refusal))
        return made

    def _item(self, described: Field, item: Item) -> int | str:
        if described.kind is Kind.VALUES:
            return encode.listed(described, item, self.local)
        return encode.linked(described, item) if described.name in LINK_REFS else encode.member(described, item)


def _field(write: Write, name: str) -> Field:
    found = write.layout.type.field(name)
    if found is None:
        raise ValueError(f"{write.layout.type.name} has no field {name}")
    return found


@dataclass(frozen=True, slots=True)
class _There:
    """One of those that a field holds.

    Attributes:
        wire: as the list of those that stay must name it.
    """

    wire: int | str
    is_: Callable[[Item], bool]


def _there(described: Field, present: Present) -> list[_There]:
    if described.kind is Kind.VALUES:
        stamps = described.native_type == "DateTime"
        shown = present.values.get(described.name, ())
        return [_There(encode.kept(raw, stamps=stamps), partial(eq, text)) for text, raw in shown]
    members = present.members.get(described.name, ())
    return [_There(each[1], partial(is_member, of=each)) for each in members]


def _said(item: Item) -> str | int:
    if isinstance(item, str):
        return item
    return item.name or item.id
