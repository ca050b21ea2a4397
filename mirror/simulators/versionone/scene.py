"""What `mirror demo` plays on the simulated VersionOne: somebody closes a story."""

from __future__ import annotations

import urllib.error

from mirror.errors import RemoteError
from mirror.simulators.base import Scene, Simulator, send


def close(simulator: Simulator, story: int) -> None:
    """Close a story and its open tasks and tests. versionone.md §6.2 R: an operation is a POST with an empty body."""
    address = f"{simulator.url}/rest-1.v1/Data/Story/{story}?op=QuickClose"
    try:
        send(address, b"", headers={"Authorization": f"Bearer {simulator.secret}"})
    except urllib.error.HTTPError as error:
        raise RemoteError(f"VersionOne refused the change: {error.code} {error.reason}") from error


SCENE = Scene(
    candidate="SELECT id, number FROM versionone_story WHERE asset_state = 64 ORDER BY id LIMIT 1",
    deed="closes {key}",
    change=close,
    question="SELECT number, is_closed, name, _changed_at FROM versionone_story ORDER BY _changed_at DESC LIMIT 5",
    further=(
        'sql "SELECT number, name, status_name, timebox_name FROM versionone_defect WHERE NOT is_closed ORDER BY id"',
        "schema Story",
        "status",
    ),
)
