"""Each open question answered both ways, the controls over HTTP, and the sample data."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from mirror.simulators import Fault, ManualClock
from mirror.simulators.rally import RallySimulator, Switches
from mirror.simulators.rally.seed import build_world
from mirror.simulators.rally.world import World
from tests.simulators.rally.conftest import Client


def turn(sim: RallySimulator, **changes: Any) -> None:
    sim.switches = sim.switches.with_changes(changes)


def object_ids(client: Client, path: str, **params: Any) -> list[int]:
    return [row["ObjectID"] for row in client.rows(path, fetch="ObjectID", **params)]


# Replica lag


def test_reads_lag_behind_writes_but_answers_to_writes_do_not(
    sim: RallySimulator, client: Client, clock: ManualClock
) -> None:
    turn(sim, replica_lag_seconds=2)
    made = client.send("POST", "defect/create", {"Defect": {"Name": "late"}})["Object"]["ObjectID"]
    query = f"(ObjectID = {made})"

    clock.advance(1.9)
    assert object_ids(client, "defect", query=query) == []
    assert client.get(f"defect/{made}")["OperationResult"]["Errors"] == ["Cannot find object to read"]
    clock.advance(0.1)
    assert object_ids(client, "defect", query=query) == [made]

    changed = client.send("POST", f"defect/{made}", {"Defect": {"Name": "later"}})["Object"]
    assert (changed["Name"], client.get(f"defect/{made}")["Defect"]["Name"]) == ("later", "late")
    client.send("DELETE", f"defect/{made}")
    assert object_ids(client, "defect", query=query) == [made]
    clock.advance(2)
    assert object_ids(client, "defect", query=query) == []


def test_a_lagging_listing_equals_the_one_from_before(sim: RallySimulator, client: Client, clock: ManualClock) -> None:
    world = sim.world
    before = {
        path: client.list(path, fetch="true", pagesize=2000)["Results"]
        for path in ("defect", "tag", "revision", "iteration")
    }
    turn(sim, replica_lag_seconds=5)
    clock.advance(10)
    first, second = world.ids("Defect")[:2]
    world.delete(first)
    world.update(second, {"Name": "other", "Iteration": None})
    world.add(second, "Tags", [world.create("Tag", {"Name": "new"})])
    for path, rows in before.items():
        assert client.list(path, fetch="true", pagesize=2000)["Results"] == rows, path


# Listing trouble


def test_pages_shift_only_beyond_the_first(sim: RallySimulator, client: Client) -> None:
    everything = sim.world.ids("Task")
    turn(sim, page_shift=1)
    assert object_ids(client, "task", pagesize=5) == everything[:5]
    assert object_ids(client, "task", pagesize=5, start=6) == everything[6:11]
    turn(sim, page_shift=-2)
    assert object_ids(client, "task", pagesize=5, start=6) == everything[3:8]


def test_a_shuffled_order_loses_nothing_within_one_page(sim: RallySimulator, client: Client) -> None:
    turn(sim, shuffled_order=True)
    first, second = (object_ids(client, "task", pagesize=2000) for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == sim.world.ids("Task")
    assert object_ids(client, "task", pagesize=2000, order="ObjectID") == sim.world.ids("Task")


def test_a_short_page_has_fewer_rows_than_announced(sim: RallySimulator, client: Client) -> None:
    turn(sim, short_page_every=1)
    answer = client.list("task", pagesize=10)
    assert (answer["PageSize"], len(answer["Results"])) == (10, 5)
    assert answer["TotalResultCount"] == len(sim.world.ids("Task"))


def test_errors_come_with_status_200_on_later_pages(sim: RallySimulator, client: Client) -> None:
    turn(sim, errors_on_page_every=1)
    assert client.list("task", pagesize=5)["Errors"] == []
    answer = client.raw("task", pagesize=5, start=6)
    assert answer.status_code == 200
    assert answer.json()["QueryResult"]["Errors"] != []


def test_a_page_size_cap_clamps_silently(sim: RallySimulator, client: Client) -> None:
    turn(sim, page_size_cap=7)
    answer = client.list("task", pagesize=2000)
    assert (answer["PageSize"], len(answer["Results"])) == (7, 7)


def test_a_dropped_workspace_scope_answers_for_the_default_one(sim: RallySimulator, client: Client) -> None:
    turn(sim, workspace_scope_dropped=True)
    other = sim.world.landmarks.other_workspace
    assert object_ids(client, "defect", workspace=f"/workspace/{other}", pagesize=2000) == sim.world.ids("Defect")


def test_an_ignored_shallow_fetch_gives_shells(sim: RallySimulator, client: Client) -> None:
    turn(sim, shallow_fetch_ignored=True)
    assert "Name" not in client.rows("defect", shallowFetch="Name", pagesize=1)[0]


# Stamps


@pytest.mark.parametrize(
    ("switch", "path", "extra"),
    [
        ("discussion_moves_artifact", "ConversationPost", {"Text": "x"}),
        ("attachment_moves_artifact", "Attachment", {"Name": "n", "ContentType": "x/y"}),
    ],
)
@pytest.mark.parametrize("moves", [True, False])
def test_posts_and_attachments_may_move_their_artifact(
    sim: RallySimulator, switch: str, path: str, extra: dict[str, Any], moves: bool
) -> None:
    turn(sim, **{switch: moves})
    oid = sim.world.create("Defect", {"Name": "d"})
    fields = {"Artifact": oid, **extra}
    if path == "Attachment":
        fields["Content"] = sim.world.create("AttachmentContent", {"Content": "QQ=="})
    sim.world.create(path, fields)
    assert sim.world.item(oid).version == (2 if moves else 1)


@pytest.mark.parametrize("moves", [True, False])
def test_results_may_move_their_test_case(sim: RallySimulator, moves: bool) -> None:
    turn(sim, result_moves_test_case=moves)
    case = sim.world.create("TestCase", {"Name": "c"})
    sim.world.create("TestCaseResult", {"TestCase": case, "Verdict": "Pass", "Date": "2025-01-01", "Build": "1"})
    assert sim.world.truth("TestCase")[case]["LastVerdict"] == "Pass"
    assert sim.world.item(case).version == (2 if moves else 1)


@pytest.mark.parametrize("moves", [True, False])
def test_links_may_move_both_ends(sim: RallySimulator, moves: bool) -> None:
    turn(sim, links_move_both_ends=moves)
    oid, milestone = sim.world.create("Defect", {"Name": "d"}), sim.world.create("Milestone", {"Name": "m"})
    sim.world.add(milestone, "Artifacts", [oid])
    assert (sim.world.item(milestone).version, sim.world.item(oid).version) == (2, 2 if moves else 1)
    assert sim.world.members(oid, "Milestones") == [milestone]


@pytest.mark.parametrize("moves", [True, False])
def test_a_restore_may_move_the_stamp(sim: RallySimulator, clock: ManualClock, moves: bool) -> None:
    turn(sim, restore_moves_stamp=moves)
    oid = sim.world.create("Defect", {"Name": "d"})
    clock.advance(60)
    sim.world.delete(oid)
    sim.world.restore(oid)
    stamp = sim.world.truth("Defect")[oid]["LastUpdateDate"]
    assert stamp == ("2025-06-02T12:01:00.000Z" if moves else "2025-06-02T12:00:00.000Z")


@pytest.mark.parametrize("moves", [True, False])
def test_losing_a_reference_may_count_as_a_change(sim: RallySimulator, moves: bool) -> None:
    turn(sim, delete_moves_referrers=moves)
    story = sim.world.create("HierarchicalRequirement", {"Name": "s"})
    defect = sim.world.create("Defect", {"Name": "d", "Requirement": story})
    sim.world.delete(story)
    assert sim.world.truth("Defect")[defect]["Requirement"] is None
    assert sim.world.item(defect).version == (2 if moves else 1)


@pytest.mark.parametrize("leaves", [True, False])
def test_deleting_what_cannot_be_restored_may_leave_an_entry(sim: RallySimulator, client: Client, leaves: bool) -> None:
    turn(sim, bin_for_all=leaves)
    sim.world.delete(sim.world.create("Milestone", {"Name": "m"}))
    sim.world.delete(sim.world.create("Defect", {"Name": "d"}))
    assert client.list("recyclebinentry")["TotalResultCount"] == (2 if leaves else 1)


def test_late_roll_ups_move_neither_version_nor_stamp(sim: RallySimulator, clock: ManualClock) -> None:
    turn(sim, late_roll_up=True)
    world = sim.world
    feature = world.create("PortfolioItem/Feature", {"Name": "f"})
    clock.advance(60)
    world.create("HierarchicalRequirement", {"Name": "s", "PortfolioItem": feature, "PlanEstimate": 3})
    before = world.truth("PortfolioItem/Feature")[feature]
    assert before["LeafStoryCount"] == 0
    clock.advance(60)

    assert world.roll_up() > 0
    after = world.truth("PortfolioItem/Feature")[feature]
    assert (after["LeafStoryCount"], after["LastRollupDate"]) == (1, "2025-06-02T12:02:00.000Z")
    assert (after["VersionId"], after["LastUpdateDate"]) == (before["VersionId"], before["LastUpdateDate"])
    assert world.roll_up() == 0


@pytest.mark.parametrize("moves", [True, False])
def test_a_new_digest_may_move_the_workspace(sim: RallySimulator, moves: bool) -> None:
    turn(sim, schema_change_moves_stamps=moves)
    before = sim.world.item(sim.world.landmarks.workspace).version
    sim.world.add_field("Task", "c_New", "string")
    assert sim.world.item(sim.world.landmarks.workspace).version == before + moves


# Writing trouble


def test_every_kth_write_conflicts(sim: RallySimulator, client: Client) -> None:
    story = sim.world.create("HierarchicalRequirement", {"Name": "s"})
    turn(sim, conflict_every=2)
    errors = [
        client.send("POST", f"hierarchicalrequirement/{story}", {"x": {"Name": str(index)}})["Errors"] for index in range(4)
    ]
    assert [bool(each) for each in errors] == [False, True, False, True]
    assert errors[1][0] == (
        "Concurrency conflict: [Object has been modified since being read for update in this context] - "
        "ConcurrencyConflictException : Modified since read on update : Object Class : "
        f"com.f4tech.slm.domain.UserStory : ObjectID : {story}"
    )
    assert sim.world.item(story).values["Name"] == "2"


def test_a_lost_answer_was_applied_all_the_same(sim: RallySimulator, client: Client) -> None:
    turn(sim, lost_answer_every=1)
    with pytest.raises(requests.ConnectionError):
        client.send("POST", "defect/create", {"Defect": {"Name": "did it work?"}})
    assert sim.world.find("Defect", Name="did it work?")


def test_the_clock_offset_shows_in_stamps_and_header(sim: RallySimulator, client: Client) -> None:
    turn(sim, clock_offset_seconds=-3600)
    made = client.raw("defect/create", "POST", {"Defect": {"Name": "d"}})
    assert made.headers["Date"] == "Mon, 02 Jun 2025 11:00:00 GMT"
    assert made.json()["CreateResult"]["Object"]["LastUpdateDate"] == "2025-06-02T11:00:00.000Z"


@pytest.mark.parametrize(("how", "status"), [("401", 401), ("405", 405), ("errors", 200)])
def test_batches_may_be_refused(sim: RallySimulator, client: Client, how: str, status: int) -> None:
    turn(sim, batch_refused=how)
    answer = client.raw("batch", "POST", {"Batch": []})
    assert answer.status_code == status
    if how == "errors":
        assert answer.json()["BatchResult"]["Errors"] != []


def test_reading_in_a_batch_may_be_refused(sim: RallySimulator, client: Client) -> None:
    turn(sim, batch_get_refused=True)
    answer = client.send("POST", "batch", {"Batch": [{"Entry": {"Path": "/defect", "Method": "GET"}}]})
    assert answer["Results"][0]["Errors"] == ["Method GET is not allowed in a batch"]


def test_hostile_differs_from_strict_in_every_open_question() -> None:
    strict, hostile = Switches.strict(), Switches.hostile()
    same = {"errors_on_page_every", "workspace_scope_dropped", "batch_refused", "fetch_depth", "shallow_fetch_ignored"}
    for name in Switches.__dataclass_fields__:
        assert (getattr(strict, name) == getattr(hostile, name)) == (name in same), name


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown profile"):
        Switches.profile("friendly")
    with pytest.raises(ValueError, match="unknown switch 'speed'"):
        Switches().with_changes({"speed": 1})


def test_the_hostile_profile_spoils_some_reads() -> None:
    with RallySimulator(records=60, profile="hostile", clock=ManualClock()) as sim:
        client = Client(sim)
        statuses = []
        for _ in range(40):
            try:
                answer = client.raw("tag", pagesize=1)
            except requests.ConnectionError:
                statuses.append("reset")
            else:
                statuses.append(f"{answer.status_code} {answer.headers['Content-Type'][:9]}")
        client.session.close()
    assert {"503 text/html", "200 text/html", "reset"} <= set(statuses)


def test_invented_pages_carry_the_date_of_the_simulator(sim: RallySimulator, client: Client) -> None:
    sim.faults.add(Fault("status", status=503))
    assert client.raw("defect").headers["Date"] == "Mon, 02 Jun 2025 12:00:00 GMT"


# Controls


class Panel:
    """The controls, as a command in another process uses them."""

    def __init__(self, sim: RallySimulator) -> None:
        self.url = f"{sim.url}/simulator"

    def __call__(self, path: str, method: str = "GET", json: Any = None) -> Any:
        return requests.request(method, f"{self.url}/{path}", json=json, timeout=5).json()


@pytest.fixture
def panel(sim: RallySimulator) -> Panel:
    return Panel(sim)


def test_controls_need_no_key_and_are_not_counted(panel: Panel, sim: RallySimulator, client: Client) -> None:
    client.get("defect", pagesize=1)
    assert panel("health")["status"] == "ok"
    seen = panel("requests")
    assert (seen["count"], seen["by_method"]) == (1, {"GET": 1})
    assert seen["recent"][0]["path"] == "/slm/webservice/v2.0/defect"
    assert panel("requests", "DELETE") == {"count": 0}
    assert len(sim.requests) == 0


def test_switches_are_set_over_http(panel: Panel, sim: RallySimulator) -> None:
    assert panel("switches", "POST", {"page_size_cap": 9})["page_size_cap"] == 9
    assert sim.switches.page_size_cap == 9
    assert "unknown switch" in panel("switches", "POST", {"nope": 1})["error"]


def test_faults_are_added_and_cleared_over_http(panel: Panel, sim: RallySimulator, client: Client) -> None:
    panel("faults", "POST", {"kind": "status", "status": 503, "path": "/defect"})
    assert client.raw("defect").status_code == 503
    assert panel("faults")["faults"][0]["hits"] == 1
    assert panel("faults", "DELETE") == {"faults": []}
    assert client.raw("defect").status_code == 200
    assert "unknown kind" in panel("faults", "POST", {"kind": "nope"})["error"]


def test_objects_are_restored_over_http(panel: Panel, world: World) -> None:
    oid = world.create("Defect", {"Name": "d"})
    world.delete(oid)
    assert panel(f"restore/{oid}", "POST") == {"restored": [oid]}
    assert panel(f"restore/{oid}", "POST")["error"] == "Cannot find object to read"


def test_roll_ups_are_triggered_over_http(panel: Panel) -> None:
    assert panel("rollup", "POST") == {"moved": 0}


# The simulator as a whole


def test_a_hook_can_change_the_world_between_pages(sim: RallySimulator, client: Client) -> None:
    def intrude(request: Any) -> None:
        if "start=4" in request.query:
            sim.world.delete(first)

    everything = sim.world.ids("Task")
    first = everything[0]
    stop = sim.on_request(intrude)
    pages = [object_ids(client, "task", pagesize=3, start=start) for start in (1, 4)]
    stop()
    assert pages == [everything[:3], everything[4:7]]


def test_many_clients_read_and_write_at_once(sim: RallySimulator) -> None:
    problems: list[str] = []

    def work(index: int) -> None:
        client = Client(sim)
        for turn_number in range(5):
            made = client.send("POST", "defect/create", {"Defect": {"Name": f"{index}.{turn_number}"}})
            problems.extend(made["Errors"])
            client.rows("defect", fetch="true", pagesize=50)
        client.session.close()

    before = len(sim.world.ids("Defect"))
    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(sim.world.ids("Defect")) == before + 30


def test_faults_and_world_share_one_simulator_object() -> None:
    world = build_world(60, 1, ManualClock())
    with RallySimulator(world=world, switches=Switches(page_size_cap=3)) as sim:
        sim.faults.add(Fault("status", status=429, retry_after_seconds=1, times=1))
        client = Client(sim)
        assert client.raw("defect").headers["Retry-After"] == "1"
        assert len(client.rows("defect")) == 3
        client.session.close()


# Sample data


@pytest.fixture(scope="module")
def seeded() -> Iterator[World]:
    yield build_world(2000, 11, ManualClock())


def everything_in(world: World) -> dict[str, dict[int, dict[str, Any]]]:
    return {path: world.truth(path) for path in world.types()}


def test_equal_seeds_give_equal_data_and_others_differ() -> None:
    first, again, other = (everything_in(build_world(200, seed, ManualClock())) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_every_type_that_can_be_listed_has_data(seeded: World) -> None:
    assert len(seeded.types()) >= 40
    assert [path for path in seeded.types() if not seeded.ids(path)] == ["RecycleBinEntry"]


def test_the_number_of_records_is_about_what_was_asked(seeded: World) -> None:
    counted = [oid for path in seeded.types() if path not in ("Revision", "TypeDefinition") for oid in seeded.ids(path)]
    assert 1900 < len(counted) < 2500


def test_nasty_values_occur(seeded: World) -> None:
    stories, defects = seeded.truth("HierarchicalRequirement").values(), seeded.truth("Defect").values()
    texts = [value for row in (*stories, *defects) for value in row.values() if isinstance(value, str)]
    for wanted in ("🚀", "\u0001", "\t", "\n", '"', "\u202e", "\u0007"):
        assert any(wanted in text for text in texts), wanted
    assert max(map(len, texts)) > 28_000
    assert any(row["TargetDate"] and row["TargetDate"] < "1970" for row in defects)
    assert any(row["Owner"] is None for row in stories)
    assert max(seeded.ids("Defect")) > 2**53


def test_many_seeded_stamps_are_shared_and_none_lies_after_the_seed(seeded: World) -> None:
    stamps = [
        row["LastUpdateDate"]
        for path in ("Defect", "Task", "HierarchicalRequirement")
        for row in seeded.truth(path).values()
    ]
    assert len(set(stamps)) < len(stamps)
    assert max(stamps) < "2025-06-01"


def test_seeded_totals_agree_with_the_rules(seeded: World) -> None:
    tasks = seeded.truth("Task")
    for oid, story in seeded.truth("HierarchicalRequirement").items():
        members = seeded.members(oid, "Tasks")
        if members and not story["DirectChildrenCount"]:
            assert math.isclose(story["TaskEstimateTotal"], sum(tasks[member]["Estimate"] or 0 for member in members))
            assert {tasks[member]["Project"]["_ref"] for member in members} == {story["Project"]["_ref"]}


def test_settling_everything_again_changes_nothing(seeded: World) -> None:
    before = everything_in(seeded)
    with seeded.transaction() as tx:
        for path in seeded.types():
            for oid in seeded.ids(path):
                tx.pending[oid] = None
    after = everything_in(seeded)
    for path, rows in before.items():
        assert after[path] == rows, path


def test_the_manual_clock_stands_still_or_steps() -> None:
    assert ManualClock().now() == datetime(2025, 6, 2, 12, tzinfo=UTC)
    clock = ManualClock(step_seconds=1)
    assert (clock.now(), clock.now().second) == (datetime(2025, 6, 2, 12, tzinfo=UTC), 1)
