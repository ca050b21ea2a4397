"""Single values from the wire: every form that is known, and what is none (versionone.md §3.1, §5.2, §8.1, C8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mirror.connectors.versionone import convert


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ("2012-05-14T23:45:14.124", "2012-05-14T23:45:14.124Z"),
        ("2012-05-14T23:45:14.124Z", "2012-05-14T23:45:14.124Z"),
        ("2017-09-06T15:06:26.7530000Z", "2017-09-06T15:06:26.753Z"),
        ("2017-09-06T15:06:26.7539999", "2017-09-06T15:06:26.753Z"),
        ("2017-09-06T15:06:26", "2017-09-06T15:06:26.000Z"),
        ("2017-09-06T15:06:26Z", "2017-09-06T15:06:26.000Z"),
        ("2017-09-06T15:06:26.5", "2017-09-06T15:06:26.500Z"),
        ("2017-09-06T15:06:26.753+02:00", "2017-09-06T13:06:26.753Z"),
        ("2017-09-06", "2017-09-06T00:00:00.000Z"),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_is_utc_whatever_form_it_comes_in(wire: str | None, expected: str | None) -> None:
    assert convert.stamp(wire) == expected


@pytest.mark.parametrize(
    ("wire", "day", "time"),
    [
        ("2016-06-19", "2016-06-19", None),
        ("2016-06-19T00:00:00", "2016-06-19", None),
        ("2016-06-19T00:00:00.0000000", "2016-06-19", None),
        ("2016-06-19T10:22:11.500", "2016-06-19", "2016-06-19T10:22:11.500"),
        ("2016-06-19T10:22:11.5000000Z", "2016-06-19", "2016-06-19T10:22:11.500"),
        ("2016-06-19T10:22:11", "2016-06-19", "2016-06-19T10:22:11.000"),
        (None, None, None),
    ],
)
def test_a_date_is_a_day_and_its_time_is_told_apart(wire: str | None, day: str | None, time: str | None) -> None:
    assert (convert.day(wire), convert.time_beside_day(wire)) == (day, time)


@pytest.mark.parametrize(
    ("wire", "expected"),
    [("3", "3"), (3, "3"), (3.0, "3"), (3.5, "3.5"), ("12345678901234567.125", "12345678901234567.125"), ("", None)],
)
def test_a_decimal_keeps_every_digit(wire: str | float, expected: str | None) -> None:
    assert convert.number(wire) == expected


@pytest.mark.parametrize(
    ("wire", "expected"), [("64", 64), (64, 64), (64.0, 64), ("9007199254740993", 9007199254740993), ("7.0", 7), ("", None)]
)
def test_an_integer_is_one_however_it_is_written(wire: object, expected: int | None) -> None:
    assert convert.whole(wire) == expected


@pytest.mark.parametrize(
    ("read", "wire"),
    [
        (convert.stamp, "yesterday"),
        (convert.day, "2016-13-45"),
        (convert.day, "2016-06-190"),
        (convert.number, "many"),
        (convert.number, "NaN"),
        (convert.number, True),
        (convert.whole, "3.5"),
        (convert.whole, True),
        (convert.whole, str(2**63)),
        (convert.flag, "perhaps"),
        (convert.text, {"a": 1}),
    ],
)
def test_what_is_no_such_value_is_refused(read: Callable[[object], object], wire: object) -> None:
    with pytest.raises((ValueError, KeyError)):
        read(wire)
