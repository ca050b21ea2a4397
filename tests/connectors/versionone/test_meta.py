"""What meta.v1 tells, in either form, and which attributes and sides of relations are mirrored for it."""

from __future__ import annotations

import pytest

from mirror.connectors.versionone.meta_reading import read_meta
from mirror.errors import RetryableError
from mirror.model.schema import RecordType
from mirror.store.store import Store
from tests.support.stages.versionone import TheStage
from tests.support.versionone import connector_to
from tests.support.versionone_truth import many_to_many_ends

ONE_TYPE = b"""<AssetType name="Story" token="Story" displayname="AssetType'Story" abstract="False" href="/I/meta.v1/Story">
  <Base nameref="PrimaryWorkitem" href="/I/meta.v1/PrimaryWorkitem" />
  <DefaultDisplayBy href=".." tokenref="Story.Name" />
  <AttributeDefinition name="Scope" token="Story.Scope" displayname="AttributeDefinition'Scope'Workitem"
     attributetype="Relation" isreadonly="False" isrequired="True" ismultivalue="False" iscanned="True">
   <Base href=".." tokenref="Workitem.Scope" />
   <ReciprocalRelation href=".." tokenref="Scope.Workitems" /> <RelatedAsset nameref="Scope" href="/I/meta.v1/Scope" />
  </AttributeDefinition>
  <AttributeDefinition name="Custom_Votes" attributetype="LongInt" isreadonly="True" isrequired="False"
     ismultivalue="True" iscanned="False" />
</AssetType>"""


def types_of(stage: TheStage) -> dict[str, RecordType]:
    """Return the record types that are offered."""
    catalog = connector_to(stage.tracker).discover(None)
    assert catalog is not None
    return dict(catalog.types)


def test_a_type_of_a_release_without_iscustom_is_read_whole() -> None:
    story = read_meta(ONE_TYPE)["Story"]
    assert (story.base, story.abstract, story.display, story.display_name) == (
        "PrimaryWorkitem",
        False,
        "Story.Name",
        "Story",
    )
    scope, votes = story.attributes["Scope"], story.attributes["Custom_Votes"]
    assert (scope.kind, scope.related, scope.reciprocal, scope.required) == ("Relation", "Scope", "Scope.Workitems", True)
    assert (scope.read_only, scope.multi, scope.custom, scope.display_name) == (False, False, False, "Scope")
    assert (votes.read_only, votes.multi, votes.custom, votes.reciprocal) == (True, True, True, "")


def test_meta_that_was_cut_is_asked_for_again() -> None:
    with pytest.raises(RetryableError):
        read_meta(ONE_TYPE[:-20])


@pytest.mark.parametrize(
    "changes", [{"json": False}, {"json": False, "iscustom_in_meta": False}, {"iscustom_in_meta": False}]
)
def test_every_form_of_meta_gives_the_same_types(stage: TheStage, changes: dict[str, object]) -> None:
    expected = types_of(stage)
    stage.switch(**changes)
    assert types_of(stage) == expected


def test_of_a_relation_one_side_is_mirrored_and_it_is_the_one_that_storage_is_named_after(
    stage: TheStage, store: Store
) -> None:
    types = types_of(stage)
    for owner, name in (
        ("Story", "Owners"),
        ("Task", "Goals"),
        ("Defect", "Dependencies"),
        ("Issue", "BlockedPrimaryWorkitems"),
        ("Request", "PrimaryWorkitems"),
        ("ChangeSet", "PrimaryWorkitems"),
        ("Expression", "Mentions"),
        ("Scope", "Members"),
        ("Story", "Scope"),
        ("Task", "Parent"),
    ):
        assert types[owner].field(name), f"{owner}.{name}"
    for owner, name in (
        ("Member", "OwnedWorkitems"),
        ("Goal", "Workitems"),
        ("Story", "BlockingIssues"),
        ("Scope", "Workitems"),
        ("Story", "Children"),
        ("Member", "Scopes"),
    ):
        assert not types[owner].field(name), f"{owner}.{name}"
    stage.allowed = ("*",)
    stage.sync(store)
    assert many_to_many_ends(store, "acme", stage.tracker) == []


def test_what_is_worked_out_at_each_reading_is_left_out(stage: TheStage) -> None:
    names = {each.name for each in types_of(stage)["Story"].fields}
    assert {"Name", "CreateDateUTC", "AssetState", "IsClosed", "IsDead", "IsInactive", "Owners"} <= names
    assert not names & {
        "CreateDate",
        "Viewers",
        "History",
        "CheckDelete",
        "IsDeletable",
        "Now",
        "ParentAndUp",
        "SuperMeAndUp",
    }


def test_a_relation_to_a_type_with_descendants_tells_the_type_of_each_target(stage: TheStage) -> None:
    types = types_of(stage)
    parent, status, asset = types["Task"].field("Parent"), types["Story"].field("Status"), types["Note"].field("Asset")
    assert parent and parent.polymorphic and not parent.targets
    assert status and not status.polymorphic and status.targets == ("StoryStatus",)
    assert asset and asset.polymorphic


def test_a_field_added_while_running_is_mirrored_by_the_next_sync_and_a_quiet_one_reads_no_type_again(
    stage: TheStage, store: Store
) -> None:
    stage.sync(store)
    name = stage.add_field()
    story = stage.ids("Story")[0]
    stage.fill_field(name, story)
    assert stage.sync(store).exit_code == 0
    assert store.layouts("acme")["Story"].type.field(name)
    assert stage.differences(store) == []
    connector = connector_to(stage.tracker)
    assert connector.discover(store.digest("acme")) is None
