"""Verification: whatever was done to the mirror behind its back is found, named and repaired, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from mirror.engine import drift
from mirror.engine.verify import VerifyOptions, VerifyReport, verify_source
from mirror.errors import UnknownTypeError, UsageError
from mirror.model.event import Compared, Event, Phase, SyncEnded, VerifyStarted
from mirror.model.page import Fate
from mirror.model.verification import Drift
from mirror.simulators.clock import ManualClock
from mirror.simulators.rally import RallySimulator
from mirror.simulators.rally.switches import Switches
from mirror.store.store import Store
from tests.engine.corruptions import CORRUPTIONS, TYPES, age_a_row, corrupt, invent_a_row, lose_a_row
from tests.support.databases import overwrite, raw_rows
from tests.support.pushing import NOON
from tests.support.stages.rally import TheStage

_STORIES = r"/hierarchicalrequirement\?"


@dataclass(frozen=True)
class World:
    """A simulated Rally and a mirror of it."""

    stage: TheStage
    store: Store
    url: str


@contextmanager
def a_stage(clock: ManualClock | None = None) -> Iterator[TheStage]:
    """Run a Rally of few types; it begins with the same records whenever it is run."""
    with TheStage(records=100, seed=8, clock=clock or ManualClock(NOON, step_seconds=0.01)) as opened:
        opened.allowed = TYPES
        yield opened


@pytest.fixture
def stage() -> Iterator[TheStage]:
    """A Rally at the present time, which nobody has mirrored yet."""
    with TheStage(records=100, seed=8, clock=None) as opened:
        opened.allowed = TYPES
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def kept_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'mirror.db'}"
        if request.param == "postgres":
            url = stack.enter_context(request.getfixturevalue("postgres").fresh_url())
        world = World(stack.enter_context(a_stage()), stack.enter_context(Store.open(url)), url)
        assert world.stage.sync(world.store).exit_code == 0
        yield world


@pytest.fixture
def kept(kept_world: World) -> Iterator[World]:
    """A mirror in a database of each kind; whatever a test does to it or to its tracker is repaired afterwards."""
    yield kept_world
    kept_world.stage.faults.clear()
    assert verify(kept_world.stage, kept_world.store, repair=True).exit_code == 0


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a mirror of `a_stage`."""
    path = tmp_path_factory.mktemp("loaded") / "mirror.db"
    with a_stage() as stage, Store.open(f"sqlite:///{path}") as store:
        assert stage.sync(store).exit_code == 0
    return path


@pytest.fixture
def own(loaded: Path, tmp_path: Path) -> Iterator[World]:
    """A mirror in a SQLite file of the test's own, an hour after it was made."""
    copyfile(loaded, tmp_path / "mirror.db")
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    clock = ManualClock(NOON, step_seconds=0.01)
    with a_stage(clock) as stage, Store.open(url) as store:
        clock.advance(3600)
        yield World(stage, store, url)


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


def test_an_intact_mirror_has_no_drift(kept: World) -> None:
    report = verify(kept.stage, kept.store, sample=5)
    assert (report.exit_code, report.drifted, report.failed, report.not_loaded) == (0, (), (), ())
    for each in report.types:
        assert each.records == len(kept.stage.world.truth(each.type_name))
        assert each.sampled == min(5, each.records)
    assert {each.type_name for each in report.types} == set(kept.store.layouts("acme"))


@pytest.mark.parametrize(
    "names",
    [tuple(CORRUPTIONS), *(pytest.param((each,), marks=pytest.mark.slow) for each in CORRUPTIONS)],
    ids=["all at once", *CORRUPTIONS],
)
def test_each_corruption_is_found_named_and_repaired(kept: World, names: tuple[str, ...]) -> None:
    done = corrupt(kept.url, names)
    report = verify(kept.stage, kept.store)
    found = found_by(report)
    assert [name for name, drifting in done.items() if drifting not in found] == []
    assert (found, report.exit_code) == (set(done.values()), 3)
    repaired = verify(kept.stage, kept.store, repair=True)
    assert (found_by(repaired), repaired.exit_code) == (found, 0)
    assert all(each.repaired for each in repaired.drifted)
    again = verify(kept.stage, kept.store)
    assert (again.drifted, again.exit_code) == ((), 0)


