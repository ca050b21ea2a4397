"""Changes as people want to see them, on a tracker whose records have no key but their id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mirror.engine.edit import Assignment, Editor
from mirror.engine.finding import Found
from mirror.engine.lookup import Lookup
from mirror.engine.showing import about, show, show_log
from mirror.errors import UsageError
from mirror.model.change import Change
from mirror.model.write import Target
from mirror.store.store import Store
from tests.support.stage import Stage, rows_of, stage_class


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with stage_class("rt")(records=20, seed=4, clock=None) as found:
        found.allowed = found.few
        yield found


@pytest.fixture
def mirrored(stage: Stage, store: Store) -> Store:
    stage.sync(store)
    return store


def queued(store: Store, *values: Assignment) -> tuple[Found, list[Change]]:
    """Edit the first ticket."""
    layouts = store.layouts("acme")
    ticket = min(rows_of(store, "ticket"))
    found = Found(layouts["ticket"], ticket, f"ticket/{ticket}")
    return found, store.queue.add(layouts, Editor(Lookup(store.finder, layouts)).set(found, values))


def test_a_record_without_a_key_is_called_by_type_and_id_in_the_queue_and_in_the_log(mirrored: Store) -> None:
    found, changes = queued(mirrored, Assignment("Subject", "another"))
    (shown,) = show(mirrored, mirrored.layouts("acme"), changes)
    assert (shown.label, shown.local) == (found.label, "another")
    mirrored.queue.discard(mirrored.layouts("acme"), [each.id for each in changes])
    (entry,) = show_log(mirrored, mirrored.layouts("acme"), mirrored.queue.log("acme"))
    assert entry.shown.label == found.label


def test_references_are_shown_by_name(mirrored: Store) -> None:
    people = {key: row["name"] for key, row in rows_of(mirrored, "user").items()}
    owner = rows_of(mirrored, "ticket")[min(rows_of(mirrored, "ticket"))]["owner_id"]
    other = next(key for key, name in people.items() if key != owner and name)
    _found, changes = queued(mirrored, Assignment("Owner", other))
    (shown,) = show(mirrored, mirrored.layouts("acme"), changes)
    assert isinstance(shown.base, Target)
    assert isinstance(shown.local, Target)
    assert (shown.base.name, shown.local.name) == (people[owner], people[other])


def test_asking_about_a_record_for_which_nothing_waits_says_so(mirrored: Store) -> None:
    found, changes = queued(mirrored, Assignment("Subject", "another"))
    shown = show(mirrored, mirrored.layouts("acme"), changes)
    assert about(shown, found) == shown
    with pytest.raises(UsageError, match="nothing waits for ticket/0"):
        about(shown, Found(found.layout, 0, "ticket/0"))
