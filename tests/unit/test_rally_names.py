"""Rally's orders, dotted names and types without any data, and pyral's other forms of a query."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.connectors.rally.language_pyral import from_dict, from_list
from mirror.errors import QueryError
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, OWN_TYPE, Aggregate, Compare, Function, Op, Order, Path, Step
from tests.unit.rally_catalogue import ASKED, NOW, RALLY


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", ()),
        ("Name", (Order(Path("Name"), folds_case=True),)),
        ("-LastUpdateDate", (Order(Path("LastUpdateDate"), descending=True),)),
        ("-LastUpdateDate desc", (Order(Path("LastUpdateDate")),)),
        ("Rank ASC", (Order(Path("DragAndDropRank")),)),
        ("FormattedID desc", (Order(Path("FormattedID"), descending=True, by_number=True, folds_case=True),)),
        ("Ready, ObjectID desc", (Order(Path("Ready")), Order(Path(OWN_ID), descending=True))),
        ("Severity", (Order(Path("Severity"), by_place=("None", "Crash", "Minor"), folds_case=True),)),
        ("Owner.UserName", (Order(Path("UserName", (Step("Owner"),)), folds_case=True),)),
        ("Owner", (Order(Path("Owner", part=Part.NAME), folds_case=True),)),
    ],
)  # fmt: skip
def test_an_order_becomes(order: str, expected: tuple[Order, ...]) -> None:
    assert RALLY.order(order, ASKED.layouts["Defect"], ASKED) == expected


@pytest.mark.parametrize("order", ["Nothing", "Name,Tags", "Tags.Name", "Tasks.State desc", "Owner.Nothing"])
def test_an_order_by_what_is_not_there_or_many_is_refused(order: str) -> None:
    with pytest.raises(QueryError, match="Cannot sort using unknown attribute"):
        RALLY.order(order, ASKED.layouts["Defect"], ASKED)


TASKS = Step("WorkProduct", ("Task",), backward=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Name", Path("Name")),
        ("ObjectID", Path(OWN_ID)),
        ("_type", Path(OWN_TYPE)),
        ("Owner", Path("Owner", part=Part.NAME)),
        ("Owner.ObjectID", Path("ObjectID", (Step("Owner"),))),
        ("Owner.Name", Path("DisplayName", (Step("Owner"),))),
        ("Requirement.Owner.UserName", Path("UserName", (Step("Requirement"), Step("Owner")))),
        ("Requirement.Votes", Path("c_Votes", (Step("Requirement"),))),
        ("Tags", Path("Tags")),
        ("Tags.Name", Path("Name", (Step("Tags"),))),
        ("Tags.Count", Aggregate(Function.COUNT, Path("Tags"))),
        ("Tasks", Path(OWN_ID, (TASKS,))),
        ("Tasks.Name", Path("Name", (TASKS,))),
        ("Tasks.Count", Aggregate(Function.COUNT, Path(OWN_ID, (TASKS,)))),
    ],
)
def test_a_name_stands_for(name: str, expected: object) -> None:
    without_id = (each for each in ASKED.layouts["User"].type.fields if each.name != "ObjectID")
    fields = (Field("ObjectID", Kind.INTEGER), *without_id)
    user = replace(ASKED.layouts["User"], type=replace(ASKED.layouts["User"].type, fields=fields))
    asked = replace(ASKED, layouts={**ASKED.layouts, "User": user})
    found = RALLY.term(name, asked.layouts["Defect"], asked)
    assert found == (Path(OWN_ID, (Step("Owner"),)) if name == "Owner.ObjectID" else expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Defect", ("Defect",)),
        ("defects", ("Defect",)),
        ("userstory", ("HierarchicalRequirement",)),
        ("User Story", ("HierarchicalRequirement",)),
        ("feature", ("PortfolioItem/Feature",)),
        ("PortfolioItem-Feature", ("PortfolioItem/Feature",)),
        ("portfolioitem", ("PortfolioItem/Feature",)),
        ("Artifact", ("HierarchicalRequirement", "Defect", "Task", "PortfolioItem/Feature")),
        ("Requirement", ("HierarchicalRequirement",)),
        ("Nothing", ()),
        ("", ()),
    ],
)
def test_a_type_goes_by(name: str, expected: tuple[str, ...]) -> None:
    assert RALLY.types(name, ASKED.layouts) == expected


def test_pyrals_mapping_becomes_a_query() -> None:
    assert from_dict({}) == ""
    assert from_dict({"State": "Open"}) == "(State = Open)"
    criteria = {"Name": 'say "x, y"', "Owner": None, "Ready": True, "PlanEstimate": 2.5, "Notes": "null"}
    wanted = '(Name = "say \\"x, y\\"")'
    for each in ("Owner = null", "Ready = true", "PlanEstimate = 2.5", 'Notes = "null"'):
        wanted = f"({wanted} AND ({each}))"
    assert from_dict(criteria) == wanted
    assert from_dict({"LastUpdateDate": NOW}) == "(LastUpdateDate = 2026-03-01T02:30:00.000Z)"
    found = RALLY.query(from_dict({"Name": 'a "b" \\ c'}), ASKED.layouts["Defect"], ASKED)
    assert found.where == Compare(Path("Name"), Op.EQ, 'a "b" \\ c')


def test_pyrals_list_becomes_a_query() -> None:
    assert from_list([]) == ""
    assert from_list(["State = Open"]) == "(State = Open)"
    assert from_list(["State = Open", " ", "(Owner = null)"]) == "((State = Open) AND (Owner = null))"
    assert (
        from_list(["(State = Open) OR (Owner = null)", 'Name = ")"'])
        == '(((State = Open) OR (Owner = null)) AND (Name = ")"))'
    )