def test_what_differs_is_told_with_both_values(kept: World) -> None:
    url = kept.url
    key, label, name = raw_rows(url, "SELECT id, formatted_id, name FROM rally_defect ORDER BY id")[0]
    tags = raw_rows(url, "SELECT id, target_id, target_name FROM rally_defect__tags ORDER BY id, position")
    tagged = tags[0][0]
    overwrite(url, f"UPDATE rally_defect SET name = 'other' WHERE id = {key}")
    overwrite(url, f"DELETE FROM rally_defect__tags WHERE id = {tagged}")
    by_id = {each.id: each for each in verify(kept.stage, kept.store, types=("Defect",)).drifted}
    assert by_id[key].key == label
    assert ("name", "other", name) in [(each.name, each.here, each.there) for each in by_id[key].differences]
    there = [f"{target} {shown}" for owner, target, shown in tags if owner == tagged]
    (links,) = [each for each in by_id[tagged].differences if each.name == "rally_defect__tags"]
    assert (links.here, [str(each)[: len(there[0])] for each in links.there][:1]) == ([], there[:1])  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, *range(10, 30)))])
def test_a_random_walk_of_corruption_is_found_exactly(each_store: Store, database_url: str, seed: int) -> None:
    store, chance = each_store, random.Random(seed)
    with TheStage(records=150, seed=seed, clock=None) as stage:
        stage.allowed = TYPES if seed == 0 else ("*",)  # a short one for every run, whole trackers among the slow ones
        stage.sync(store)
        done: set[tuple[str, int, Drift]] = set()
        for name, layout in chance.sample(sorted(store.layouts("acme").items()), 5 if seed == 0 else 12):
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


def test_verifying_changes_nothing_but_the_note_of_its_outcome(kept: World) -> None:
    stage = kept.stage
    corrupt(kept.url, CORRUPTIONS)
    stage.world.update(stage.world.ids("Defect")[5], {"Name": "newer"})
    before = everything(kept.url, kept.store)
    stage.requests.clear()
    assert verify(stage, kept.store).exit_code == 3
    assert everything(kept.url, kept.store) == before
    assert {each.method for each in stage.requests} <= {"GET", "POST"}
    assert not stage.requests.select(path="create|delete")


def test_changes_after_the_last_sync_are_told_from_what_it_missed(own: World) -> None:
    stage, store = own.stage, own.store
    missed, newer, gone = stage.world.ids("Defect")[:3]
    overwrite(own.url, f"UPDATE rally_defect SET _revision = '0' WHERE id = {missed}")
    stage.world.update(newer, {"Name": "newer"})
    created = stage.world.create("Defect", {"Name": "created"})
    stage.world.delete(gone)
    by_id = {each.id: each for each in verify(stage, store, types=("Defect",)).drifted}
    assert (by_id[missed].drift, by_id[missed].is_new) == (Drift.STALE, False)
    assert (by_id[newer].drift, by_id[newer].is_new) == (Drift.STALE, True)
    assert (by_id[created].drift, by_id[created].is_new) == (Drift.MISSING, True)
    assert (by_id[gone].drift, by_id[gone].is_new, by_id[gone].fate) == (Drift.SURPLUS, True, Fate.DELETED)


def test_a_sync_in_the_midst_of_a_verification_makes_no_drift(own: World) -> None:
    stage, store = own.stage, own.store
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


def test_a_listing_that_fails_is_a_failure_of_its_type_and_no_drift(own: World) -> None:
    stage, store = own.stage, own.store
    lost = stage.world.ids("Defect")[0]
    stage.world.delete(lost)
    stage.faults.add(kind="status", status=502, path=f"batch|{_STORIES}")
    report = verify(stage, store)
    assert report.exit_code == 3
    assert {each.type_name for each in report.failed} == {"HierarchicalRequirement"}
    assert "HierarchicalRequirement" not in {each.type_name for each in report.types}
    assert ("Defect", lost, Drift.SURPLUS) in found_by(report)
    assert {each.type_name for each in store.status("acme") if each.verified is None} == {"HierarchicalRequirement"}


