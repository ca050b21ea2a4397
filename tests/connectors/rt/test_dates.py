"""How far back a search reaches: never too short, in any zone of the world; and the marks of unsettled revisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.connectors.rt.dates import clock_change, in_sql, instant, revision, seconds_back, stamp

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(sorted(available_timezones()))


def reached(now: datetime, seconds: int, zone: ZoneInfo) -> datetime:
    """Return where RT's `-N seconds` leads: it subtracts from the wall clock of the user's zone (rt.md §5.3)."""
    wall = now.astimezone(zone).replace(tzinfo=None) - timedelta(seconds=seconds)
    return wall.replace(tzinfo=zone).astimezone(UTC)


@given(MOMENTS, st.integers(0, 200 * 86_400), ZONES)
def test_the_bound_is_before_the_wanted_instant_in_every_zone(now: datetime, ago: int, name: str) -> None:
    since = now - timedelta(seconds=ago)
    seconds = seconds_back(since, now)
    assert now - timedelta(seconds=seconds) < since
    assert reached(now, seconds, ZoneInfo(name)) < since


@given(MOMENTS, st.integers(0, 86_400))
def test_the_bound_is_never_days_too_early_for_a_short_interval(now: datetime, ago: int) -> None:
    assert seconds_back(now - timedelta(seconds=ago), now) <= ago + 4 * 3_600


def test_on_a_day_without_clock_changes_nothing_is_added() -> None:
    now = datetime(2026, 1, 14, 12, tzinfo=UTC)
    assert clock_change(now - timedelta(hours=1), now) == timedelta(0)
    assert seconds_back(now - timedelta(hours=1), now) == 3_602


def test_an_hour_and_some_seconds_are_added_around_a_change_of_clocks() -> None:
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert clock_change(now - timedelta(minutes=1), now) >= timedelta(seconds=3_700)


def test_an_instant_in_the_future_still_gives_a_bound_in_the_past() -> None:
    now = datetime(2026, 1, 14, 12, tzinfo=UTC)
    assert seconds_back(now + timedelta(hours=1), now) > 0


def test_stamps_get_milliseconds_and_no_date_is_none() -> None:
    assert stamp("2026-11-21T01:08:37Z") == "2026-11-21T01:08:37.000Z"
    assert stamp("1970-01-01T00:00:00Z") is None
    assert instant("1970-01-01T00:00:00Z") is None
    assert instant("nonsense") is None


@pytest.mark.parametrize("text", ["", "2026-11-21", "2026-11-21 01:08:37Z", "2026-11-21T01:08:37.000Z"])
def test_what_is_no_stamp_of_rt_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text or "^$"):
        stamp(text)


def test_conditions_compare_instants_in_utc() -> None:
    moment = datetime(2026, 7, 1, 12, 0, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    assert in_sql(moment) == "2026-07-01 10:00:05"


@given(st.integers(-5, 10))
def test_a_row_and_a_key_agree_only_when_the_stamp_is_settled(age_seconds: int) -> None:
    text = "2026-11-21T01:08:37Z"
    server_time = datetime(2026, 11, 21, 1, 8, 37, tzinfo=UTC) + timedelta(seconds=age_seconds)
    row = revision(text, server_time, listed=False)
    listed = revision(text, server_time, listed=True)
    assert (row == listed) == (age_seconds >= 3)


def test_a_row_read_too_early_never_agrees_with_a_later_key() -> None:
    text = "2026-11-21T01:08:37Z"
    changed_at = datetime(2026, 11, 21, 1, 8, 37, tzinfo=UTC)
    row = revision(text, changed_at, listed=False)
    for seconds in range(60):
        assert revision(text, changed_at + timedelta(seconds=seconds), listed=True) != row
