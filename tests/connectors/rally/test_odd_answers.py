"""Answers to writes in which something is odd: nobody knows what was done then, and nothing breaks."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from mirror.errors import RetryableError
from mirror.model.change import Action
from mirror.model.write import File, Write
from tests.connectors.rally.desk import Desk
from tests.support.odd_bodies import PLACE, odd_bodies
from tests.support.stages.rally import TheStage

SINGLE = [
    PLACE,
    '{"CreateResult": "?"}',
    '{"?": {"Errors": [], "Object": {"ObjectID": 5}}}'.replace(PLACE, '"Odd"'),
    '{"CreateResult": {"Errors": [], "Object": "?"}}',
    '{"CreateResult": {"Errors": "?", "Object": {"ObjectID": "?"}}}',
    '{"CreateResult": {"Errors": [], "Object": {"_ref": "/defect/x", "ObjectID": "?"}}}',
    '{"CreateResult": {"Errors": [], "Object": {"_ref": "?"}}}',
]
TOGETHER = [
    *(each.replace("CreateResult", "BatchResult") for each in SINGLE),
    '{"BatchResult": {"Errors": [], "Results": "?"}}',
    '{"BatchResult": {"Errors": [], "Results": ["?", "?"]}}',
    '{"BatchResult": {"Errors": [], "Results": [{"Object": {"ObjectID": "?"}}, {"Object": {"ObjectID": "?"}}]}}',
]


def test_an_odd_answer_to_something_new_leaves_it_open(stage: TheStage) -> None:
    desk = Desk(stage)
    defect = desk.defect()
    creation = desk.create("Defect", {"Name": "odd"})
    comment = desk.write(Action.COMMENT, "Defect", defect, text="odd")
    file = desk.write(Action.ATTACH, "Defect", defect, file=File("odd.txt", "text/plain", b"odd"))

    def answered(body: str, *writes: Write) -> None:
        stage.faults.clear()
        stage.faults.add(kind="body", status=200, body=body, method="POST")
        outcomes = desk.connector.send(writes)
        assert all(isinstance(each, RetryableError) and not each.is_unsent for each in outcomes), (body, outcomes)

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(odd_bodies(SINGLE), odd_bodies(TOGETHER))
    def check(single: str, together: str) -> None:
        for write in (creation, comment, file):
            answered(single, write)
        answered(together, creation, creation)

    check()
