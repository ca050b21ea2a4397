"""The tables of names on the pages for users of other toolkits are complete, and say why where they say no."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mirror.script.elsewhere import RECORD, RECORDS, SOURCE
from tests.coming.names import installed, offered
from tests.coming.pages import committed, rows

INSTALLED = {"pyral": "from-pyral.md", "v1pysdk": "from-v1pysdk.md"}
COMMITTED = {"pyrally": "from-pyrally.md", "rtkit": "from-rtkit.md"}
PAGES = [*INSTALLED.values(), *COMMITTED.values()]


@pytest.mark.parametrize("toolkit", [*INSTALLED, *COMMITTED])
def test_every_name_of_a_toolkit_is_in_the_table_and_no_other(toolkit: str) -> None:
    has = installed(toolkit) if toolkit in INSTALLED else committed(toolkit)
    told = [name for row in rows((INSTALLED | COMMITTED)[toolkit]) for name in row.names]
    assert has - set(told) == set(), "in the toolkit, but not on the page"
    assert set(told) - has == set(), "on the page, but not in the toolkit"
    assert [name for name, count in Counter(told).items() if count > 1] == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_left_out_without_a_reason(page: str) -> None:
    for row in rows(page):
        assert len(row.became.split()) > 0, row.line
        if row.became.startswith("nothing"):
            assert re.match(r"nothing( needed)?: (\S+ ){4,}", row.became), f"{page}, line {row.line}"
        else:
            assert "`" in row.became or len(row.became.split()) > 3, f"{page}, line {row.line}"


def test_a_new_method_or_option_would_be_noticed() -> None:
    source = """
class Rally:
    LIMIT = 3
    def __init__(self, server, ping=None, **kwargs):
        self.server, self._hidden = server, kwargs.get("proxy")
    def rename(self, name, force=False): ...
    def _private(self, depth=1): ...
    shorter = rename
try:
    def connect(*, tries=3): ...
except ImportError:
    class Fallback: ...
"""
    wanted = {"Rally", "Rally.LIMIT", "Rally.server", "Rally.rename", "Rally.shorter", "connect"}
    assert offered(source) == wanted | {"ping=", "proxy=", "force=", "tries="}


def test_names_that_errors_answer_are_in_the_tables() -> None:
    told = {name.rpartition(".")[2] for page in PAGES for row in rows(page) for name in row.names}
    assert {*SOURCE, *RECORDS, *RECORD} - told == set()
