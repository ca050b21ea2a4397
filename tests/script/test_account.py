"""Queries that speak of ourselves and of days, answered without a network from what a sync has learned."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import mirror
from mirror.errors import QueryError
from tests.script.conftest import Opening


@pytest.fixture
def facts(opening: Opening, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The database, to look at what was learned and to change it."""
    opening().close()
    with sqlite3.connect(tmp_path / "mirror.db") as connection:
        yield connection
    connection.close()


def learned(facts: sqlite3.Connection, source: str, **changes: object) -> int:
    """Change what was learned about a source; return our own id there."""
    [(text,)] = facts.execute("SELECT value FROM mirror_note WHERE source = ? AND key = 'account'", [source])
    account = json.loads(text)
    facts.execute("UPDATE mirror_note SET value = ? WHERE value = ?", [json.dumps({**account, **changes}), text])
    facts.commit()
    return int(account["user_id"])


@pytest.mark.parametrize("word", ["me", "CurrentUser", "{user}"])
def test_rally_knows_us_by_a_word_with_a_note(facts: sqlite3.Connection, m: mirror.Mirror, word: str) -> None:
    mine = m["rally"].Artifact.find(f"(Owner = {word})")
    assert mine.count() == m["rally"].Artifact.where(Owner=learned(facts, "rally")).count() > 0
    assert mine.notes[0] == f"Rally compares Owner with a reference; {word} was read as our own user."
    assert m["rally"].Defect.find('(Owner = "me")').count() == 0


def test_versionone_and_rt_know_us_in_their_own_words(facts: sqlite3.Connection, m: mirror.Mirror) -> None:
    me = learned(facts, "versionone")
    assert [each.id for each in m["versionone"].Member.find("IsSelf='true'")] == [me]
    assert [each.id for each in m["versionone"].Member.find("IsSelf='false'")].count(me) == 0
    [(owner,)] = facts.execute("SELECT target_id FROM versionone_story__owners LIMIT 1")
    learned(facts, "versionone", user_id=owner)  # another member's token is used from now on
    m.close()
    ours = m["versionone"].Workitem.find("Owners.IsSelf='true'")
    assert ours.count() == m["versionone"].Workitem.find(f"Owners='Member:{owner}'").count() > 0
    mine = m["rt"].ticket.find("Creator = '__CurrentUser__'")
    assert mine.count() == m["rt"].ticket.find(f"Creator = {learned(facts, 'rt')}").count() > 0


@pytest.mark.parametrize(
    ("source", "type_name", "query", "place"),
    [
        ("rally", "Defect", "((State = Open) AND (Owner = me))", "me))"),
        ("rt", "ticket", "id > 1 AND Owner = '__CurrentUser__'", "'__CurrentUser__'"),
    ],
)
def test_who_was_never_told_who_we_are_says_what_tells_it(
    facts: sqlite3.Connection, m: mirror.Mirror, source: str, type_name: str, query: str, place: str
) -> None:
    facts.execute("DELETE FROM mirror_note WHERE key = 'account'")
    facts.commit()
    with pytest.raises(QueryError, match="not known here who you are; mirror sync learns it") as raised:
        m[source][type_name].find(query)
    assert query[raised.value.position :].startswith(place)


@pytest.mark.parametrize(
    ("source", "type_name", "query"),
    [
        ("rally", "Defect", "(LastUpdateDate >= 2026-01-31)"),
        ("versionone", "Story", "ChangeDate>='2026-01-31'"),
        ("rt", "ticket", "LastUpdated >= '2026-01-31'"),
    ],
)
def test_days_begin_where_the_tracker_has_us_live(
    facts: sqlite3.Connection, m: mirror.Mirror, source: str, type_name: str, query: str
) -> None:
    for zone, instant in (("America/Denver", "2026-01-31T07:00"), ("+05:30", "2026-01-30T18:30"), ("", "2026-01-31T00:00")):
        learned(facts, source, time_zone=zone)
        m.close()
        assert f"{instant}:00.000Z" in m[source][type_name].find(query).sql()


@pytest.mark.parametrize("given", ["2026-01-31", "2026-01-31T00:00", date(2026, 1, 31), datetime(2026, 1, 31)])  # noqa: DTZ001
def test_a_day_that_is_set_is_the_day_that_is_asked_for(facts: sqlite3.Connection, m: mirror.Mirror, given: object) -> None:
    learned(facts, "rally", time_zone="America/Denver")
    defect = m["rally"].Defect.first()
    defect.TargetDate = given
    assert defect.TargetDate == datetime(2026, 1, 31, 7, tzinfo=UTC)
    m.queue()
    for found in (m["rally"].Defect.find("(TargetDate = 2026-01-31)"), m["rally"].Defect.find({"TargetDate": given})):
        assert [each.id for each in found] == [defect.id]
    assert [each.id for each in m["rally"].Defect.where(TargetDate=given)] == [defect.id]
    with pytest.raises(mirror.InvalidEditError, match=r"2026-03-01T09:30Z \(without a zone it is in America/Denver\)"):
        defect.TargetDate = "soon"


def test_request_tracker_takes_its_own_dates_in_utc_and_custom_ones_in_our_zone(
    facts: sqlite3.Connection, m: mirror.Mirror
) -> None:
    learned(facts, "rt", time_zone="America/New_York")
    ticket = m["rt"].ticket.first()
    ticket.Due = "2026-01-31 10:00"
    ticket["CF.{Seen At}"] = "2026-01-31 10:00"
    assert (ticket.Due, ticket["CF.{Seen At}"]) == (
        datetime(2026, 1, 31, 10, tzinfo=UTC),
        datetime(2026, 1, 31, 15, tzinfo=UTC),
    )
