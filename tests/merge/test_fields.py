"""The three-way rule, as tables of cases."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.merge.fields import Verdict, decide, equal, is_mergeable
from mirror.merge.items import Item, is_already, parse_target
from mirror.model.change import Action
from mirror.model.layout import Layout, arrange
from mirror.model.schema import Field, Kind, RecordType, Tracking

STORY = RecordType(
    "Story",
    (
        Field("Name", Kind.TEXT),
        Field("Key", Kind.TEXT),
        Field("Notes", Kind.TEXT),
        Field("Short", Kind.TEXT, max_length=255),
        Field("Long", Kind.TEXT, max_length=256),
        Field("State", Kind.TEXT, allowed_values=("Open", "Done")),
        Field("Opened", Kind.TIMESTAMP),
        Field("Owner", Kind.REFERENCE, targets=("User",)),
    ),
    Tracking.STAMP,
    name_field="Name",
    key_field="Key",
)
LAYOUT: Layout = arrange("acme", "rally", STORY, table="rally_story")

CASES = [
    ("State", "Open", "Done", "Open", Verdict.KEEP, "Done"),
    ("State", "Open", "Done", "Done", Verdict.ALREADY, "Done"),
    ("State", "Open", "Done", "Other", Verdict.CONFLICT, "Done"),
    ("State", None, "Done", None, Verdict.KEEP, "Done"),
    ("State", "Open", None, "Done", Verdict.CONFLICT, None),
    ("Notes", "a b c", "X b c", "a b Y", Verdict.MERGED, "X b Y"),
    ("Notes", "a b c", "X b c", "Z b c", Verdict.CONFLICT, "X b c"),
    ("Notes", "a b c", "X b c", None, Verdict.CONFLICT, "X b c"),
    ("Notes", "a b c d e", "X b c d e", "X b c d Y", Verdict.ALREADY, "X b c d Y"),
    ("Name", "a b c", "X b c", "a b Y", Verdict.CONFLICT, "X b c"),
    ("Short", "a b c", "X b c", "a b Y", Verdict.CONFLICT, "X b c"),
]


@pytest.mark.parametrize(("field", "base", "local", "remote", "verdict", "value"), CASES)
def test_base_local_and_remote_decide(field: str, base: Any, local: Any, remote: Any, verdict: Verdict, value: Any) -> None:
    name = field.lower()
    found = decide(LAYOUT, field, {name: base}, {name: local}, {name: remote})
    assert (found.verdict, found.value) == (verdict, {name: value})


def test_only_prose_is_merged_as_text() -> None:
    assert [each.name for each in STORY.fields if is_mergeable(LAYOUT, each.name)] == ["Notes", "Long"]


def test_a_merge_that_is_too_long_for_its_field_is_a_conflict() -> None:
    base, more = "a b c", "x" * 130
    found = decide(LAYOUT, "Long", {"long": base}, {"long": f"{more} {base}"}, {"long": f"{base} {more}"})
    assert found.verdict is Verdict.CONFLICT


def test_the_name_that_is_shown_for_a_reference_does_not_matter() -> None:
    assert equal(LAYOUT, "Owner", {"owner_id": 3, "owner_name": "Ann"}, {"owner_id": 3, "owner_name": "Ann B."})


def test_what_is_no_value_of_its_kind_is_compared_as_it_is() -> None:
    assert equal(LAYOUT, "Opened", {"opened": "infinity"}, {"opened": "infinity"})
    assert not equal(LAYOUT, "Opened", {"opened": "infinity"}, {"opened": None})


def test_items_are_the_same_by_id_and_by_type_where_both_tell() -> None:
    assert parse_target("PortfolioItem/Feature:7") == Item(id=7, type_name="PortfolioItem/Feature")
    assert parse_target("7").is_same(parse_target("Tag:7"))
    assert not parse_target("User:7").is_same(parse_target("Tag:7"))
    assert not Item(text="7").is_same(Item(text="8"))


@pytest.mark.parametrize(
    ("action", "there", "already"),
    [(Action.LINK, True, True), (Action.LINK, False, False), (Action.UNLINK, True, False), (Action.UNLINK, False, True)],
)
def test_sets_merge_without_conflicts(action: Action, there: bool, already: bool) -> None:
    assert is_already(action, there=there) is already
