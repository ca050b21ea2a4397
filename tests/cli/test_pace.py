"""Progress added up from events, and what is said of it where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from mirror.cli.pace import Pace, duration
from mirror.cli.progress import PlainDrawer
from mirror.model.event import Event, Expected, Phase, SliceFailed, Stored, SyncEnded, SyncStarted, Tally, Waiting


class Seconds:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def expected(count: int, type_name: str = "Defect", phase: Phase = Phase.LOAD) -> Expected:
    return Expected("acme", type_name, phase, count)


def stored(count: int, type_name: str = "Defect", phase: Phase = Phase.LOAD) -> Stored:
    return Stored("acme", type_name, phase, count, Tally(inserted=count))


def fed(events: Iterable[Event], clock: Seconds) -> Pace:
    pace = Pace(clock)
    for event in events:
        pace.add(event)
    return pace


def test_total_is_what_was_announced_for_all_types_of_the_phase() -> None:
    pace = fed([expected(100), expected(50, "Task"), stored(30)], Seconds())
    phase = pace.phases["acme", Phase.LOAD]
    assert (phase.done, phase.total) == (30, 150)


def test_a_better_announcement_replaces_the_earlier_one() -> None:
    assert fed([expected(100), expected(120)], Seconds()).phases["acme", Phase.LOAD].total == 120


def test_total_is_never_less_than_what_came() -> None:
    assert fed([expected(10), stored(12)], Seconds()).phases["acme", Phase.LOAD].total == 12


def test_rate_and_time_left_follow_the_clock() -> None:
    clock = Seconds()
    pace = fed([expected(100)], clock)
    clock.now += 10
    phase = pace.add(stored(20))
    assert phase is not None
    assert (phase.rate(clock.now), phase.seconds_left(clock.now)) == (2.0, 40.0)


def test_time_left_is_unknown_without_an_announcement() -> None:
    clock = Seconds()
    assert fed([stored(20)], clock).phases["acme", Phase.LOAD].seconds_left(clock.now) is None


def test_phases_and_sources_are_counted_apart() -> None:
    pace = fed([stored(3), stored(5, phase=Phase.CHANGES)], Seconds())
    assert [phase.done for phase in pace.phases.values()] == [3, 5]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def spoken(events: Iterable[tuple[float, Event]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines said for events that come with so many seconds between them."""
    clock = Seconds()
    drawer = PlainDrawer(Pace(clock))
    for pause, event in events:
        clock.now += pause
        drawer.show(event)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_plain_progress_is_a_line_for_each_finished_type(capsys: pytest.CaptureFixture[str]) -> None:
    lines = spoken([(0, expected(4)), (1, stored(2)), (1, stored(2))], capsys)
    assert lines == ["acme: loading: Defect done, 4 records"]


def test_plain_progress_of_a_long_type_is_a_line_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    lines = spoken([(0, expected(9000)), *[(2, stored(1000)) for _ in range(6)]], capsys)
    assert lines == [
        "acme: loading: 3,000 of 9,000 records, 500/s, 12 s left",
        "acme: loading: 6,000 of 9,000 records, 500/s, 6.0 s left",
    ]


def test_a_type_that_gave_fewer_records_than_expected_is_named_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    ended = SyncEnded("acme", Tally(), 5, 1.5)
    lines = spoken([(0, expected(9)), (0, stored(4)), (0, expected(2, "Task")), (0, stored(2, "Task")), (0, ended)], capsys)
    assert lines == [
        "acme: loading: Task done, 2 records",
        "acme: loading: Defect done, 4 records",
        "acme: done in 1.5 s",
    ]


def test_waits_failures_and_ends_are_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    failed = SliceFailed("acme", "Defect", Phase.LOAD, "page 3 was cut short")
    events = [SyncStarted("acme"), Waiting("acme", 12, "429"), failed, SyncEnded("acme", Tally(), 5, 1.5, (failed,))]
    assert spoken([(0, event) for event in events], capsys) == [
        "acme: syncing",
        "acme: waiting 12 s: 429",
        "acme: Defect: incomplete (load): page 3 was cut short",
        "acme: done in 1.5 s",
    ]
