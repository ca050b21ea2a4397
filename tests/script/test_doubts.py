"""Names in queries that nothing has: the trackers find nothing without a word, and the mirror says it."""

from __future__ import annotations

import pytest

import mirror


def notes(m: mirror.Mirror, source: str, type_name: str, query: str) -> tuple[str, ...]:
    return m[source][type_name].find(query).notes


@pytest.mark.parametrize(
    ("source", "type_name", "query", "said"),
    [
        ("rt", "ticket", "Queue = 'Generall'", 'No queue here is called "Generall"; did you mean General?'),
        ("rt", "ticket", "id > 3 AND Queue != 'Generall'", 'No queue here is called "Generall"; did you mean General?'),
        ("rt", "ticket", "Owner = 'rooot'", 'No user here is called "rooot"; did you mean root?'),
        ("rt", "ticket", "Requestor.Name = 'rooot'", 'No group or user here is called "rooot"; did you mean root?'),
        ("rt", "ticket", "Status = 'opne'", 'No ticket here has the Status "opne"; did you mean open?'),
        ("rt", "ticket", "CF.{Severity} = 'hihg'", 'CF.{Severity} has no value "hihg" today; did you mean high?'),
        ("rally", "Defect", '(Project.Name = "Nowhere at all")', 'No Project here is called "Nowhere at all"'),
        ("rally", "Defect", '(Owner.UserName = "nobody")', 'No User here is called "nobody"'),
        ("rally", "Defect", "(Tags.Name = urgnet)", 'No Tag here is called "urgnet"'),
        ("rally", "Artifact", "(Owner = nobody@example.com)", 'No User here is called "nobody@example.com"'),
        ("versionone", "Story", "Status.Name='Doen'", 'No StoryStatus here is called "Doen"; did you mean Done'),
        ("versionone", "Story", "Status='Doen'", 'No StoryStatus here is called "Doen"; did you mean Done'),
        ("versionone", "Story", "Super.Owners.Nickname='x'|Scope.Name='Nowhere'", 'No Scope here is called "Nowhere"'),
    ],
)
def test_a_name_that_nothing_has_is_said(m: mirror.Mirror, source: str, type_name: str, query: str, said: str) -> None:
    assert any(each.startswith(said) for each in notes(m, source, type_name, query))


def test_what_a_language_says_of_a_value_is_said_once(m: mirror.Mirror) -> None:
    assert notes(m, "rally", "Defect", '(State = "Fix it")') == ('State has no value "Fix it" today.',)


@pytest.mark.parametrize(
    ("source", "type_name", "query"),
    [
        ("rt", "ticket", "Queue = 'general' AND Owner = 'ROOT' AND Status = 'NEW' AND CF.{Severity} = 'HIGH'"),
        ("rt", "ticket", "Queue = 1 OR Owner = 'Nobody' OR Subject = 'no such subject' OR Queue LIKE 'nope'"),
        ("rally", "Defect", '((State = Open) OR (Name = "no such name"))'),
        ("rally", "Defect", "((FormattedID = DE99999) OR (Owner = null))"),
        ("versionone", "Story", "Number='S-99999'|Status.Name='Done'|Name='no such name'"),
    ],
)
def test_names_that_are_there_and_plain_searches_raise_no_doubt(
    m: mirror.Mirror, source: str, type_name: str, query: str
) -> None:
    assert notes(m, source, type_name, query) == ()
