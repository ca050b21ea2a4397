"""Commenting and attaching, and how all actions are told (versionone.md §6.5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
import requests

from mirror.errors import RefusedError, RetryableError
from mirror.model.change import Action
from mirror.model.write import File, Place, Target, Write
from mirror.simulators.traffic import Request
from tests.support.versionone_desk import Desk

# Commenting


def commenting(desk: Desk, record_id: int, text: str = "<p>Well &amp; good</p>", kind: str = "comment") -> Write:
    """Return a COMMENT on a story."""
    return desk.write(Action.COMMENT, "Story", record_id, text=text, kind=kind, since=desk.now())


def test_a_comment_is_an_expression_that_mentions_the_record(desk: Desk) -> None:
    story = desk.open_story()
    write = commenting(desk, story)
    assert list(desk.connector.probe(write).found) == []
    desk.done(write)
    said = max(desk.world.ids("Expression"))
    shown = {name: desk.world.value(said, name) for name in ("Content", "Mentions", "Author", "IsTopic")}
    assert shown == {"Content": write.text, "Mentions": [story], "Author": 20, "IsTopic": True}
    assert list(desk.connector.probe(write).found) == [said]
    assert list(desk.connector.probe(commenting(desk, story, "other words")).found) == []
    assert list(desk.connector.probe(commenting(desk, desk.open_story())).found) == []


@pytest.mark.parametrize("minutes", [330, -570])
def test_a_comment_was_said_when_it_was_sent_in_whatever_zone_the_user_is(desk: Desk, minutes: int) -> None:
    desk.tracker.switches = desk.tracker.switches.with_changes({"user_zone_offset_minutes": minutes})
    abroad = Desk(desk.tracker)
    write = commenting(abroad, abroad.open_story())
    abroad.done(write)
    assert desk.world.value(max(desk.world.ids("Expression")), "AuthoredAt") == write.since


def test_what_others_have_said_with_the_same_words_is_not_ours(desk: Desk) -> None:
    story, known = desk.open_story(), {desk.world.landmarks.admin, desk.world.landmarks.limited}
    other = next(each for each in desk.world.ids("Member") if each not in known)
    write = commenting(desk, story)
    conversation = desk.world.create("Conversation", {}, by=other)
    values = {"Content": write.text, "BelongsTo": conversation, "Mentions": [story]}
    desk.world.create("Expression", values, by=other)
    assert list(desk.connector.probe(write).found) == []


def test_a_reply_continues_the_conversation(desk: Desk) -> None:
    story = desk.open_story()
    assert isinstance(desk.refusal(commenting(desk, story, kind="reply")), RefusedError)
    desk.done(commenting(desk, story, "first"))
    topic = max(desk.world.ids("Expression"))
    write = commenting(desk, story, "second", kind="reply")
    desk.done(write)
    said = max(desk.world.ids("Expression"))
    assert desk.world.value(said, "InReplyTo") == topic
    assert desk.world.value(said, "BelongsTo") == desk.world.value(topic, "BelongsTo")
    assert list(desk.connector.probe(write).found) == [said]


def test_a_comment_whose_answer_was_lost_is_found_and_one_that_never_came_is_not(desk: Desk) -> None:
    story = desk.open_story()
    write = commenting(desk, story)
    desk.lose_answer("Data/Expression")
    assert isinstance(desk.refusal(write), RetryableError)
    desk.tracker.faults.clear()
    assert list(desk.connector.probe(write).found) == [max(desk.world.ids("Expression"))]
    other = commenting(desk, story, "never came")
    desk.tracker.faults.add(kind="reset", method="POST", path="Data/Expression", times=1)
    assert isinstance(desk.refusal(other), RetryableError)
    assert list(desk.connector.probe(other).found) == []


def test_nothing_was_said_when_the_answer_to_the_empty_conversation_is_lost(desk: Desk) -> None:
    write = commenting(desk, desk.open_story())
    desk.lose_answer("Data/Conversation")
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert error.is_unsent


def test_no_empty_conversation_is_left_behind_a_comment_that_was_refused(desk: Desk) -> None:
    story = desk.open_story()
    before = desk.world.ids("Conversation")
    write = commenting(desk, story)
    desk.world.operate(story, "Delete")
    assert isinstance(desk.refusal(write), RefusedError)
    assert desk.world.ids("Conversation") == before


def test_where_there_are_no_conversations_a_comment_is_a_note(desk: Desk) -> None:
    as_it_was = desk.tracker.switches
    desk.tracker.switches = as_it_was.with_changes({"json": True})
    meta = msgspec.json.decode(requests.get(f"{desk.tracker.url}/meta.v1/?accept=text/json", timeout=10).content)
    desk.tracker.switches = as_it_was
    for name in ("Conversation", "Expression"):
        meta["AssetTypes"].pop(name, None)
    desk.tracker.faults.add(kind="body", status=200, body=msgspec.json.encode(meta).decode(), path="meta.v1")
    old = Desk(desk.tracker)
    write = commenting(old, old.open_story(), "<b>First</b> line")
    assert "comment" in old.layouts["Story"].type.actions
    assert list(old.connector.probe(write).found) == []
    old.done(write)
    said = max(old.world.ids("Note"))
    shown = {name: old.world.value(said, name) for name in ("Name", "Content", "Asset", "Personal")}
    expected = {"Name": "First line", "Content": "<b>First</b> line", "Asset": write.record_id, "Personal": False}
    assert shown == expected
    assert list(old.connector.probe(write).found) == [said]


# Attaching

FILE = File("plan <1>.txt", "text/plain", b"\x00\x01 any bytes \xff\r\n")


def attaching(desk: Desk, record_id: int, file: File = FILE) -> Write:
    """Return an ATTACH to a story."""
    return desk.write(Action.ATTACH, "Story", record_id, file=file, since=desk.now())


def _attachments(desk: Desk, story: int) -> list[int]:
    return list(desk.world.value(story, "Attachments") or [])  # type: ignore[arg-type]


def test_a_file_is_attached_with_its_bytes(desk: Desk) -> None:
    story = desk.open_story()
    write = attaching(desk, story)
    assert list(desk.connector.probe(write).found) == []
    desk.done(write)
    (made,) = _attachments(desk, story)
    shown = [desk.world.value(made, name) for name in ("Name", "Filename", "ContentType")]
    assert shown == [FILE.name, FILE.name, "text/plain"]
    assert desk.world.blob(made) == FILE.content
    assert list(desk.connector.probe(write).found) == [made]


@pytest.mark.parametrize("kind", ["reset", "reset_after"])
def test_a_file_whose_bytes_did_not_arrive_is_completed_and_not_attached_twice(desk: Desk, kind: str) -> None:
    story = desk.open_story()
    write = attaching(desk, story)
    desk.tracker.faults.add(kind=kind, method="POST", path="attachment.img", times=1)
    error = desk.refusal(write)
    assert isinstance(error, RetryableError)
    assert not error.is_unsent
    (made,) = _attachments(desk, story)
    if kind == "reset_after":
        assert list(desk.connector.probe(write).found) == [made]
        return
    assert list(desk.connector.probe(write).found) == []
    desk.done(replace(write, since=desk.now() + timedelta(seconds=2)))  # long after it was first sent
    assert _attachments(desk, story) == [made]
    assert desk.world.blob(made) == FILE.content


def test_a_file_whose_first_answer_was_lost_is_completed_as_well(desk: Desk) -> None:
    story = desk.open_story()
    write = attaching(desk, story)
    desk.lose_answer("Data/Attachment")
    assert isinstance(desk.refusal(write), RetryableError)
    assert list(desk.connector.probe(write).found) == []
    desk.done(write)
    assert len(_attachments(desk, story)) == 1
    assert list(desk.connector.probe(write).found) == _attachments(desk, story)


def test_the_same_file_may_be_attached_again_on_purpose_and_a_file_of_another_content_is_another(desk: Desk) -> None:
    story = desk.open_story()
    desk.done(attaching(desk, story))
    desk.done(attaching(desk, story))
    other = attaching(desk, story, replace(FILE, content=b"other bytes"))
    assert list(desk.connector.probe(other).found) == []
    desk.done(other)
    assert [desk.world.blob(each) for each in _attachments(desk, story)] == [FILE.content, FILE.content, b"other bytes"]


def test_calls_of_every_action_are_told_in_order(desk: Desk) -> None:
    story = desk.open_story()
    writes = [
        desk.write(Action.DELETE, "Story", story),
        desk.write(Action.OPERATE, "Story", story, operation="QuickClose"),
        desk.write(Action.RANK, "Story", story, place=Place.ABOVE, other=Target("Story", 7)),
        commenting(desk, story, "hello"),
        attaching(desk, story),
    ]
    seen: list[Request] = []
    end = desk.tracker.on_request(seen.append)
    told = [line for write in writes for line in desk.connector.calls(write)]
    end()
    assert seen == []
    data = f"rest-1.v1/Data/Story/{story}"
    assert told == [
        f"POST {data}?op=Delete",
        f"POST {data}?op=QuickClose",
        "GET the Order of Story:7",
        f"POST {data} Order=that-",
        "POST rest-1.v1/Data/Conversation",
        f'POST rest-1.v1/Data/Expression Content="hello" Mentions+=Story:{story}',
        f'POST rest-1.v1/Data/Attachment Filename="plan <1>.txt" Asset=Story:{story}',
        f"POST attachment.img/… {len(FILE.content)} bytes",
    ]
