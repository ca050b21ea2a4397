"""The rule for one item of a many-valued field: sets merge without conflicts."""

from __future__ import annotations

from dataclasses import dataclass

from mirror.model.change import Action


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a link table's field, as changes name it.

    Attributes:
        text: the value, on Kind.VALUES; else "".
        id: the target; None on Kind.VALUES.
        type_name: of the target; None when the change leaves it open.
    """

    text: str = ""
    id: int | None = None
    type_name: str | None = None

    def is_same(self, other: Item) -> bool:
        """Return whether both are the same item; a type that is left open fits every one."""
        types = {self.type_name, other.type_name} - {None}
        return (self.text, self.id) == (other.text, other.id) and len(types) < 2


def parse_target(item: str) -> Item:
    """Return the target that `id` or `Type:id` names.

    Raises:
        ValueError: it is neither.
    """
    type_name, _, number = item.rpartition(":")
    return Item(id=int(number), type_name=type_name or None)


def is_already(action: Action, *, there: bool) -> bool:
    """Return whether the tracker has what a LINK or UNLINK wants.

    | action | the tracker has the item | already |
    |--------|--------------------------|---------|
    | LINK   | yes                      | yes     |
    | LINK   | no                       | no      |
    | UNLINK | yes                      | no      |
    | UNLINK | no                       | yes     |
    """
    return there is (action is Action.LINK)
