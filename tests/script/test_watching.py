"""What a script is told when something happens on the tracker: each thing at least once, whoever dies or fails meanwhile."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import mirror
from mirror.api import Round
from mirror.script.watcher import usual_name
from mirror.store.watchers import ATTEMPTS
from tests.script.conftest import NOW, Opening
from tests.support import watch_process
from tests.support.databases import PostgresServer
from tests.support.pushing import RallyDesk

Told = list[tuple[Any, ...]]


class Listener:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: Told = []

    def created(self, record: mirror.Record) -> None:
        self.told.append(("created", record.id))

    def changed(self, record: mirror.Record, changes: mirror.Changes) -> None:
        self.told.append(("changed", record.id, sorted(changes)))

    def deleted(self, record: mirror.Record, reason: str) -> None:
        self.told.append(("deleted", record.id, reason))

    def all(self) -> dict[str, Any]:
        return {"created": self.created, "changed": self.changed, "deleted": self.deleted}


@pytest.fixture
def heard() -> Listener:
    return Listener()


def test_a_callback_of_python_itself_is_called_after_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/somewhere/triage.py", raising=False)
    for callback in (print, [].append, partial(print, "new:"), json.dumps):
        assert usual_name("acme:Defect", callback) == "triage: acme:Defect"
    assert usual_name("acme:Defect", usual_name) == "mirror.script.watcher: acme:Defect"


def test_a_script_is_told_what_came_changed_and_went(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    one, two = desk.stage.ids("Defect")[:2]
    with online() as m:
        m.watch("Defect", **heard.all())
        three = desk.stage.create("made there")
        desk.stage.edit(one, "edited there")
        desk.stage.delete(two)
        assert heard.told == []
        m.sync()
        assert sorted(heard.told) == [
            ("changed", one, ["LastUpdateDate", "Notes", "VersionId"]),
            ("created", three),
            ("deleted", two, "deleted"),
        ]
        m.sync()
        assert len(heard.told) == 3


def test_changes_are_values_as_records_show_them(online: Opening, desk: RallyDesk) -> None:
    found: list[mirror.Changes] = []
    with online() as m:
        m["acme"].Defect.watch(changed=lambda _record, changes: found.append(changes))
        defect = m["acme"].Defect.first()
        before = defect.Owner
        user = next(each for each in m["acme"].User if each != before)
        tags = list(defect.Tags)
        desk.stage.world.update(defect.id, {"Owner": user.id, "Notes": "there"})
        m.sync()
        (changes,) = found
        assert changes["Owner"] == (before, user)
        assert changes["owner"].after.DisplayName == user.DisplayName
        assert changes["Notes"].after == "there"
        assert "Tags" not in changes
        assert tags == list(defect.Tags)
        with pytest.raises(KeyError):
            changes["Nonsense"]


def test_a_deleted_record_is_told_as_it_was_last(online: Opening, desk: RallyDesk) -> None:
    found: list[tuple[Any, ...]] = []
    with online() as m:
        m.watch("acme:Defect", deleted=lambda record, reason: found.append((record.key, record.Project.Name, reason)))
        key, project, record_id = (m["acme"].Defect.first()[each] for each in ("FormattedID", "Project.Name", "ObjectID"))
        desk.stage.delete(record_id)
        m.sync()
    assert found == [(key, project, "deleted")]


def test_edits_made_here_and_pushes_from_here_are_no_news(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    others = Listener()
    with online() as m:
        m.watch("Defect", "Tag", **heard.all())
        m.watch("Defect", "Tag", **others.all(), name="others", own=True)
        one, two = m["acme"].Defect.limit(2)
        one.Name = "edited here"
        one.comment("said here")
        two.delete()
        tag = m["acme"].Tag.create(Name="made here")
        m.push()
        m.sync()
        assert heard.told == []
        assert tag.Name == "made here"
        assert {each[:2] for each in others.told} == {("changed", one.id), ("deleted", two.id), ("created", tag.id)}


def test_a_query_tells_what_it_finds_or_found_before(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    ids, world = desk.stage.ids("Defect"), desk.stage.world
    for each in ids[:4]:
        world.update(each, {"State": "Open"})
    world.update(ids[4], {"State": "Fixed"})
    with online() as m:
        m.sync()
        m["acme"].Defect.find('(State = "Open")').watch(**heard.all())
        world.update(ids[0], {"Notes": "stays"})
        world.update(ids[1], {"State": "Fixed"})
        world.update(ids[4], {"State": "Open"})
        world.update(ids[5], {"State": "Fixed"})
        desk.stage.delete(ids[2])
        desk.stage.delete(ids[6])
        m.sync()
        told = {each[:2] for each in heard.told}
        assert told == {("changed", ids[0]), ("changed", ids[1]), ("changed", ids[4]), ("deleted", ids[2])}
        assert [each.waiting for each in m.watchers()] == [0]


def test_a_callback_that_raises_is_told_again_and_others_go_on(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    one = desk.stage.ids("Defect")[0]
    calls: list[int] = []

    def fails(record: mirror.Record, _changes: mirror.Changes) -> None:
        calls.append(record.id)
        record.Name = "half done"
        if len(calls) < 3:
            raise ValueError("not yet")

    with online() as m:
        m.watch("Defect", changed=fails, name="fails")
        m.watch("Defect", **heard.all(), name="others")
        desk.stage.edit(one, "edited there")
        with pytest.warns(RuntimeWarning, match="'fails' failed at changed acme:DE1: ValueError: not yet .*, 1 of 10"):
            m.sync()
        assert [each[:2] for each in heard.told] == [("changed", one)]
        assert m.changes() == []
        with pytest.warns(RuntimeWarning, match="2 of 10 times"):
            deliveries = m.deliver()
        assert [(each.told, [one.attempts for one in each.failed]) for each in deliveries] == [(0, [2]), (0, [])]
        assert (m.watchers()[0].failing, m.watchers()[0].said) == (1, "ValueError: not yet")
        m.deliver()
        assert calls == [one] * 3
        assert [each.change.field for each in m.changes()] == ["Name"]
        assert m.watchers()[0].waiting == 0


def test_what_always_fails_is_put_aside_until_the_script_starts_anew(online: Opening, desk: RallyDesk) -> None:
    calls: list[int] = []

    def fails(record: mirror.Record, _changes: mirror.Changes) -> None:
        calls.append(record.id)
        raise ValueError

    desk.stage.edit(desk.stage.ids("Defect")[0], "edited there")
    with online() as m:
        m.watch("Defect", changed=fails, name="fails")
        with pytest.warns(RuntimeWarning) as warned:
            m.sync()
            for _ in range(ATTEMPTS):
                m.deliver()
        assert "ValueError (" in str(warned[0].message)
        assert "until the script is started anew" in str(warned[-1].message)
        assert len(calls) == ATTEMPTS
    with online() as m:
        m.watch("Defect", changed=lambda record, _changes: calls.append(record.id), name="fails")
        m.deliver()
        m.deliver()
    assert len(calls) == ATTEMPTS + 1


def test_nothing_overtakes_what_failed(online: Opening, desk: RallyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = desk.stage.ids("Defect")[:2]
    told: list[tuple[int, list[str]]] = []
    broken = True

    def tell(record: mirror.Record, changes: mirror.Changes) -> None:
        if broken and record.id == one:
            raise ValueError("not yet")
        told.append((record.id, [changes["Notes"].before, changes["Notes"].after]))

    monkeypatch.setattr("mirror.script.delivering.TOGETHER", 1)
    with online() as m, pytest.warns(RuntimeWarning, match="not yet"):
        m.watch("Defect", changed=tell, name="tell")
        for number, words in ((one, "first"), (two, "other"), (one, "second")):
            desk.stage.world.update(number, {"Notes": words})
            m.sync(deliver=False)
        for _ in range(ATTEMPTS):
            m.deliver()
        desk.stage.world.update(one, {"Notes": "third"})
        m.sync(deliver=False)
        assert m.deliver()[0].failed == []
    assert told == [(two, ["", "other"])]
    broken = False
    monkeypatch.undo()
    with online() as m:
        m.watch("Defect", changed=tell, name="tell")
        m.deliver()
    assert told[1:] == [(one, ["", "third"])]


def test_what_a_callback_does_is_queued_and_the_rest_of_the_session_too(online: Opening, desk: RallyDesk) -> None:
    def annotate(record: mirror.Record, changes: mirror.Changes) -> None:
        record.Name = f"was: {changes['Notes'].before}"
        assert record.Project.Name

    with online() as m:
        m.watch("Defect", changed=annotate)
        one, two = m["acme"].Defect.limit(2)
        desk.stage.edit(one.id, "edited there")
        desk.stage.edit(two.id, "edited there too")
        m.sync()
        assert {each.change.record_id for each in m.changes()} == {one.id, two.id}
        assert one.Name.startswith("was: ")
        m.push()
        m.sync()
        assert m.changes() == []


@pytest.mark.parametrize("end", ["before", "within"])
def test_a_killed_script_is_told_when_it_is_started_again(
    online: Opening, desk: RallyDesk, tmp_path: Path, end: str
) -> None:
    settings, log = tmp_path / "mirror.toml", tmp_path / "log"
    with online() as m:
        m.watch("Defect", created=print, changed=print, deleted=print, name="watch_process: Defect")
    one, two = desk.stage.ids("Defect")[:2]
    desk.stage.edit(one, "edited there")
    desk.stage.delete(two)
    assert watch_process.run(settings, log, end) < 0
    assert (len(log.read_text().splitlines()) if log.exists() else 0) == (1 if end == "within" else 0)
    requests = len(desk.stage.requests)
    assert requests > 0
    assert watch_process.run(settings, log, "well") == 0
    assert set(log.read_text().split()) == {"DE1", "DE2"}
    written = log.read_text()
    assert watch_process.run(settings, log, "well") == 0
    assert log.read_text() == written


def test_what_was_there_is_told_when_asked_for(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    with online() as m:
        m["acme"].Defect.find('(FormattedID = "DE3")').watch(created=heard.created, since_start=True)
        m.deliver()
        assert heard.told == [("created", m["acme"].get("DE3").id)]
        m.deliver()
        assert len(heard.told) == 1


def test_a_database_that_is_filled_later_can_be_watched_before(desk: RallyDesk, tmp_path: Path, online: Opening) -> None:
    text = (online(), (tmp_path / "mirror.toml").read_text())[1]
    (tmp_path / "new.toml").write_text(text.replace("mirror.db", "new.db"))
    late, early = Listener(), Listener()
    with mirror.open(tmp_path / "new.toml") as m:
        m.watch("Defect", **late.all())
        m.watch("Defect", **early.all(), name="early", since_start=True)
        m.sync(deliver=False)
        assert late.told == []
        m.deliver()
        assert late.told == []
        assert len(early.told) == len(desk.stage.ids("Defect"))


def test_on_postgres_it_is_the_same(
    online: Opening, desk: RallyDesk, heard: Listener, tmp_path: Path, postgres: PostgresServer
) -> None:
    online().close()
    ids, world = desk.stage.ids("Defect"), desk.stage.world
    owner, other = desk.stage.ids("User")[:2]
    world.update(ids[0], {"Owner": owner, "PlanEstimate": 0.1})
    said: list[tuple[Any, ...]] = []

    def annotate(record: mirror.Record, changes: mirror.Changes) -> None:
        said.append((*changes["Owner"], *changes["PlanEstimate"], changes["LastUpdateDate"].after == record.LastUpdateDate))
        record.Name = "looked at"

    with postgres.fresh_url() as url, mirror.open(tmp_path / "mirror.toml", database=url) as m:
        m.watch("Defect", changed=annotate, name="annotator")
        m.sync()
        mine = m["acme"].Defect.where(Owner=owner)
        mine.watch(**heard.all(), name="mine")
        world.update(ids[0], {"Owner": other, "PlanEstimate": 2.5})
        desk.stage.delete(ids[1])
        m.sync()
        users = m["acme"].User
        assert said == [(users(owner), users(other), 0.1, 2.5, True)]
        assert ("changed", ids[0]) in {each[:2] for each in heard.told}
        assert [each.change.field for each in m.changes()] == ["Name"]
        m["acme"].Defect.watch(deleted=heard.deleted, created=heard.created, since_start=True, name="all")
        desk.stage.delete(ids[2])
        m.sync()
        assert ("deleted", ids[2], "deleted") in heard.told
        assert ("created", ids[3]) in heard.told
        assert {each.waiting for each in m.watchers()} == {0}


def test_a_poll_goes_on_when_the_tracker_does_not_answer(online: Opening, desk: RallyDesk, heard: Listener) -> None:
    rounds: list[Round] = []
    waits: list[float] = []

    def happen(seconds: float) -> None:
        waits.append(seconds)
        desk.stage.faults.clear()
        desk.stage.edit(desk.stage.ids("Defect")[0], f"edit {len(waits)}")

    with online() as m:
        m.watch("Defect", **heard.all())
        desk.stage.faults.add(kind="status", status=401)
        m.poll("5m", times=3, each=rounds.append, sleep=happen)
    assert waits == [300, 300]
    assert [each[0] for each in heard.told] == ["changed", "changed"]
    first, *rest = ([one.exit_code for one in each.outcomes] for each in rounds)
    assert (first, rest) == ([3], [[0], [0]])


def test_a_poll_warns_of_what_goes_wrong_unless_told_otherwise(online: Opening, desk: RallyDesk) -> None:
    desk.stage.faults.add(kind="status", status=401)
    with online() as m:
        with pytest.warns(RuntimeWarning, match="not up to date, tried again in the next round: acme: .*401"):
            m.poll(times=1)
        with desk.store.lease("somebody", NOW), pytest.warns(RuntimeWarning, match="written to by somebody"):
            m.poll(times=1)


def test_who_was_forgotten_by_another_program_watches_again(online: Opening) -> None:
    with online() as m, online() as other:
        m.watch("Defect", created=print, name="one")
        assert other.unwatch("one")
        with pytest.warns(RuntimeWarning, match="'one' was forgotten by another program"):
            m.deliver()
        assert [each.name for each in other.watchers()] == ["one"]
        m.deliver()


def test_what_cannot_be_watched_is_refused(online: Opening) -> None:
    with online() as m:
        defects = m["acme"].Defect
        with pytest.raises(mirror.UsageError, match="created=, changed= or deleted="):
            m.watch("Defect")
        with pytest.raises(mirror.UsageError, match="say which types"):
            m.watch(created=print)
        with pytest.raises(mirror.UnknownTypeError, match="did you mean Defect"):
            m.watch("Defekt", created=print)
        with pytest.raises(mirror.UsageError, match="without a limit"):
            defects.limit(3).watch(created=print)
        m.watch("Defect", created=print, name="one")
        with pytest.raises(mirror.UsageError, match="another name"):
            defects.watch(created=print, name="one")
        with pytest.raises(mirror.UsageError, match="too short"):
            m.poll("0s", times=1)
        assert m.unwatch("one")
        assert m.watchers() == []
