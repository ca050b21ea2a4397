"""What `mirror demo` plays on the simulated Rally: somebody fixes an open defect."""

from __future__ import annotations

import json

from mirror.errors import RemoteError
from mirror.simulators.base import Scene, Simulator, send


def fix(simulator: Simulator, defect: int) -> None:
    """Set the state of a defect to Fixed. rally.md §8.1: POST to the object, the fields in a wrapper named like the type."""
    answer = send(
        f"{simulator.url}/slm/webservice/v2.0/defect/{defect}",
        json.dumps({"Defect": {"State": "Fixed"}}).encode(),
        headers={"ZSESSIONID": simulator.secret, "Content-Type": "application/json"},
    )
    if errors := json.loads(answer)["OperationResult"]["Errors"]:
        raise RemoteError(f"Rally refused the change: {errors[0]}")


SCENE = Scene(
    candidate="SELECT id, formatted_id FROM rally_defect WHERE state = 'Open' ORDER BY id LIMIT 1",
    deed="fixes {key}",
    change=fix,
    question="SELECT formatted_id, state, owner_name, name, _changed_at FROM rally_defect ORDER BY _changed_at DESC LIMIT 5",
    further=(
        'sql "SELECT formatted_id, name, owner_name FROM rally_hierarchical_requirement WHERE blocked ORDER BY id"',
        "schema Defect",
        "status",
    ),
)
