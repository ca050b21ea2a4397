"""How a tracker's records show in the view `work_item`, as its connector tells: roles of fields, and rules for states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mirror.model.part import Part


class Category(StrEnum):
    """What a state means, whatever the tracker calls it."""

    TODO = "todo"
    DOING = "doing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one field, and the category of the records that meet it.

    Attributes:
        field: a field with a column; a rule on a field that the type does not have never holds.
        category: None for records that are no work at all, such as templates; the view leaves them out.
        values: holds for these values, compared exactly; empty: holds for any value that is not null.
        part: which column of a reference is looked at, its id or its name.
        of: looked at instead, when not empty: this field of the record that the reference `field` leads to, which must be
            declared for one type only.
    """

    field: str
    category: Category | None
    values: tuple[str | int | bool, ...] = ()
    part: Part = Part.VALUE
    of: str = ""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """The roles that the fields of one record type play.

    Of several fields for one role the first that has a value is shown; a field that the type does not have is passed over.

    Attributes:
        key: the field that people name a record by; None: the name of the type and the id, `ticket/17`.
        parent: references or links to other work items; their key is shown.
        owner: references or links to people, or texts; of several people all names are shown, joined by a comma.
        unowned: the name that stands for nobody; None when the tracker leaves the owner empty.
        rules: the first that holds decides the category; todo when none does.
        address: of the page for people, below the source's address, with `{id}` in it.
    """

    title: tuple[str, ...]
    key: str | None = None
    state: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    project: tuple[str, ...] = ()
    iteration: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    estimate: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    unowned: str | None = None
    rules: tuple[Rule, ...] = ()
    address: str = ""
