"""What `mirror demo` plays on the simulated Request Tracker: somebody resolves a ticket."""

from __future__ import annotations

import json
import urllib.error

from mirror.errors import RemoteError
from mirror.simulators.base import Scene, Simulator, send


def resolve(simulator: Simulator, ticket: int) -> None:
    """Set the status of a ticket to resolved.

    A PUT is answered with 200 whatever became of it, and with a sentence for each change (rt.md §1.2).
    """
    headers = {"Authorization": f"token {simulator.secret}", "Content-Type": "application/json"}
    body = json.dumps({"Status": "resolved"}).encode()
    try:
        answer = send(f"{simulator.url}/REST/2.0/ticket/{ticket}", body, method="PUT", headers=headers)
    except urllib.error.HTTPError as error:
        raise RemoteError(f"RT refused the change: {error.code} {error.reason}") from error
    sentences = json.loads(answer)
    if not any("'resolved'" in each for each in sentences):
        raise RemoteError(f"RT refused the change: {'; '.join(sentences)}")


SCENE = Scene(
    candidate="SELECT id, 'ticket/' || id FROM rt_ticket WHERE status = 'open' ORDER BY id LIMIT 1",
    deed="resolves {key}",
    change=resolve,
    question=(
        "SELECT 'ticket/' || id AS ticket, status, queue_name, owner_name, subject, _changed_at"
        " FROM rt_ticket ORDER BY _changed_at DESC LIMIT 5"
    ),
    further=(
        'sql "SELECT queue_name, status, count(*) AS tickets FROM rt_ticket GROUP BY queue_name, status ORDER BY 1, 3 DESC"',
        "schema ticket",
        "status",
    ),
)
