"""What all examples need: that nothing stands between them and their simulators."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_proxy() -> Iterator[None]:
    """Have clients of all kinds go to this machine directly, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        yield
