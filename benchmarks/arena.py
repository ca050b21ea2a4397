"""Everything a scenario needs around it: the feed, the databases, and a folder; and the record of what was measured."""

from __future__ import annotations

import json
import platform
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.processes import FeedAddress, Outcome, ask, feed, served

RESULTS = Path(__file__).resolve().parent / "results"
POSTGRES = "postgres"
SQLITE = "sqlite"


class WrongResultError(Exception):
    """A program left another number of rows than it was given records."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result.

    Attributes:
        value: None when it could not be measured; `note` then says why.
        target: what is wanted, in words; empty for a figure that is only told.
        met: None when there is no target.
    """

    scenario: str
    name: str
    value: float | None
    unit: str
    target: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(slots=True)
class Notebook:
    """Keeps figures and single runs; `save` appends them to a file of JSON lines."""

    figures: list[Figure] = field(default_factory=list)
    runs: list[dict[str, object]] = field(default_factory=list)

    def run(self, scenario: str, program: str, outcome: Outcome, **more: object) -> None:
        """Note one run of one program."""
        kept = asdict(outcome)
        del kept["output"]
        self.runs.append({"scenario": scenario, "program": program, **kept, **more})

    def at_least(self, scenario: str, name: str, value: float, wanted: float, note: str = "") -> None:
        """Note a ratio that should not be smaller than `wanted`."""
        self.figures.append(Figure(scenario, name, value, "x", f">= {wanted:g}", value >= wanted, note))

    def at_most(self, scenario: str, name: str, value: float, wanted: float, unit: str, note: str = "") -> None:
        """Note a figure that should not be larger than `wanted`."""
        self.figures.append(Figure(scenario, name, value, unit, f"<= {wanted:g}", value <= wanted, note))

    def tell(self, scenario: str, name: str, value: float | None, unit: str, note: str = "") -> None:
        """Note a figure without a target."""
        self.figures.append(Figure(scenario, name, value, unit, note=note))

    def save(self, settings: dict[str, object]) -> Path:
        """Write everything to a new file below `results/` and return its path."""
        RESULTS.mkdir(exist_ok=True)
        now = datetime.now(UTC)
        path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.jsonl"
        head = {"at": now.isoformat(), "python": platform.python_version(), "machine": platform.machine(), **settings}
        lines = [{"kind": "head", **head}]
        lines += [{"kind": "run", **each} for each in self.runs]
        lines += [{"kind": "figure", **asdict(each)} for each in self.figures]
        path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
        return path


@dataclass(slots=True)
class Arena:
    """The surroundings of one whole run."""

    feed: FeedAddress
    notebook: Notebook
    folder: Path
    stack: ExitStack
    _postgres: subprocess.Popen[str] | None = None
    _made: int = 0

    @contextmanager
    def fresh_folder(self) -> Iterator[Path]:
        """Yield an empty folder that is removed afterwards."""
        self._made += 1
        folder = self.folder / str(self._made)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def fresh_database(self, kind: str, folder: Path) -> str:
        """Return the address of an empty database; SQLite's file lies in `folder`."""
        if kind == SQLITE:
            return f"sqlite:///{folder / 'bench.db'}"
        return str(ask(self._server(), {"do": "fresh"}))

    def count(self, database: str, tables: Sequence[str]) -> list[int]:
        """Return how many rows each table has."""
        if database.startswith("sqlite"):
            with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection:
                return [connection.execute(f"SELECT count(*) FROM {each}").fetchone()[0] for each in tables]
        return list(ask(self._server(), {"do": "count", "database": database, "tables": list(tables)}))

    def expect(self, database: str, table: str, records: int) -> None:
        """Look whether the table has that many rows.

        Raises:
            WrongResultError: it has not.
        """
        found = self.count(database, [table])[0]
        if found != records:
            raise WrongResultError(f"{table} has {found} rows instead of {records}")

    def _server(self) -> subprocess.Popen[str]:
        if self._postgres is None:
            self._postgres, _ = self.stack.enter_context(served("benchmarks.postgres"))
        return self._postgres


@contextmanager
def arena() -> Iterator[Arena]:
    """Start the feed and yield everything; the database server starts when it is first wanted."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mirror-bench-")))
        yield Arena(stack.enter_context(feed()), Notebook(), folder, stack)
