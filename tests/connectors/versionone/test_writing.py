"""Values written to VersionOne and read back (versionone.md §6.1), on servers of every kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirror.errors import AuthError, RefusedError
from mirror.model.change import Action
from mirror.model.source import Credential
from mirror.model.write import Target, Value
from mirror.simulators.versionone import VersionOneSimulator
from mirror.simulators.versionone.world import Changed
from tests.support.versionone import connector_to, world_of
from tests.support.versionone_desk import Desk

PROFILES = ("strict", "strict26", "sso", "hostile")

_TRAPS = "a <b>bold</b> & 'quoted' \"word\", Grüße €\r\nsecond line\n\tthird  "
VALUES: dict[str, Value] = {
    "Name": "x < y && 'z'",
    "Description": _TRAPS,
    "Estimate": 2.5,
    "DetailEstimate": "12345678901234567.25",
    "ToDo": 0,
    "Custom_Votes": -3,
    "Custom_Compliance": False,
    "Custom_PromisedDate": "2026-02-28",
    "Custom_ReviewedAt": "2026-02-28",
    "Custom_LeadTime": "3 Weeks",
    "Custom_ExternalId": "0f8fad5b-d9cb-469f-a165-70867728950e",
}
"""Field of Story -> value: one of every kind of scalar that can be written."""


@pytest.fixture(params=PROFILES, scope="module")
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A connector to a small simulator of each profile; what loses answers at random is another test's affair."""
    with VersionOneSimulator(seed=3, world=world_of(60, 3), profile=request.param) as tracker:
        tracker.faults.clear()
        tracker.switches = tracker.switches.with_changes({"lost_answer_every": 0, "replica_lag_seconds": 0.0})
        yield Desk(tracker)


@pytest.fixture
def strict() -> Iterator[Desk]:
    """A connector to a small simulator that answers as most recordings do."""
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        yield Desk(tracker)


