"""Short ways to write to a world and to read from it, for its tests."""

from __future__ import annotations

from typing import Any

import pytest

from mirror.simulators.versionone.world import RefusedError, World


def make(world: World, type_name: str = "Story", **values: Any) -> int:
    """Create an asset with what is required filled in."""
    required: dict[str, dict[str, Any]] = {
        "Task": {"Name": "t", "Parent": values.get("Parent") or world.ids("Story")[0]},
        "Test": {"Name": "t", "Parent": values.get("Parent") or world.ids("Story")[0]},
        "Member": {"Name": "m", "Nickname": "m", "DefaultRole": 6},
        "Link": {"Name": "l", "URL": "x"},
    }
    return world.create(type_name, {**required.get(type_name, {"Name": "n", "Scope": world.landmarks.project}), **values})


def values(world: World, asset: int, *names: str, **more: Any) -> tuple[Any, ...]:
    return tuple(world.value(asset, name, **more) for name in names)


def refusal(call: Any, *arguments: Any, **more: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as caught:
        call(*arguments, **more)
    return caught.value.status, caught.value.message
