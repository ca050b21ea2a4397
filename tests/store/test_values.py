"""Values arrive as they were sent, whatever they are; what a column cannot hold is kept beside it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirror.model.event import Tally
from mirror.model.page import BadRecord, Fate
from mirror.store.store import Store
from tests.store.samples import NOW, defects, page, row, stored, value


@pytest.mark.parametrize(
    ("column", "sent"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "NULL"),
        ("name", "\\N"),
        ("name", "a\tb\nc\rd\\e\x01\x1f\x7f\x85\u2028"),
        ("name", "👩‍👩‍👧‍👦 e\u0301 \U0010ffff \uffff \ufeff ﷽ עברית"),
        ("name", "x" * 30_000),
        ("name", "<div>ü</div>" * 5_000),
        ("name", "'; DROP TABLE rally_defect; --"),
        ("name", "%s %(x)s ? :name {0}"),
        ("rank", 2**53 + 1),
        ("rank", 2**63 - 1),
        ("rank", -(2**63)),
        ("owner_id", 725_430_197_123_457),
        ("estimate", 0.1),
        ("estimate", -1e-7),
        ("estimate", 1e15),
        ("estimate", 12_345_678.875),
        ("opened", "1969-12-31T23:59:59.999Z"),
        ("opened", "0001-01-01T00:00:00.000Z"),
        ("opened", "9999-12-31T23:59:59.999Z"),
        ("opened", "2026-03-29T01:30:00.500Z"),
        ("due", "1899-12-31"),
        ("due", "9999-12-31"),
        ("shape", '{"b": 1, "a": [null, "\\u0000", "\\ud800"], "a": 2}'),
        ("shape", "[]"),
    ],
)
def test_a_value_arrives_unchanged(store: Store, column: str, sent: object) -> None:
    layout = defects(store)
    assert store.apply(page(layout, row(layout, 1, **{column: sent})), now=NOW).tally == Tally(inserted=1)
    assert value(store, column, 1) == sent
    assert value(store, "_extra", 1) is None


def test_truth_and_its_absence_arrive_unchanged(store: Store) -> None:
    layout = defects(store)
    store.apply(
        page(layout, *(row(layout, n, blocked=each) for n, each in enumerate((True, False, None), start=1))), now=NOW
    )
    assert stored(store, "SELECT blocked FROM rally_defect ORDER BY id") == [(True,), (False,), (None,)]


def test_change_times_before_1970_are_compared_rightly(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, "1", at="1969-07-20T20:17:40.000Z", name="landed")), now=NOW)
    older = row(layout, 1, "2", at="1968-12-24T00:00:00.000Z", name="orbit")
    assert store.apply(page(layout, older), now=NOW).tally == Tally(unchanged=1)


@pytest.mark.parametrize("sent", ["a\x00b", "\x00", "\ud800 alone", "\udc00\ud800 swapped", "\udfff\x00"])
def test_text_that_a_database_refuses_is_readable_and_kept_whole(store: Store, database_url: str, sent: str) -> None:
    layout = defects(store)
    neighbours = [row(layout, 1, name="one"), row(layout, 2, name=sent, extra_json='{"a": 1}'), row(layout, 3, name="three")]
    given_page = page(layout, *neighbours, links={"Tags": [(2, 0, 5, sent, None)], "Words": [(2, 0, sent)]})
    assert store.apply(given_page, now=NOW).tally == Tally(inserted=3)
    read, extra = value(store, "name", 2), json.loads(value(store, "_extra", 2))
    assert extra["a"] == 1
    if read != sent:
        assert extra["Name"] == sent
        assert extra["Words"] == [[0, sent]]
        nul = "\x00" if database_url.startswith("sqlite") else "\ufffd"
        assert read == re.sub("[\ud800-\udfff]", "\ufffd", sent).replace("\x00", nul)
    else:
        assert database_url.startswith("sqlite")
        assert "Name" not in extra
    assert [each[0] for each in stored(store, "SELECT name FROM rally_defect WHERE id <> 2 ORDER BY id")] == ["one", "three"]
    assert store.apply(given_page, now=NOW).tally == Tally(unchanged=3)
    assert store.apply(given_page, now=NOW, force=True).tally == Tally(unchanged=3)


def test_nul_and_surrogates_inside_json_stay_the_same_json(store: Store) -> None:
    layout = defects(store)
    odd = row(layout, 1, shape='{"a": "\ud800"}', extra_json='{"b": "\udfff"}')
    assert store.apply(page(layout, odd), now=NOW).tally == Tally(inserted=1)
    assert json.loads(value(store, "shape", 1)) == {"a": "\ud800"}
    assert json.loads(value(store, "_extra", 1)) == {"b": "\udfff"}


@pytest.mark.parametrize(
    ("column", "field", "sent"),
    [
        ("rank", "Rank", 2**63),
        ("rank", "Rank", -(2**64)),
        ("owner_id", "Owner.id", 10**30),
        ("rank", "Rank", {"Count": 3}),
        ("name", "Name", {"a": "b"}),
        ("estimate", "Estimate", {"value": 1}),
        ("shape", "Shape", {"not": "text"}),
    ],
)
def test_a_value_no_database_can_hold_leaves_null_and_is_kept_beside(
    store: Store, column: str, field: str, sent: object
) -> None:
    layout = defects(store)
    rows = [row(layout, n, name=f"n{n}") for n in range(1, 40)]
    rows[20] = row(layout, 21, **{column: sent})
    assert store.apply(page(layout, *rows), now=NOW).tally == Tally(inserted=39)
    assert value(store, column, 21) is None
    assert json.loads(value(store, "_extra", 21)) == {field: sent}
    assert stored(store, "SELECT count(*) FROM rally_defect WHERE _extra IS NULL") == [(38,)]


@pytest.mark.parametrize(
    ("column", "field", "sent"),
    [
        ("opened", "Opened", "0000-00-00T00:00:00Z"),
        ("opened", "Opened", "yesterday-ish"),
        ("opened", "Opened", "2026-02-30T00:00:00.000Z"),
        ("due", "Due", "2026-13-01"),
        ("due", "Due", "soon"),
        ("estimate", "Estimate", "1,5"),
        ("rank", "Rank", "first"),
        ("blocked", "Blocked", 17),
    ],
)
def test_a_value_of_the_wrong_form_is_never_lost(store: Store, column: str, field: str, sent: object) -> None:
    layout = defects(store)
    rows = [row(layout, 1), row(layout, 2, **{column: sent}), row(layout, 3)]
    assert store.apply(page(layout, *rows), now=NOW).tally == Tally(inserted=3)
    kept = value(store, column, 2)
    assert kept == sent or (kept is None and json.loads(value(store, "_extra", 2)) == {field: sent})


def test_a_bad_change_time_does_not_keep_the_row_out(store: Store) -> None:
    layout = defects(store)
    assert store.apply(page(layout, row(layout, 1, at="never", name="x")), now=NOW).tally == Tally(inserted=1)
    assert value(store, "name", 1) == "x"


def test_extra_that_is_no_json_is_kept_as_text(store: Store) -> None:
    layout = defects(store)
    store.apply(page(layout, row(layout, 1, extra_json="{broken", rank=2**70)), now=NOW)
    assert json.loads(value(store, "_extra", 1)) == {"_extra": "{broken", "Rank": 2**70}


def test_a_row_that_cannot_be_stored_is_quarantined_and_the_others_go_through(store: Store) -> None:
    layout = defects(store)
    rows = [row(layout, n) for n in range(1, 30)]
    rows[7] = row(layout, 2**63, name="too big")
    rows[9] = row(layout, None, name="nobody")
    assert store.apply(page(layout, *rows), now=NOW).tally == Tally(inserted=27, quarantined=2)
    found = stored(store, "SELECT source, type, reason, document FROM mirror_quarantine ORDER BY document")
    assert {each[:2] for each in found} == {("acme", "Defect")}
    assert sorted(json.loads(each[3])["name"] for each in found) == ["nobody", "too big"]


def test_quarantine_ends_when_the_record_is_stored_well(store: Store) -> None:
    layout = defects(store)
    bad = [
        BadRecord(1, "no stamp", '{"ObjectID": 1}'),
        BadRecord(None, "no id\x00", "{}\ud800"),
        BadRecord(2, "x", "{}"),
        BadRecord(2**70, "x", "{}"),
    ]
    store.apply(page(layout, bad=bad), now=NOW)
    assert store.apply(page(layout, bad=bad), now=NOW).tally == Tally(quarantined=4)
    assert [each.quarantined for each in store.status("acme") if each.type_name == "Defect"] == [4]
    store.apply(page(layout, row(layout, 1)), now=NOW)
    kept = stored(store, "SELECT record FROM mirror_quarantine WHERE reason = 'x' ORDER BY record")
    assert kept == [(str(2**70),), ("2",)]


def test_link_rows_with_one_position_twice_are_numbered_anew(store: Store) -> None:
    layout = defects(store)
    links = {"Tags": [(1, 0, 10, "a", None), (1, 0, 11, "b", None), (2, 0, 12, "c", None)]}
    assert store.apply(page(layout, row(layout, 1), row(layout, 2), links=links), now=NOW).tally == Tally(inserted=2)
    query = "SELECT id, position, target_id FROM rally_defect__tags ORDER BY id, position"
    assert stored(store, query) == [(1, 0, 10), (1, 1, 11), (2, 0, 12)]


ANYTHING: dict[str, st.SearchStrategy[Any]] = {
    "name": st.one_of(st.text(max_size=20), st.text(st.characters(codec=None), max_size=6)),
    "rank": st.one_of(st.integers(), st.text(max_size=3)),
    "estimate": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.text(max_size=3)),
    "opened": st.one_of(st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"), st.text(max_size=5)),
    "due": st.one_of(st.dates().map(str), st.text(max_size=5)),
    "blocked": st.one_of(st.booleans(), st.integers(-1, 3)),
}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.fixed_dictionaries({}, optional=ANYTHING), min_size=1, max_size=6))
def test_no_value_fails_a_page_and_none_is_lost(store: Store, rows: list[dict[str, Any]]) -> None:
    layout = store.layouts("acme").get("Defect") or defects(store)
    ids = range(1, len(rows) + 1)
    store.tombstone(layout, range(1, 7), fate=Fate.UNKNOWN, now=NOW)
    applied = store.apply(page(layout, *(row(layout, n, **each) for n, each in zip(ids, rows, strict=True))), now=NOW)
    assert applied.tally == Tally(inserted=len(rows))
    fields = {each.name: each.field for each in layout.columns}
    there = stored(store, f"SELECT _extra, {', '.join(ANYTHING)} FROM rally_defect ORDER BY id")
    for (extra, *values), each in zip(there, rows, strict=True):
        beside = json.loads(extra or "{}")
        for column, kept in zip(ANYTHING, values, strict=True):
            sent = each.get(column)
            assert _same(kept, sent) or beside[fields[column]] == sent, ascii((column, sent, kept, extra))


def _same(kept: Any, sent: Any) -> bool:
    """Return whether both are the same value, a number also when it was sent as text."""
    if kept == sent or (isinstance(sent, float) and kept == pytest.approx(sent, rel=1e-15)):
        return True
    try:
        return not isinstance(kept, str) and kept is not None and float(sent) == float(kept)
    except (TypeError, ValueError):
        return False
