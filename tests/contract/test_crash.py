"""`kill -9` at any moment: the next run continues where the last one stored, and ends equal."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.contract.conftest import SetStage
from tests.support.databases import PostgresServer
from tests.support.stage import Stage
from tests.support.sync_process import pages, start


def killed_at_request(stage: Stage, database_url: str, log: Path, number: int) -> bool:
    """Start a sync and kill it while its request of that number is being answered; return whether it came so far."""
    ready, process, seen = threading.Event(), [], [0]

    def kill(_request: object) -> None:
        ready.wait(30)
        seen[0] += 1
        if seen[0] == number:
            process[0].kill()

    stop = stage.on_request(kill)
    process.append(start(stage.source(concurrency=2), database_url, log))
    ready.set()
    _, errors = process[0].communicate(timeout=120)
    stop()
    assert process[0].returncode in (0, -9), errors.decode()
    return process[0].returncode == -9


def run_to_end(stage: Stage, database_url: str, log: Path) -> None:
    """Sync and expect it to succeed."""
    process = start(stage.source(concurrency=2), database_url, log)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize(
    ("share", "few"), [(0.7, True), *(pytest.param(each, False, marks=pytest.mark.slow) for each in (0.3, 0.7, 0.9))]
)
def test_a_load_that_is_killed_continues_and_reads_at_most_one_page_of_a_slice_twice(
    set_stage: SetStage, tmp_path: Path, share: float, few: bool
) -> None:
    stage, database_url = set_stage(records=300, few=few), f"sqlite:///{tmp_path / 'mirror.db'}"
    stage.small_pages()
    run_to_end(stage, f"sqlite:///{tmp_path / 'whole.db'}", tmp_path / "whole")
    number = int(len(stage.requests) * share)
    first, second = tmp_path / "first", tmp_path / "second"
    assert killed_at_request(stage, database_url, first, number)
    run_to_end(stage, database_url, second)
    assert Counter(pages(second)).most_common(1)[0][1] == 1
    again = Counter(part for part, _ in set(pages(first)) & set(pages(second)))
    assert all(count <= 1 for count in again.values()), again
    with Store.open(database_url) as store:
        stage.sync(store)
        assert stage.differences(store) == []


@pytest.mark.slow
def test_a_load_into_postgres_that_is_killed_continues(
    postgres: PostgresServer, set_stage: SetStage, tmp_path: Path
) -> None:
    stage = set_stage()
    with postgres.fresh_url() as database_url:
        assert killed_at_request(stage, database_url, tmp_path / "first", 6)
        run_to_end(stage, database_url, tmp_path / "second")
        with Store.open(database_url) as store:
            stage.sync(store)
            assert stage.differences(store) == []


@pytest.mark.parametrize(
    "share", [0.5, pytest.param(0.2, marks=pytest.mark.slow), pytest.param(0.8, marks=pytest.mark.slow)]
)
def test_a_follow_up_that_is_killed_loses_nothing(set_stage: SetStage, tmp_path: Path, share: float) -> None:
    stage, log, database_url = set_stage(seed=4), tmp_path / "log", f"sqlite:///{tmp_path / 'mirror.db'}"
    with Store.open(database_url) as store:
        stage.sync(store)
        stage.requests.clear()
        stage.sync(store)
    number = max(2, int(len(stage.requests) * share))
    walk = stage.walk(9)
    for _ in range(2):
        walk.steps(15)
        killed_at_request(stage, database_url, log, number)
    with Store.open(database_url) as store:
        report = stage.sync(store, allow_mass_delete=True)
        assert report.exit_code == 0, report.failed
        assert stage.differences(store) == [], walk.done
