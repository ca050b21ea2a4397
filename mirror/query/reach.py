"""Where a step of a path can lead: to which types, and whether to one record or to many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.query.expr import (
    OUTER_ID,
    OWN_ID,
    OWN_TYPE,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Expr,
    Missing,
    Not,
    Path,
    Some,
    Step,
    Term,
)

Layouts = Mapping[str, Layout]
"""Type name -> layout, of all types of one source."""


@dataclass(frozen=True, slots=True)
class Leads:
    """The types that a reference, or an item, may lead to.

    Attributes:
        told: where the row itself tells the type, which it does for polymorphic references and most links.
        untold: where it does not: what the field is declared for or, when none of that is mirrored, what the step asks for.
    """

    told: tuple[str, ...]
    untold: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Either."""
        return tuple(dict.fromkeys((*self.untold, *self.told)))


def leads(field: Field, layouts: Layouts, targets: tuple[str, ...] = ()) -> Leads:
    """Return the types that `field` may lead to; with `targets` only those among them."""
    declared = tuple(each for each in field.targets if each in layouts)
    is_exact = bool(declared) and len(declared) == len(field.targets)
    told = targets or (declared if is_exact else tuple(layouts))
    untold = declared or targets
    chosen = tuple(each for each in untold if not targets or each in targets)
    if field.kind is Kind.REFERENCE:
        told, chosen = (told, ()) if field.polymorphic else ((), chosen)
    return Leads(tuple(each for each in told if each in layouts), tuple(each for each in chosen if each in layouts))


def next_types(type_name: str, step: Step, layouts: Layouts) -> tuple[str, ...]:
    """Return the types that `step` can lead to from a record of `type_name`; () where it has no such field."""
    if step.field == OWN_ID:
        return (type_name,) if not step.targets or type_name in step.targets else ()
    if step.backward:
        return tuple(each for each in step.targets if _points(each, step.field, type_name, layouts))
    field = layouts[type_name].type.field(step.field)
    if field is None or field.kind not in (Kind.REFERENCE, Kind.LINKS):
        return ()
    return leads(field, layouts, step.targets).all


def _points(owner: str, name: str, type_name: str, layouts: Layouts) -> bool:
    field = layouts[owner].type.field(name) if owner in layouts else None
    if field is None or field.kind is Kind.INTEGER:
        return field is not None
    return type_name in leads(field, layouts).all


def goes_to_many(type_name: str, step: Step, layouts: Layouts) -> bool:
    """Return whether `step` may lead to more than one record."""
    field = layouts[type_name].type.field(step.field)
    return step.backward or (field is not None and field.kind is Kind.LINKS)


def is_many(type_name: str, term: Term, layouts: Layouts) -> bool:
    """Return whether `term` may have more than one value for one record of `type_name`."""
    return isinstance(term, Path) and term.field != OUTER_ID and _is_many({type_name}, term.steps, term.field, layouts)


def _is_many(types: set[str], steps: tuple[Step, ...], field: str, layouts: Layouts) -> bool:
    if not steps:
        fields = (layouts[each].type.field(field) for each in types)
        return any(each is not None and each.kind in (Kind.LINKS, Kind.VALUES) for each in fields)
    if any(goes_to_many(each, steps[0], layouts) for each in types):
        return True
    after = {name for each in types for name in next_types(each, steps[0], layouts)}
    return _is_many(after, steps[1:], field, layouts)


def has_field(layout: Layout, name: str) -> bool:
    """Return whether records of `layout` have that field."""
    return name in (OWN_ID, OWN_TYPE, OUTER_ID) or layout.type.field(name) is not None


def fields_of(item: Expr | Term) -> Iterator[str]:
    """Yield the names of all fields that are spoken of, of whatever type."""
    pending: list[Expr | Term] = [item]
    while pending:
        each = pending.pop()
        steps: tuple[Step, ...] = ()
        match each:
            case Path():
                yield each.field
                steps = each.steps
            case Aggregate():
                pending += each.paths
            case Missing():
                pending.append(each.path)
            case Compare():
                pending += [each.term, each.value] if isinstance(each.value, Path) else [each.term]
            case Some():
                pending.append(each.where)
                steps = each.steps
            case Not():
                pending.append(each.item)
            case All() | AnyOf():
                pending += each.items
        for step in steps:
            yield step.field
            pending += [step.where] if step.where is not None else []
