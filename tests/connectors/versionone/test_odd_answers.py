"""Answers to writes in which something is odd: nobody knows what was done then, and nothing breaks."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from mirror.errors import RetryableError
from mirror.model.change import Action
from mirror.model.write import File, Write
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.odd_bodies import PLACE, odd_bodies
from tests.support.versionone import world_of
from tests.support.versionone_desk import Desk

SINGLE = [
    PLACE,
    '{"id": "?"}',
    '{"_type": "Asset", "id": "?", "Attributes": "?"}',
    '<Asset id="?"/>',
    '<Asset id="Task:5"/>',
    "<Asset/>",
    '<Assets id="?"/>',
]
TOGETHER = [
    PLACE,
    '{"complete": "?"}',
    '{"commandFailures": "?", "assetsCreated": "?", "assetsModified": "?", "assetsOperatedOn": "?", "complete": true}',
    '{"commandFailures": {"commands": ["?"]}, "assetsCreated": {"oidTokens": ["?"]}, '
    '"assetsModified": {"oidTokens": ["?"]}, "assetsOperatedOn": {"oidTokens": []}, "complete": true}',
    '{"commandFailures": {"commands": []}, "assetsCreated": {"oidTokens": ["?", "?"]}, '
    '"assetsModified": {"oidTokens": []}, "assetsOperatedOn": {"oidTokens": []}, "complete": true}',
]


def test_an_odd_answer_to_something_new_leaves_it_open() -> None:
    with VersionOneSimulator(world=world_of(60, 3)) as tracker:
        desk = Desk(tracker)
        story = desk.open_story()
        creation = desk.story("odd")
        file = desk.write(Action.ATTACH, "Story", story, file=File("odd.txt", "text/plain", b"odd"), since=desk.now())
        note = desk.write(Action.COMMENT, "Theme", desk.world.ids("Theme")[0], text="odd", since=desk.now())
        assert desk.connector.capabilities.writes_at_once > 1

        def answered(path: str, body: str, *writes: Write) -> None:
            tracker.faults.clear()
            tracker.faults.add(kind="body", status=200, body=body, method="POST", path=path)
            outcomes = desk.send(*writes)
            assert all(isinstance(each, RetryableError) and not each.is_unsent for each in outcomes), (body, outcomes)

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(odd_bodies(SINGLE), odd_bodies(TOGETHER))
        def check(single: str, together: str) -> None:
            for write in (creation, file, note):
                answered("Data/(Story|Attachment|Expression|Note)", single, write)
            answered("api/asset", together, creation, creation)

        check()
