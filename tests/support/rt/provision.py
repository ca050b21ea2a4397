"""Databases of a private RT, made once, shared by the processes of a test run and kept for the next one."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.support.rt.client import Client
from tests.support.rt.seed import seed, seed_others
from tests.support.rt.server import RTServer

SEEDED_TICKETS = 30
_RECIPE = ("client", "configuration", "packages", "provision", "seed", "server", "serving")


def provide(home: Path, tickets: int = SEEDED_TICKETS) -> tuple[RTServer, Path]:
    """Return a stopped server in `home` and the seeded database that it may be restored to.

    The database is made in a folder of its own, named after all that decides what is in it.
    """
    shared = Path(tempfile.gettempdir()) / f"mirror-tests-rt-{os.getuid()}-{_recipe()}-{tickets}"
    shared.mkdir(mode=0o700, exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "seeded.sqlite").exists():
            _make(shared, tickets)
    for name in ("RT_SiteConfig.pm", "tokens.json"):
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "maker" / name, home / name)
    for name in ("var", "mason", "session", "none"):
        (home / name).mkdir(exist_ok=True)
    return RTServer(home), shared / "seeded.sqlite"


def _make(shared: Path, tickets: int) -> None:
    server = RTServer(shared / "maker")
    server.serve(server.make())
    try:
        client = Client(server.url)
        seed_others(client)
        seed(client, tickets)
        client.close()
    finally:
        server.stop()
    server.save(shared / "half.sqlite").rename(shared / "seeded.sqlite")


def _recipe() -> str:
    """Return a digest of the code that makes the database."""
    recipe = hashlib.blake2s(digest_size=6)
    for name in _RECIPE:
        recipe.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return recipe.hexdigest()
