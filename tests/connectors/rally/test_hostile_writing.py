"""A tracker that answers every open question against us: conflicts, lost answers, lag and errors at once.

The walk does what a push does with each outcome; in the end everything is there once, and nothing that was not wanted.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from mirror.errors import RetryableError
from mirror.model.change import Action
from mirror.model.write import Receipt, Write
from mirror.simulators.rally.simulator import HOSTILE_FAULTS
from mirror.simulators.rally.switches import Switches
from tests.connectors.rally.desk import Desk, to
from tests.support.stages.rally import TheStage

LAG_SECONDS = 0.15


class Pusher:
    """Sends a write until it is settled, as the agreement on outcomes says."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.open_outcomes = 0

    def push(self, write: Write) -> int:
        """Return the id of the record once the write is done."""
        for _ in range(12):
            outcome = self.desk.send(write)
            if isinstance(outcome, Receipt):
                return outcome.record_id
            assert isinstance(outcome, RetryableError), repr(outcome)
            if not outcome.is_unsent:
                self.open_outcomes += 1
                time.sleep(2 * LAG_SECONDS)
                found = self.settled(write)
                if found is not None:
                    return found
        raise AssertionError("it never got through")

    def settled(self, write: Write) -> int | None:
        """Return the id of the record if reading shows the write, None if it must be sent again."""
        if write.action in (Action.CREATE, Action.COMMENT):
            found = self.desk.connector.probe(write).found
            assert len(found) <= 1
            return found[0] if found else None
        assert write.record_id is not None
        row = self.desk.row("Defect", write.record_id)
        tags = {each.id for each in write.added.get("Tags", ()) if not isinstance(each, str)}
        is_there = row["name"] == write.values["Name"] and tags <= set(row["Tags"])
        return write.record_id if is_there else None


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_under_a_hostile_tracker_everything_is_written_once(stage: TheStage, seed: int) -> None:
    desk = Desk(stage)
    chance, pusher = random.Random(seed), Pusher(desk)
    stage.tracker.switches = Switches.hostile().with_changes({"replica_lag_seconds": LAG_SECONDS, "lost_answer_every": 4})
    for fault in HOSTILE_FAULTS:
        stage.faults.add(fault)
    wanted: dict[int, dict[str, Any]] = {desk.defect(): {} for _ in range(3)}
    tags, posts = desk.world.ids("Tag"), set(desk.world.ids("ConversationPost"))
    time.sleep(2 * LAG_SECONDS)
    comments = 0
    for step in range(24):
        record, deed = chance.choice(list(wanted)), chance.randrange(4)
        if deed == 0:
            made = pusher.push(desk.create("Defect", {"Name": f"made {step}", "Notes": "<p>a</p>"}))
            assert made not in wanted
            wanted[made] = {"Name": f"made {step}", "Tags": set()}
        elif deed == 1:
            comments += 1
            pusher.push(desk.write(Action.COMMENT, "Defect", record, text=f"comment {step}"))
        else:
            tag = chance.choice(tags)
            pusher.push(desk.update("Defect", record, {"Name": f"named {step}"}, added={"Tags": (to("Tag", tag),)}))
            known = wanted[record].get("Tags", set())
            wanted[record] = {"Name": f"named {step}", "Tags": known | {tag}}
    assert pusher.open_outcomes >= 3
    for record, values in wanted.items():
        if values:
            assert desk.world.item(record).values["Name"] == values["Name"]
            assert set(desk.world.members(record, "Tags")) == values["Tags"]
    names = [desk.world.item(each).values["Name"] for each in desk.world.ids("Defect")]
    assert sorted(each for each in names if each.startswith("made")) == sorted(
        {each for each in names if each.startswith("made")}
    )
    assert len(set(desk.world.ids("ConversationPost")) - posts) == comments
