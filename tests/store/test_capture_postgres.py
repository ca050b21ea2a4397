"""What only clients of Postgres do: other roles, search paths, TRUNCATE and COPY, writing at the same moment as mirror."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import make_url

from mirror.model.layout import Layout
from mirror.store.store import Store
from tests.store.foreign import captured, client, refusal, run
from tests.store.samples import NOW, defects, page, row, stored
from tests.support.databases import PostgresServer


@pytest.fixture
def database_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty schema."""
    with postgres.fresh_url() as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store."""
    with Store.open(database_url) as opened:
        yield opened


@pytest.fixture
def layout(store: Store) -> Layout:
    """Two defects, of which the first has a link."""
    found = defects(store)
    links = {"Tags": [(1, 0, 5, "red", None)]}
    store.apply(page(found, row(found, 1, name="one"), row(found, 2, name="two"), links=links), now=NOW)
    return found


@pytest.fixture
def schema(database_url: str) -> str:
    """The schema that mirror's tables are in."""
    with client(database_url) as connection:
        return str(connection.execute("SELECT current_schema()").fetchone()[0])


def test_a_client_with_another_search_path_is_watched(store: Store, layout: Layout, database_url: str, schema: str) -> None:
    elsewhere = ("CREATE TEMPORARY TABLE mirror_change (nothing int)", "SET search_path = pg_temp, pg_catalog")
    run(
        database_url,
        *elsewhere,
        f"UPDATE {schema}.rally_defect SET name = 'x'",
        f"DELETE FROM {schema}.rally_defect WHERE id = 1",
    )
    assert [each.action for each in captured(database_url)] == ["update", "update", "delete"]
    assert stored(store, "SELECT count(*) FROM rally_defect__tags") == [(0,)]


def test_a_role_that_may_only_write_records_makes_changes_in_its_name(
    layout: Layout, database_url: str, schema: str
) -> None:
    role = f"{schema}_ann"
    rights = (
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT, UPDATE, DELETE ON {schema}.rally_defect TO {role}",
    )
    run(database_url, f"CREATE ROLE {role} LOGIN", *rights)
    try:
        with client(make_url(database_url).set(username=role).render_as_string(hide_password=False)) as connection:
            connection.execute("UPDATE rally_defect SET name = 'x' WHERE id = 1")
            connection.execute("DELETE FROM rally_defect WHERE id = 1")
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute("DELETE FROM mirror_change")
            connection.commit()
        assert [(each.action, each.made_by) for each in captured(database_url)] == [("update", role), ("delete", role)]
    finally:
        run(database_url, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("statement", "instead"),
    [
        ("TRUNCATE rally_defect", "use DELETE"),
        ("TRUNCATE rally_defect__tags", "mirror unlink KEY Tags=ITEM"),
        ("INSERT INTO rally_defect (source, id, _synced_at) VALUES ('acme', 1, now()) ON CONFLICT DO NOTHING", "mirror new"),
        ("UPDATE rally_defect__tags SET position = 9 WHERE id = 99", "mirror link KEY Tags=ITEM"),
    ],
)
def test_other_ways_to_write_are_refused(layout: Layout, database_url: str, statement: str, instead: str) -> None:
    assert instead in refusal(database_url, statement)


@pytest.mark.parametrize(
    ("column", "literal", "expected"),
    [
        ("estimate", "'NaN'", "NaN"),
        ("estimate", "'Infinity'", "Infinity"),
        ("estimate", "12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("estimate", "123456789012345678901234567890", 123456789012345678901234567890),
        ("opened", "'infinity'", "infinity"),
        ("due", "'-infinity'", "-infinity"),
    ],
)
def test_values_that_json_or_a_double_lack_are_kept_as_text(
    layout: Layout, database_url: str, column: str, literal: str, expected: object
) -> None:
    run(database_url, f"UPDATE rally_defect SET {column} = {literal} WHERE id = 1")
    run(database_url, "DELETE FROM rally_defect WHERE id = 1")
    update, deletion = captured(database_url)
    assert update.value == {column: expected}
    assert deletion.base["row"][column] == expected


def test_json_null_is_told_from_no_value(layout: Layout, database_url: str) -> None:
    run(database_url, "UPDATE rally_defect SET shape = 'null' WHERE id = 1")
    assert [(each.base, each.value) for each in captured(database_url)] == [({"shape": None}, {"shape": "null"})]


def test_instants_are_told_whatever_the_zone_of_the_client(layout: Layout, database_url: str) -> None:
    run(
        database_url, "SET TimeZone = 'Asia/Kolkata'", "UPDATE rally_defect SET opened = '2026-01-01T00:00:00Z' WHERE id = 1"
    )
    assert captured(database_url)[0].value == {"opened": "2026-01-01T05:30:00+05:30"}


def wait_for_a_lock(url: str, waiting: Future[None]) -> None:
    """Return once somebody waits for a lock; each look in a transaction of its own, since it sees one state throughout."""
    while True:
        with client(url) as connection:
            if connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                return
        assert not waiting.done()


def test_a_pull_waits_for_a_client_that_has_changed_the_row(store: Store, layout: Layout, database_url: str) -> None:
    """The change it makes is there by the time the pull goes on, for the overlay to see."""
    pulled = page(layout, row(layout, 1, "2", name="pulled", estimate=5))
    with ThreadPoolExecutor() as pool, client(database_url) as connection:
        connection.execute("UPDATE rally_defect SET name = 'mine' WHERE id = 1")
        pulling = pool.submit(lambda: store.apply(pulled, now=NOW) and None)
        wait_for_a_lock(database_url, pulling)
        connection.commit()
        pulling.result()
    change = captured(database_url)[0]
    assert (change.base, change.value, change.base_revision) == ({"name": "one"}, {"name": "mine"}, "1")
    assert stored(store, "SELECT estimate FROM rally_defect WHERE id = 1") == [(5,)]


def test_a_client_that_waits_for_a_pull_has_its_values_as_base(layout: Layout, database_url: str) -> None:
    with ThreadPoolExecutor() as pool, client(database_url) as pulling:
        pulling.execute("SET LOCAL mirror.writing = 'on'")  # as a pull does
        pulling.execute("UPDATE rally_defect SET name = 'pulled', _revision = '2' WHERE id = 1")
        waiting = pool.submit(run, database_url, "UPDATE rally_defect SET name = name || ' by me' WHERE id = 1")
        wait_for_a_lock(database_url, waiting)
        pulling.commit()
        waiting.result()
    (change,) = captured(database_url)
    assert (change.base, change.value, change.base_revision) == ({"name": "pulled"}, {"name": "pulled by me"}, "2")
