"""The protocol itself, method by method, as mirror/connectors/base.py promises it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mirror.connectors.base import Connector, Window
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Fate, Key, KeyRange, Page
from mirror.model.progress import Watermark
from mirror.model.schema import Kind, Tracking
from mirror.simulators.clock import ManualClock
from tests.contract.conftest import SetStage
from tests.support.stage import Stage

_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ALL = KeyRange()
_LONG_AGO = datetime(1971, 1, 1, tzinfo=UTC)


@pytest.fixture
def paged(set_stage: SetStage) -> Stage:
    """A stage that gives ten records at a time."""
    stage = set_stage(records=200)
    stage.small_pages()
    return stage


@pytest.fixture
def connector(paged: Stage) -> Connector:
    """A new connector of it."""
    return paged.connector()


@pytest.fixture
def layouts(paged: Stage, connector: Connector) -> dict[str, Layout]:
    """A layout of every type."""
    return paged.layouts(connector)


def whole(page: Page) -> Page:
    """Return the page with its rest."""
    return page if page.rest is None else page.rest()


def pages(connector: Connector, layout: Layout, keys: KeyRange = _ALL) -> Iterator[Page]:
    """Read a range as the engine does."""
    while True:
        page = whole(connector.fetch(layout, keys)())
        yield page
        if page.after is None:
            return
        assert page.after > keys.after, "a page must get on"
        keys = KeyRange(page.after, keys.until)


def ids_in(found: Iterator[Page] | Sequence[Page]) -> list[int]:
    """Return all ids in the order they came."""
    return [row[1] for page in found for row in page.rows]


def partition(rng: random.Random, ids: Sequence[int], parts: int) -> list[KeyRange]:
    """Cut all ids into ranges: at records, beside them, and in gaps."""
    near = [each + rng.choice((-1, 0, 1)) for each in rng.sample(list(ids), min(parts, len(ids)))]
    edges = [0, *sorted({each for each in near if each > 0})]
    return [KeyRange(after, until) for after, until in zip(edges, [*edges[1:], None], strict=True)]


def holds(keys: KeyRange, record_id: int) -> bool:
    """Return whether an id lies in a range, which from 0 on includes 0."""
    return (keys.after < record_id or keys.after == 0) and (keys.until is None or record_id <= keys.until)


def keys_of(connector: Connector, window: Window) -> dict[int, Key]:
    """Return the keys of one window that is listed."""
    [answer] = connector.census([window])
    assert not answer.failure
    assert answer.complete
    return {each.id: each for each in answer.keys}


def nowhere(stage: Stage) -> int:
    """Return an id above all that are given, small enough for any tracker's own database."""
    return max(each for name in stage.types() for each in stage.ids(name)) + 1000


# fetch and split


