"""Verification: whatever was done to the mirror behind its back is found, named and repaired, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror.engine import drift
from mirror.engine.verify import VerifyOptions, VerifyReport, verify_source
from mirror.errors import UnknownTypeError, UsageError
from mirror.model.event import Compared, Event, Phase, SyncEnded, VerifyStarted
from mirror.model.page import Fate
from mirror.model.verification import Drift, Drifted
from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.switches import Switches
from mirror.store.store import Store
from tests.support.databases import overwrite, raw_rows
from tests.support.stages.rally import TheStage

_STORIES = r"/hierarchicalrequirement\?"


@pytest.fixture
def stage() -> Iterator[TheStage]:
    with TheStage(records=100, seed=8, clock=None) as opened:
        opened.allowed = opened.few
        yield opened


def verify(
    stage: TheStage, store: Store, *, events: list[Event] | None = None, seed: int = 1, **options: Any
) -> VerifyReport:
    """Verify once, as a new process would: with a new connector."""
    return verify_source(
        stage.source(),
        stage.connector(),
        store,
        VerifyOptions(**({"sample": None} | options), seed=seed),
        clock=lambda: datetime.now(UTC),
        emit=events.append if events is not None else lambda _event: None,
    )


def turn(stage: TheStage, switches: Switches, **changes: Any) -> None:
    """Have the tracker behave like that, with these changes."""
    assert isinstance(stage.tracker, RallySimulator)
    stage.tracker.switches = switches.with_changes(changes)


def found_by(report: VerifyReport) -> set[tuple[str, int, Drift]]:
    """Return what a report lists, after a look that its numbers say the same."""
    listed = {(each.type_name, each.id, each.drift) for each in report.drifted}
    for each in report.types:
        for kind in Drift:
            assert getattr(each, kind) == sum(name == each.type_name and its is kind for name, _, its in listed)
    return listed


def only(report: VerifyReport) -> Drifted:
    """Return the only record that has drifted."""
    (drifted,) = report.drifted
    return drifted


def one(url: str, query: str) -> Any:
    """Return the only value of the first row."""
    return raw_rows(url, query)[0][0]


Corrupt = Callable[[str], tuple[str, int, Drift]]


def lose_a_row(url: str) -> tuple[str, int, Drift]:
    key = one(url, "SELECT min(id) FROM rally_defect")
    overwrite(url, f"DELETE FROM rally_defect WHERE id = {key}")
    return "Defect", key, Drift.MISSING


def age_a_row(url: str) -> tuple[str, int, Drift]:
    key = one(url, "SELECT max(id) FROM rally_task")
    overwrite(url, f"UPDATE rally_task SET _revision = 'older', name = 'older' WHERE id = {key}")
    return "Task", key, Drift.STALE


def invent_a_row(url: str) -> tuple[str, int, Drift]:
    overwrite(
        url,
        "INSERT INTO rally_tag (source, id, _revision, _synced_at, name) VALUES ('acme', 77, '1', '2026-01-01Z', 'never')",
    )
    return "Tag", 77, Drift.SURPLUS


def change(table: str, type_name: str, setting: str) -> Corrupt:
    def corrupt(url: str) -> tuple[str, int, Drift]:
        column = setting.partition(" = ")[0]
        key = one(url, f"SELECT min(id) FROM {table} WHERE {column} IS NOT NULL")
        overwrite(url, f"UPDATE {table} SET {setting} WHERE id = {key}")
        return type_name, key, Drift.DIFFERING

    return corrupt


def drop_links(url: str) -> tuple[str, int, Drift]:
    key = one(url, "SELECT min(id) FROM rally_defect__tags")
    overwrite(url, f"DELETE FROM rally_defect__tags WHERE id = {key}")
    return "Defect", key, Drift.DIFFERING


def swap_links(url: str) -> tuple[str, int, Drift]:
    key = one(url, "SELECT id FROM rally_test_set__test_cases GROUP BY id HAVING count(*) > 1 ORDER BY id")
    for before, after in ((0, -1), (1, 0), (-1, 1)):
        overwrite(url, f"UPDATE rally_test_set__test_cases SET position = {after} WHERE position = {before} AND id = {key}")
    return "TestSet", key, Drift.DIFFERING


CORRUPTIONS = {
    "a row is lost": lose_a_row,
    "a row is older": age_a_row,
    "a row is invented": invent_a_row,
    "a text is another": change("rally_defect", "Defect", "description = 'not theirs'"),
    "a text is null": change("rally_hierarchical_requirement", "HierarchicalRequirement", "name = NULL"),
    "a number is a little off": change("rally_task", "Task", "estimate = estimate + 0.001"),
    "a truth is turned": change("rally_defect", "Defect", "blocked = NOT blocked"),
    "an instant is a millisecond late": change("rally_defect", "Defect", "creation_date = '2001-01-01T00:00:00.001Z'"),
    "a referenced name is another": change("rally_defect", "Defect", "owner_name = 'nobody'"),
    "links are dropped": drop_links,
    "links are in another order": swap_links,
    "a link shows another name": change("rally_defect__tags", "Defect", "target_name = 'other'"),
}


def test_an_intact_mirror_has_no_drift(each_store: Store, stage: TheStage) -> None:
    stage.sync(each_store)
    report = verify(stage, each_store, sample=5)
    assert (report.exit_code, report.drifted, report.failed, report.not_loaded) == (0, (), (), ())
    for each in report.types:
        assert each.records == len(stage.world.truth(each.type_name))
        assert each.sampled == min(5, each.records)
    assert {each.type_name for each in report.types} == set(each_store.layouts("acme"))


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_each_corruption_is_found_named_and_repaired(
    each_store: Store, database_url: str, stage: TheStage, corrupt: Corrupt
) -> None:
    stage.allowed = ("Defect", "Task", "Tag", "HierarchicalRequirement", "TestSet")
    stage.sync(each_store)
    done = corrupt(database_url)
    report = verify(stage, each_store)
    assert (found_by(report), report.exit_code) == ({done}, 3)
    repaired = verify(stage, each_store, repair=True)
    assert (found_by(repaired), repaired.exit_code) == ({done}, 0)
    assert only(repaired).repaired
    again = verify(stage, each_store)
    assert (again.drifted, again.exit_code) == ((), 0)


def test_what_differs_is_told_with_both_values(each_store: Store, database_url: str, stage: TheStage) -> None:
    stage.sync(each_store)
    key, label, name = raw_rows(database_url, "SELECT id, formatted_id, name FROM rally_defect ORDER BY id")[0]
    tags = raw_rows(database_url, "SELECT id, target_id, target_name FROM rally_defect__tags ORDER BY id, position")
    tagged = tags[0][0]
    overwrite(database_url, f"UPDATE rally_defect SET name = 'other' WHERE id = {key}")
    overwrite(database_url, f"DELETE FROM rally_defect__tags WHERE id = {tagged}")
    by_id = {each.id: each for each in verify(stage, each_store, types=("Defect",)).drifted}
    assert by_id[key].key == label
    assert ("name", "other", name) in [(each.name, each.here, each.there) for each in by_id[key].differences]
    there = [f"{target} {shown}" for owner, target, shown in tags if owner == tagged]
    (links,) = [each for each in by_id[tagged].differences if each.name == "rally_defect__tags"]
    assert (links.here, [str(each)[: len(there[0])] for each in links.there][:1]) == ([], there[:1])  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 30))])
def test_a_random_walk_of_corruption_is_found_exactly(each_store: Store, database_url: str, seed: int) -> None:
    store, chance = each_store, random.Random(seed)
    with TheStage(records=150, seed=seed, clock=None) as stage:
        stage.sync(store)
        done: set[tuple[str, int, Drift]] = set()
        for name, layout in chance.sample(sorted(store.layouts("acme").items()), 12):
            with store.read(f"SELECT id FROM {layout.table} ORDER BY id") as result:
                ids = [row[0] for row in result.rows]
            for key in chance.sample(ids, min(3, len(ids) // 6)):
                made = _corrupt(database_url, layout.table, key, chance)
                done |= {(name, each, kind) for each, kind in made.items()}
        assert done
        assert found_by(verify(stage, store)) == done
        report = verify(stage, store, repair=True)
        assert report.exit_code == 0, (report.failed, report.refused, [each for each in report.drifted if not each.repaired])
        assert found_by(report) == done
        assert verify(stage, store).drifted == ()
        assert stage.differences(store) == []


def _corrupt(url: str, table: str, key: int, chance: random.Random) -> dict[int, Drift]:
    """Do something to one row, and return the drift that makes, by id."""
    kind = chance.choice(list(Drift))
    if kind is Drift.SURPLUS:
        overwrite(url, f"UPDATE {table} SET id = {key + 10**12} WHERE id = {key}")
        return {key: Drift.MISSING, key + 10**12: Drift.SURPLUS}
    if kind is Drift.MISSING:
        overwrite(url, f"DELETE FROM {table} WHERE id = {key}")
    elif kind is Drift.STALE:
        overwrite(url, f"UPDATE {table} SET _revision = 'x', _changed_at = '2099-01-01T00:00:00.000Z' WHERE id = {key}")
    else:
        overwrite(url, f'UPDATE {table} SET _extra = \'{{"made": "up"}}\' WHERE id = {key}')
    return {key: kind}


def everything(url: str, store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables but the outcome of verifications."""
    names = {name for each in store.layouts("acme").values() for name in (each.table, *(link.name for link in each.links))}
    names |= {f"mirror_{name}" for name in "type field watermark tombstone suspect referrer quarantine run note".split()}
    return {name: sorted(raw_rows(url, f"SELECT * FROM {name}"), key=repr) for name in names}


