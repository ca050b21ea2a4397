"""Many records at once: the same as one after the other, in fewer statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event

from mirror.errors import UsageError
from mirror.model.change import Action, Change, State
from mirror.store.store import Store
from tests.store.queue_samples import act, add, edit, ends, layouts, opened, pull, shown, states
from tests.store.samples import NOW, stored

FEW, MANY = 3, 30


@contextmanager
def counted() -> Iterator[list[str]]:
    """Note the statements of SQL that run."""
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        ran.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield ran
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def told(changes: Sequence[Change], first: int) -> list[Change]:
    """Return changes without what no two of them share."""
    return [replace(each, id=0, record_id=each.record_id - first, attempt=None, made_at=None) for each in changes]


def test_edits_of_many_records_at_once_become_what_they_would_one_by_one(store: Store) -> None:
    known = layouts(store)
    story = known["Story"]
    made: dict[int, list[Change]] = {}
    for first in (10, 20):
        for each in range(first, first + 6):
            pull(store, story, each, name="old", points=1, notes="a")
        before = add(store, known, *(edit(story, first + each, "Name", "mine") for each in range(3)))
        store.queue.mark_sent([before[0].id], NOW)  # one that is in flight
        pull(store, story, first + 1, "2", name="theirs", points=1, notes="a")  # a conflict
        wanted = [
            *(edit(story, first + each, "Name", "newest") for each in range(5)),
            edit(story, first + 4, "Notes", "b"),
            edit(story, first + 5, "Points", 1),  # as it is
        ]
        done = add(store, known, *wanted) if first == 10 else _one_by_one(store, wanted)
        made[first] = told(done, first)
    assert made[10] == made[20]
    both = [told([each for each in opened(store) if each.record_id // 10 == tens], tens * 10) for tens in (1, 2)]
    assert both[0] == both[1]
    assert len(both[0]) == 7
    rows = [stored(store, f"SELECT name, points, notes, _dirty FROM rally_story WHERE id / 10 = {each}") for each in (1, 2)]
    assert rows[0] == rows[1]


def _one_by_one(store: Store, wanted: Sequence[Change]) -> list[Change]:
    known = layouts(store)
    return [made for each in wanted for made in add(store, known, each)]


def test_one_edit_that_cannot_be_made_undoes_all_that_were_asked_for_with_it(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    with pytest.raises(UsageError, match="is not here"):
        add(store, known, edit(known["Story"], 1, "Name", "new"), edit(known["Story"], 2, "Name", "new"))
    assert (opened(store), shown(store, "name"), ends(store)) == ([], "old", [])


def test_the_statements_of_an_edit_do_not_grow_with_its_records(store: Store) -> None:
    known = layouts(store)
    for each in range(1, FEW + MANY + 1):
        pull(store, known["Story"], each, name="old")
    with counted() as few:
        add(store, known, *(edit(known["Story"], each, "Name", "new") for each in range(1, FEW + 1)))
    with counted() as many:
        made = add(store, known, *(edit(known["Story"], each, "Name", "new") for each in range(FEW + 1, FEW + MANY + 1)))
    assert len(made) == MANY
    assert len(many) == len(few)


def test_several_writes_are_claimed_at_once_and_none_for_the_sake_of_another(store: Store) -> None:
    known = layouts(store)
    story = known["Story"]
    for each in range(1, FEW + MANY + 1):
        pull(store, story, each, name="old")
    made = [add(store, known, edit(story, each, "Name", "mine"))[0].id for each in range(1, FEW + MANY + 1)]
    add(store, known, act(story, 2, Action.DELETE))
    with counted() as few:
        numbers = store.queue.mark_each_sent(known, [[each] for each in made[:FEW]], NOW)
    assert (numbers, states(store)[:FEW]) == ([1, None, 2], [State.SENT, State.READY, State.SENT])
    with counted() as many:
        assert store.queue.mark_each_sent(known, [[each] for each in made[FEW:]], NOW) == [*range(3, MANY + 3)]
    assert len(many) == len(few)
