"""Brings a condition into the form that becomes SQL: flat lists however deep it was nested, and no Not but at the leaves."""

from __future__ import annotations

from mirror.query.expr import All, AnyOf, Compare, Expr, Missing, Not, Some

Leaf = Compare | Missing | Some


def flattened(expr: Expr) -> Expr:
    """Return a condition that is true exactly when `expr` is, without All in All, AnyOf in AnyOf, or Not of either.

    Generated queries are nested hundreds deep; lists of any length are taken apart without recursion, only the changes
    between All and AnyOf count.
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
    if len(items) == 1:
        return items[0]
    return All(tuple(items)) if is_all else AnyOf(tuple(items))
