"""`kill -9` at any moment of a push: the next one finds out, and everything is on the tracker once."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirror.engine.pushing import SETTLE_SECONDS
from mirror.store.store import Store
from tests.support import push_process
from tests.support.databases import PostgresServer
from tests.support.pushing import RallyDesk, rally_desk

MANY = range(1, 66)  # so many commits there are when nothing goes wrong
FEW = {"kill_before": 20, "kill_after": 11}


@dataclass(frozen=True)
class Edits:
    """What waits to be pushed, one of every kind."""

    edited: int
    linked: int
    tag: int
    commented: int
    deleted: int
    story: int
    task: int


def edit(desk: RallyDesk) -> Edits:
    """Make one edit of each kind."""
    first, second, third, fourth = desk.stage.ids("Defect")[:4]
    there = {getattr(each, "id", None) for each in desk.store.finder.items(desk.layouts["Defect"], second, "Tags")}
    tag = next(each for each in desk.stage.ids("Tag") if each not in there)
    desk.set(first, Name="renamed once", Notes="noted once")
    desk.link(second, "Tags", tag)
    desk.comment(third, "said once")
    desk.delete(fourth)
    story = desk.new("HierarchicalRequirement", Name="made once")
    task = desk.new("Task", Name="made once too", WorkProduct=f"NEW{story}")
    return Edits(first, second, tag, third, fourth, story, task)


def expect_all_once(desk: RallyDesk, made: Edits) -> None:
    """Push in this process until nothing waits, and look at the tracker's own data."""
    for _ in range(3):
        desk.clock.advance(SETTLE_SECONDS + 1)
        if desk.push().exit_code == 0:
            break
    assert desk.open() == []
    world = desk.stage.world
    names = [
        str(world.item(each).values["Name"]) for name in ("HierarchicalRequirement", "Task") for each in world.ids(name)
    ]
    assert (names.count("made once"), names.count("made once too")) == (1, 1)
    assert len([each for each in desk.stage.comments() if "said once" in each]) == 1
    assert desk.stage.text_of(made.edited) == "noted once"
    assert made.deleted not in desk.stage.ids("Defect")
    assert str(desk.real_id(made.story)) in str(world.item(desk.real_id(made.task)).values["WorkProduct"])
    assert desk.stage.sync(desk.store).exit_code == 0
    assert desk.stage.differences(desk.store) == []


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'mirror.db'}"


@pytest.mark.parametrize(
    ("when", "commit"),
    [
        (when, commit) if commit == few else pytest.param(when, commit, marks=pytest.mark.slow)
        for when, few in FEW.items()
        for commit in MANY
    ],
)
def test_a_push_killed_at_a_commit_is_finished_by_the_next(desk: RallyDesk, tmp_path: Path, commit: int, when: str) -> None:
    made = edit(desk)
    ended = push_process.run(desk.stage.source(concurrency=2), url_of(tmp_path), **{when: commit})
    assert ended.is_killed or ended.commits < commit
    expect_all_once(desk, made)


@pytest.mark.parametrize(
    "number", [5, *(pytest.param(each, marks=pytest.mark.slow) for each in (2, 3, 4, 6, 7, 8, 9, 10, 12))]
)
def test_a_push_killed_at_a_request_is_finished_by_the_next(desk: RallyDesk, tmp_path: Path, number: int) -> None:
    made, ready, seen = edit(desk), threading.Event(), [0]
    process: list[subprocess.Popen[str]] = []

    def kill(_request: object) -> None:
        ready.wait(30)
        seen[0] += 1
        if seen[0] == number:
            process[0].kill()

    stop = desk.stage.on_request(kill)
    process.append(push_process.start(desk.stage.source(concurrency=2), url_of(tmp_path)))
    ready.set()
    assert push_process.ended(process[0]).is_killed
    stop()
    expect_all_once(desk, made)


def test_two_processes_send_each_change_once(desk: RallyDesk, tmp_path: Path) -> None:
    records = desk.stage.ids("Defect")[:12]
    for each in records:
        desk.write(each, "edited here")
    desk.stage.faults.add(kind="delay", seconds=0.05)
    source = desk.stage.source(concurrency=2)
    both = [push_process.start(source, url_of(tmp_path)) for _ in range(2)]
    codes = sorted(each.exit_code or 0 for each in map(push_process.ended, both))
    assert codes in ([0, 0], [0, 2])
    desk.stage.faults.clear()
    assert desk.push().exit_code == 0
    assert {desk.stage.text_of(each) for each in records} == {"edited here"}
    writes = [each for each in desk.stage.requests.select(method="POST") for record in records if str(record) in each.path]
    batched = [each.body.count(b"edited here") for each in desk.stage.requests.select(method="POST", path="batch")]
    assert len(writes) + sum(batched) == len(records)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["kill_before", "kill_after"])
@pytest.mark.parametrize("commit", [2, 7, 11, 17, 23, 31])
def test_a_push_from_postgres_killed_at_a_commit_is_finished_by_the_next(
    postgres: PostgresServer, rally_file: Path, tmp_path: Path, commit: int, when: str
) -> None:
    with postgres.fresh_url() as url, rally_desk(tmp_path, rally_file) as desk, Store.open(url) as store:
        on_postgres = RallyDesk(desk.stage, store, clock=desk.clock)
        assert desk.stage.sync(store).exit_code == 0
        made = edit(on_postgres)
        ended = push_process.run(desk.stage.source(concurrency=2), url, **{when: commit})
        assert ended.is_killed or ended.commits < commit
        expect_all_once(on_postgres, made)
