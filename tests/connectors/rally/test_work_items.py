"""Which of Rally's types are work, and what states mean that a workspace has put between the usual ones."""

from __future__ import annotations

from mirror.connectors.rally.work_items import work_item
from mirror.model.schema import Field, Kind
from mirror.model.work_item import Category

BASE = (Field("FormattedID", Kind.TEXT), Field("Name", Kind.TEXT))
CUSTOM = ("Idea", "Defined", "In-Progress", "In-Test", "Completed", "Accepted", "Released")


def states(name: str, *values: str) -> Field:
    return Field(name, Kind.TEXT, allowed_values=values)


def meaning(path: str, *fields: Field) -> dict[tuple[str, str], Category | None]:
    """Return (field, value) -> category, of the first rule about that value."""
    roles = work_item(path, (*BASE, *fields))
    assert roles is not None
    found: dict[tuple[str, str], Category | None] = {}
    for rule in roles.rules:
        for value in rule.values:
            found.setdefault((rule.field, str(value)), rule.category)
    return found


def test_custom_schedule_states_fall_into_place() -> None:
    found = meaning("HierarchicalRequirement", states("ScheduleState", *CUSTOM))
    doing = {("ScheduleState", each): Category.DOING for each in CUSTOM[2:5]}
    assert found == doing | {("ScheduleState", each): Category.DONE for each in CUSTOM[5:]}


def test_without_a_list_of_states_the_usual_names_are_known() -> None:
    found = meaning("HierarchicalRequirement", states("ScheduleState"))
    assert found == {("ScheduleState", "Accepted"): Category.DONE, ("ScheduleState", "In-Progress"): Category.DOING}


def test_a_completed_task_is_done_and_a_completed_story_is_not() -> None:
    assert meaning("Task", states("State", "Defined", "In-Progress", "Completed")) == {
        ("State", "In-Progress"): Category.DOING,
        ("State", "Completed"): Category.DONE,
    }
    assert meaning("TestSet", states("ScheduleState", *CUSTOM))["ScheduleState", "Completed"] is Category.DOING


def test_a_defect_is_done_when_closed_or_accepted_and_being_done_behind_open() -> None:
    own = states("State", "Submitted", "Open", "Fixed", "Verified", "Closed", "Closed Declined")
    found = meaning("Defect", own, states("ScheduleState", "Defined", "In-Progress", "Completed", "Accepted"))
    assert found == {
        ("State", "Closed"): Category.DONE,
        ("State", "Closed Declined"): Category.DONE,
        ("ScheduleState", "Accepted"): Category.DONE,
        ("State", "Fixed"): Category.DOING,
        ("State", "Verified"): Category.DOING,
        ("ScheduleState", "In-Progress"): Category.DOING,
        ("ScheduleState", "Completed"): Category.DOING,
    }


def test_what_has_no_state_of_work_is_no_work_item() -> None:
    assert work_item("TestCase", BASE) is None
    assert work_item("Risk", (*BASE, states("State", "Identified", "Resolved"))) is None
    assert work_item("Changeset", (states("State", "Defined", "In-Progress"),)) is None


def test_the_address_names_the_type_as_rally_does() -> None:
    for path, page in (("HierarchicalRequirement", "userstory"), ("PortfolioItem/Epic", "portfolioitem/epic")):
        roles = work_item(path, (*BASE, states("ScheduleState")))
        assert roles is not None
        assert roles.address == f"/#/detail/{page}/{{id}}"
