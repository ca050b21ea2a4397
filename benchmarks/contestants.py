"""The programs that are compared: how each is started on a feed and a database, and what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.processes import Outcome, module, run
from benchmarks.records import WORKSPACE
from benchmarks.shape import TYPE_NAME
from benchmarks.tables import TABLE

SECRET = "MIRROR_BENCH_SECRET"
IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class Contestant:
    """One program.

    Attributes:
        start: runs it once; gets the feed's address, the database and an empty folder.
        share: it loads records divided by this; slow ones load fewer and are compared by rate.
        table: where its rows can be counted.
    """

    name: str
    start: Callable[[str, str, Path], Outcome]
    table: Mapping[str, str] = field(default_factory=lambda: {"sqlite": TABLE, "postgres": TABLE})
    share: int = 1


@dataclass(frozen=True, slots=True)
class Tracker:
    """What mirror is pointed at.

    Attributes:
        settings: what leads to it in mirror.toml, the secret apart.
    """

    settings: Mapping[str, object]
    secret: str = "_bench"
    types: str = "*"


def feed_at(url: str) -> Tracker:
    """Return the feed of Rally stories as a tracker; it takes any secret."""
    return Tracker({"tracker": "rally", "url": url, "workspace": WORKSPACE}, types=TYPE_NAME)


def mirror_sync(folder: Path, database: str, tracker: Tracker, *options: str, concurrency: int = IN_FLIGHT) -> Outcome:
    """Run `mirror sync` with a settings file in `folder`."""
    path = folder / "mirror.toml"
    lines = [f'database = "{database}"', "", "[sources.bench]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in tracker.settings.items()]
    lines += [f'types = ["{tracker.types}"]', f"concurrency = {concurrency}", f'secret = {{ env = "{SECRET}" }}']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = module("mirror", "--config", str(path), "sync", *options)
    return run(command, folder=folder, environment={SECRET: tracker.secret})


def _mirror(url: str, database: str, folder: Path) -> Outcome:
    return mirror_sync(folder, database.replace("postgresql://", "postgresql+psycopg://"), feed_at(url))


def _by_hand(name: str) -> Callable[[str, str, Path], Outcome]:
    return lambda url, database, _folder: run(module(f"benchmarks.{name}", url, database))


def _dlt(way: str) -> Contestant:
    def start(url: str, database: str, _folder: Path) -> Outcome:
        return run(module("benchmarks.peers", way, url, database))

    return Contestant(f"dlt {way}", start, {"sqlite": "story", "postgres": "peer.story"}, share=5)


MIRROR = Contestant("mirror", _mirror)
LIMIT = Contestant("limit", _by_hand("limit"))
FLOOR = Contestant("floor", _by_hand("floor"))
PEERS = (_dlt("flat"), _dlt("arrow"), _dlt("rest_api"))
ALL = (LIMIT, MIRROR, FLOOR, *PEERS)