def test_pages_of_every_type_ascend_and_hold_each_record_once(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    for name, layout in layouts.items():
        found = list(pages(connector, layout))
        ids = ids_in(found)
        assert ids == sorted(set(ids)), name
        if name in paged.types():
            assert ids == paged.ids(name), name
        for page in found:
            assert page.received == len(page.rows) + len(page.bad), name
            assert page.announced is None or page.announced >= page.received, name
            assert page.after is None or not page.rows or page.after >= page.rows[-1][1], name
            assert page.server_time.tzinfo is not None
            assert set(page.links) == {each.field for each in layout.links}, name


def test_any_partition_covers_every_record_once(paged: Stage, connector: Connector, layouts: dict[str, Layout]) -> None:
    rng = random.Random(5)
    for name in paged.few:
        ids = paged.ids(name)
        ranges = partition(rng, ids, 4)
        found = [ids_in(pages(connector, layouts[name], each)) for each in ranges]
        assert [each for part in found for each in part] == ids, (name, ranges)
        for keys, part in zip(ranges, found, strict=True):
            assert all(holds(keys, each) for each in part), (name, keys)


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_a_split_covers_all_ids_and_its_last_range_is_open(
    paged: Stage, connector: Connector, layouts: dict[str, Layout], parts: int
) -> None:
    for name in paged.few:
        for count in (None, len(paged.ids(name)), 10_000):
            ranges = connector.split(layouts[name], parts, count)
            assert 1 <= len(ranges) <= parts, name
            assert [each.after for each in ranges] == [0, *(each.until for each in ranges[:-1])], name
            assert ranges[-1].until is None, name


# rows


def test_every_value_fits_its_column(paged: Stage, connector: Connector, layouts: dict[str, Layout]) -> None:
    for name, layout in layouts.items():
        for page in pages(connector, layout):
            assert page.layout == layout
            for row in page.rows:
                assert len(row) == len(HEAD) + len(layout.columns), name
                _check_head(row)
                for column, value in zip(layout.columns, row[len(HEAD) :], strict=True):
                    assert value is None or _fits(column.kind, value), (name, column, value)
            for link in layout.links:
                _check_links(link.kind, page.links[link.field], {row[1] for row in page.rows})


def _check_head(row: Sequence[Any]) -> None:
    source, key, revision, changed_at, extra = row[: len(HEAD)]
    assert source == "acme"
    assert isinstance(key, int)
    assert key >= 0
    assert isinstance(revision, str)
    assert revision
    assert changed_at is None or _STAMP.fullmatch(changed_at)
    assert extra is None or isinstance(json.loads(extra), dict)


def _fits(kind: Kind, value: Any) -> bool:
    match kind:
        case Kind.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case Kind.NUMERIC:
            return not isinstance(value, bool) and Decimal(value).is_finite()
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.TIMESTAMP:
            return bool(_STAMP.fullmatch(value))
        case Kind.DATE:
            return bool(_DAY.fullmatch(value))
        case Kind.JSON:
            json.loads(value)
            return True
        case _:
            return isinstance(value, str)


def _check_links(kind: Kind, rows: Sequence[Sequence[Any]], owners: set[int]) -> None:
    places: dict[int, list[int]] = {}
    for row in rows:
        places.setdefault(row[0], []).append(row[1])
        assert len(row) == (5 if kind is Kind.LINKS else 3)
        if kind is Kind.LINKS:
            _, _, target, label, target_type = row
            assert target is None or isinstance(target, int)
            assert label is None or isinstance(label, str)
            assert target_type is None or isinstance(target_type, str)
    assert places.keys() <= owners
    assert all(found == list(range(len(found))) for found in places.values())


# records


def test_records_are_as_in_the_listing_and_unknown_ids_are_left_out(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    most, unknown = connector.capabilities.ids_per_read, nowhere(paged)
    for name in paged.few:
        listed = {row[1]: row for page in pages(connector, layouts[name]) for row in page.rows}
        wanted = sorted(listed)[: most - 2]
        page = connector.records(layouts[name], [*wanted, unknown, unknown + 1])
        assert page.after is None
        assert page.rest is None
        assert [tuple(row) for row in page.rows] == [tuple(listed[each]) for each in wanted], name
        assert [tuple(each) for each in connector.records(layouts[name], [unknown]).rows] == []


def test_a_deleted_record_is_in_no_listing(paged: Stage, connector: Connector, layouts: dict[str, Layout]) -> None:
    layout, deleted = layouts[paged.busy], paged.ids(paged.busy)[3]
    paged.delete(deleted)
    assert deleted not in ids_in(pages(connector, layout))
    assert ids_in([connector.records(layout, [deleted])]) == []
    assert deleted not in keys_of(connector, Window(layout.type, KeyRange()))


# changes


def test_changes_end_each_type_whether_anything_changed_or_not(
    connector: Connector, layouts: dict[str, Layout], clock: ManualClock
) -> None:
    types = [each.type for each in layouts.values() if each.type.tracking is Tracking.STAMP]
    later = clock.now() + timedelta(hours=1)
    for since in (_LONG_AGO, later):
        found = list(connector.changes(types, {each.name: Watermark(since) for each in types}))
        for each in types:
            mine = [page for page in found if page.type_name == each.name]
            assert [page.complete for page in mine] == [False] * (len(mine) - 1) + [True], each.name
            assert not any(page.failure for page in mine)


def test_a_listing_of_all_changes_holds_every_record_with_the_revision_of_its_row(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    stamped = [name for name in paged.few if layouts[name].type.tracking is Tracking.STAMP]
    found: dict[str, dict[int, Key]] = {name: {} for name in stamped}
    since = {name: Watermark(_LONG_AGO) for name in stamped}
    for page in connector.changes([layouts[name].type for name in stamped], since):
        found[page.type_name] |= {each.id: each for each in page.keys}
    for name in stamped:
        rows = {row[1]: row for page in pages(connector, layouts[name]) for row in page.rows}
        changed = {key: row for key, row in rows.items() if row[3] is not None}
        assert {key: each.revision for key, each in found[name].items()} == {key: row[2] for key, row in changed.items()}
        assert {key: each.changed_at for key, each in found[name].items()} == {key: row[3] for key, row in changed.items()}


def test_a_change_is_listed_from_its_own_instant_on(
    paged: Stage, connector: Connector, layouts: dict[str, Layout], clock: ManualClock
) -> None:
    layout = layouts[paged.busy]
    edited, untouched = paged.ids(paged.busy)[:2]
    before = {row[1]: row for page in pages(connector, layout) for row in page.rows}
    paged.edit(edited)
    created = paged.create()
    clock.advance(5)  # while the second of an edit lasts, a connector may call every version of it doubtful
    rows = {row[1]: row for row in connector.records(layout, [edited, created]).rows}
    assert rows[edited][2] != before[edited][2]
    since = Watermark(datetime.fromisoformat(rows[edited][3]))
    found = {each.id: each.revision for page in connector.changes([layout.type], {paged.busy: since}) for each in page.keys}
    assert found.items() >= {edited: rows[edited][2], created: rows[created][2]}.items()
    assert untouched not in found


# census


def test_a_census_agrees_with_the_rows_however_its_windows_are_cut(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    rng = random.Random(6)
    for name in paged.few:
        rows = {row[1]: row for page in pages(connector, layouts[name]) for row in page.rows}
        ranges = partition(rng, sorted(rows), 3)
        windows = [Window(layouts[name].type, each) for each in ranges]
        answers = list(connector.census(windows))
        assert [each.type_name for each in answers] == [name] * len(windows)
        assert all(each.complete and not each.failure for each in answers)
        keys = {each.id: each for answer in answers for each in answer.keys}
        assert sum(len(each.keys) for each in answers) == len(rows), name
        assert {key: each.revision for key, each in keys.items()} == {key: row[2] for key, row in rows.items()}, name


def test_counts_of_a_census_agree_with_the_rows(paged: Stage, connector: Connector, layouts: dict[str, Layout]) -> None:
    rng = random.Random(7)
    for name in paged.few:
        ids = paged.ids(name)
        ranges = partition(rng, ids, 3)
        answers = list(connector.census([Window(layouts[name].type, each, count_only=True) for each in ranges]))
        for keys, answer in zip(ranges, answers, strict=True):
            inside = [each for each in ids if holds(keys, each)]
            assert answer.total in (len(inside), None), (name, keys)
            if answer.complete:  # the connector knew them all the same
                assert [each.id for each in answer.keys] == inside, (name, keys)


def test_a_census_of_several_types_answers_in_order(paged: Stage, connector: Connector, layouts: dict[str, Layout]) -> None:
    behind = KeyRange(nowhere(paged))
    windows = [
        Window(each.type, keys, count_only=only)
        for only in (False, True)
        for each in layouts.values()
        for keys in (KeyRange(), behind)
    ]
    answers = list(connector.census(windows))
    assert [each.type_name for each in answers] == [each.type.name for each in windows]
    assert not [each.failure for each in answers if each.failure]
    for window, answer in zip(windows, answers, strict=True):
        if window.keys == behind:
            assert list(answer.keys) == []
            assert answer.total in (0, None)


# deletions and fates


def test_deletions_tell_what_was_deleted(paged: Stage, connector: Connector, clock: ManualClock) -> None:
    connector.discover(None)
    if not connector.capabilities.deletion_feed:
        return
    gone = paged.ids(paged.busy)[0]
    began = clock.now() - timedelta(seconds=2)
    paged.delete(gone)
    for since in (None, began):
        entries = {each.id: each for each in connector.deletions(since) if each.type_name in ("", paged.busy)}
        assert entries[gone].fate is Fate.DELETED
        assert entries[gone].deleted_at is None or datetime.fromisoformat(entries[gone].deleted_at) >= began
    later = list(connector.deletions(clock.now() + timedelta(hours=1)))
    assert gone not in {each.id for each in later}


def test_a_fate_is_told_of_records_that_are_there_gone_and_never_were(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    record_type = layouts[paged.busy].type
    there, gone = paged.ids(paged.busy)[:2]
    paged.delete(gone)
    assert connector.fate(record_type, there) is Fate.PRESENT
    assert connector.fate(record_type, gone) in (Fate.DELETED, Fate.UNKNOWN)
    assert connector.fate(record_type, nowhere(paged)) in (Fate.DELETED, Fate.UNKNOWN, Fate.NO_ACCESS)
    paged.hide()
    assert connector.fate(record_type, there) in (Fate.NO_ACCESS, Fate.UNKNOWN, Fate.OUT_OF_SCOPE)


def test_the_fate_of_a_record_of_any_type_that_is_there_is_that_it_is_there(
    paged: Stage, connector: Connector, layouts: dict[str, Layout]
) -> None:
    for name in paged.few:
        assert connector.fate(layouts[name].type, paged.ids(name)[-1]) is Fate.PRESENT, name


# check, identity, learned


def test_a_check_finds_nothing_wrong_with_a_good_source(paged: Stage, connector: Connector, clock: ManualClock) -> None:
    paged.move_clock((datetime.now(UTC) - clock.now()).total_seconds())
    findings = list(connector.check())
    assert len(findings) >= 3
    assert [each for each in findings if not each.ok] == []
    assert all(each.subject and each.detail for each in findings)


def test_a_check_with_a_wrong_secret_says_so_and_what_to_do(paged: Stage) -> None:
    credential = paged.wrong_credential()
    findings = list(paged.connector(paged.source(credential=credential)).check())
    wrong = [each for each in findings if not each.ok]
    assert wrong
    assert all(each.advice for each in wrong)
    assert credential.secret not in repr(findings)


def test_an_identity_stays_and_differs_where_something_else_is_mirrored(paged: Stage) -> None:
    here = [paged.connector().identity() for _ in range(2)]
    assert here[0] == here[1]
    assert paged.url not in here[0]


def test_what_was_learned_is_kept_and_never_needed(paged: Stage) -> None:
    first, second = paged.connector(), paged.connector()
    layout = paged.layouts(first)[paged.busy]
    rows = [tuple(row) for page in pages(first, layout) for row in page.rows]
    list(first.census([Window(layout.type, KeyRange())]))
    assert all(isinstance(key, str) and isinstance(each, str) for key, each in first.learned.items())
    second.learned.update(first.learned)
    assert [tuple(row) for page in pages(second, layout) for row in page.rows] == rows
    assert [each.complete for each in second.census([Window(layout.type, KeyRange())])] == [True]
