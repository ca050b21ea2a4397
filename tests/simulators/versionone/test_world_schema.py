"""The schema is whole: what the contract lists is there, and both sides of relations fit together."""

from __future__ import annotations

import pytest

from mirror.simulators.versionone.definitions import built_in_schema
from mirror.simulators.versionone.seed import build_world

SCHEMA = built_in_schema()
TYPES = (
    "Scope Timebox Schedule Story Defect Epic Theme Task Test TestSet Request Issue Goal Retrospective Member Team Actual "
    "Capacity Attachment EmbeddedImage Link Note Conversation Expression BuildProject BuildRun ChangeSet Bundle "
    "RegressionPlan RegressionSuite RegressionTest Environment Milestone StrategicTheme Release ValueStream Roadmap Budget "
    "Allocation Role State StoryStatus TaskStatus TestStatus EpicStatus ThemeStatus RequestStatus ScopeStatus BuildStatus "
    "RegressionTestStatus StoryCategory TaskCategory TestCategory EpicCategory ThemeCategory RequestCategory IssueCategory "
    "GoalCategory NoteCategory AttachmentCategory DefectType WorkitemPriority EpicPriority RequestPriority IssuePriority "
    "GoalPriority WorkitemRisk StorySource TaskSource ThemeSource BuildSource DefectResolution RequestResolution "
    "IssueResolution"
).split()
KINDS = (
    "Text LongText Numeric Boolean Date Duration Relation State Rank Opaque AssetType LocalizerTag "
    "Password Blob Guid LongInt"
).split()


@pytest.mark.parametrize("name", TYPES)
def test_every_type_worth_mirroring_exists_and_can_have_assets(name: str) -> None:
    asset_type = SCHEMA.get(name)
    assert asset_type is not None
    assert not asset_type.abstract
    assert SCHEMA.concrete(name) == [name]


def test_inheritance_is_that_of_the_contract() -> None:
    assert SCHEMA.lineage("Story") == ["Story", "PrimaryWorkitem", "Workitem", "BaseAsset"]
    assert SCHEMA.lineage("StoryStatus") == ["StoryStatus", "List", "BaseAsset"]
    assert SCHEMA.lineage("Actual") == ["Actual"]
    assert SCHEMA.concrete("PrimaryWorkitem") == ["Story", "Defect", "TestSet"]
    assert set(SCHEMA.concrete("Workitem")) == {"Story", "Defect", "TestSet", "Epic", "Theme", "Task", "Test"}


def test_effort_has_no_state_and_no_operations() -> None:
    assert "AssetState" not in SCHEMA.attributes("Actual")
    assert "IsDeleted" not in SCHEMA.attributes("Actual")
    assert SCHEMA.operations("Actual") == {}


def test_some_type_has_no_stamp_but_all_have_a_moment() -> None:
    names = [each.name for each in SCHEMA.types() if not each.abstract]
    assert [name for name in names if "ChangeDateUTC" not in SCHEMA.attributes(name)] == ["Grant"]
    assert all("Moment" in SCHEMA.attributes(name) for name in names)


def test_every_relation_has_a_target_and_its_other_side_points_back() -> None:
    for asset_type in SCHEMA.types():
        for attribute in SCHEMA.attributes(asset_type.name).values():
            assert attribute.is_relation == (attribute.related is not None)
            assert attribute.related is None or SCHEMA.get(attribute.related) is not None
            if attribute.reciprocal is not None:
                owner, _, name = attribute.reciprocal.partition(".")
                other = SCHEMA.attribute(owner, name)
                assert other is not None
                assert other.reciprocal is not None
                assert SCHEMA.root(*other.reciprocal.split(".")) == SCHEMA.root(attribute.owner, attribute.name)


def test_many_to_many_is_writable_on_both_sides_and_many_to_one_on_one() -> None:
    owners, owned = SCHEMA.attribute("Story", "Owners"), SCHEMA.attribute("Member", "OwnedWorkitems")
    assert owners is not None and owned is not None
    assert (owners.multi, owners.read_only, owned.multi, owned.read_only) == (True, False, True, False)
    workitems = SCHEMA.attribute("Scope", "Workitems")
    assert workitems is not None
    assert (workitems.multi, workitems.read_only, workitems.reciprocal) == (True, True, "Workitem.Scope")


