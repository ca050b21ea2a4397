"""A condition is flattened without a change of its meaning, however deep it is nested."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mirror.query.expr import All, AnyOf, Compare, Expr, Not, Op, Path, Some, Step
from mirror.query.normal import flattened

LEAVES = [Compare(Path(name), Op.EQ, 1) for name in "abcd"]
TREES: st.SearchStrategy[Expr] = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
    ),
)


def truth(expr: Expr, known: dict[Expr, bool]) -> bool:
    match expr:
        case Not():
            return not truth(expr.item, known)
        case All():
            return all(truth(each, known) for each in expr.items)
        case AnyOf():
            return any(truth(each, known) for each in expr.items)
        case _:
            return known[expr]


@given(TREES, st.lists(st.booleans(), min_size=4, max_size=4))
def test_flattening_keeps_the_meaning(expr: Expr, known: list[bool]) -> None:
    values: dict[Expr, bool] = dict(zip(LEAVES, known, strict=True))
    assert truth(flattened(expr), values) is truth(expr, values)


@given(TREES)
def test_what_is_flat_nests_only_in_turns(expr: Expr) -> None:
    pending = [flattened(expr)]
    while pending:
        each = pending.pop()
        if isinstance(each, Not):
            assert isinstance(each.item, Compare)
        elif isinstance(each, All | AnyOf):
            assert not [item for item in each.items if type(item) is type(each)]
            pending += each.items


def test_ten_thousand_alternatives_nested_in_pairs_become_one_list() -> None:
    expr: Expr = LEAVES[0]
    for number in range(10_000):
        expr = AnyOf((Compare(Path("a"), Op.EQ, number), expr))
    found = flattened(expr)
    assert isinstance(found, AnyOf)
    assert len(found.items) == 10_001


def test_alternatives_behind_the_same_steps_are_one_look_there() -> None:
    owner, tags = (Step("Owner"),), (Step("Tags"),)
    named = [Compare(Path("Name", owner), Op.EQ, name) for name in "abc"]
    ann, old = Some(owner, Compare(Path("Login"), Op.EQ, "ann")), Some(tags, Compare(Path("Age"), Op.GT, 3))
    there = AnyOf(
        (Compare(Path("Name"), Op.EQ, "a"), Compare(Path("Login"), Op.EQ, "ann"), Compare(Path("Name"), Op.EQ, "b"))
    )
    assert flattened(AnyOf((named[0], LEAVES[0], ann, old, named[1]))) == AnyOf((Some(owner, there), LEAVES[0], old))
    assert flattened(All((Not(named[0]), old, Not(ann), Not(named[1])))) == All((Not(Some(owner, there)), old))
    assert flattened(All((named[0], ann))) == All((named[0], ann))  # what holds of one record behind steps, and of another
    assert flattened(AnyOf((Not(named[0]), Not(ann)))) == AnyOf((Not(named[0]), Not(ann)))
    assert flattened(AnyOf((named[0], named[1]))) == Some(owner, AnyOf((there.items[0], there.items[2])))
