"""Threads that read from a tracker ahead of the one thread that stores."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from mirror.errors import AuthError, MirrorError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[K, T]):
    """One thing a job came up with.

    Attributes:
        value: None when this is the job's end.
        failure: why the job ended early; None when it ended well or goes on.
    """

    key: K
    value: T | None = None
    failure: MirrorError | None = None


class Readers(Generic[K, T]):
    """Runs jobs on `workers` threads and hands their values, a few at a time, to whoever iterates.

    A worker waits with its next value until there is room, so at most `workers + ahead` values exist at once. More jobs may
    be submitted while iterating. Iteration ends when every job has ended.

    A job's MirrorError ends that job alone; AuthError, which every other job would meet too, and any error that is not
    ours are raised by the iteration.
    """

    def __init__(self, workers: int, ahead: int = 2) -> None:
        self._jobs: queue.SimpleQueue[tuple[K, Callable[[], Iterator[T]]] | None] = queue.SimpleQueue()
        self._outcomes: queue.Queue[Outcome[K, T] | BaseException] = queue.Queue(ahead)
        self._stopped = threading.Event()
        self._open_count = 0
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for each in self._threads:
            each.start()

    def submit(self, key: K, job: Callable[[], Iterator[T]]) -> None:
        """Queue a job; only the iterating thread may call this."""
        self._open_count += 1
        self._jobs.put((key, job))

    def __iter__(self) -> Iterator[Outcome[K, T]]:
        while self._open_count:
            outcome = self._outcomes.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome.value is None:
                self._open_count -= 1
            yield outcome

    def close(self) -> None:
        """Stop all threads; a request that is under way is not waited for longer than it takes to answer."""
        self._stopped.set()
        for _ in self._threads:
            self._jobs.put(None)

    def __enter__(self) -> Readers[K, T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _work(self) -> None:
        while not self._stopped.is_set():
            item = self._jobs.get()
            if item is None:
                return
            key, job = item
            self._run(key, job)

    def _run(self, key: K, job: Callable[[], Iterator[T]]) -> None:
        try:
            for value in job():
                if not self._put(Outcome(key, value)):
                    return
            self._put(Outcome(key))
        except AuthError as error:
            self._put(error)
        except MirrorError as error:
            self._put(Outcome(key, failure=error))
        except BaseException as error:  # noqa: BLE001  a fault in a thread must surface in the one that waits
            self._put(error)

    def _put(self, outcome: Outcome[K, T] | BaseException) -> bool:
        while not self._stopped.is_set():
            try:
                self._outcomes.put(outcome, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False
