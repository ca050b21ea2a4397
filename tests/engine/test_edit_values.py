"""Fields and values of edits against a catalogue, as tables of cases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from mirror.engine.edit import Assignment, How, assignments
from mirror.engine.validate import check_writable, demanded, field_called, scalar, text_item
from mirror.errors import InvalidEditError
from mirror.model.layout import Layout, arrange
from mirror.model.schema import Field, Kind, RecordType, Tracking
from mirror.model.work_item import WorkItem

STATES = ("", "Submitted", "Open", "Fixed")

DEFECT = RecordType(
    "Defect",
    (
        Field("Name", Kind.TEXT, display_name="Name", required=True, max_length=10),
        Field("FormattedID", Kind.TEXT, display_name="Formatted ID", required=True, read_only=True),
        Field("State", Kind.TEXT, display_name="State", required=True, allowed_values=STATES),
        Field("Severity", Kind.TEXT, display_name="How bad", allowed_values=STATES),
        Field("ScheduleState", Kind.REFERENCE, display_name="Schedule State", required=True, targets=("State",)),
        Field("Owner", Kind.REFERENCE, display_name="Owned By", targets=("User",)),
        Field("Project", Kind.REFERENCE, display_name="Project", required=True, targets=("Project",)),
        Field("Estimate", Kind.NUMERIC, display_name="Estimate"),
        Field("Rank", Kind.INTEGER, required=True),
        Field("Level", Kind.INTEGER, allowed_values=("1", "2")),
        Field("Blocked", Kind.BOOLEAN, required=True),
        Field("Opened", Kind.TIMESTAMP),
        Field("Due", Kind.DATE, required=True),
        Field("Link", Kind.JSON),
        Field("Kind", Kind.TEXT, create_only=True),
        Field("Tags", Kind.LINKS, targets=("Tag",)),
        Field("c_Browser", Kind.TEXT, display_name="Browser", custom=True),
        Field("Custom_Region", Kind.TEXT, display_name="Region", custom=True),
        Field("CF.{Host}", Kind.TEXT, display_name="Host", custom=True),
        Field("CF.{Host}.13", Kind.TEXT, display_name="Host", custom=True),
        Field("CF.{Tags}", Kind.VALUES, display_name="Words", custom=True, allowed_values=("red", "blue"), max_length=4),
    ),
    Tracking.STAMP,
    work_item=WorkItem(("Name",), state=("ScheduleState",)),
)
LAYOUT: Layout = arrange("acme", "rally", DEFECT, table="rally_defect")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("State", "State"),
        ("state", "State"),
        ("SCHEDULESTATE", "ScheduleState"),
        ("Schedule State", "ScheduleState"),
        ("schedule_state_id", "ScheduleState"),
        ("owner_name", "Owner"),
        ("owned by", "Owner"),
        ("browser", "c_Browser"),
        ("Browser", "c_Browser"),
        ("c_browser", "c_Browser"),
        ("Region", "Custom_Region"),
        ("custom_region", "Custom_Region"),
        ("how bad", "Severity"),
        ("CF.{Host}", "CF.{Host}"),
        ("cf.{host}", "CF.{Host}"),
        ("cf_host_13", "CF.{Host}.13"),
        ("words", "CF.{Tags}"),
        ("Tags", "Tags"),
        ("rally_defect__tags", "Tags"),
    ],
)
def test_a_field_is_found_by_what_people_call_it(name: str, field: str) -> None:
    assert field_called(LAYOUT, name).name == field


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Stat", "Defect has no field called 'Stat'; did you mean State"),
        ("Brwoser", "c_Browser"),
        ("c_Severity", "no field called 'c_Severity'; did you mean Severity"),
        ("Colour of the sky", "no field called 'Colour of the sky'$"),
    ],
)
def test_an_unknown_field_is_answered_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        field_called(LAYOUT, name)


def test_a_display_name_of_two_fields_is_refused() -> None:
    short = RecordType("ticket", (Field("A", Kind.TEXT, "Host"), Field("B", Kind.TEXT, "Host")), Tracking.STAMP)
    with pytest.raises(ValueError, match="several fields called 'host': A or B"):
        field_called(arrange("acme", "rt", short, table="rt_ticket"), "host")


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("Name", "short", "short"),
        ("Name", " kept ", " kept "),
        ("State", "Open", "Open"),
        ("State", "oPEN", "Open"),
        ("Severity", "", None),
        ("Severity", None, None),
        ("Estimate", "2.5", 2.5),
        ("Estimate", " 3 ", 3),
        ("Estimate", "-0.125", -0.125),
        ("Estimate", Decimal("2.50"), 2.5),
        ("Estimate", 7, 7),
        ("Estimate", "123456789012345678901234567890.1", "123456789012345678901234567890.1"),
        ("Rank", "12", 12),
        ("Rank", "12.0", 12),
        ("Level", "2", 2),
        ("Level", 1, 1),
        *(("Blocked", given, True) for given in ("yes", "TRUE", "1", "on", True, 1)),
        *(("Blocked", given, False) for given in ("no", "False", "0", "off", False, 0)),
        ("Opened", "2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000Z"),
        ("Opened", "2026-03-01 09:30", "2026-03-01T09:30:00.000Z"),
        ("Opened", "2026-03-01T09:30+05:30", "2026-03-01T04:00:00.000Z"),
        ("Opened", "2026-03-01", "2026-03-01T00:00:00.000Z"),
        ("Opened", date(2026, 3, 1), "2026-03-01T00:00:00.000Z"),
        ("Opened", datetime(2026, 3, 1, 9, 30, tzinfo=UTC).replace(tzinfo=None), "2026-03-01T09:30:00.000Z"),
        ("Opened", datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00.000Z"),
        ("Opened", datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T07:30:00.000Z"),
        ("Due", "2026-03-01", "2026-03-01"),
        ("Due", date(2026, 3, 1), "2026-03-01"),
        ("Link", '{"b": 1, "a": "ü"}', '{"a": "ü", "b": 1}'),
        ("Link", {"b": [1]}, '{"b": [1]}'),
    ],
)
def test_a_value_takes_the_form_of_a_row(field: str, given: object, value: object) -> None:
    found = scalar(field_called(LAYOUT, field), given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        ("Name", "eleven char", "Name takes at most 10 characters, and this has 11"),
        ("Name", 5, "Name takes text, not 5"),
        ("Name", "", "Name is required and cannot be empty$"),
        ("State", "", "State is required and cannot be empty: say one of Submitted, Open or Fixed"),
        ("State", "Opened", "State cannot be 'Opened'; it is one of Submitted, Open or Fixed"),
        ("Estimate", "2,5", r"Estimate takes a number such as 2\.5, not '2,5'"),
        ("Estimate", "nan", "Estimate takes a number"),
        ("Estimate", True, "Estimate takes a number"),
        ("Estimate", "1_000", "Estimate takes a number such as 2.5, not '1_000'"),
        ("Estimate", "\uff11\uff12", "Estimate takes a number"),
        ("Estimate", "1e400", "Estimate takes a number"),
        ("Estimate", "1e999999999999", "Estimate takes a number"),
        ("Estimate", Decimal("1e400"), "Estimate takes a number"),
        ("Rank", "1e999999999999", "Rank takes a whole number"),
        ("Name", "   ", "Name is required and cannot be empty$"),
        ("Name", "a\0b", "Name takes text"),
        ("Name", "a\udcff", "Name takes text"),
        ("Link", "NaN", "Link takes JSON"),
        ("Link", '{"a": 1e400}', "Link takes JSON"),
        ("Rank", "2.5", "Rank takes a whole number such as 3, not '2.5'"),
        ("Rank", str(2**63), "Rank takes a whole number"),
        ("Level", "3", "Level cannot be '3'; it is one of 1 or 2"),
        ("Blocked", "maybe", "Blocked takes yes or no, not 'maybe'"),
        ("Opened", "yesterday", r"Opened takes an instant such as 2026-03-01T09:30Z \(without a zone it is in UTC\)"),
        ("Due", "01.03.2026", "Due takes a day such as 2026-03-01, not '01.03.2026'"),
        ("Due", datetime(2026, 3, 1, tzinfo=UTC), "Due takes a day"),
        ("Link", "{", "Link takes JSON such as"),
    ],
)
def test_a_wrong_value_is_answered_with_the_right_form(field: str, given: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scalar(field_called(LAYOUT, field), given)


def test_a_number_of_a_list_is_said_in_any_spelling() -> None:
    field = Field("Size", Kind.NUMERIC, allowed_values=("1.0", "2.0", "3.5"))
    assert [scalar(field, given) for given in ("2", "2.0", 2, 2.0, "3.50", Decimal("1"))] == [2, 2, 2, 2, 3.5, 1]
    with pytest.raises(ValueError, match=r"Size cannot be '4'; it is one of 1\.0, 2\.0 or 3\.5"):
        scalar(field, "4")


def test_a_choice_is_found_without_the_blanks_that_the_catalogue_has_around_it() -> None:
    field = Field("Mood", Kind.TEXT, allowed_values=("Ünïque ", "Plain"))
    assert [scalar(field, given) for given in ("ünïque", " Ünïque", "Ünïque ")] == ["Ünïque "] * 3


def test_of_many_allowed_values_only_the_nearest_are_named() -> None:
    field = Field("Country", Kind.TEXT, allowed_values=tuple(f"Country {number:02}" for number in range(40)))
    with pytest.raises(ValueError, match="did you mean Country 07") as caught:
        scalar(field, "Countri 07")
    assert str(caught.value).count("Country") == 4


def test_fields_that_the_tracker_sets_are_refused() -> None:
    with pytest.raises(ValueError, match="FormattedID of a Defect is read-only"):
        check_writable(LAYOUT, field_called(LAYOUT, "FormattedID"), is_new=True)
    with pytest.raises(ValueError, match="Kind of a Defect can only be set when it is created"):
        check_writable(LAYOUT, field_called(LAYOUT, "Kind"), is_new=False)
    check_writable(LAYOUT, field_called(LAYOUT, "Kind"), is_new=True)


def test_only_what_the_tracker_does_not_fill_itself_is_demanded() -> None:
    assert [each.name for each in demanded(LAYOUT)] == ["Name", "Project", "Due"]


def test_items_of_plain_values_are_checked() -> None:
    words = field_called(LAYOUT, "CF.{Tags}")
    assert text_item(words, "RED") == "red"
    for given in ("", "green", 5, "yellow"):
        with pytest.raises(ValueError, match=r"CF.{Tags}"):
            text_item(words, given)


def test_assignments_are_read() -> None:
    assert assignments(["A=b=c", "A B = x", "T+=1", "T-=", "CF.{X y}=", "N=two\nlines"]) == [
        Assignment("A", "b=c"),
        Assignment("A B", " x"),
        Assignment("T", "1", How.ADD),
        Assignment("T", "", How.REMOVE),
        Assignment("CF.{X y}", ""),
        Assignment("N", "two\nlines"),
    ]


def test_all_wrong_assignments_are_named() -> None:
    with pytest.raises(InvalidEditError) as caught:
        assignments(["A=1", "=x", "nothing"])
    assert caught.value.problems == ("'=x' is not Field=Value", "'nothing' is not Field=Value")
