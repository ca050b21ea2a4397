"""What a script does with a tracker at the other end: pushing, syncing, reading one record again."""

from __future__ import annotations

from datetime import timedelta

import pytest

import mirror
from mirror.api import SyncOptions
from tests.script.conftest import Opening
from tests.support.pushing import RallyDesk


def test_looking_at_records_asks_nothing_of_the_tracker(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        for each in m["acme"].HierarchicalRequirement:
            assert each.Project.Name
            assert [task.WorkProduct for task in each.Tasks] == [each] * len(each.Tasks)
            assert each.Owner.DisplayName or not each.Owner
    assert len(desk.stage.requests) == 0


def test_a_push_tells_what_became_of_each_change(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        one, two = m["acme"].Defect.limit(2)
        one.Name, two.Notes = "pushed", "pushed too"
        tag = m["acme"].Tag.create(Name="made here")
        one.Tags.add(tag)
        (first,) = m.push(one.key, names="acme")
        (outcome,) = m.push()
        assert first.report is not None
        assert outcome.report is not None
        assert {each.outcome for each in (*first.report.changes, *outcome.report.changes)} == {"done"}
        assert len(first.report.changes) + len(outcome.report.changes) == 5
        assert one.key in {each.shown.label for each in first.report.changes}
        assert m.changes() == []
        assert (one.Name, two.Notes, tag.Name) == ("pushed", "pushed too", "made here")
        assert tag.id > 0
        assert tag in one.Tags
        assert m["acme"].asset(tag.oid) is tag
    assert tag.id in desk.stage.ids("Tag")


def test_what_was_created_here_is_acted_on_after_the_push(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        one, two, tag = (m["acme"][name].create(Name="made here") for name in ("Defect", "Defect", "Tag"))
        m.push()
        tag.delete()
        one.rank("top")
        two.comment("seen")
        (outcome,) = m.push()
        assert outcome.report is not None
        assert [each.outcome for each in outcome.report.changes] == ["done"] * 3
    assert tag.id not in desk.stage.ids("Tag")


def test_what_was_created_here_tells_its_number_and_its_key_right_after_the_push(online: Opening) -> None:
    with online() as m:
        defects = m["acme"].Defect.create_many({"Name": f"made {number}", "Project": "Web Shop"} for number in range(5))
        m.push()
        one, two, three, four, five = defects
        assert one.id > 0
        assert two.key.startswith("DE")
        assert three.oid == f"Defect:{three.id}"
        assert four.url is not None and four.url.endswith(f"/{four.id}")
        assert str(five) == five.FormattedID


def test_what_is_gone_is_refused_when_it_is_edited_and_holds_up_nothing_else(online: Opening) -> None:
    with online() as m:
        defect, other = m["acme"].Defect.limit(2)
        key = defect.key
        defect.delete()
        m.push()
        for edit in (
            lambda: defect.update(Name="too late"),
            lambda: defect.Tags.add("urgent"),
            lambda: defect.comment("too late"),
            lambda: defect.attach(b"1", name="x.txt"),
            lambda: defect.rank("top"),
            defect.delete,
        ):
            with pytest.raises(mirror.InvalidEditError, match=f"{key} is not here any more"):
                edit()
        other.Name = "in time"
        m.push()
        assert (other.Name, m.changes()) == ("in time", [])


def test_what_is_refused_is_told_with_the_trackers_words(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        defect = m["acme"].Defect.first()
        desk.stage.delete(defect.id)
        defect.Name = "too late"
        (outcome,) = m.push()
        assert outcome.report is not None
        (change,) = outcome.report.changes
        assert change.outcome in ("refused", "conflict")
        assert change.words


def test_a_mirror_that_is_fresh_is_left_alone(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        (outcome,) = m.sync(if_older_than="10d")
        assert (outcome.report, outcome.error) == (None, None)
        assert len(desk.stage.requests) == 0
        (outcome,) = m.sync("acme", if_older_than="10d")  # one name is as good as a list of one
        assert (outcome.source, m.changes("acme")) == ("acme", [])
        (outcome,) = m.sync(options=SyncOptions(("tag",)), if_older_than=timedelta(0))
        assert outcome.report is not None
        (outcome,) = m.sync(options=SyncOptions(("Tag",)), if_older_than=60)
        assert outcome.report is None
        (outcome,) = m.sync(options=SyncOptions(("Tag", "Tagg")), if_older_than=60)
        assert isinstance(outcome.error, mirror.UnknownTypeError)
        with pytest.raises(mirror.UsageError, match="no length of time"):
            m.sync(if_older_than="soon")
        with pytest.raises(mirror.UsageError, match="no length of time"):
            m.sync(if_older_than="99999999999d")


def test_a_sync_shows_in_records_that_are_in_use(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        defect = m["acme"].Defect.first()
        desk.stage.edit(defect.id, "edited there")
        assert defect.Notes != "edited there"
        m.sync()
        assert defect.Notes == "edited there"


def test_one_record_is_read_again_when_asked(online: Opening, desk: RallyDesk) -> None:
    with online() as m:
        one, two = m["acme"].Defect.limit(2)
        desk.stage.edit(one.id, "edited there")
        desk.stage.edit(two.id, "edited there as well")
        assert one.refresh().Notes == "edited there"
        assert two.Notes != "edited there as well"
        desk.stage.delete(two.id)
        with pytest.raises(mirror.UnknownRecordError, match="does not list"):
            two.refresh()
        with pytest.raises(mirror.UnknownRecordError, match="not on the tracker yet"):
            m["acme"].Tag.create(Name="new").refresh()
