"""Runs the benchmarks and prints one table: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping

from benchmarks.arena import POSTGRES, SQLITE, Arena, WrongResultError, arena
from benchmarks.loads import full_loads
from benchmarks.processes import FailedRunError
from benchmarks.report import table
from benchmarks.scripts import scripts
from benchmarks.syncs import incremental, memory, quiet, slow_answers
from benchmarks.trackers import trackers

RECORDS, QUICK_RECORDS = 100_000, 20_000
MILLION = 1_000_000


def scenarios(chosen: argparse.Namespace) -> Mapping[str, Callable[[Arena], None]]:
    """Return what each word of --only runs."""
    records, runs = chosen.records, chosen.runs
    large = MILLION if chosen.million else 2 * records
    return {
        "sqlite": lambda arena: full_loads(arena, SQLITE, records=records, runs=runs),
        "postgres": lambda arena: full_loads(arena, POSTGRES, records=records, runs=runs),
        "latency": lambda arena: slow_answers(arena, records=32_000 if chosen.quick else 64_000),
        "memory": lambda arena: memory(arena, records=large),
        "quiet": quiet,
        "incremental": lambda arena: incremental(arena, records=records),
        "trackers": lambda arena: trackers(arena, records=2 * records // 5, runs=max(runs, 3)),
        "scripts": lambda arena: scripts(arena, records=records, runs=runs),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure mirror against its limit and its peers."
    )
    parser.add_argument("--records", type=int, help=f"records of a full load; {RECORDS:,} by default")
    parser.add_argument("--runs", type=int, help="rounds of the full loads; 3 by default")
    parser.add_argument(
        "--only", help="scenarios, separated by commas: sqlite,postgres,latency,memory,quiet,incremental,trackers,scripts"
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_RECORDS:,} records and one round: only a rough idea")
    parser.add_argument("--million", action="store_true", help="measure memory at a million records")
    chosen = parser.parse_args()
    chosen.records = chosen.records or (QUICK_RECORDS if chosen.quick else RECORDS)
    chosen.runs = chosen.runs or (1 if chosen.quick else 3)
    known = list(scenarios(chosen))
    chosen.only = chosen.only.split(",") if chosen.only else known
    if unknown := set(chosen.only) - set(known):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    return chosen


def main() -> int:
    """Run the chosen scenarios; a failed one does not stop the others."""
    chosen, failed = _arguments(), 0
    with arena() as surroundings:
        for name in chosen.only:
            started = time.perf_counter()
            try:
                scenarios(chosen)[name](surroundings)
            except (FailedRunError, WrongResultError) as error:
                failed += 1
                surroundings.notebook.tell(name, "not measured", None, "", str(error).strip().splitlines()[-1])
                print(f"{name}: {error}", file=sys.stderr)
            print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
        path = surroundings.notebook.save({"records": chosen.records, "rounds": chosen.runs, "scenarios": chosen.only})
        print(table(surroundings.notebook.figures))
        print(f"written to {path}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