def test_scalars_of_every_kind_are_read_back_as_they_were_written(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    desk.done(desk.update("Story", story, VALUES))
    there = {name: desk.value("Story", story, name) for name in VALUES}
    desk.done(desk.update("Story", story, dict.fromkeys([each for each in VALUES if each != "Name"])))
    assert {name: str(value) for name, value in there.items()} == {name: str(value) for name, value in VALUES.items()}


def test_references_are_set_and_cleared(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    epic = desk.world.ids("Epic")[0]
    values: dict[str, Value] = {"Status": Target("StoryStatus", 134), "Super": Target("", epic)}
    desk.done(desk.update("Story", story, values))
    assert desk.world.value(story, "Status") == 134
    assert desk.world.value(story, "Super") == epic
    desk.done(desk.update("Story", story, {"Status": None, "Super": None}))
    assert desk.world.value(story, "Status") is None
    assert desk.world.value(story, "Super") is None


def test_scalars_are_cleared(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    names = [each for each in VALUES if each != "Name"]
    desk.done(desk.update("Story", story, VALUES))
    desk.done(desk.update("Story", story, dict.fromkeys(names)))
    assert {name: desk.value("Story", story, name) for name in names} == dict.fromkeys(names)


def test_items_come_in_and_go_out_and_the_others_stay(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    one, two, three = desk.world.ids("Member")[:3]
    desk.done(desk.update("Story", story, added={"Owners": [Target("Member", one), Target("Member", two)]}))
    before = set(desk.links("Story", story, "Owners"))
    write = desk.update("Story", story, removed={"Owners": [Target("Member", two)]})
    desk.world.update(story, {"Owners": Changed(add=(three,))})
    desk.done(write)
    assert set(desk.links("Story", story, "Owners")) == (before | {three}) - {two}


def test_plain_values_come_in_and_go_out(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    desk.done(desk.update("Story", story, added={"TaggedWith": ["red & blue", "@green"], "Custom_Labels": ["one"]}))
    desk.done(desk.update("Story", story, removed={"TaggedWith": ["red & blue"]}, added={"TaggedWith": ["<last>"]}))
    tags = desk.links("Story", story, "TaggedWith")
    assert "red & blue" not in tags
    assert {"@green", "<last>"} <= set(tags)
    assert "one" in desk.links("Story", story, "Custom_Labels")


def test_only_what_differs_is_sent_as_one_post_and_one_version(strict: Desk) -> None:
    story = strict.world.ids("Story")[0]
    write = strict.update("Story", story, {"Name": "other"}, added={"TaggedWith": ["new"]})
    strict.done(strict.update("Story", strict.world.ids("Story")[1], {"Name": "warm"}))
    versions = len(strict.world.moments(story))
    strict.tracker.requests.clear()
    strict.done(write)
    (post,) = [each for each in strict.tracker.requests.select(method="POST") if "Data" in each.path]
    assert post.path.endswith(f"rest-1.v1/Data/Story/{story}")
    assert post.body.endswith(
        b'<Asset><Attribute name="Name" act="set">other</Attribute>'
        b'<Attribute name="TaggedWith"><Value act="add">new</Value></Attribute></Asset>'
    )
    assert len(strict.world.moments(story)) == versions + 1


def test_an_update_of_nothing_sends_nothing(strict: Desk) -> None:
    story = strict.world.ids("Story")[0]
    write = strict.update("Story", story)
    strict.tracker.requests.clear()
    (receipt,) = strict.done(write)
    assert receipt.words
    assert not strict.tracker.requests.select(method="POST")
    assert strict.tracker.no_op_saves == 0


@pytest.mark.parametrize("minutes", [330, -570, 0])
@pytest.mark.parametrize("changes", [{}, {"query_v1": False, "json": False, "zone_suffix_in_rest": "Z"}])
def test_an_instant_is_written_in_the_zone_of_the_user_and_comes_back_the_same(
    strict: Desk, minutes: int, changes: dict[str, object]
) -> None:
    strict.world.add_field("Story", "Promised", "Date")
    strict.world.add_field("Story", "PromisedUTC", "Date:ru")
    strict.tracker.switches = strict.tracker.switches.with_changes({"user_zone_offset_minutes": minutes, **changes})
    desk = Desk(strict.tracker)
    story = desk.world.ids("Story")[0]
    assert "Custom_Promised" not in {each.name for each in desk.layouts["Story"].type.fields}
    desk.done(desk.update("Story", story, {"Custom_PromisedUTC": "2026-03-01T23:10:05.250Z"}))
    there = desk.world.value(story, "Custom_Promised")
    assert f"{there:%Y-%m-%dT%H:%M:%S%z}" == "2026-03-01T23:10:05+0000"
    assert desk.value("Story", story, "Custom_PromisedUTC") == "2026-03-01T23:10:05.250Z"
    desk.done(desk.update("Story", story, {"Custom_PromisedUTC": None}))
    assert desk.value("Story", story, "Custom_PromisedUTC") is None


def test_an_instant_that_only_its_utc_form_holds_is_written_in_utc(strict: Desk) -> None:
    strict.world.add_field("Story", "SeenUTC", "Date:u")
    strict.tracker.switches = strict.tracker.switches.with_changes({"user_zone_offset_minutes": 330})
    desk = Desk(strict.tracker)
    story = desk.world.ids("Story")[0]
    desk.done(desk.update("Story", story, {"Custom_SeenUTC": "2026-03-01T23:10:05.000Z"}))
    assert desk.value("Story", story, "Custom_SeenUTC") == "2026-03-01T23:10:05.000Z"


def test_a_record_is_created_with_values_and_items(desk: Desk) -> None:
    owner = desk.world.ids("Member")[1]
    write = desk.write(
        Action.CREATE,
        "Story",
        None,
        values={**VALUES, "Scope": Target("Scope", desk.world.landmarks.project)},
        added={"Owners": (Target("Member", owner),), "TaggedWith": ("made",)},
        since=desk.now(),
    )
    (receipt,) = desk.done(write)
    assert desk.world.type_of(receipt.record_id) == "Story"
    assert str(desk.value("Story", receipt.record_id, "Estimate")) == "2.5"
    assert desk.value("Story", receipt.record_id, "Description") == VALUES["Description"]
    assert desk.links("Story", receipt.record_id, "Owners") == [owner]
    assert list(desk.connector.probe(write).found) == [receipt.record_id]


def test_the_server_refuses_in_its_own_words(desk: Desk) -> None:
    story = desk.world.ids("Story")[0]
    cases = {
        "Violation'Required'Story.Name": desk.update("Story", story, {"Name": None}),
        "Violation'Invalid'Story.Status": desk.update("Story", story, {"Status": Target("StoryStatus", 9_999_999)}),
        "Violation'Required'Story.Scope": desk.write(Action.CREATE, "Story", None, values={"Name": "nowhere"}),
        "Not found": desk.write(Action.DELETE, "Story", story),
    }
    desk.world.operate(story, "Reactivate") if desk.world.value(story, "IsClosed") else None
    for words, write in cases.items():
        if words == "Not found":
            desk.world.operate(story, "Delete")
        error = desk.refusal(write)
        assert isinstance(error, RefusedError)
        # An HTML page of IIS says it in the middle of other words.
        assert words in str(error) or (words == "Not found" and "404" in str(error))


@pytest.mark.parametrize("bulk", [True, False])
def test_a_character_that_cannot_be_sent_is_refused_before_anything_is(strict: Desk, *, bulk: bool) -> None:
    strict.tracker.switches = strict.tracker.switches.with_changes({"bulk": bulk})
    story = strict.world.ids("Story")[0]
    write = strict.update("Story", story, {"Name": "a\x07bell"})
    strict.tracker.requests.clear()
    assert "U+0007" in str(strict.refusal(write))
    assert not strict.tracker.requests.select(method="POST", path="Data")


def test_a_wrong_credential_is_told_as_one_and_nothing_is_written(strict: Desk) -> None:
    story = strict.world.ids("Story")[0]
    write = strict.update("Story", story, {"Name": "never"})
    stranger = connector_to(strict.tracker, credential=Credential("1.wrong="))
    (error,) = stranger.send([write])
    assert isinstance(error, AuthError)
    assert strict.world.value(story, "Name") != "never"


def test_an_expired_ticket_costs_one_more_login_and_the_write_is_done_once(strict: Desk) -> None:
    desk = Desk(strict.tracker, credential=Credential(strict.tracker.password, strict.tracker.user))
    story = desk.world.ids("Story")[0]
    write = desk.update("Story", story, {"Name": "after the ticket"})
    versions = len(desk.world.moments(story))
    strict.tracker.faults.add(kind="status", status=401, method="POST", path="api/asset|Data/Story", times=1)
    desk.done(write)
    assert len(desk.world.moments(story)) == versions + 1


def test_calls_name_what_is_sent_and_ask_nothing_of_the_network(strict: Desk) -> None:
    story = strict.world.ids("Story")[0]
    write = strict.update(
        "Story",
        story,
        {"Name": "n" * 300, "Status": Target("StoryStatus", 134), "Super": None},
        added={"Owners": [Target("Member", 20)]},
    )
    strict.tracker.requests.clear()
    (call,) = strict.connector.calls(write)
    assert call == (
        f'POST rest-1.v1/Data/Story/{story} Name="{"n" * 60}…" Status=StoryStatus:134 Super="" Owners+=Member:20'
    )
    assert len(strict.tracker.requests) == 0


def test_what_a_write_touches_is_its_record_its_parents_and_the_other_ends_of_its_links(strict: Desk) -> None:
    task = strict.world.ids("Task")[0]
    parent = strict.world.value(task, "Parent")
    other = next(each for each in strict.world.ids("Story") if each != parent)
    write = strict.update("Task", task, {"Parent": Target("Story", other)}, added={"Owners": [Target("Member", 20)]})
    found = strict.connector.touches(write)
    assert found == {f"Task:{task}", f"{strict.world.type_of(parent)}:{parent}", f"Story:{other}", "Member:20"}  # type: ignore[arg-type]
