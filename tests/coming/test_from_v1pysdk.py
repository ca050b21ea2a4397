"""docs/from-v1pysdk.md is true: v1pysdk runs on one simulated VersionOne, the mirror on its twin, and both find the same."""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from requests.auth import HTTPBasicAuth

import mirror
from mirror.simulators import ManualClock
from mirror.simulators.versionone import VersionOneSimulator
from tests.coming.pages import Played, Side, play, rows

with warnings.catch_warnings():
    # What the client is built on is older than the warnings; it also logs when it is imported.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import v1pysdk  # noqa: F401 - the examples import it

# The client leaves its sockets to the garbage collector, and logs with a method that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PAGE = "from-v1pysdk.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADDRESS = "https://www14.v1host.com/Acme"
TYPES = """Story Defect Epic Theme Task Test TestSet Request Issue Goal Scope Timebox Schedule Team Member Attachment Note
StoryStatus StoryCategory StorySource WorkitemPriority WorkitemRisk ClassOfService""".split()
FEW = "--secret-env V1_TOKEN " + " ".join(f"--types {each}" for each in TYPES)
"""Most of a sync's time goes by the number of types."""


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[VersionOneSimulator, VersionOneSimulator]]:
    """Two simulated instances with the same data."""
    with ExitStack() as stack:
        one, other = (VersionOneSimulator(records=80, seed=1, clock=ManualClock(NOON, step_seconds=0.01)) for _ in range(2))
        yield stack.enter_context(one), stack.enter_context(other)


@pytest.fixture(scope="module")
def played(
    twins: tuple[VersionOneSimulator, VersionOneSimulator], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    """All examples of the page, run by a user of v1pysdk and one of the mirror."""
    folder = tmp_path_factory.mktemp("v1pysdk")
    theirs = Side(folder / "theirs", instead={ADDRESS: twins[0].url})
    ours = Side(folder / "ours", instead={ADDRESS: twins[1].url, "--secret-env V1_TOKEN": FEW})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("V1_TOKEN", twins[0].token)
        assert twins[0].token == twins[1].token
        yield play(PAGE, ours, theirs)
    ours.names["m"].close()
    theirs.names.clear()
    gc.collect()  # what the client left open, while its complaints are still ignored


def test_both_find_the_same_on_equal_trackers(played: Played) -> None:
    assert len(played.found) > 7
    for place, theirs, ours in played.found:
        assert ours == theirs, place


def test_both_leave_their_trackers_alike(played: Played, twins: tuple[VersionOneSimulator, VersionOneSimulator]) -> None:
    theirs, ours = (_told(each) for each in twins)
    assert theirs == ours
    assert any("Paint the quay" in each for each in ours)


def _told(sim: VersionOneSimulator) -> list[list[object]]:
    """Return what an instance holds of its stories."""
    names = ("Name", "Number", "Scope", "Estimate", "Reference", "Description", "Risk", "Owners", "AssetState")
    return [[sim.world.value(each, name) for name in names] for each in sim.world.ids("Story")]


def test_whatever_the_tables_name_runs(played: Played) -> None:
    names = played.ours.names
    plan = names["plan"]
    (played.ours.folder / "notes.txt").write_bytes(b"line 1\n")
    names |= {"mirror": mirror, "logging": logging, "records": plan.Story, "record": plan.Story(1054)}
    names |= {"attachment": plan.Attachment.first(), "signer": HTTPBasicAuth("admin", "secret")}
    assert sum(played.ours.try_out(row.became) for row in rows(PAGE)) > 50
