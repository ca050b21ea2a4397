"""Several at one queue: two who edit, one who pulls, one with plain SQL; on Postgres they really run at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from mirror.model.change import Action, State
from mirror.store.store import Store
from tests.store.queue_samples import act, add, edit, layouts, only, opened, pull, shown
from tests.store.samples import NOW, stored
from tests.support.databases import execute

TURNS = 25


def at_once(*jobs: Callable[[], object]) -> None:
    """Run jobs in threads and raise what any of them raised."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        for each in [pool.submit(job) for job in jobs]:
            each.result(timeout=60)


def test_editors_pulls_and_sql_at_once_lose_nothing(store: Store, database_url: str) -> None:
    known = layouts(store)
    story = known["Story"]
    pull(store, story, 1, name="old", points=0)
    with Store.open(database_url) as other:

        def names() -> None:
            for turn in range(TURNS):
                add(store, known, edit(story, 1, "Name", f"name {turn}"))

        def points() -> None:
            for turn in range(TURNS):
                add(other, known, edit(story, 1, "Points", turn + 1))

        def pulls() -> None:
            for turn in range(TURNS):
                pull(store, story, 1, str(turn), name="old", points=0, owner_id=turn, owner_name="x")

        def by_sql() -> None:
            for turn in range(TURNS):
                execute(database_url, f"UPDATE rally_story SET notes = 'note {turn}' WHERE id = 1")

        at_once(names, points, pulls, by_sql)
    last = f"name {TURNS - 1}", TURNS, f"note {TURNS - 1}", TURNS - 1
    assert stored(store, "SELECT name, points, notes, owner_id FROM rally_story") == [last]
    columns = {"name": "old", "points": 0, "notes": None}
    base: dict[str, object] = {}
    for each in opened(store):
        base = {**(each.base or {}), **base}
    assert base == columns


def test_a_change_is_claimed_once(store: Store, database_url: str) -> None:
    known = layouts(store)
    claimed: list[int] = []
    with Store.open(database_url) as other:
        for turn in range(TURNS):
            pull(store, known["Story"], turn + 1, name="old")
            (made,) = add(store, known, edit(known["Story"], turn + 1, "Name", "mine"))

            def claim(queue: Store, change_id: int = made.id) -> None:
                if queue.queue.mark_sent([change_id], NOW) is not None:
                    claimed.append(change_id)

            at_once(lambda: claim(store), lambda: claim(other))
    assert sorted(claimed) == [each.id for each in opened(store)]


def test_a_deletion_taken_back_while_its_record_is_pulled_leaves_one_row(store: Store, database_url: str) -> None:
    known = layouts(store)
    with Store.open(database_url) as other:
        for turn in range(TURNS):
            pull(store, known["Story"], 1, str(turn), name="old")
            (made,) = add(store, known, act(known["Story"], 1, Action.DELETE))
            at_once(
                lambda: pull(store, known["Story"], 1, f"{turn} later", name="new"),  # noqa: B023
                lambda: other.queue.discard(known, [made.id]),  # noqa: B023
            )
            assert (opened(store), shown(store, "name")) == ([], "new")


def test_an_edit_between_looking_and_claiming_is_not_taken_for_the_one_looked_at(store: Store) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (looked_at,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    add(store, known, edit(known["Story"], 1, "Name", "newer"))
    assert store.queue.mark_sent([looked_at.id], NOW) is None
    assert (only(store).state, only(store).value) == (State.READY, {"name": "newer"})
