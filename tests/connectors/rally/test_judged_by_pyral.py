"""What the connector wrote, as the vendor's own client reads it; and that client's writes, as the connector finds them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from mirror.model.change import Action
from mirror.model.write import File, Place
from tests.connectors.rally.desk import Desk, to
from tests.support.stages.rally import TheStage

with warnings.catch_warnings():
    # The client's own modules have invalid escapes in their texts.
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    import pyral
    import pyral.entity
    import pyral.restapi

# The client leaves its sockets to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def rally(stage: TheStage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The client, without a proxy and over plain HTTP, which it has no setting for (rally.md Appendix B item 2)."""
    monkeypatch.setattr(pyral.restapi, "PROTOCOL", "http")
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    client = pyral.Rally(server=stage.url.removeprefix("http://"), apikey=stage.tracker.api_key, isolated_workspace=True)
    client.session.trust_env = False
    yield client
    client.session.close()
    pyral.entity._rally_schema.clear()


def test_the_vendors_client_reads_what_was_written(stage: TheStage, rally: Any) -> None:
    desk = Desk(stage)
    tag, defect, below = desk.world.ids("Tag")[0], desk.defect(), desk.defect()
    values = {"Name": "Ünïted & <b>bold</b>", "PlanEstimate": 2.5, "TargetDate": "2031-07-04T05:06:07.089Z", "Ready": True}
    desk.done(desk.update("Defect", defect, values, added={"Tags": (to("Tag", tag),)}))
    desk.done(desk.write(Action.COMMENT, "Defect", defect, text="said so"))
    desk.done(desk.write(Action.ATTACH, "Defect", defect, file=File("note.txt", "text/plain", b"\x00bytes\n" * 99)))
    desk.done(desk.write(Action.RANK, "Defect", below, place=Place.ABOVE, other=to("Defect", defect)))
    formatted = desk.world.item(defect).values["FormattedID"]
    read = rally.get("Defect", fetch=True, query=f"FormattedID = {formatted}", project=None).next()
    assert {name: getattr(read, name) for name in values} == values
    assert [each.oid for each in read.Tags] == [tag]
    assert [each.Text for each in read.Discussion] == ["said so"]
    assert rally.getAttachment(formatted, "note.txt").Content == b"\x00bytes\n" * 99
    ranks = rally.get("Defect", fetch="DragAndDropRank", order="DragAndDropRank", project=None)
    order = [each.oid for each in ranks]
    assert order.index(below) + 1 == order.index(defect)


def test_what_the_vendors_client_made_with_our_key_is_found_by_a_probe(stage: TheStage, rally: Any) -> None:
    desk = Desk(stage)
    write = desk.create("Defect", {"Name": "made twice?", "Severity": "Cosmetic"})
    made = rally.create("Defect", {"Name": "made twice?", "Severity": "Cosmetic"})
    assert list(desk.connector.probe(write).found) == [made.oid]
