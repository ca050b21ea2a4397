"""A script as a new user would write it, in a process of its own that has no network at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import copyfile, which

import pytest

from mirror.connectors.registry import TRACKERS
from tests.script.conftest import NOBODY, settings

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
import mirror

with mirror.open() as m:
    rally, plan, help = m["rally"], m["versionone"], m["rt"]

    for defect in rally.Defect.find('(State = "Open")').order("Priority,-LastUpdateDate"):
        print(defect.FormattedID, defect.Name, defect.Project.Name, defect.Owner.DisplayName, len(defect.Tasks))
        defect.Notes = "looked at offline"
    story = plan.Story.where(AssetState=64).first()
    print(story.Number, story.Scope.Name, [owner.Name for owner in story.Owners], story.Super.Scope.Name)
    ticket = help.ticket.find("Status = 'open'").first()
    print(ticket.key, ticket.Queue.Name, ticket.Owner.Name, [each.Type for each in ticket.Transactions][:1])

    made = rally.Defect.create(Name="found on the train", Project=defect.Project)
    made.Tags.add(rally.Tag.first())
    made.attach(b"offline", name="train.txt")
    story.Estimate = 3
    ticket.comment("on my way")

with mirror.open() as m:
    print(len(m.changes(["rally"])), len(m.changes(["versionone"])), len(m.changes(["rt"])), "changes wait")
    print(m["rally"].get("NEW-1").Name, "|", m["rally"].Defect.find('Notes = "looked at offline"').count() > 0)
"""

PROOF = """
import socket

try:
    socket.create_connection(("127.0.0.1", 9))
except OSError as error:
    print(error)
"""

GUARD = """
import socket, sys

def refuse(event, arguments):
    family = getattr(arguments[0], "family", None) if arguments else None
    if event.startswith("socket.") and event != "socket.__new__" and family != socket.AF_UNIX:
        raise OSError(f"there is no network: {event}")

sys.addaudithook(refuse)
"""
"""Stands where Python looks for sitecustomize; not everywhere may a process be given an empty network of its own."""


def without_network() -> list[str]:
    """Return what to put before a command for it to have nothing but an idle loopback; nothing where that is not allowed."""
    command = ["unshare", "--map-root-user", "--net"]
    if which("unshare") is None:
        return []
    tried = subprocess.run([*command, "true"], check=False, capture_output=True)
    return command if tried.returncode == 0 else []


def test_a_script_works_without_a_network(trackers_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copyfile(trackers_file, tmp_path / "mirror.db")
    settings(tmp_path, dict.fromkeys(TRACKERS, NOBODY), monkeypatch)
    (tmp_path / "script.py").write_text(SCRIPT + PROOF)
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    environ = {**os.environ, "PYTHONPATH": f"{tmp_path / 'guard'}{os.pathsep}{ROOT}"}
    command = [*without_network(), sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    *defects, story, ticket, waiting, again, network = told
    assert all(each.startswith("DE") for each in defects)
    assert len(defects) > 1
    assert story.startswith("S-")
    assert ticket.startswith("ticket/")
    assert waiting.endswith("1 1 changes wait")
    assert again == "found on the train | True"
    assert network == "there is no network: socket.getaddrinfo"
