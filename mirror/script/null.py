"""What a reference to nothing gives: falsy, equal to None, and whatever is looked up in it is nothing again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Never


class Null:
    """Nothing, in the place of a record. `story.Parent.Project.Name` is Null when there is no parent.

    It sorts before everything else and prints as an empty text.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Null:
        if name.startswith("__"):  # what Python itself looks for, such as __deepcopy__
            raise AttributeError(name)
        return self

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"{name} cannot be set: there is no record here")

    def __getitem__(self, name: str) -> Null:
        return self

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Never]:
        return iter(())

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Null)

    def __hash__(self) -> int:
        return hash(None)

    def __lt__(self, other: object) -> bool:
        return not self == other

    def __le__(self, other: object) -> bool:
        return True

    def __gt__(self, other: object) -> bool:
        return False

    def __ge__(self, other: object) -> bool:
        return self == other

    def __str__(self) -> str:
        return ""

    def __format__(self, how: str) -> str:
        return format("", how) if how[-1:] in ("", "s") or how[-1:].isdigit() else ""

    def __repr__(self) -> str:
        return "Null"


NULL: Final = Null()
"""The only one there need be."""