def test_what_a_task_has_from_its_parent_is_read_only_and_the_parent_is_required() -> None:
    attributes = SCHEMA.attributes("Task")
    assert all(attributes[name].read_only for name in ("Scope", "Timebox", "Team", "Super"))
    assert attributes["Parent"].required
    assert attributes["Parent"].related == "PrimaryWorkitem"
    assert attributes["Parent"].reciprocal == "Workitem.Children"


def test_operations_are_those_of_the_recorded_meta_and_undelete_is_not_listed() -> None:
    assert set(SCHEMA.operations("Defect")) == {
        *("Delete", "Copy", "Inactivate", "Reactivate", "QuickClose", "QuickSignup", "MakeTemplate")
    }
    assert set(SCHEMA.operations("Timebox")) == {"Delete", "Activate", "Close", "MakeFuture", "Reactivate"}
    assert set(SCHEMA.operations("StoryStatus")) == {"Activate", "Inactivate", "Delete"}
    assert SCHEMA.operations("Story")["Delete"] == "IsDeletable"
    assert SCHEMA.operations("Story")["QuickClose"] == "CheckQuickClose"
    assert not any("Undelete" in SCHEMA.operations(each.name) for each in SCHEMA.types())


def test_every_operation_has_a_validator_that_can_be_read() -> None:
    for asset_type in SCHEMA.types():
        for validator in SCHEMA.operations(asset_type.name).values():
            attribute = SCHEMA.attribute(asset_type.name, validator)
            assert attribute is not None
            assert (attribute.kind, attribute.read_only) == ("Boolean", True)


def test_custom_fields_cover_every_attribute_type() -> None:
    custom = [each for each in SCHEMA.attributes("Story").values() if each.custom]
    assert {each.kind for each in custom} == set(KINDS)
    assert all(each.name.startswith("Custom_") and not each.canned for each in custom)
    assert any(each.multi and not each.is_relation for each in custom)
    assert {each.related for each in custom if each.is_relation} >= {"Custom_Region", "Custom_Platform", "Member", "Epic"}


def test_closures_exist_for_every_tree() -> None:
    assert {"ParentAndUp", "ParentMeAndUp", "ChildrenAndDown", "ChildrenMeAndDown", "ChildrenAndMe"} <= set(
        SCHEMA.attributes("Scope")
    )
    assert {"SuperAndUp", "SubsAndDown", "SubsMeAndDown", "ParentAndUp"} <= set(SCHEMA.attributes("Epic"))
    assert {"SplitFromAndUp", "SplitToAndDown", "SuperMeAndUp"} <= set(SCHEMA.attributes("Story"))


def test_an_added_field_reaches_all_types_below_and_goes_again() -> None:
    world = build_world(60)
    story, generation = world.ids("Story")[0], world.schema.generation
    world.add_field("PrimaryWorkitem", "Wave", "Numeric")
    assert world.value(story, "Custom_Wave") is None
    world.update(story, {"Custom_Wave": "2.5"})
    assert str(world.value(story, "Custom_Wave")) == "2.5"
    assert world.find("AttributeDefinition", Token="PrimaryWorkitem.Custom_Wave") < 0
    world.remove_field("PrimaryWorkitem", "Wave")
    assert world.schema.attribute("Story", "Custom_Wave") is None
    assert world.schema.generation == generation + 2
    with pytest.raises(LookupError):
        world.find("AttributeDefinition", Token="PrimaryWorkitem.Custom_Wave")
    with pytest.raises(KeyError):
        world.value(story, "Custom_Wave")


def test_the_schema_can_be_queried_as_rows() -> None:
    world = build_world(60)
    basic = [each for each in world.ids("AttributeDefinition") if world.value(each, "IsBasic")]
    member = world.find("AssetType", Name="Member")
    names = {world.value(each, "Name") for each in basic if world.value(each, "Asset") == member}
    assert {"Nickname", "Email", "Phone", "Username", "IsLoginDisabled", "DefaultRole"} <= names
    assert all(each < 0 for each in world.ids("AttributeDefinition") + world.ids("AssetType"))
    assert world.value(world.find("AssetType", Name="Story"), "NumberPattern") == "S-"
