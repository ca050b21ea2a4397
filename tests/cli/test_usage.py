"""Wrong calls and wrong settings: one sentence, the right exit code, and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

import mirror
from mirror.cli.errors import report
from tests.cli.conftest import Run

SOURCE = '[sources.acme]\ntracker = "rally"\nurl = "http://127.0.0.1:1"\nsecret = { env = "ACME_KEY" }\n'


def test_help_teaches_the_way_in(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("mirror add", "mirror check", "mirror sync", "mirror sql", "Exit codes"):
        assert word in result.stdout


def test_version_is_the_packages(run: Run) -> None:
    assert run("--version").stdout == f"mirror, version {mirror.__version__}\n"


CALLS = {
    "an unknown command": (["snyc"], 2, "No such command 'snyc'"),
    "an unknown option": (["sync", "--fulll"], 2, "--full"),
    "no source at all": (["sync"], 2, "no source is configured; add one with: mirror add"),
    "a settings file that is not there": (["--config", "gone.toml", "sync"], 2, "gone.toml: there is no such settings file"),
    "the same, after the command": (["sync", "--config", "gone.toml"], 2, "gone.toml: there is no such settings file"),
    "a database of another make": (["sources", "--database", "mysql://h/d"], 2, "expected sqlite:///FILE"),
    "two formats": (["sql", "SELECT 1", "--json", "--csv"], 2, "--json or --csv, not both"),
    "a query without a database": (["sql", "SELECT 1"], 5, "mirror.db"),
    "adding without saying what": (["add", "acme"], 2, "missing: --tracker"),
    "adding without an address": (["add", "acme", "--tracker", "rally"], 2, "missing: --url"),
    "adding without a secret": (
        ["add", "acme", "--tracker", "rally", "--url", "http://h"],
        2,
        "missing: one of --secret-env, --secret-command, --secret-keyring, --secret-file",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_wrong_call_is_one_sentence_and_an_exit_code(run: Run, case: str) -> None:
    arguments, code, words = CALLS[case]
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


CONFIGURED = {
    "an unknown source": (["sync", "acne"], 2, "no source called 'acne'; configured: acme"),
    "an unknown source to check": (["check", "acne"], 2, "no source called 'acne'"),
    "a type of a source never synced": (["schema", "Defect"], 2, "no record type called 'Defect'"),
    "saying yes to no push": (["sync", "--yes"], 2, "--yes only says how much to push; add --push"),
}


@pytest.mark.parametrize("case", CONFIGURED)
def test_a_call_that_cannot_be_carried_out_says_why(run: Run, folder: Path, case: str) -> None:
    (folder / "mirror.toml").write_text(SOURCE)
    arguments, code, words = CONFIGURED[case]
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_literal_secret_in_the_settings_is_refused_and_not_shown(run: Run, folder: Path) -> None:
    (folder / "mirror.toml").write_text(SOURCE.replace('{ env = "ACME_KEY" }', '"hunter2"'))
    result = run("sync", "--debug")
    assert result.exit_code == 2
    assert "sources.acme.secret: a secret itself does not belong in this file" in result.stderr
    assert "hunter2" not in result.output


def test_a_secret_that_is_not_there_is_named_by_its_place(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mirror.toml").write_text(SOURCE)
    monkeypatch.delenv("ACME_KEY")
    result = run("sync")
    assert result.exit_code == 2
    assert "sources.acme.secret: the environment variable ACME_KEY is not set" in result.stderr


def test_debug_shows_the_traceback_and_its_absence_does_not(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mirror.toml").write_text("nonsense")
    assert "Traceback" not in run("sources").stderr
    assert "Traceback" in run("sources", "--debug").stderr
    monkeypatch.setenv("MIRROR_DEBUG", "1")
    assert "Traceback" in run("sources").stderr


def test_a_bug_is_called_one_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KeyError("hunter2"), debug=False) == 1
    said = capsys.readouterr().err
    assert said.startswith("mirror: this is a bug in mirror: KeyError; run it again with --debug")
    assert "hunter2" not in said


@pytest.mark.slow  # all the waits between the tries
def test_a_tracker_that_is_not_there_is_said_to_be_so(run: Run, folder: Path) -> None:
    (folder / "mirror.toml").write_text(SOURCE)
    result = run("sync")
    assert result.exit_code == 3
    assert "http://127.0.0.1:1 cannot be reached" in result.stderr
