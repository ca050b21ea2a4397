"""Rally's queries without any data: how texts are read, which expressions they become, and how errors point."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from decimal import Decimal

import pytest

from mirror.connectors.language import Asked
from mirror.errors import QueryError
from mirror.model.part import Part
from mirror.query.expr import EVERYTHING, NOTHING, OWN_ID, All, AnyOf, Compare, Expr, Missing, Not, Op, Path, Some, Step
from tests.unit.rally_catalogue import ASKED, RALLY


def where(query: str, type_name: str = "Defect", asked: Asked = ASKED) -> Expr:
    return RALLY.query(query, asked.layouts[type_name], asked).where


def notes(query: str, type_name: str = "Defect") -> tuple[str, ...]:
    return RALLY.query(query, ASKED.layouts[type_name], ASKED).notes


def error(query: str, type_name: str = "Defect") -> QueryError:
    with pytest.raises(QueryError) as caught:
        RALLY.query(query, ASKED.layouts[type_name], ASKED)
    return caught.value


def underlined(found: QueryError) -> str:
    return found.text[found.position : found.position + found.length]


def same(name: str, value: str | int) -> Compare:
    return Compare(Path(name), Op.EQ, value)


OWNER = Path("Owner", part=Part.ID)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", EVERYTHING),
        ("  ", EVERYTHING),
        ("(Name = foo)", same("Name", "foo")),
        ('(Name != "a b")', Not(same("Name", "a b"))),
        ("(Name contains B)", Compare(Path("Name"), Op.CONTAINS, "B", folds_case=True)),
        ('(Name = "null")', same("Name", "null")),
        ("(Name = null)", Missing(Path("Name"))),
        ("(Name != null)", Not(Missing(Path("Name")))),
        ("(Name > null)", NOTHING),
        ('(Name = "")', Missing(Path("Name"))),
        ("(ObjectID > 12)", Compare(Path(OWN_ID), Op.GT, 12)),
        ("(ObjectID <= 12.5)", Compare(Path(OWN_ID), Op.LE, 12)),
        ("(ObjectID = 12.5)", NOTHING),
        ("(ObjectID < 1e30)", Not(Missing(Path(OWN_ID)))),
        ("(ObjectID > -1.5)", Compare(Path(OWN_ID), Op.GT, -2)),
        ("(FormattedID = us12)", AnyOf((same("FormattedID", "US12"), same("FormattedID", "us12")))),
        ("(FormattedID = US12)", AnyOf((same("FormattedID", "US12"),))),
        ("(FormattedID = 914)", Compare(Path("FormattedID"), Op.EQ, 914, by_number=True)),
        ("(FormattedID >= us914)", Compare(Path("FormattedID"), Op.GE, 914, by_number=True)),
        ("(VersionId < 2.5)", Compare(Path("VersionId"), Op.LE, 2, by_number=True)),
        ("(Owner = /user/5)", Compare(OWNER, Op.EQ, 5)),
        ("(Owner = https://rally1.example.com/slm/webservice/v2.0/user/5.js)", Compare(OWNER, Op.EQ, 5)),
        ("(Owner != 5)", Not(Compare(OWNER, Op.EQ, 5))),
        ("(Owner = null)", Missing(OWNER)),
        ("(Tags contains /tag/7)", same("Tags", 7)),
        ("(Tags = null)", Missing(Path("Tags"))),
        ("(State >= Fixed)", AnyOf((same("State", "Fixed"), same("State", "Closed")))),
        ("(Severity > None)", AnyOf((same("Severity", "Crash"), same("Severity", "Minor")))),
        ("(State in Open,null)", AnyOf((same("State", "Open"), Missing(Path("State"))))),
        ("(Rank < abc)", Compare(Path("DragAndDropRank"), Op.LT, "abc")),
        ("(Owner.UserName = ann)", Some((Step("Owner"),), same("UserName", "ann"))),
        ("(Requirement.Owner.UserName = ann)", Some((Step("Requirement"), Step("Owner")), same("UserName", "ann"))),
        ("(Tags.Name = red)", Some((Step("Tags"),), same("Name", "red"))),
        (
            "(Owner.UserName != ann)",
            AnyOf((Not(Some((Step("Owner"),), EVERYTHING)), Some((Step("Owner"),), Not(same("UserName", "ann"))))),
        ),
        ("(Tasks.State = Open)", Some((Step("WorkProduct", ("Task",), backward=True),), same("State", "Open"))),
        (
            "((Name = a) AND ((State = Open) AND (Rank = b)))",
            All((same("Name", "a"), same("State", "Open"), same("DragAndDropRank", "b"))),
        ),
    ],
)  # fmt: skip
def test_a_query_becomes(query: str, expected: Expr) -> None:
    assert where(query) == expected
    assert notes(query) == ()


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("today", "2026-02-28T05:00:00.000Z"),
        ("today-7", "2026-02-21T05:00:00.000Z"),
        ("today+1", "2026-03-01T05:00:00.000Z"),
        ("2026-01-31", "2026-01-31T05:00:00.000Z"),
        ("2026-01-31T10:00:00.1239Z", "2026-01-31T10:00:00.123Z"),
        ('"2026-01-31T10:00+01:00"', "2026-01-31T09:00:00.000Z"),
    ],
)
def test_days_begin_at_midnight_where_the_query_is_asked(value: str, instant: str) -> None:
    eastern = replace(ASKED, time_zone=timezone(timedelta(hours=-5)))
    assert where(f"(LastUpdateDate >= {value})", asked=eastern) == Compare(Path("LastUpdateDate"), Op.GE, instant)


def test_steps_through_a_reference_of_any_type_name_the_types_that_have_the_field() -> None:
    wanted = Some((Step("WorkProduct", ("Defect", "Task")),), same("State", "Open"))
    assert where("(WorkProduct.State = Open)", "Task") == wanted


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("Votes", "c_Votes"),
        ("votes", "c_Votes"),
        ("c_votes", "c_Votes"),
        ("Customer Votes", "c_Votes"),
        ('"customer votes"', "c_Votes"),
        ("CustomerVotes", "c_Votes"),
        ("PLANESTIMATE", "PlanEstimate"),
    ],
)
def test_fields_go_by_other_names_with_a_note(written: str, field: str) -> None:
    type_name = "HierarchicalRequirement"
    value: int | Decimal = 1 if field == "c_Votes" else Decimal(1)
    assert where(f"({written} = 1)", type_name) == same(field, value)
    assert [field in each for each in notes(f"({written} = 1)", type_name)] == [True]


def test_the_exact_name_wins_over_a_custom_field_that_is_called_alike() -> None:
    assert where("(Owner = 5)", "HierarchicalRequirement") == Compare(OWNER, Op.EQ, 5)
    assert notes("(Owner = 5)", "HierarchicalRequirement") == ()


def test_a_name_that_two_fields_have_is_refused() -> None:
    found = error("(Look alike = 1)", "HierarchicalRequirement")
    assert found.near == ("c_LookAlike", "c_Twin")
    assert underlined(found) == "Look alike"


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("(Nane = 1)", "Nane", 'Could not find attribute "Nane" on type Defect'),
        ("(Owner.Shoe = 1)", "Shoe", 'Could not find attribute "Shoe" on type User in the query segment "Owner.Shoe"'),
        ("((Name = 1) AND (Name zobolts 1))", "zobolts", 'Unknown operator "zobolts"'),
        ("((Name = 1) AND (Rank>=2))", "Rank>=2", 'Unknown operator ")"; blanks stand around an operator: Rank >= 2'),
        ("(Name in )", ")", "a value is missing"),
        ("(Name in ,)", ",", "a value is missing"),
        (f"({'Parent.' * 500}Name = x)", f"{'Parent.' * 500}Name", "A path has at most 30 names"),
        ("(Name = a(b))", "(", "a value with parentheses stands in quotes"),
        ("(Name = a b)", "b", 'expected ")" but saw "b" instead.'),
        ('(Name = "a)', '"a)', "does not end"),
        ("(LastUpdateDate > someday)", "someday", 'Cannot convert "someday" into a date.'),
        ("(ObjectID in 1,two,3)", "two", 'Cannot convert "two" into a number'),
        ("(Owner < 5)", "<", "can only be compared by = and !="),
        ("(Tags > 5)", ">", "is a collection"),
        ("(LastUpdateDate contains 20)", "contains", "is no text"),
        ("(FormattedID < US)", "US", "has no number"),
        ("(RevisionHistory.Revisions.Description contains x)", "Revisions", "RevisionHistory is not mirrored"),
    ],
)
def test_an_error_underlines(query: str, place: str, words: str) -> None:
    found = error(query)
    assert words in found.problem
    assert underlined(found) == place


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("(Owner = NULL)", "What is not there is asked for by null"),
        ('(Owner = "")', "What is not there is asked for by null"),
        ("(Name = Null)", "Rally's word for what is not there is null, in lower case; Null is a text."),
        ("(State > open)", 'State has no value "open" today; did you mean Open?'),
        ("(State < Nowhere)", 'State has no value "Nowhere" today.'),
    ],
)
def test_what_finds_nothing_by_a_slip_is_said(query: str, note: str) -> None:
    assert any(note in each for each in notes(query))


def test_an_unknown_name_comes_with_the_nearest_ones() -> None:
    assert error("(Nane = 1)").near == ("Name",)
    assert "c_Votes" in error("(Vote = 1)", "HierarchicalRequirement").near


def test_a_structured_value_can_only_be_asked_for_absence() -> None:
    assert where("(c_Wiki = null)", "HierarchicalRequirement") == Missing(Path("c_Wiki"))
    assert underlined(error("(c_Wiki = x)", "HierarchicalRequirement")) == "="


def test_names_of_what_is_not_mirrored_are_those_that_the_reference_shows() -> None:
    chosen = Compare(Path("c_Platforms", part=Part.NAME), Op.EQ, "Web")
    assert where("(c_Platforms.StringValue = Web)", "HierarchicalRequirement") == chosen
    few = replace(ASKED, layouts={name: each for name, each in ASKED.layouts.items() if name != "User"})
    assert where("(Owner.DisplayName = Ann)", asked=few) == Compare(Path("Owner", part=Part.NAME), Op.EQ, "Ann")


@pytest.mark.parametrize(
    ("query", "doubt"),
    [
        ("(State = Opne)", 'State has no value "Opne" today; did you mean Open?'),
        ("(State in Open,fixed)", 'State has no value "fixed" today; did you mean Fixed?'),
        ("(State != Nowhere)", 'State has no value "Nowhere" today.'),
        ("(Name = 'x')", "Rally's quotes are double; in 'x' they belong to the value."),
    ],
)
def test_what_finds_nothing_by_a_slip_comes_with_a_note(query: str, doubt: str) -> None:
    assert notes(query) == (doubt,)


def test_chains_are_grouped_from_the_right_as_pyral_does() -> None:
    assert where("State = Open OR State = Fixed AND Name = a") == where(
        "((State = Open) OR ((State = Fixed) AND (Name = a)))"
    )
    assert len(notes("State = Open OR State = Fixed AND Name = a")) == 3


def test_conditions_may_be_nested_without_end_in_the_same_word_and_deeply_in_others() -> None:
    chain = deep = "(ObjectID = 0)"
    for number in range(1, 3000):
        chain = f"({chain} OR (ObjectID = {number}))"
    for number in range(1, 39):
        deep = f"({deep} {'AND' if number % 2 else 'OR'} (ObjectID = {number}))"
    assert isinstance(found := where(chain), AnyOf)
    assert len(found.items) == 3000
    assert where(deep)
    for number in range(4):
        deep = f"({deep} {'AND' if number % 2 else 'OR'} (ObjectID = {number}))"
    assert "deep" in error(deep).problem
