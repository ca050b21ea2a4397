"""docs/from-rtkit.md is true: its examples run on a simulated RT; rtkit's own are for Python 2 and are only read."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import mirror
from mirror.simulators import ManualClock
from mirror.simulators.rt import RTSimulator
from tests.coming.pages import Played, Side, committed, play, rows, words

PAGE = "from-rtkit.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sim() -> Iterator[RTSimulator]:
    with RTSimulator(records=120, seed=1, clock=ManualClock(NOON, step_seconds=0.01)) as running:
        yield running


@pytest.fixture(scope="module")
def played(sim: RTSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Our examples, run by somebody with a configuration file of RT's own."""
    folder = tmp_path_factory.mktemp("rtkit")
    (folder / ".rtrc").write_text(f"server {sim.url}\nuser {sim.user}\npasswd {sim.password}\n")
    instead = {"https://rt.example.com": sim.url, "--user ann": f"--user {sim.user}", "/home/ann": str(folder)}
    instead['"ann", "…"'] = f'"{sim.user}", "{sim.password}"'
    ours = Side(folder, instead)
    yield play(PAGE, ours)
    ours.names["m"].close()


def test_every_example_finds_what_the_tracker_has(played: Played, sim: RTSimulator) -> None:
    first, search, _around, changes = (found for _place, _none, found in played.found)
    assert first[:3] == [17, sim.world.truth("ticket")[17]["Subject"], sim.world.truth("ticket")[17]["Status"]]
    assert len(search) > 1
    assert set(played.ours.names.get("errors", [None])) == {None}
    assert {outcome for _field, outcome in changes} == {"done"}
    made = [each for each in sim.world.truth("ticket").values() if each["Subject"] == "The printer is out"]
    assert [(each["Priority"], each["TimeWorked"]) for each in made] == [("30", "15")]


def test_examples_of_rtkit_are_python_and_name_what_it_has() -> None:
    known = {part for name in committed("rtkit") for part in name.split(".")}
    assert words(PAGE) - known == set()


def test_whatever_the_tables_name_runs(played: Played) -> None:
    names = played.ours.names
    rt = names["rt"]
    names |= {"mirror": mirror, "logging": logging, "records": rt.ticket, "record": rt.ticket(17), "ticket": rt.ticket(17)}
    names |= {"attachment": rt.attachment(5), "other": rt.ticket(2)}
    rt.ticket(17).DependsOn.add(rt.ticket(2))  # to be dropped
    names["m"].push()
    assert sum(played.ours.try_out(row.became) for row in rows(PAGE)) > 50
