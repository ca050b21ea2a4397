"""A push, or a sync, in a process of its own that dies at a commit of the database, as by `kill -9`.

`python -m tests.support.push_process JOB`: JOB is a `Job` as JSON. On standard output comes one JSON document at the end:
the outcome of each change, and how many commits there were. A process that was killed prints nothing.

Only commits of transactions that write are counted, from 1. A process killed before a commit loses that transaction; one
killed after it has it, and nothing that was to follow.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, event

from mirror.connectors.base import Connector
from mirror.connectors.http import Transport
from mirror.connectors.registry import connect
from mirror.engine.push import PushOptions, push_source
from mirror.engine.pushing import SETTLE_SECONDS
from mirror.engine.sync import SyncOptions, sync_source
from mirror.errors import DatabaseBusyError
from mirror.model.source import Credential, Source
from mirror.store.store import Store
from tests.support.stage import IMPATIENT

_WRITING = ("INSERT", "UPDATE", "DELETE", "SET LOCAL MIRROR.WRITING")


@dataclass(frozen=True)
class Job:
    """What a process is to do.

    Attributes:
        source: as its fields.
        kill_before, kill_after: the number of the commit at which the process kills itself; 0 for none.
        sync: sync instead of pushing.
    """

    source: dict[str, Any]
    database: str
    kill_before: int = 0
    kill_after: int = 0
    settle_seconds: float = SETTLE_SECONDS
    sync: bool = False


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        is_killed: by itself, at the commit it was told.
        exit_code: 2 when another process holds the database; None when it was killed.
        outcomes: of each change, in the order they were made.
    """

    is_killed: bool
    exit_code: int | None
    commits: int = 0
    outcomes: list[str] = field(default_factory=list)


def start(source: Source, database: str, **options: Any) -> subprocess.Popen[str]:
    """Start a process; `options` are attributes of `Job`."""
    job = Job(asdict(source), database, **options)
    command = [sys.executable, "-m", "tests.support.push_process", json.dumps(asdict(job))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for a process, and expect it to have come to its end, or to the commit at which it dies."""
    printed, errors = process.communicate(timeout=120)
    if process.returncode == -signal.SIGKILL:
        return Ended(is_killed=True, exit_code=None)
    assert printed, errors
    return Ended(is_killed=False, **json.loads(printed))


def run(source: Source, database: str, **options: Any) -> Ended:
    """Start a process and wait for it."""
    return ended(start(source, database, **options))


class Commits:
    """Counts the commits of this process that write, and kills it at one of them."""

    def __init__(self, *, kill_before: int, kill_after: int) -> None:
        self.count = 0
        self._before = kill_before
        self._after = kill_after
        event.listen(Engine, "before_cursor_execute", self._executes)
        event.listen(Engine, "commit", self._commits)
        event.listen(Engine, "rollback", self._ends)

    def _executes(self, connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(_WRITING):
            connection.info["wrote"] = True

    def _ends(self, connection: Connection) -> None:
        connection.info.pop("wrote", None)

    def _commits(self, connection: Connection) -> None:
        """Called before the database is asked to commit; SQLAlchemy has no event for afterwards."""
        if not connection.info.pop("wrote", False):
            return
        self.count += 1
        if self.count == self._before:
            _die()
        if self.count == self._after:
            setattr(connection.dialect, "do_commit", _then_die(connection.dialect.do_commit))  # noqa: B010


def _then_die(commit: Callable[[Any], None]) -> Callable[[Any], None]:
    def committed(connection: Any) -> None:
        commit(connection)
        _die()

    return committed


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _connect(source: Source) -> Connector:
    return connect(source, Transport(source.url, concurrency=source.concurrency, patience=IMPATIENT))


def _source(given: dict[str, Any]) -> Source:
    lists = {name: tuple(given[name]) for name in ("types", "protect")}
    return Source(**(given | lists | {"credential": Credential(**given["credential"])}))


def _now() -> datetime:
    return datetime.now(UTC)


def _work(job: Job, store: Store) -> dict[str, Any]:
    source = _source(job.source)
    if job.sync:
        synced = sync_source(source, _connect(source), store, SyncOptions(), clock=_now, emit=lambda _event: None)
        return {"exit_code": synced.exit_code}
    options = PushOptions(yes=True, settle_seconds=job.settle_seconds)
    pushed = push_source(source, _connect, store, options, clock=_now, emit=lambda _event: None, sleep=lambda _seconds: None)
    return {"exit_code": pushed.exit_code, "outcomes": [each.outcome for each in pushed.changes]}


def main() -> None:
    """Do the job."""
    job = Job(**json.loads(sys.argv[1]))
    with Store.open(job.database) as store:
        commits = Commits(kill_before=job.kill_before, kill_after=job.kill_after)
        try:
            with store.lease("test", _now()):
                found = _work(job, store)
        except DatabaseBusyError as error:
            found = {"exit_code": error.exit_code}
        sys.stdout.write(json.dumps(found | {"commits": commits.count}))


if __name__ == "__main__":
    main()
