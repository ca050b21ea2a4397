"""Stores for the engine's tests: SQLite for most, both databases where it matters which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mirror.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An open store in an empty SQLite file."""
    with Store.open(f"sqlite:///{tmp_path / 'mirror.db'}") as opened:
        yield opened
