"""What only a real process shows: signals, closed pipes, two at once, a terminal."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest

from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import Process, Run, Terminal


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sync_ends_with_130_and_the_next_one_continues(
    process: Process, run: Run, acme: RallySimulator, number: signal.Signals
) -> None:
    acme.faults.add(Fault("delay", path=r"(?i)/defect\?", seconds=2))
    sync = process("sync")
    wait_until(lambda: bool(acme.requests.select(path="/task")) or len(acme.requests) > 8)
    sync.send_signal(number)
    out, err = sync.communicate(timeout=30)
    assert (sync.returncode, out) == (130, ""), err
    assert "stopped. What was stored is kept, and the next sync continues from there." in err
    assert "Traceback" not in err
    acme.faults.clear()
    assert run("sync").exit_code == 0


def test_a_second_sync_says_who_holds_the_database(process: Process, run: Run, acme: RallySimulator) -> None:
    acme.faults.add(Fault("delay", seconds=1))
    first = process("sync")
    wait_until(lambda: len(acme.requests) > 0)
    second = run("sync")
    assert second.exit_code == 2
    assert f"is being written to by process {first.pid} on " in second.stderr
    assert " since 2" in second.stderr


def test_a_reader_that_goes_away_ends_the_command_quietly(process: Process, run: Run, acme: RallySimulator) -> None:
    run("sync", "--type", "Tag")
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n"
    sql = process("sql", many, "--csv")
    assert sql.stdout is not None
    assert sql.stderr is not None
    assert sql.stdout.readline() == "i\n"
    sql.stdout.close()
    assert sql.wait(timeout=30) == 0
    assert sql.stderr.read() == ""


def test_a_terminal_is_shown_live_progress_and_a_drawn_summary(terminal: Terminal, acme: RallySimulator) -> None:
    code, screen = terminal("sync")
    assert code == 0, screen
    assert re.search(r"acme: loading: \w+ +[━╸╺ ]+ +[\d,]+ of [\d,]+ records +[\d,]+/s, [\d.]+ s left", screen)
    assert re.search(r"│ acme +│ +\d+ │", screen)


def test_a_terminal_is_shown_wide_rows_as_lists(terminal: Terminal, synced: RallySimulator) -> None:
    _code, narrow = terminal("sql", "SELECT id, name FROM rally_tag")
    assert "┃" in narrow
    _code, wide = terminal("sql", "SELECT * FROM rally_defect LIMIT 2")
    assert "┃" not in wide
    assert re.search(r"^formatted_id +DE\d+", wide, re.MULTILINE)
