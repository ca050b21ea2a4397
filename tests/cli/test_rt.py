"""The command line on a real Request Tracker."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Run
from tests.support.rt.configuration import PASSWORDS
from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.provision import provide
from tests.support.rt.server import RTServer


@pytest.fixture(scope="module")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RTServer]:
    """A running server with some tickets."""
    if not installed():
        pytest.skip(HOW_TO_INSTALL)
    server, seeded = provide(tmp_path_factory.mktemp("rt"))
    server.serve(seeded)
    yield server
    server.stop()


def test_a_real_rt_is_checked_mirrored_and_asked(rt: RTServer, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELP_SECRET", PASSWORDS["root"])
    added = run(
        *("add", "help", "--tracker", "rt", "--url", rt.url, "--queues", "General"),
        *("--user", "root", "--secret-env", "HELP_SECRET"),
    )
    assert added.exit_code == 0, added.stderr
    checked = run("check")
    assert checked.exit_code == 0, checked.stdout
    assert "help: ok  version: RT 5" in checked.stdout
    (first,) = json.loads(run("sync", "--json").stdout)
    assert (first["exit_code"], first["inserted"] > 0) == (0, True)
    (second,) = json.loads(run("sync", "--json").stdout)
    assert (second["exit_code"], second["inserted"], second["updated"]) == (0, 0, 0)
    asked = run("sql", "SELECT DISTINCT queue_name FROM rt_ticket", "--json")
    assert asked.stdout == '{"queue_name": "General"}\n'
