"""Brings a condition into the form that becomes SQL: flat lists however deep it was nested, and no Not but at the leaves."""

from __future__ import annotations

from dataclasses import replace

from mirror.query.expr import OUTER_ID, All, AnyOf, Compare, Expr, Missing, Not, Path, Some, Step

Leaf = Compare | Missing | Some


def flattened(expr: Expr) -> Expr:
    """Return a condition that is true exactly when `expr` is, without All in All, AnyOf in AnyOf, or Not of either.

    Generated queries are nested hundreds deep; lists of any length are taken apart without recursion, only the changes
    between All and AnyOf count. Alternatives about what the same steps lead to become one condition on that: a thousand of
    them are one look there.
    """
    return _flat(expr, is_true=True)


def _flat(expr: Expr, *, is_true: bool) -> Expr:
    while isinstance(expr, Not):
        expr, is_true = expr.item, not is_true
    if isinstance(expr, Compare | Missing | Some):
        return expr if is_true else Not(expr)
    is_all = isinstance(expr, All) is is_true
    items: list[Expr] = []
    pending: list[tuple[Expr, bool]] = [(expr, is_true)]
    while pending:
        each, each_is_true = pending.pop()
        while isinstance(each, Not):
            each, each_is_true = each.item, not each_is_true
        if isinstance(each, All | AnyOf) and (isinstance(each, All) is each_is_true) is is_all:
            pending += [(item, each_is_true) for item in reversed(each.items)]
        else:
            found = _flat(each, is_true=each_is_true)  # a list of one is its item, which may be a list like this one
            items += found.items if isinstance(found, All if is_all else AnyOf) else (found,)
    items = _together(items, negated=is_all)
    if len(items) == 1:
        return items[0]
    return All(tuple(items)) if is_all else AnyOf(tuple(items))


def _together(items: list[Expr], *, negated: bool) -> list[Expr]:
    """Return the items of a list with those behind the same steps as one, in the place of the first of them.

    Args:
        negated: all of the items hold, so it is Not of such a condition that can be joined with others.
    """
    behind: dict[tuple[Step, ...], list[Expr]] = {}
    for each in items:
        if (found := _behind(each, negated=negated)) is not None:
            behind.setdefault(found.steps, []).append(found.where)
    if all(len(each) == 1 for each in behind.values()):
        return items
    joined: list[Expr] = []
    for each in items:
        found = _behind(each, negated=negated)
        alike = () if found is None else behind.pop(found.steps, ())
        if found is None or len(alike) == 1:
            joined.append(each)
        elif alike:
            some = Some(found.steps, AnyOf(tuple(alike)))
            joined.append(Not(some) if negated else some)
    return joined


def _behind(item: Expr, *, negated: bool) -> Some | None:
    """Return what an item says of the records that some steps lead to; None when it says something else."""
    if negated:
        if not isinstance(item, Not):
            return None
        item = item.item
    if isinstance(item, Some):
        return item
    if not isinstance(item, Compare) or not isinstance(item.term, Path) or isinstance(item.value, Path):
        return None
    steps = item.term.steps
    if not steps or item.term.field == OUTER_ID:
        return None
    return Some(steps, replace(item, term=replace(item.term, steps=())))
