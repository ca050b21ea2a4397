"""A simulated Rally for what only Rally does; what every tracker must do is in tests/contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.support.blank import Blank
from tests.support.stages.rally import TheStage


@pytest.fixture
def stage() -> Iterator[TheStage]:
    """A simulated Rally of which a few types are mirrored."""
    with TheStage(records=200, seed=8, clock=None) as made:
        made.allowed = made.few
        yield made


@pytest.fixture
def store(tmp_path: Path, blank: Blank) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    blank.lay(url := f"sqlite:///{tmp_path / 'mirror.db'}")
    with Store.open(url) as opened:
        yield opened
