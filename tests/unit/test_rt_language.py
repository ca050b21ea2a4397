"""RT's query languages without a database: dates, places of errors, notes, names, and a few trees."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mirror.connectors.language import Asked
from mirror.connectors.rt.catalog import CustomField, CustomRole, Schema, catalog
from mirror.connectors.rt.language import RTLanguage
from mirror.connectors.rt.language_dates import day_of, understood
from mirror.errors import QueryError
from mirror.model.layout import arrange, table_name
from mirror.model.part import Part
from mirror.query.expr import (
    EVERYTHING,
    OWN_ID,
    Aggregate,
    All,
    AnyOf,
    Compare,
    Expr,
    Function,
    Not,
    Op,
    Order,
    Path,
    Some,
    Step,
    Term,
)

_NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
_SCHEMA = Schema(
    "5.0.3",
    sees_users=True,
    custom_fields=(
        CustomField(1, "Severity", "Select", True, "ticket", allowed=("low", "high")),
        CustomField(2, "Target Date", "Date", True, "ticket"),
        CustomField(3, "Tags", "Freeform", False, "ticket"),
        CustomField(4, "Host", "Freeform", True, "ticket"),
        CustomField(5, "Host", "Freeform", True, "ticket"),
    ),
    custom_roles=(CustomRole(1, "Engineer", True),),
)
_LAYOUTS = {
    each.name: arrange("acme", "rt", each, table=table_name("rt", each.name))
    for each in catalog(_SCHEMA, "1").types.values()
}
_ASKED = Asked(_LAYOUTS, _NOW, 14)
_LANGUAGE = RTLanguage()
_SHOWN = (Not(Compare(Path("Status"), Op.EQ, "deleted")), Compare(Path("Type"), Op.EQ, "ticket"))


def where(text: str, asked: Asked = _ASKED) -> Expr:
    """Return what a query about tickets asks, without what it leaves out."""
    found = _LANGUAGE.query(text, _LAYOUTS["ticket"], asked).where
    assert isinstance(found, All)
    assert found.items[: len(_SHOWN)] == _SHOWN
    return found.items[-1]


def term(name: str) -> Term:
    """Return what a name means for tickets."""
    return _LANGUAGE.term(name, _LAYOUTS["ticket"], _ASKED)


# What Time::ParseDate and DateTime::Format::Natural, which RT asks in this order, make of these on a Saturday at 18:00
DATES: list[tuple[str, str | None]] = [
    ("now", "2026-11-21T18:00:00Z"),
    ("today", "2026-11-21T18:00:00Z"),
    ("tomorrow", "2026-11-22T18:00:00Z"),
    ("yesterday", "2026-11-20T18:00:00Z"),
    ("midnight", "2026-11-21T00:00:00Z"),
    ("-7 days", "2026-11-14T18:00:00Z"),
    ("+7 days", "2026-11-28T18:00:00Z"),
    ("7 days", "2026-11-28T18:00:00Z"),
    ("2 weeks ago", "2026-11-07T18:00:00Z"),
    ("1 month ago", "2026-10-21T18:00:00Z"),
    ("-1 year", "2025-11-21T18:00:00Z"),
    ("next week", "2026-11-28T18:00:00Z"),
    ("last month", "2026-10-21T18:00:00Z"),
    ("next year", "2027-11-21T18:00:00Z"),
    ("next day", "2026-11-22T00:00:00Z"),
    ("last day", "2026-11-20T00:00:00Z"),
    ("monday", "2026-11-16T00:00:00Z"),
    ("this monday", "2026-11-16T00:00:00Z"),
    ("next monday", "2026-11-23T18:00:00Z"),
    ("last friday", "2026-11-20T18:00:00Z"),
    ("next sunday", "2026-11-22T18:00:00Z"),
    ("-90 seconds", "2026-11-21T17:58:30Z"),
    ("1000 minutes ago", "2026-11-21T10:00:00Z"),
    ("2500 minutes ago", "2026-11-22T01:00:00Z"),
    ("-1000 minutes", "2026-11-21T01:20:00Z"),
    ("10000 seconds ago", "2026-11-21T15:13:20Z"),
    ("365 days ago", "2025-11-21T18:00:00Z"),
    ("in 3 days", "2026-11-24T18:00:00Z"),
    ("3 days from now", "2026-11-24T18:00:00Z"),
    ("1 day 2 hours ago", "2026-11-20T16:00:00Z"),
    ("2 days 3 hours", "2026-11-23T21:00:00Z"),
    ("-2 days 3 hours", "2026-11-19T21:00:00Z"),
    ("yesterday noon", "2026-11-20T12:00:00Z"),
    ("tomorrow 10:00", "2026-11-22T10:00:00Z"),
    ("10:00 tomorrow", "2026-11-22T10:00:00Z"),
    ("tomorrow at 5pm", "2026-11-22T17:00:00Z"),
    ("2 days ago midnight", "2026-11-19T00:00:00Z"),
    ("2026-11-01", "2026-11-01T00:00:00Z"),
    ("2026/11/01", "2026-11-01T00:00:00Z"),
    ("2026-1-5", "2026-01-05T00:00:00Z"),
    ("01/11/2026", "2026-11-01T00:00:00Z"),
    ("31/12/2026", "2026-12-31T00:00:00Z"),
    ("2026-11-01 10:00", "2026-11-01T10:00:00Z"),
    ("2026-11-01T10:00:00", "2026-11-01T10:00:00Z"),
    ("2026-11-01T10:00:00Z", "2026-11-01T00:00:00Z"),
    ("2026-11-01T10:00:00 Z", "2026-11-01T10:00:00Z"),
    ("2026-11-01 10:00:00 UTC", "2026-11-01T10:00:00Z"),
    ("2026-11-01 10:00:00 -0500", "2026-11-01T15:00:00Z"),
    ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
    ("2026-11-01 10:00 pm", "2026-11-01T22:00:00Z"),
    ("2026-11-01 noon", "2026-11-01T12:00:00Z"),
    ("1 Nov 2026", "2026-11-01T00:00:00Z"),
    ("November 1, 2026", "2026-11-01T00:00:00Z"),
    ("Nov 1, 2026 5pm", "2026-11-01T17:00:00Z"),
    ("1st november 2026", "2026-11-01T00:00:00Z"),
    ("Nov 30", "2026-11-30T00:00:00Z"),
    ("2026-02-30", "2026-03-02T00:00:00Z"),
    ("2026-13-01", "2027-01-01T00:00:00Z"),
    ("2026", "2026-11-21T20:26:00Z"),
    ("10:00", "2026-11-21T10:00:00Z"),
    ("12:30am", "2026-11-21T00:30:00Z"),
    ("5pm", "2026-11-21T17:00:00Z"),
    ("2400", "2026-11-22T00:00:00Z"),
    ("25/12/26", "2026-12-25T00:00:00Z"),
    ("25.12.1999", "1999-12-25T00:00:00Z"),
    ("12/25/2026", "2028-01-12T00:00:00Z"),
    ("25/12 10:00", "2026-12-25T10:00:00Z"),
    ("25-Dec-2026", "2026-12-25T00:00:00Z"),
    ("25/dec/26", "2026-12-25T00:00:00Z"),
    ("Dec-25-2026", "2026-12-25T00:00:00Z"),
    ("December 25th, 2026", "2026-12-25T00:00:00Z"),
    ("Fri, 25 Dec 2026 10:00:00", "2026-12-25T10:00:00Z"),
    ("friday 10:00", "2026-11-20T10:00:00Z"),
    ("this month", "2026-11-01T00:00:00Z"),
    ("this year", "2026-01-01T00:00:00Z"),
    ("February", "2026-02-01T00:00:00Z"),
    ("2026-11", None),
    ("garbage", None),
    ("20261101", None),
    ("two days ago", None),
    ("end of month", None),
    ("next 2 weeks", None),
    ("-1.5 days", None),
]


@pytest.mark.parametrize(("text", "meant"), DATES)
def test_dates_are_understood_as_rt_understands_them(text: str, meant: str | None) -> None:
    found = understood(text, UTC, _NOW)
    assert (None if found is None else f"{found:%Y-%m-%dT%H:%M:%SZ}") == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [  # rt.md §5.3, its last column
        ("2026-11-21 01:09:29", "06:09:29"),
        ("2026-11-21 01:09:29 UTC", "06:09:29"),
        ("2026-11-21 01:09:29 +0000", "06:09:29"),
        ("2026-11-21T01:09:29Z", "05:00:00"),
        ("2026-11-21 01:09:29 -0500", "11:09:29"),
        ("-90 seconds", "17:58:30"),
    ],
)
def test_dates_are_read_on_the_clock_of_the_user(text: str, meant: str) -> None:
    found = understood(text, ZoneInfo("America/New_York"), _NOW)
    assert found is not None
    assert f"{found:%H:%M:%S}" == meant


@pytest.mark.parametrize(
    "text", ["March 2027", "monday last week", "this morning", "-7d", "2/31", "15", "1 week 2 days ago"]
)
def test_a_date_that_rt_alone_may_understand_is_refused_rather_than_taken_for_1970(text: str) -> None:
    for query in (f"Due > '{text}'", f"id = 1 AND Updated > '{text}'"):
        with pytest.raises(QueryError, match=f"What RT takes '{text}' for is not known here") as raised:
            where(query)
        assert query[raised.value.position :].startswith(f"'{text}'")


def test_a_day_begins_and_ends_on_the_clock_of_the_user() -> None:
    start, end = day_of(datetime(2026, 11, 1, 12, tzinfo=UTC), ZoneInfo("America/New_York"))  # 25 hours long
    assert (f"{start:%d %H:%M}", f"{end:%d %H:%M}") == ("01 04:00", "02 05:00")


@pytest.mark.parametrize(
    ("text", "place", "near"),
    [
        ("Status = 'new' AN id = 3", "AN", ()),
        ("Ownr = 'x'", "Ownr", ("Owner",)),
        ("id = 3 AND Subject > Nope", "Nope", ()),
        ("CustomRole.{Enginer} = 1", "CustomRole.{Enginer}", ("Engineer",)),
        ("Requestor.Emailaddress = 'x'", "Requestor.Emailaddress", ("EmailAddress",)),
        ("(id = 3 AND (id = 4)", "(", ()),
        ("Priority = 'abc'", "'abc'", ()),
        ("Due LIKE '2027'", "LIKE", ()),
        ("Due > 20270101", "20270101", ()),
    ],
)
def test_errors_name_the_place_and_what_may_have_been_meant(text: str, place: str, near: tuple[str, ...]) -> None:
    with pytest.raises(QueryError) as caught:
        where(text)
    error = caught.value
    assert text[error.position : error.position + error.length] == place
    assert error.near[: len(near)] == near


def test_our_own_id_is_needed_only_where_it_is_asked_for() -> None:
    assert where("Owner = '__CurrentUser__'") == Compare(Path("Owner", (), Part.ID), Op.EQ, 14)
    nobody = Asked(_LAYOUTS, _NOW)
    assert where("Owner = 'ann'", nobody) == Compare(Path("Owner", (), Part.NAME), Op.EQ, "ann", folds_case=True)
    with pytest.raises(QueryError, match="who you are"):
        where("Owner = '__CurrentUser__'", nobody)


def test_mixed_words_are_joined_by_the_last() -> None:
    one, two, three = (Compare(Path(OWN_ID), Op.EQ, each) for each in (1, 2, 3))
    assert where("id = 1 AND id = 2 OR id = 3") == AnyOf((one, two, three))
    assert where("id = 1 OR id = 2 AND id = 3") == All((one, two, three))
    assert where("id = 1 AND (id = 2 OR id = 3)") == All((one, AnyOf((two, three))))


def test_others_joined_by_or_are_a_list_of_what_is_not_wanted() -> None:
    assert where("id != 1 OR id != 2") == All((Compare(Path(OWN_ID), Op.NE, 1), Compare(Path(OWN_ID), Op.NE, 2)))
    assert isinstance(where("id != 1 OR Priority != 2"), AnyOf)


def test_conditions_on_transactions_are_about_the_same_one() -> None:
    found = where("id = 1 AND UpdatedBy = 14 AND Updated > '2026-11-01'")
    there = All(
        (Compare(Path("Creator", (), Part.ID), Op.EQ, 14), Compare(Path("Created"), Op.GT, "2026-11-01T00:00:00.000Z"))
    )
    one = Some((Step("Object", ("transaction",), backward=True),), there)
    assert found == All((Compare(Path(OWN_ID), Op.EQ, 1), one))


def test_too_many_ways_through_transactions_are_refused() -> None:
    part = "(id = 1 OR UpdatedBy = 14)"
    where(" AND ".join([part] * 6))
    with pytest.raises(QueryError, match="Too many conditions"):
        where(" AND ".join([part] * 12))


def test_deep_nesting_is_refused_and_not_a_crash() -> None:
    assert where("(" * 100 + "id = 1" + ")" * 100) == Compare(Path(OWN_ID), Op.EQ, 1)
    with pytest.raises(QueryError, match="parentheses"):
        where("(" * 5000 + "id = 1" + ")" * 5000)


def test_notes_tell_what_rt_takes_otherwise_than_it_looks() -> None:
    query = _LANGUAGE.query("Due < 'someday' OR CF.{Sverity} = 'x' OR Content LIKE 'x'", _LAYOUTS["ticket"], _ASKED)
    assert query.notes == (
        "'someday' is no date; RT takes it for 1970",
        "There is no custom field called 'Sverity'; did you mean Severity?",
        "RT finds nothing by Content unless full-text search is set up there; the mirror has no contents",
    )


def test_an_empty_query_is_about_everything() -> None:
    assert _LANGUAGE.query(" ", _LAYOUTS["ticket"], _ASKED).where == EVERYTHING


@pytest.mark.parametrize("name", ["ticket", "Ticket", "TICKETS", " tickets "])
def test_types_are_known_in_any_case_and_in_the_plural(name: str) -> None:
    assert _LANGUAGE.types(name, _LAYOUTS) == ("ticket",)
    assert _LANGUAGE.types("classes", _LAYOUTS) == ("class",)
    assert _LANGUAGE.types("Nope", _LAYOUTS) == ()


def test_an_order_has_several_keys_in_several_forms() -> None:
    found = _LANGUAGE.order("-Due, Queue|id DESC,CF.{Severity},-CF.{Tags}", _LAYOUTS["ticket"], _ASKED)
    assert found == (
        Order(Path("Due"), True, folds_case=True),
        Order(Path("Queue", (), Part.NAME), folds_case=True),
        Order(Path(OWN_ID), True, folds_case=True),
        Order(Path("CF.{Severity}"), by_place=("low", "high")),
        Order(Aggregate(Function.MAX, Path("CF.{Tags}")), True),
    )
    assert _LANGUAGE.order("", _LAYOUTS["ticket"], _ASKED) == ()


def test_terms_are_fields_paths_and_counts() -> None:
    tickets = ("ticket", "article", "asset")
    assert term("subject") == Path("Subject")
    assert term("CF.{target date}") == term("Target Date") == Path("CF.{Target Date}")
    assert term("Owner") == Path("Owner", (), Part.NAME)
    assert term("Owner.EmailAddress") == Path("EmailAddress", (Step("Owner", ("user",)),))
    assert term("CustomRole.{Engineer}.Name") == Path("Name", (Step("CustomRole.{Engineer}", ("user", "group")),))
    assert term("MemberOf.Queue.Lifecycle") == Path("Lifecycle", (Step("Parents", tickets), Step("Queue", ("queue",))))
    assert term("Children.@Count") == Aggregate(Function.COUNT, Path(OWN_ID, (Step("Children", tickets),)))


@pytest.mark.parametrize(("name", "place"), [("Host", "Host"), ("Queue.Nme", "Nme"), ("id.x", "id")])
def test_names_that_mean_nothing_or_several_things_are_refused(name: str, place: str) -> None:
    with pytest.raises(QueryError) as caught:
        term(name)
    assert name[caught.value.position : caught.value.position + caught.value.length] == place


def test_lists_of_conditions_are_checked() -> None:
    queue = _LAYOUTS["queue"]
    for text, place in (
        ('[{"field": "Nme", "value": 1}]', "Nme"),
        ('[{"field": "Name", "operator": "LIKEE", "value": 1}]', "LIKEE"),
        ('[{"field": "Name" "value": 1}]', '"'),
        ('[{"field": "Created", "value": "2026-11-21T00:00:00Z"}]', "2026-11-21T00:00:00Z"),
        ("[3]", "[3]"),
    ):
        with pytest.raises(QueryError) as caught:
            _LANGUAGE.query(text, queue, _ASKED)
        assert text[caught.value.position : caught.value.position + caught.value.length] == place
