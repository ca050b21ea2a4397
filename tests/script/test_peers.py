"""What a loop looks at is read for all of its records at once: the number of SQL statements does not grow with them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

import mirror
from mirror.model.layout import HEAD, Layout
from mirror.model.page import Page
from mirror.store.store import Store
from tests.script.conftest import NOBODY, settings, statements

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STORIES = 10_000
PROJECTS = 20
USERS = 300


def row(layout: Layout, record_id: int, **cells: Any) -> tuple[Any, ...]:
    """Return a row with these cells; the rest is null."""
    head = {"source": layout.source, "id": record_id, "_revision": "1", "_changed_at": "2026-01-01T00:00:00.000Z"}
    names = (*HEAD, *(each.name for each in layout.columns))
    return tuple((head | cells).get(name) for name in names)


def put(store: Store, layout: Layout, rows: list[tuple[Any, ...]]) -> None:
    """Store rows as a sync would."""
    store.apply(Page(layout, rows, None, len(rows), NOW), now=NOW)


@pytest.fixture(scope="module")
def many_file(trackers_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mirror of a Rally with 10,000 stories more, each with a project, two tasks, and most with an owner."""
    path = tmp_path_factory.mktemp("many") / "mirror.db"
    copyfile(trackers_file, path)
    with Store.open(f"sqlite:///{path}") as store:
        layouts = store.layouts("rally")
        names = ("Project", "User", "HierarchicalRequirement", "Task")
        project, user, story, task = (layouts[name] for name in names)
        put(store, project, [row(project, 10**12 + n, name=f"project {n}") for n in range(PROJECTS)])
        put(store, user, [row(user, 2 * 10**12 + n, display_name=f"user {n}") for n in range(USERS)])
        put(
            store,
            story,
            [
                row(
                    story,
                    3 * 10**12 + n,
                    name=f"story {n}",
                    formatted_id=f"US{100_000 + n}",
                    project_id=10**12 + n % PROJECTS,
                    owner_id=2 * 10**12 + n % USERS if n % 10 else None,
                )
                for n in range(STORIES)
            ],
        )
        put(
            store,
            task,
            [
                row(
                    task,
                    4 * 10**12 + n,
                    name=f"task {n}",
                    formatted_id=f"TA{100_000 + n}",
                    work_product_id=3 * 10**12 + n // 2,
                    work_product_type="HierarchicalRequirement",
                    owner_id=2 * 10**12 + n % USERS,
                )
                for n in range(2 * STORIES)
            ],
        )
    return path


@pytest.fixture
def many(many_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[mirror.Mirror]:
    """That mirror, open."""
    copyfile(many_file, tmp_path / "mirror.db")
    with mirror.open(settings(tmp_path, {"rally": NOBODY}, monkeypatch)) as opened:
        yield opened


def looked_at(m: mirror.Mirror, count: int) -> tuple[int, int]:
    """Loop over some stories with all that they lead to; return how many tasks there were, and how many statements ran."""
    tasks = 0
    with statements() as ran:
        for story in m["rally"].HierarchicalRequirement.order("-ObjectID").limit(count):
            assert story.Project.Name.startswith("project")
            assert not story.Owner.DisplayName or story.Owner.DisplayName.startswith("user")
            for task in story.Tasks:
                assert task.WorkProduct is story
                assert task.Owner.DisplayName.startswith("user")
                tasks += 1
    return tasks, len(ran)


def test_a_loop_over_10_000_stories_costs_a_fixed_number_of_statements(many: mirror.Mirror) -> None:
    many["rally"].Tag.first()  # the catalogue is read once
    tasks, few = looked_at(many, 100)
    assert tasks == 200
    assert few == 7
    tasks, many_statements = looked_at(many, STORIES)
    assert tasks == 2 * STORIES
    assert many_statements <= few  # of their owners all are known by then


def test_a_loop_holds_no_more_than_its_peers(many: mirror.Mirror) -> None:
    seen: list[weakref.ref[Any]] = []
    for story in many["rally"].Task:
        seen.append(weakref.ref(story))
    del story
    gc.collect()
    assert not [each for each in seen if each() is not None]


def test_memory_does_not_grow_with_the_number_of_records(many: mirror.Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mirror.script.records.PEERS", 500)
    alive: list[weakref.ref[Any]] = []
    most = 0
    for number, task in enumerate(many["rally"].Task):
        alive.append(weakref.ref(task))
        if number % 1000 == 999:
            gc.collect()
            alive = [each for each in alive if each() is not None]
            most = max(most, len(alive))
    assert most <= 1001


def test_a_record_keeps_what_it_has_led_to(many: mirror.Mirror) -> None:
    story = many["rally"].get("US100001")
    owner = story.Owner
    with statements() as ran:
        assert story.Owner is owner
        assert story.Owner.DisplayName == "user 1"
    assert not ran


def test_a_record_is_found_by_its_key_in_three_statements(many: mirror.Mirror) -> None:
    many["rally"].get("US100001")
    with statements() as ran:
        assert many["rally"].get("us100002").Name == "story 2"
    assert len(ran) <= 4  # the catalogue's state, the key as it is and in upper case, the row
    with statements() as ran:
        assert many["rally"].get("US100003").Name == "story 3"
    assert len(ran) <= 3
