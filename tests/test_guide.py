"""docs/adding-a-tracker.md is true: paths and names in it exist, for every tracker, and all of the interface is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from inspect import getsource, signature
from pathlib import Path
from types import ModuleType

import pytest

from mirror.connectors.base import Connector
from mirror.connectors.registry import TRACKERS
from mirror.simulators.base import Scene, Simulator
from mirror.simulators.registry import SIMULATORS, create

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "adding-a-tracker.md").read_text(encoding="utf-8")

SPOKEN_OF = (
    "mirror.connectors.base",
    "mirror.connectors.http",
    "mirror.connectors.registry",
    "mirror.errors",
    "mirror.model.layout",
    "mirror.model.page",
    "mirror.model.part",
    "mirror.model.progress",
    "mirror.model.schema",
    "mirror.model.source",
    "mirror.model.work_item",
    "mirror.model.write",
    "mirror.simulators.base",
    "mirror.simulators.faults",
    "mirror.simulators.registry",
    "mirror.simulators.server",
    "mirror.simulators.traffic",
    "mirror.simulators.rally.scene",
    "mirror.simulators.rally.switches",
    "tests.support.stage",
)
"""Modules whose names stand in the guide without saying where they are from."""

PLACEHOLDERS = {"KIND", "Kind", "TheStage", "VersionOne", "versionone"}
PYTHON = {"None", "str", "list"}
ARGUMENTS = {*signature(create).parameters, *(each.secret for each in SIMULATORS.values())}
WRITTEN = {"source", "id", "_revision", "_changed_at", "_extra", "work_item", "mirror.toml", "Z"}
PROSE = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
SPANS = re.findall(r"`([^`\n]+)`", PROSE)
PATHS = [each for each in SPANS if re.fullmatch(r"[\w./-]+(/|\.py|\.md|\.toml)", each) and each != "mirror.toml"]
NAMES = [each for each in SPANS if re.fullmatch(r"[A-Za-z_]\w*(\.[a-z_]\w*)?", each) and each not in PATHS]


@cache
def modules() -> tuple[ModuleType, ...]:
    return tuple(import_module(each) for each in SPOKEN_OF)


@cache
def members(found: type) -> set[str]:
    """Return the names of everything that a class has: methods, fields, what it announces, and what it sets on itself."""
    set_on_itself = (
        set(re.findall(r"self\.(\w+)(?:: [^=\n]+)? = ", getsource(found))) if found.__module__ in SPOKEN_OF else set()
    )
    announced = {name for each in found.__mro__ for name in vars(each).get("__annotations__", {})}
    own = {each.name for each in fields(found)} if is_dataclass(found) else set()
    return own | announced | set_on_itself | set(dir(found))


def classes() -> Iterator[type]:
    for module in modules():
        yield from (each for each in vars(module).values() if isinstance(each, type))


def exists(name: str) -> bool:
    head, _, tail = name.partition(".")
    if tail:
        return any(tail in members(each) for each in classes() if each.__name__ == head)
    return any(hasattr(module, name) for module in modules()) or any(name in members(each) for each in classes())


@pytest.mark.parametrize("kind", TRACKERS)
def test_every_path_in_the_guide_exists_for_every_tracker(kind: str) -> None:
    assert len(PATHS) > 25
    missing = {each for each in PATHS if not (ROOT / each.replace("KIND", kind)).exists()}
    assert missing == set()


def test_every_name_in_the_guide_exists() -> None:
    assert len(NAMES) > 60
    assert {each for each in NAMES if not exists(each)} - PLACEHOLDERS - PYTHON - WRITTEN - ARGUMENTS - {
        *SIMULATORS["rally"].profiles
    } == set()


def test_guide_explains_every_member_of_the_interface_and_no_other() -> None:
    headings = set(re.findall(r"^### `(\w+)`$", GUIDE, re.MULTILINE))
    announced = {"capabilities", "transport", "learned"}
    assert headings == announced | {name for name in vars(Connector) if name == "__init__" or not name.startswith("_")}


def test_guide_names_what_a_simulator_must_have_of_its_own() -> None:
    for name in ("settings", "Scene.change", "Scene.candidate", "Scene.question"):
        assert f"`{name}`" in GUIDE
        assert name.rpartition(".")[2] in members(Scene if "." in name else Simulator)


def test_every_test_that_the_guide_has_run_selects_something() -> None:
    for path in re.findall(r"\btests/[\w./]+", "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))):
        assert (ROOT / path).exists(), path
