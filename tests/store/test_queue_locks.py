"""Postgres: other programs that are in the middle of an edit. Nothing of theirs is lost, and nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mirror.errors import StoreError
from mirror.model.change import End, State
from mirror.store import queue_rows
from mirror.store.store import Settled, Store, Taken
from tests.store.foreign import client
from tests.store.queue_samples import add, edit, layouts, only, opened, pull, shown, states
from tests.store.samples import NOW, page, row, stamp
from tests.support.databases import PostgresServer, execute

MOMENT = 0.3  # seconds, in which a statement that need not wait is long done


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty Postgres database."""
    with postgres.fresh_url() as fresh:
        yield fresh


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An open store in it."""
    with Store.open(url) as opened_store:
        yield opened_store


@contextmanager
def beside(work: Callable[[], object]) -> Iterator[threading.Thread]:
    """Run work in a thread while the block runs, and wait for it after that."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(MOMENT)
    try:
        yield thread
    finally:
        thread.join(30)
    if failures:
        raise failures[0]


def test_an_edit_that_is_being_made_while_a_record_is_read_again_is_not_taken_for_the_trackers(
    store: Store, url: str
) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    with client(url) as other:
        other.execute("UPDATE rally_story SET name = 'sql' WHERE id = 1")
        with beside(lambda: pull(store, known["Story"], 1, name="mine")) as thread:
            assert thread.is_alive()
            other.commit()
    assert [(each.state, each.remote) for each in opened(store)] == [
        (State.READY, {"name": "mine"}),
        (State.CAPTURED, None),
    ]
    assert shown(store, "name") == "sql"


def test_an_edit_that_is_being_made_while_a_push_is_read_back_is_sent_as_well(store: Store, url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="old")
    (made,) = add(store, known, edit(known["Story"], 1, "Name", "mine"))
    store.queue.mark_sent([made.id], NOW)
    pull(store, known["Story"], 1, "2", name="mine")
    with client(url) as other:
        other.execute("UPDATE rally_story SET name = 'sql' WHERE id = 1")
        with beside(lambda: pull(store, known["Story"], 1, "2", name="mine")):
            other.commit()
    store.queue.settle(known["Story"], [Settled(made.id, End.DONE)])
    (captured,) = opened(store)
    store.queue.take_in(known, [Taken((captured,), [edit(known["Story"], 1, "Name", "sql")])])
    assert (only(store).base, only(store).value, only(store).state) == ({"name": "mine"}, {"name": "sql"}, State.READY)


def test_a_page_and_a_transaction_over_the_same_records_never_wait_for_each_other(store: Store, url: str) -> None:
    known = layouts(store)
    story = known["Story"]
    store.apply(page(story, row(story, 1, name="a"), row(story, 2, name="b")), now=NOW)
    new = page(story, row(story, 2, "2", at=stamp(9), name="b2"), row(story, 1, "2", at=stamp(9), name="a2"))
    with client(url) as other:
        other.execute("UPDATE rally_story SET name = 'C' WHERE id = 1")
        with beside(lambda: store.apply(new, now=NOW)):
            other.execute("UPDATE rally_story SET name = 'D' WHERE id = 2")
            other.commit()
    assert (shown(store, "name", 1), shown(store, "name", 2)) == ("C", "D")
    assert [each.remote for each in opened(store)] == [{"name": "a2"}, {"name": "b2"}]


def test_edits_of_a_record_that_another_program_holds_are_taken_in_later(store: Store, url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="a")
    pull(store, known["Story"], 2, name="b")
    execute(url, "UPDATE rally_story SET name = 'sql'")
    captured = opened(store)
    taken = [Taken((each,), [edit(known["Story"], each.record_id, "Name", "sql")]) for each in captured]
    with client(url) as other:
        other.execute("UPDATE rally_story SET notes = 'still writing' WHERE id = 1")
        assert store.queue.take_in(known, taken) == 1
        assert {each.record_id: each.state for each in opened(store)} == {1: State.CAPTURED, 2: State.READY}
        add(store, known, edit(known["Story"], 2, "Points", 3))
        pull(store, known["Story"], 2, "2", name="b")
        other.rollback()
    assert store.queue.take_in(known, taken[:1]) == 1
    assert set(states(store)) == {State.READY}


def test_nobody_waits_for_ever_for_a_row_that_another_program_holds(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_rows, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(queue_rows, "_PAGE_SECONDS", 0.2)
    known = layouts(store)
    pull(store, known["Story"], 1, name="a")
    with client(url) as other:
        other.execute("UPDATE rally_story SET notes = 'still writing' WHERE id = 1")
        for work in (
            lambda: add(store, known, edit(known["Story"], 1, "Name", "mine")),
            lambda: pull(store, known["Story"], 1, "2", name="b"),
        ):
            with pytest.raises(StoreError, match="another program holds a lock"):
                work()
        other.rollback()
    add(store, known, edit(known["Story"], 1, "Name", "mine"))
    assert shown(store, "name") == "mine"


def test_a_transaction_that_postgres_ends_for_the_sake_of_another_is_run_again(store: Store, url: str) -> None:
    known = layouts(store)
    pull(store, known["Story"], 1, name="a")
    pull(store, known["Label"], 5, name="red")
    turns: list[int] = []

    def crosswise(connection: object) -> None:
        turns.append(1)
        connection.exec_driver_sql("SET LOCAL deadlock_timeout = '100ms'")  # type: ignore[attr-defined]
        for table in ("rally_story", "rally_label"):
            connection.exec_driver_sql(f"SELECT 1 FROM {table} FOR UPDATE")  # type: ignore[attr-defined]
            time.sleep(MOMENT)

    with client(url) as other:
        other.execute("UPDATE rally_label SET name = 'blue'")
        with beside(lambda: store.queue._database.transact(crosswise)):
            other.execute("UPDATE rally_story SET name = 'sql'")
            other.commit()
    assert len(turns) > 1  # where the machine is busy, the two may meet once more
    assert (shown(store, "name"), shown(store, "name", 5, "rally_label")) == ("sql", "blue")