def test_faults_now_and_then_are_survived(own: World) -> None:
    for fault in ("reset", "truncate", "html"):
        own.stage.faults.clear()
        own.stage.faults.add(kind=fault, every=4)
        report = verify(own.stage, own.store)
        assert own.stage.faults.hit_count() > 3, fault
        assert (report.exit_code, report.drifted) == (0, ()), (fault, report.failed)


def test_a_tracker_that_refuses_at_all_is_no_drift(own: World) -> None:
    own.stage.faults.add(kind="status", status=401)
    report = verify(own.stage, own.store)
    assert (report.exit_code, report.types, report.drifted) == (3, (), ())
    assert [each.phase for each in report.failed] == [Phase.KEYS]


def test_a_repair_that_breaks_off_says_what_is_not_repaired(own: World) -> None:
    stage, store = own.stage, own.store
    overwrite(own.url, "UPDATE rally_defect SET _revision = '0'")
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


def test_a_seed_draws_the_same_sample_again(own: World) -> None:
    stage, store = own.stage, own.store

    def asked(seed: int) -> list[str]:
        stage.requests.clear()
        report = verify(stage, store, types=("Defect",), sample=4, seed=seed)
        assert (report.seed, report.types[0].sampled) == (seed, 4)
        return [each.query for each in stage.requests.select(path="/defect")]

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)


def test_without_a_sample_only_keys_are_read(own: World) -> None:
    stage, store = own.stage, own.store
    stage.requests.clear()
    report = verify(stage, store, sample=0)
    assert (report.exit_code, sum(each.sampled for each in report.types)) == (0, 0)
    assert not stage.requests.select(path="/defect")


def test_a_large_surplus_is_not_deleted_unless_that_is_allowed(own: World) -> None:
    stage, store = own.stage, own.store
    turn(stage, Switches.strict(), bin_for_all=False)
    tags = stage.world.ids("Tag")
    for each in tags:
        stage.world.delete(each)
    report = verify(stage, store, types=("Tag",), repair=True)
    assert (report.exit_code, [each.type_name for each in report.refused]) == (6, ["Tag"])
    assert not any(each.repaired for each in report.drifted)
    assert verify(stage, store, types=("Tag",), repair=True, allow_mass_delete=True).exit_code == 0
    assert len(store.tombstones("acme", "Tag")) == len(tags)


def test_of_very_many_suspects_the_listing_is_believed(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, each_store, database_url = kept.stage, kept.store, kept.url
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


def test_a_reason_that_is_told_later_is_given_to_the_tombstone(own: World) -> None:
    stage, store = own.stage, own.store
    gone = stage.world.ids("Defect")[0]
    stage.world.delete(gone)
    store.tombstone(store.layouts("acme")["Defect"], [gone], fate=Fate.UNKNOWN, now=datetime.now(UTC))
    stage.sync(store)
    assert store.tombstones("acme", "Defect") == [(gone, Fate.DELETED)]


def test_a_hostile_tracker_is_verified_and_repaired(each_store: Store, database_url: str) -> None:
    with TheStage(records=60, seed=9, clock=None) as stage:
        stage.allowed = TYPES
        turn(stage, Switches.hostile(), replica_lag_seconds=0.2)
        assert stage.sync(each_store).exit_code == 0
        assert verify(stage, each_store).drifted == ()
        done = {each(database_url) for each in (lose_a_row, age_a_row, invent_a_row)}
        assert found_by(verify(stage, each_store)) == done
        report = verify(stage, each_store, repair=True)
        assert (report.exit_code, found_by(report)) == (0, done), report.failed
        assert verify(stage, each_store).drifted == ()
        assert stage.differences(each_store) == []


def test_progress_is_told_by_phase(own: World) -> None:
    stage, store = own.stage, own.store
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
