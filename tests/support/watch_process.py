"""A script that watches, in a process of its own, to be killed.

`python -m tests.support.watch_process SETTINGS LOG END`: what it is told of defects goes to LOG, a line each. END says how
it ends: `before` is killed between the commit of the sync and the first callback, `within` inside the first callback, `well`
by itself.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import mirror


def run(settings: Path, log: Path, end: str) -> int:
    """Run it; return its exit code."""
    command = [sys.executable, "-m", "tests.support.watch_process", str(settings), str(log), end]
    return subprocess.run(command, check=False, timeout=60).returncode


def main() -> None:
    """Sync once and tell."""
    settings, log, end = sys.argv[1:]

    def tell(*told: object) -> None:
        with Path(log).open("a") as lines:
            lines.write(f"{told[0]}\n")
        if end == "within":
            os.kill(os.getpid(), signal.SIGKILL)

    with mirror.open(settings) as m:
        m.watch("Defect", created=tell, changed=tell, deleted=tell)
        m.sync(deliver=False)
        if end == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        m.deliver()


if __name__ == "__main__":
    main()