def test_verifying_changes_nothing_but_the_note_of_its_outcome(
    each_store: Store, database_url: str, stage: TheStage
) -> None:
    stage.sync(each_store)
    for corrupt in CORRUPTIONS.values():
        corrupt(database_url)
    stage.world.update(stage.world.ids("Defect")[5], {"Name": "newer"})
    before = everything(database_url, each_store)
    stage.requests.clear()
    assert verify(stage, each_store).exit_code == 3
    assert everything(database_url, each_store) == before
    assert {each.method for each in stage.requests} <= {"GET", "POST"}
    assert not stage.requests.select(path="create|delete")


def test_changes_after_the_last_sync_are_told_from_what_it_missed(store: Store, tmp_path: Any, stage: TheStage) -> None:
    stage.sync(store)
    missed, newer, gone = stage.world.ids("Defect")[:3]
    overwrite(f"sqlite:///{tmp_path}/mirror.db", f"UPDATE rally_defect SET _revision = '0' WHERE id = {missed}")
    stage.world.update(newer, {"Name": "newer"})
    created = stage.world.create("Defect", {"Name": "created"})
    stage.world.delete(gone)
    by_id = {each.id: each for each in verify(stage, store, types=("Defect",)).drifted}
    assert (by_id[missed].drift, by_id[missed].is_new) == (Drift.STALE, False)
    assert (by_id[newer].drift, by_id[newer].is_new) == (Drift.STALE, True)
    assert (by_id[created].drift, by_id[created].is_new) == (Drift.MISSING, True)
    assert (by_id[gone].drift, by_id[gone].is_new, by_id[gone].fate) == (Drift.SURPLUS, True, Fate.DELETED)


