"""Every tracker has a query language, which is found by its kind."""

from __future__ import annotations

import pytest

from mirror.connectors.registry import TRACKERS, language
from mirror.errors import ConfigError


@pytest.mark.parametrize("kind", TRACKERS)
def test_every_tracker_has_a_language(kind: str) -> None:
    assert language(kind).types("Nothing", {}) == ()


def test_an_unknown_kind_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ConfigError, match="rally, rt, versionone"):
        language("trac")
