"""docs/from-pyral.md is true: pyral runs on one simulated Rally, the mirror on its twin, and both find the same."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

import mirror
from mirror.simulators import ManualClock
from mirror.simulators.rally import RallySimulator
from tests.coming.pages import Played, Side, play, rows

with warnings.catch_warnings():
    # The client's own modules have invalid escapes in their texts.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import pyral.restapi

# The client leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PAGE = "from-pyral.md"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALIKE = ("Defect", "Task", "Tag", "ConversationPost", "Attachment")
STAMPS = {
    "CreationDate",
    "OpenedDate",
    "LastUpdateDate",
    "Date",
    "VersionId",
    "ObjectID",
    "ObjectUUID",
    "_ref",
    "_refObjectUUID",
}


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[RallySimulator, RallySimulator]]:
    """Two simulated Rallies with the same data."""
    with ExitStack() as stack:
        one, other = (RallySimulator(records=120, seed=1, clock=ManualClock(NOON, step_seconds=0.01)) for _ in range(2))
        yield stack.enter_context(one), stack.enter_context(other)


@pytest.fixture(scope="module")
def played(twins: tuple[RallySimulator, RallySimulator], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """All examples of the page, run by a user of pyral and one of the mirror, with the same configuration file."""
    folder = tmp_path_factory.mktemp("pyral")
    theirs, ours = _side(folder / "theirs", twins[0], twins[0].url.removeprefix("http://")), _side(folder / "ours", twins[1])
    with pytest.MonkeyPatch.context() as patch:
        # There is no setting for plain HTTP in the client. rally.md Appendix B item 2
        patch.setattr(pyral.restapi, "PROTOCOL", "http")
        yield play(PAGE, ours, theirs)
    theirs.names["rally"].session.close()
    ours.names["m"].close()


def _side(folder: Path, sim: RallySimulator, server: str = "") -> Side:
    folder.mkdir()
    lines = [f"SERVER = {server or sim.url}", f"APIKEY = {sim.api_key}", "WORKSPACE = Acme", "PROJECT = Web Shop"]
    (folder / "rally.cfg").write_text("\n".join(lines))
    return Side(folder)


def test_both_find_the_same_on_equal_trackers(played: Played) -> None:
    assert len(played.found) > 12
    for place, theirs, ours in played.found:
        assert ours == theirs, place


def test_both_leave_their_trackers_alike(played: Played, twins: tuple[RallySimulator, RallySimulator]) -> None:
    theirs, ours = (_told(each) for each in twins)
    assert theirs == ours
    assert any(each["Name"] == "Login fails" for each in ours["Defect"])


def _told(sim: RallySimulator) -> dict[str, list[dict[str, object]]]:
    """Return all that a tracker holds, by type, without when it was written and under which numbers."""
    return {
        name: [
            {
                key: str(value.get("_refObjectName")) if isinstance(value, dict) else value
                for key, value in row.items()
                if key not in STAMPS
            }
            for row in sim.world.truth(name).values()
        ]
        for name in ALIKE
    }


def test_whatever_the_tables_name_runs(played: Played) -> None:
    names = played.ours.names
    acme = names["acme"]
    names |= {"mirror": mirror, "logging": logging, "records": acme.Defect, "project": acme.Project("Web Shop")}
    names |= {"record": acme.get("DE1"), "defect": acme.get("DE1"), "other": acme.get("DE2"), "tag": acme.Tag("urgent")}
    names |= {"user": acme.User.first(), "feature": acme.get("F1"), "attachment": acme.Attachment.first()}
    assert sum(played.ours.try_out(row.became) for row in rows(PAGE)) > 100
