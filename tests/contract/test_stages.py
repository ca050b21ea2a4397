"""Whoever registers a tracker must also put it on a stage, or nothing in this folder holds for it."""

from __future__ import annotations

import pytest

from mirror.connectors.registry import TRACKERS
from tests.support.stage import Stage, stage_class


@pytest.mark.parametrize("kind", TRACKERS)
def test_every_registered_tracker_has_a_stage(kind: str) -> None:
    try:
        found = stage_class(kind)
    except ModuleNotFoundError:
        pytest.fail(f"the tracker {kind!r} has no stage: write tests/support/stages/{kind}.py, see tests/support/stage.py")
    assert issubclass(found, Stage)
    assert found.kind == kind