def test_a_sync_in_the_midst_of_a_verification_makes_no_drift(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    ids, done = stage.world.ids("Defect"), list[int]()

    def change_and_sync(request: Any) -> None:
        if not done and "batch" in request.path:
            done.append(ids[0])
            stage.world.update(ids[0], {"Name": "changed meanwhile"})
            stage.world.delete(ids[1])
            stage.world.create("Defect", {"Name": "created meanwhile"})
            stage.sync(store)

    stop = stage.on_request(change_and_sync)
    report = verify(stage, store)
    stop()
    assert done
    assert (report.drifted, report.exit_code) == ((), 0)


def test_a_listing_that_fails_is_a_failure_of_its_type_and_no_drift(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    lost = stage.world.ids("Defect")[0]
    stage.world.delete(lost)
    stage.faults.add(kind="status", status=502, path=f"batch|{_STORIES}")
    report = verify(stage, store)
    assert report.exit_code == 3
    assert {each.type_name for each in report.failed} == {"HierarchicalRequirement"}
    assert "HierarchicalRequirement" not in {each.type_name for each in report.types}
    assert ("Defect", lost, Drift.SURPLUS) in found_by(report)
    assert {each.type_name for each in store.status("acme") if each.verified is None} == {"HierarchicalRequirement"}


@pytest.mark.parametrize("fault", ["reset", "truncate", "html"])
def test_faults_now_and_then_are_survived(store: Store, stage: TheStage, fault: str) -> None:
    stage.sync(store)
    stage.faults.add(kind=fault, every=4)
    report = verify(stage, store)
    assert stage.faults.hit_count() > 3
    assert (report.exit_code, report.drifted) == (0, ()), report.failed


def test_a_tracker_that_refuses_at_all_is_no_drift(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    stage.faults.add(kind="status", status=401)
    report = verify(stage, store)
    assert (report.exit_code, report.types, report.drifted) == (3, (), ())
    assert [each.phase for each in report.failed] == [Phase.KEYS]


def test_a_repair_that_breaks_off_says_what_is_not_repaired(store: Store, tmp_path: Any, stage: TheStage) -> None:
    stage.sync(store)
    overwrite(f"sqlite:///{tmp_path}/mirror.db", "UPDATE rally_defect SET _revision = '0'")
    events: list[Event] = []

    def refuse_once_compared(_request: Any) -> None:
        if any(isinstance(each, Compared) and each.phase is Phase.RECORDS for each in events):
            stage.faults.add(kind="status", status=502, path=r"/defect\?")

    stop = stage.on_request(refuse_once_compared)
    report = verify(stage, store, types=("Defect",), repair=True, events=events)
    stop()
    assert report.exit_code == 3
    assert report.failed
    assert not any(each.repaired for each in report.drifted)
    assert [each.drift_count for each in report.types] == [len(stage.world.ids("Defect"))]
    stage.faults.clear()
    assert verify(stage, store, types=("Defect",), repair=True).exit_code == 0
    assert stage.differences(store) == []


def test_types_that_are_not_loaded_are_listed_and_only_drift_when_asked_for(store: Store, stage: TheStage) -> None:
    with pytest.raises(UsageError, match="never synced; run: mirror sync acme"):
        verify(stage, store)
    stage.sync(store, types=("Defect",))
    report = verify(stage, store)
    assert ([each.type_name for each in report.types], report.exit_code) == (["Defect"], 0)
    assert "Tag" in report.not_loaded
    assert verify(stage, store, types=("tag", "defect")).exit_code == 3
    with pytest.raises(UnknownTypeError, match="Defcet"):
        verify(stage, store, types=("Defcet",))


def test_a_seed_draws_the_same_sample_again(store: Store, stage: TheStage) -> None:
    stage.sync(store)

    def asked(seed: int) -> list[str]:
        stage.requests.clear()
        report = verify(stage, store, types=("Defect",), sample=4, seed=seed)
        assert (report.seed, report.types[0].sampled) == (seed, 4)
        return [each.query for each in stage.requests.select(path="/defect")]

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)


def test_without_a_sample_only_keys_are_read(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    stage.requests.clear()
    report = verify(stage, store, sample=0)
    assert (report.exit_code, sum(each.sampled for each in report.types)) == (0, 0)
    assert not stage.requests.select(path="/defect")


def test_a_large_surplus_is_not_deleted_unless_that_is_allowed(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    turn(stage, Switches.strict(), bin_for_all=False)
    tags = stage.world.ids("Tag")
    for each in tags:
        stage.world.delete(each)
    report = verify(stage, store, types=("Tag",), repair=True)
    assert (report.exit_code, [each.type_name for each in report.refused]) == (6, ["Tag"])
    assert not any(each.repaired for each in report.drifted)
    assert verify(stage, store, types=("Tag",), repair=True, allow_mass_delete=True).exit_code == 0
    assert len(store.tombstones("acme", "Tag")) == len(tags)


def test_of_very_many_suspects_the_listing_is_believed(
    each_store: Store, database_url: str, stage: TheStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.sync(each_store)
    monkeypatch.setattr(drift, "_READ_AT_MOST", 2)
    ids = stage.ids("Defect")
    lost, older = ids[:4], ids[4:8]
    for key in lost:
        overwrite(database_url, f"DELETE FROM rally_defect WHERE id = {key}")
    for key in older:
        overwrite(database_url, f"UPDATE rally_defect SET _revision = 'x' WHERE id = {key}")
    for key in range(1, 5):
        insert = "INSERT INTO rally_defect (source, id, _revision, _synced_at, formatted_id)"
        overwrite(database_url, f"{insert} VALUES ('acme', {key}, 'x', '2026-01-01Z', 'DE-{key}')")
    report = verify(stage, each_store, types=("Defect",), sample=0)
    expected = {Drift.MISSING: lost, Drift.STALE: older, Drift.SURPLUS: range(1, 5)}
    assert found_by(report) == {("Defect", key, kind) for kind, some in expected.items() for key in some}
    assert [each.key for each in report.drifted if each.drift is Drift.SURPLUS] == ["DE-1", "DE-2", "DE-3", "DE-4"]
    assert all(each.key for each in report.drifted if each.drift is Drift.STALE)
    assert verify(stage, each_store, types=("Defect",), repair=True).exit_code == 0
    assert stage.differences(each_store) == []


def test_a_reason_that_is_told_later_is_given_to_the_tombstone(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    gone = stage.world.ids("Defect")[0]
    stage.world.delete(gone)
    store.tombstone(store.layouts("acme")["Defect"], [gone], fate=Fate.UNKNOWN, now=datetime.now(UTC))
    stage.sync(store)
    assert store.tombstones("acme", "Defect") == [(gone, Fate.DELETED)]


def test_a_hostile_tracker_is_verified_and_repaired(each_store: Store, database_url: str) -> None:
    with TheStage(records=100, seed=9, clock=None) as stage:
        stage.allowed = stage.few
        turn(stage, Switches.hostile(), replica_lag_seconds=0.2)
        assert stage.sync(each_store).exit_code == 0
        assert verify(stage, each_store).drifted == ()
        done = {corrupt(database_url) for corrupt in (lose_a_row, age_a_row, invent_a_row)}
        assert found_by(verify(stage, each_store)) == done
        report = verify(stage, each_store, repair=True)
        assert (report.exit_code, found_by(report)) == (0, done), report.failed
        assert verify(stage, each_store).drifted == ()
        assert stage.differences(each_store) == []


def test_progress_is_told_by_phase(store: Store, stage: TheStage) -> None:
    stage.sync(store)
    events: list[Event] = []
    report = verify(stage, store, events=events, sample=3)
    assert (type(events[0]), type(events[-1])) == (VerifyStarted, SyncEnded)
    compared = [each for each in events if isinstance(each, Compared)]
    keys = sum(each.received for each in compared if each.phase is Phase.KEYS)
    assert keys == sum(each.records for each in report.types)
    records = sum(each.received for each in compared if each.phase is Phase.RECORDS)
    assert records == sum(each.sampled for each in report.types)


def test_a_sync_that_left_nothing_out_is_a_guarantee(store: Store, stage: TheStage) -> None:
    before = datetime.now(UTC)
    stage.sync(store)
    fresh_at = {each.type_name: each.fresh_at for each in store.status("acme")}
    assert all(each is not None and each >= before.replace(microsecond=0) for each in fresh_at.values())
    stage.faults.add(kind="status", status=502, path=f"batch|{_STORIES}|artifact")
    stage.sync(store)
    now = {each.type_name: each.fresh_at for each in store.status("acme")}
    assert now["HierarchicalRequirement"] == fresh_at["HierarchicalRequirement"]
    assert now["Tag"] != fresh_at["Tag"]
    stage.faults.clear()
    verify(stage, store, types=("HierarchicalRequirement",))
    assert {each.type_name: each.fresh_at for each in store.status("acme")}["HierarchicalRequirement"] != fresh_at[
        "HierarchicalRequirement"
    ]
