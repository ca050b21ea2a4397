"""What `mirror stubs` writes tells editors what is there, and is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import mirror
from mirror.cli import cli
from mirror.connectors.registry import TRACKERS

SCRIPT = """
import mirror
from found_types import HierarchicalRequirementRecord, rally

def hours(story: HierarchicalRequirementRecord) -> float:
    return sum(task.ToDo or 0 for task in story.Tasks)

with mirror.open() as m:
    for story in rally(m).Story.where(Blocked=False).order("-FormattedID")[:3]:
        name: str | None = story.Owner.DisplayName
        hours(story)
        story.Name = "new"
        story.FormattedID = "US1"  # no
    feature = rally(m)["PortfolioItem/Feature"].first()
    if feature is not None:
        feature.Owner = "Ann"
        feature.Owner = 3.5  # no
        feature.Nonsense = 1
    tag: str = rally(m).Tag("urgent").Name  # no
"""


def seen(view: mirror.SourceView) -> dict[str, Any]:
    """Return what a type checker sees in the module of a source."""
    names: dict[str, Any] = {"__name__": "found_types"}
    text = view.stubs().replace("if TYPE_CHECKING:", "if True:", 1)
    exec(compile(text, "found_types.py", "exec"), names)
    return names


@pytest.mark.parametrize("kind", TRACKERS)
def test_every_type_and_every_field_is_described_by_names_that_are_there(m: mirror.Mirror, kind: str) -> None:
    source, names = m[kind], seen(m[kind])
    classes = [each for each in names.values() if isinstance(each, type)]
    for type_name in source.types():
        table = source[type_name].layouts[0].table
        (described,) = (each for each in classes if (each.__doc__ or "").endswith(f": the table {table}."))
        record = source[type_name].first()
        for name, kinds in described.__annotations__.items():
            assert eval(kinds, names).__origin__ is names["_Field"]
            if record is not None:
                getattr(record, name)
    (view,) = (each for each in classes if issubclass(each, mirror.SourceView) and each is not mirror.SourceView)
    for name, each in vars(view).items():
        if isinstance(each, property):
            assert eval(each.fget.__annotations__["return"], names).__origin__ is mirror.Records
            assert len(getattr(source, name).layouts) == 1


def test_types_references_and_collections_have_the_names_that_scripts_use(m: mirror.Mirror) -> None:
    text = m["rally"].stubs()
    assert "def Story(self) -> mirror.Records[HierarchicalRequirementRecord]" in text
    assert 'Literal["PortfolioItem/Feature"]) -> mirror.Records[PortfolioItemFeatureRecord]' in text
    assert "        Tasks: _Field[mirror.Items[TaskRecord], Iterable[object]]\n" in text
    assert '        State: _Field[str | None, str | None]\n        """Submitted, Open, Fixed, Closed"""\n' in text
    assert "        FormattedID: _Field[str | None, Never]\n" in text
    story = m["rally"].Story.first()
    assert story is not None
    assert {"Tasks", "Tags", "Name", "comment"} <= set(dir(story))


def test_the_command_prints_the_module_of_one_source(m: mirror.Mirror, tmp_path: Path) -> None:
    def call(*arguments: str) -> Any:
        return CliRunner().invoke(cli, ["--config", str(tmp_path / "mirror.toml"), "stubs", *arguments])

    text = call("rt").stdout
    assert text == m["rt"].stubs()
    names: dict[str, Any] = {}
    exec(text, names)
    assert names["rt"](m).ticket.count() == m["rt"].ticket.count()
    refused = call()
    assert (refused.exit_code, refused.stderr) == (2, f"mirror: say which source: {', '.join(TRACKERS)}\n")


@pytest.mark.slow
def test_a_type_checker_finds_what_is_wrong_and_nothing_else(m: mirror.Mirror, tmp_path: Path) -> None:
    (tmp_path / "found_types.py").write_text(m["rally"].stubs())
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "script.py", "found_types.py"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    wrong = [number for number, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith("# no")]
    assert [int(line.split(":")[1]) for line in told.stdout.splitlines()] == wrong, told.stdout
