"""What the catalog says of writing: which types take what, and which fields are settled or kept from us."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.connectors.rally.catalog import Attribute, TypeDefinition, make_catalog
from mirror.model.schema import RecordType
from tests.support.stages.rally import TheStage


@pytest.fixture
def types(stage: TheStage) -> dict[str, RecordType]:
    return {name: each.type for name, each in stage.layouts(stage.connector()).items()}


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("Defect", {"create", "delete", "comment", "attach", "rank"}),
        ("TestSet", {"create", "delete", "comment", "rank"}),
        ("TestCaseResult", {"create", "delete", "attach"}),
        ("Tag", {"create", "delete"}),
        ("Project", {"create"}),
        ("Revision", set()),
        ("RecycleBinEntry", set()),
    ],
)
def test_a_type_takes_what_the_tracker_offers_for_it(types: dict[str, RecordType], name: str, actions: set[str]) -> None:
    assert set(types[name].actions) == actions
    assert types[name].operations == ()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Iteration", "Project"),
        ("Release", "Project"),
        ("TestCaseStep", "TestCase"),
        ("Defect", "Workspace"),
        ("TimeEntryItem", "WeekStartDate"),
    ],
)
def test_some_fields_are_settled_with_the_record(types: dict[str, RecordType], name: str, field: str) -> None:
    found = types[name].field(field)
    assert found is not None
    assert (found.create_only, found.read_only) == (True, False)


def test_most_fields_may_be_changed_at_any_time(types: dict[str, RecordType]) -> None:
    for name in ("Name", "Owner", "Project", "Iteration", "Tags", "Duplicates", "c_Browsers"):
        found = types["Defect"].field(name)
        assert found is not None
        assert not found.create_only
        assert not found.read_only


def definition(**more: Any) -> TypeDefinition:
    attributes = [Attribute("ObjectID", "INTEGER"), Attribute("Name", "STRING"), Attribute("Relations", "COLLECTION")]
    return TypeDefinition("Thing", attributes=[*attributes, Attribute("c_Many", "COLLECTION", custom=True)], **more)


def test_a_collection_that_is_not_known_to_be_written_on_this_side_is_read_only() -> None:
    made = make_catalog([definition(creatable=True)], "digest", {}).types["Thing"]
    assert {each.name for each in made.fields if each.read_only} == {"Relations"}


@pytest.mark.parametrize("creatable", [True, False])
def test_a_type_that_cannot_be_updated_takes_values_with_its_creation_or_never(creatable: bool) -> None:
    made = make_catalog([definition(read_only=True, creatable=creatable)], "digest", {}).types["Thing"]
    name = made.field("Name")
    assert name is not None
    assert (name.create_only, name.read_only) == (True, not creatable)
