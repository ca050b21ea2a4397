"""A process that dies, without one: from a chosen commit or request on, nothing reaches the database or the network.

What a killed process leaves behind is what its database has committed and what its tracker was sent. Both are the same here,
in a thousandth of the time; tests with real processes and real signals are beside this.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mirror.connectors.base import Connector
from mirror.store.store import Store

POINTS = ("before commit", "after commit", "before request", "after request")


class DiedError(BaseException):
    """The process is dead. No code of the product catches it, as none runs on after a signal."""


@dataclass
class Death:
    """When a process is to die, and whether it has.

    Attributes:
        point: one of POINTS.
        number: at the how manieth of them; from 1.
        deaths: counted by point, over many lives.
    """

    point: str
    number: int
    deaths: Counter[str]
    is_dead: bool = False
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pass_by(self, point: str) -> None:
        """Die here, if this is the place."""
        with self._lock:
            if not self.is_dead:
                self._seen[point] += 1
                self.is_dead = point == self.point and self._seen[point] == self.number
                if self.is_dead:
                    self.deaths[point] += 1
            if self.is_dead:
                raise DiedError


@contextmanager
def mortal(store: Store, connector: Connector, death: Death) -> Iterator[None]:
    """Run the block in a process that dies as told; what was not committed then is gone."""
    dialect: Any = store._database.engine.dialect
    commit, send = dialect.do_commit, connector.transport._once

    def commits(connection: object) -> None:
        death.pass_by("before commit")
        commit(connection)
        death.pass_by("after commit")

    def sends(request: Any) -> Any:
        death.pass_by("before request")
        answer = send(request)
        death.pass_by("after request")
        return answer

    dialect.do_commit, connector.transport._once = commits, sends  # type: ignore[method-assign]
    try:
        yield
    except BaseException:
        if not death.is_dead:  # of a dead process nobody hears what else went wrong
            raise
    finally:
        dialect.do_commit, connector.transport._once = commit, send  # type: ignore[method-assign]
