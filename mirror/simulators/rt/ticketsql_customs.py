"""Custom fields in TicketSQL. rt.md §5.1; seen on RT 5.0.3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from mirror.simulators.rt import compare, fields
from mirror.simulators.rt.columns import LOOKUPS, NO_DATE
from mirror.simulators.rt.dates import day_of, instant, understood
from mirror.simulators.rt.sql import Condition, QueryError
from mirror.simulators.rt.state import Row, View

Predicate = Callable[[Row], bool]

CUSTOM = frozenset({"cf", "customfield", "customfieldvalue"})
_PARTS = re.compile(r"(?:(.+?)\.)?\{(.+)\}(?:\.(?:Content|LargeContent))?", re.DOTALL)
_WORD = re.compile(r"(\w+?)(?:\.(?:Content|LargeContent))?")
_COLUMN = re.compile(r"CF\.(?:\{(.*)\}|(.*?))(?:\.(?:Content|LargeContent))?", re.IGNORECASE | re.DOTALL)
_NAMED_DAYS = ("today", "tomorrow", "yesterday")


class CustomsLanguage:
    """Compiles the comparisons of custom fields for one user."""

    def __init__(self, view: View, zone: ZoneInfo, now: datetime) -> None:
        self._view = view
        self._zone = zone
        self._now = now

    def test(self, condition: Condition) -> Predicate:
        """Return the test.

        Raises:
            QueryError: no field is named.
        """
        rest = condition.field.partition(".")[2]
        if not rest:
            raise QueryError("No field specified at /usr/share/request-tracker5/lib/RT/Tickets.pm")
        found, word = _PARTS.fullmatch(rest), _WORD.fullmatch(rest)
        name = found[2] if found else word[1] if word else rest
        numbers = self._fields(name, found[1] if found else None)
        if condition.operator in ("IS", "IS NOT"):
            return self._null(numbers, is_null=condition.operator == "IS")
        is_negative = condition.operator == "!=" or condition.operator.startswith("NOT ")
        if len(numbers) != 1:
            return self._by_name(numbers, condition, is_negative=is_negative)
        return self._of_one(numbers[0], condition, is_negative=is_negative)

    def column(self, text: str) -> Callable[[Row], Iterator[str | None]] | None:
        """Return what reads the values of a custom field that a condition compares with; None when none is named."""
        found = _COLUMN.fullmatch(text)
        if found is None:
            return None
        numbers = self._fields(found[1] or found[2] or "", None)
        return lambda row: (each.content for number in numbers for each in fields.values_of(row, number))

    def _fields(self, name: str, holder: str | None) -> list[int]:
        rows = ((each, self._view.row("customfield", each)) for each in self._view.ids("customfield"))
        mine = [(each, row) for each, row in rows if row["LookupType"] == LOOKUPS["ticket"] and not row["Disabled"]]
        if name.isdigit():
            return [each for each, _ in mine if each == int(name)]
        named = [(each, row) for each, row in mine if row["Name"].lower() == name.lower()]
        queue = self._view.named("queue", holder.strip("{}")) if holder else None
        there = [each for each, row in named if queue is not None and (0 in row["Applies"] or queue in row["Applies"])]
        return there or [each for each, _ in named]

    def _null(self, numbers: list[int], *, is_null: bool) -> Predicate:
        def matches(row: Row) -> bool:
            if len(numbers) == 1:
                return bool(fields.values_of(row, numbers[0])) is not is_null
            applied = [each for each in numbers if self._is_applied(each, row["Queue"])]
            return any(bool(fields.values_of(row, each)) is not is_null for each in applied)

        return matches

    def _is_applied(self, field: int, queue: int) -> bool:
        applies = self._view.row("customfield", field)["Applies"]
        return 0 in applies or queue in applies

    def _by_name(self, numbers: list[int], condition: Condition, *, is_negative: bool) -> Predicate:
        """Several fields of one name, or none: whatever is negative is true, for some other field has no such value."""
        if is_negative:
            return lambda _row: True
        tests = [self._of_one(each, condition, is_negative=False) for each in numbers]
        return lambda row: any(test(row) for test in tests)

    def _of_one(self, number: int, condition: Condition, *, is_negative: bool) -> Predicate:
        many = self._view.row("customfield", number)["MaxValues"] != 1
        operator, value = condition.operator, condition.value
        if value is None:
            return lambda row: is_negative and (many or not fields.values_of(row, number))
        if condition.is_column:
            return self._like_column(number, condition, is_negative=is_negative)
        positive = "=" if operator == "!=" else operator.removeprefix("NOT ")
        test = self._content_test(number, positive, value, is_equality=operator == "=")

        def matches(row: Row) -> bool:
            contents = [each.content for each in fields.values_of(row, number)]
            met = any(content is not None and test(content) for content in contents)
            if not is_negative:
                return met
            return not met and (many or None not in contents)

        return matches

    def _like_column(self, number: int, condition: Condition, *, is_negative: bool) -> Predicate:
        if condition.operator not in ("=", "!=", "<", ">", "<=", ">="):
            return lambda _row: False
        read, order = self.column(str(condition.value)), compare.order_of(condition.operator)

        def matches(row: Row) -> bool:
            mine = [each.content for each in fields.values_of(row, number) if each.content is not None]
            others = [row.get(str(condition.value))] if read is None else list(read(row))
            if not mine:
                return is_negative
            return any(order(one.lower(), str(other).lower()) for one in mine for other in others if other is not None)

        return matches

    def _content_test(self, number: int, operator: str, value: str, *, is_equality: bool) -> compare.Test:
        kind = self._view.row("customfield", number)["Type"]
        moment = understood(value, self._zone, self._now) if kind in ("Date", "DateTime") else NO_DATE
        if moment == NO_DATE:
            return compare.test_of(operator, value)
        local = instant(moment).astimezone(self._zone)
        clockless = value.strip().lower() in _NAMED_DAYS or (
            value.count(":") < 2 and "midnight" not in value.lower() and f"{local:%H%M%S}" == "000000"
        )
        if kind == "Date" or clockless:
            day = f"{local:%Y-%m-%d}"
            if kind == "DateTime" and is_equality:
                start, end = day_of(moment, self._zone)
                return lambda stored: stored is not None and start <= stored < end
            return compare.test_of(operator, day)
        return compare.test_of(operator, moment)
