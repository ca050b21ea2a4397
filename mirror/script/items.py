"""A collection of a record: records or plain values, in the tracker's order, to look at and to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Never, overload

from typing_extensions import TypeVar

from mirror.engine.edit import How
from mirror.script.elsewhere import ITEMS, here
from mirror.script.shape import Collection, Place, name_of

if TYPE_CHECKING:
    from mirror.script.held import Held

T = TypeVar("T", default=Any)
"""What is in there: records, or texts."""


class Items(Sequence[T]):
    """What a many-valued field holds, or which records refer to this one. Read when it is first looked at.

    It behaves as a list that `add` and `drop` change; the change is queued with all others of the session.
    """

    __slots__ = ("_held", "_meaning")

    def __init__(self, held: Held, meaning: Place | Collection) -> None:
        self._held = held
        self._meaning = meaning

    def add(self, *items: object) -> None:
        """Add records, by themselves, their name, key or id; or plain values.

        Raises:
            InvalidEditError: one of them cannot be in there; then none is added.
        """
        self._held.session.writer.link(self._held, self._meaning, items)

    def drop(self, *items: object) -> None:
        """Take items out.

        Raises:
            InvalidEditError: one of them is not in there; then none is taken out.
        """
        self._held.session.writer.link(self._held, self._meaning, items, How.REMOVE)

    def replace(self, items: Sequence[object]) -> None:
        """Add and take out what is needed for these to be in there, and no others."""
        self._held.session.writer.relink(self._held, self._meaning, items)

    if not TYPE_CHECKING:  # to a type checker and an editor nothing but what is there has a name

        def __getattr__(self, name: str) -> Never:
            if name.startswith("_"):
                raise AttributeError(name)
            field = name_of(self._meaning)
            said = here(ITEMS, name) or f"; of each of them it is [each.{name} for each in {field}]"
            raise AttributeError(f"{field} holds many, and has no {name!r} itself{said}", name=name, obj=self)

    def _list(self) -> list[T]:
        self._held.refresh()
        found: list[T] = self._held.reached(self._meaning)
        return found

    def __len__(self) -> int:
        return len(self._list())

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._list()))

    def __contains__(self, item: object) -> bool:
        return item in self._list()

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self._list()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and not isinstance(other, str) and self._list() == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __iadd__(self, items: Sequence[object]) -> Items[T]:
        self.add(*items)
        return self

    def __isub__(self, items: Sequence[object]) -> Items[T]:
        self.drop(*items)
        return self

    def __repr__(self) -> str:
        return repr(self._list())


def is_of(items: object, held: Held, meaning: Place | Collection) -> bool:
    """Return whether these are the items that `meaning` stands for in that record."""
    return isinstance(items, Items) and items._held is held and items._meaning == meaning
