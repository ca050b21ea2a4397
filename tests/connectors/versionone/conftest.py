"""A simulated VersionOne for what only VersionOne does; what every tracker must do is in tests/contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store
from tests.support.stages.versionone import TheStage


@pytest.fixture
def stage() -> Iterator[TheStage]:
    """A simulated VersionOne of which a few types are mirrored."""
    with TheStage(records=200, seed=8, clock=None) as made:
        made.allowed = made.few
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
        yield opened
