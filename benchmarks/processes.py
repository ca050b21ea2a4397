"""Runs programs as processes of their own and says what they cost.

The peak memory the kernel reports for a child starts at the peak of the process that started it (Linux carries it over
an exec), so this process must stay small: it imports neither mirror nor a peer nor a database driver.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
FEED_START_SECONDS = 300


class FailedRunError(Exception):
    """A measured program ended with an error; its last words are the message."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one process cost, from start to end.

    Attributes:
        seconds: by the clock on the wall.
        cpu_seconds: of the process itself and of children it waited for.
        peak_mb: the highest resident size of the process, in units of 1,000,000 bytes.
        output: what it wrote to stdout.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run(command: Sequence[str], *, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> Outcome:
    """Run a program to its end.

    Raises:
        FailedRunError: it ended with another code than 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as talk:
        started = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=_environment(environment or {}), stdout=output, stderr=talk)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise FailedRunError(f"{' '.join(command)} ended with {child.returncode}: {_text(talk)[-2000:]}")
        return Outcome(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, _text(output))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a Python module of this checkout."""
    return [sys.executable, "-m", name, *arguments]


@contextmanager
def served(
    name: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a program that prints where it can be reached; yield it and the first line, and end it afterwards."""
    child = subprocess.Popen(
        module(name, *arguments),
        cwd=ROOT,
        env=_environment(environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin is not None and child.stdout is not None
    try:
        first_line = child.stdout.readline().strip()
        if not first_line:
            raise FailedRunError(f"{name} did not start")
        yield child, first_line
    finally:
        child.stdin.close()
        child.terminate()
        child.wait(30)


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """A running feed."""

    url: str

    def set(self, **wanted: float) -> None:
        """Change how the feed answers, and count from zero again."""
        self._ask(json.dumps(wanted).encode())

    def counters(self) -> dict[str, int]:
        """Return what was asked since the last change."""
        return self._ask(None)

    def _ask(self, body: bytes | None) -> dict[str, int]:
        request = urllib.request.Request(f"{self.url}/feed", data=body)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=FEED_START_SECONDS) as answer:
            told: dict[str, int] = json.loads(gzip.decompress(answer.read()))
        return told


@contextmanager
def feed() -> Iterator[FeedAddress]:
    """Start an empty feed; yield it."""
    with served("benchmarks.feed") as (_, url):
        yield FeedAddress(url)


def ask(child: subprocess.Popen[str], question: Mapping[str, Any]) -> Any:
    """Send one line of JSON to a program and return the line it answers."""
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write(json.dumps(question) + "\n")
    child.stdin.flush()
    line = child.stdout.readline()
    if not line:
        raise FailedRunError("the program that was asked has ended")
    return json.loads(line)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for name in ("MIRROR_DATABASE", "PYTHONDONTWRITEBYTECODE"):  # nobody compiles a program anew at each start
        kept.pop(name, None)
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "NO_PROXY": "*", **more}
