"""docs/from-pyrally.md is true: its examples run on a simulated Rally; pyrally's own are for Python 2 and are only read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import mirror
from mirror.simulators import ManualClock
from mirror.simulators.rally import RallySimulator
from tests.coming.pages import Played, Side, blocks, committed, play, rows, words
from tests.support.stages.rally import TheStage

PAGE = "from-pyrally.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEW = "--workspace Acme " + " ".join(f"--types {each}" for each in TheStage.few)
"""Most of a sync's time goes by the number of types."""


@pytest.fixture(scope="module")
def sim() -> Iterator[RallySimulator]:
    with RallySimulator(records=400, seed=1, clock=ManualClock(NOON, step_seconds=0.01)) as running:
        yield running


@pytest.fixture(scope="module")
def played(sim: RallySimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Our examples, run by somebody with a password."""
    instead = {"https://rally1.rallydev.com": sim.url, "me@example.com": sim.user, "--workspace Acme": FEW}
    ours = Side(tmp_path_factory.mktemp("pyrally"), instead)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RALLY_USERNAME", sim.user)
        patch.setenv("RALLY_PASSWORD", sim.password)
        yield play(PAGE, ours)
    ours.names["m"].close()


def test_every_example_finds_what_the_tracker_has(played: Played, sim: RallySimulator) -> None:
    assert len(played.found) > 5
    assert all(found for _place, _none, found in played.found)
    stories = sim.world.truth("HierarchicalRequirement").values()
    board = sorted(each["FormattedID"] for each in stories if each["c_KanbanState"] in ("Coding", "Testing"))
    assert board in [sorted(map(str, found)) for _place, _none, found in played.found if isinstance(found, list)]
    assert "Show the whole harbour" not in {each["Name"] for each in stories}


def test_examples_of_pyrally_are_python_and_name_what_it_has() -> None:
    known = {part for name in committed("pyrally") for part in name.split(".")}
    assert words(PAGE) - known == {"tasks"}  # of the dictionary sub_objects_dynamic_loader


def test_the_recipes_for_what_pyrally_has_helpers_for_run(played: Played, sim: RallySimulator) -> None:
    ours = played.ours
    for block in blocks("recipes.md"):
        if block.language in ("python", "sh"):
            ours.run(block)
    names = ours.names
    assert sum(names["columns"].values()) > len(names["board"]) > 0
    tasks = [row for row in sim.world.truth("Task").values() if row["State"] != "Completed"]
    iterations = {row["FormattedID"]: row["Iteration"] for row in sim.world.truth("HierarchicalRequirement").values()}
    assert names["hours"].keys() == {
        key for key, found in iterations.items() if found and found["_refObjectName"] == "Sprint 1"
    }
    assert 0 < names["load"].total() < len(tasks)
    assert names["above"][0] == "US2"
    assert len(names["teams"]) > 0
    names["m"].discard()


def test_whatever_the_tables_name_runs(played: Played) -> None:
    names = played.ours.names
    acme = names["acme"]
    names |= {"mirror": mirror, "records": acme.Defect, "record": acme.get("DE1")}
    assert sum(played.ours.try_out(row.became) for row in rows(PAGE)) > 30
