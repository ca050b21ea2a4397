"""What was, in scripts about VersionOne: its own asof, and what reads of the past cost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import mirror
from mirror.store.store import Store
from tests.script.conftest import NOW, Opening, statements


@pytest.fixture
def m(opening: Opening) -> mirror.Mirror:
    """A mirror of every tracker, that keeps the history of some types of VersionOne."""
    opened = opening()
    with Store.open(opened._settings.database) as store:
        store.history.keep("versionone", store.layouts("versionone"), ["Story", "Scope", "Member", "Task"], now=NOW)
    return opened


def test_versionones_own_asof_is_understood(m: mirror.Mirror) -> None:
    with m:
        stories = m["versionone"].Story
        changed = {each.Number: each.ChangeDateUTC for each in stories}
        at = sorted(changed.values())[len(changed) // 2]
        then = stories.find(f"where=Number='S-01001'|+Name&asof={at.replace(tzinfo=None).isoformat()}&sort=-Number")
        assert [each.Number for each in then] == sorted((name for name, when in changed.items() if when <= at), reverse=True)
        assert all(each.as_of == at for each in then)
        assert 0 < then.count() < len(changed)
        with pytest.raises(mirror.UsageError, match="no history is kept of Issue in versionone"):
            m["versionone"].Issue.find("asof=2020-10-01")


def test_a_loop_over_the_past_costs_a_fixed_number_of_statements(m: mirror.Mirror) -> None:
    with m:
        counts = []
        for most in (1, 2, 10):  # the first looks up what there is a history of
            with statements() as found:
                for story in m["versionone"].Story.as_of(datetime.now(UTC)).limit(most):
                    assert (story.Scope.Name, [each.Name for each in story.Owners]) is not None
            counts.append(len(found))
        assert counts[1] == counts[2]
