"""A record that another one refers to and that is not in the mirror: all that is known of it is how the other shows it."""

from __future__ import annotations

from typing import Any

from mirror.model.write import Target
from mirror.script.beyond import Beyond
from mirror.script.null import NULL

_NAMES = frozenset({"Name", "DisplayName", "UserName", "name"})
"""Under which scripts look for the shown name: rally.md §10.2 (User, Project), versionone.md §7.2 (Member)."""


class Outside:
    """A record whose type is not mirrored, or that is deleted. Unlike Null it is true; its fields are not known here.

    What is mirrored and refers to it is: `story.RevisionHistory.Revisions`.
    """

    __slots__ = ("_beyond", "_source", "_target")

    def __init__(self, source: str, target: Target, beyond: Beyond | None = None) -> None:
        self._source = source
        self._target = target
        self._beyond = beyond

    @property
    def id(self) -> int:
        """The tracker's own number."""
        return self._target.id

    @property
    def type_name(self) -> str:
        """The tracker's name of its type; "" when it is not known."""
        return self._target.type_name

    @property
    def source(self) -> str:
        """The name of its source."""
        return self._source

    @property
    def is_here(self) -> bool:
        """Whether it is in the mirror: never."""
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        if name in _NAMES and self._target.name is not None:
            return self._target.name
        found = self._beyond.reached(self._target, name) if self._beyond is not None else None
        return NULL if found is None else found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outside):
            return NotImplemented
        return (self._source, self.type_name, self.id) == (other.source, other.type_name, other.id)

    def __hash__(self) -> int:
        return hash((self._source, self.type_name, self.id))

    def __str__(self) -> str:
        return self._target.name or f"{self.type_name}:{self.id}"

    def __repr__(self) -> str:
        return f"<{self.type_name or 'record'} {self.id} {self._target.name or ''!r}, not in the mirror>"
