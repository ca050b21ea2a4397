"""The package as others get it: what is in the wheel, that it works from there, and that versions agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mirror

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built by the project's own build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"import hatchling.build; hatchling.build.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as opened:
        yield opened


def test_wheel_carries_the_migrations_and_the_typing_marker(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if name.startswith("mirror/migrations/")}
    ours = {f"mirror/{path.relative_to(ROOT)}" for path in (ROOT / "migrations").rglob("*.py")}
    assert ours <= shipped
    assert "mirror/py.typed" in wheel.namelist()


def test_wheel_carries_nothing_but_the_package(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0] for name in wheel.namelist()} == {"mirror", f"mirror_tracker-{mirror.__version__}.dist-info"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_wheel_carries_licence_and_readme(wheel: zipfile.ZipFile) -> None:
    metadata = f"mirror_tracker-{mirror.__version__}.dist-info"
    assert f"{metadata}/licenses/LICENSE" in wheel.namelist()
    assert (ROOT / "README.md").read_text().splitlines()[0] in wheel.read(f"{metadata}/METADATA").decode()


def test_package_unpacked_elsewhere_makes_its_own_database(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    (tmp_path / "mirror.toml").write_text(
        '[sources.a]\ntracker = "rally"\nurl = "http://127.0.0.1:1"\nsecret = { env = "NOT_SET" }\n'
    )
    environ = {"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "mirror", "sync"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert "NOT_SET is not set" in done.stderr
    assert done.returncode == 2
    ask = [sys.executable, "-m", "mirror", "sql", "SELECT count(*) AS runs FROM mirror_run", "--csv"]
    asked = subprocess.run(ask, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert asked.stdout.split() == ["runs", "0"], asked.stderr


def test_changelog_begins_with_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == mirror.__version__


def test_licence_is_the_one_that_is_declared() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()


def test_make_without_a_target_lists_the_targets() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "lint", "types", "bench", "docs", "test-slow"):
        assert re.search(rf"^  make {target} ", listed, re.MULTILINE), target


PYTHONS = {
    "too old": ('[ "$1" = --version ] && echo Python 3.9.2; exit 1', "this is Python 3.9.2; name another: make PYTHON="),
    "without venv": ('case "$2" in *ensurepip*) exit 1;; esac', "on Debian: sudo apt install python3-venv"),
}


@pytest.mark.parametrize("target", ["demo", "test"])
@pytest.mark.parametrize("case", PYTHONS)
def test_make_says_what_to_install_when_python_does_not_do(case: str, target: str, tmp_path: Path) -> None:
    script, words = PYTHONS[case]
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    command = ["make", target, f"PYTHON={python}", f"VENV={tmp_path}/venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert words in done.stderr
