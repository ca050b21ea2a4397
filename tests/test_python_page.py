"""docs/python.md is true: its examples run, in order, against a mirror of a simulated Rally."""

from __future__ import annotations

import re
from pathlib import Path
from types import FunctionType

import pytest

from mirror.script import Items, Record, Records, Scripting, SourceView, Watching
from tests.script.conftest import Opening, desk, online

__all__ = ["desk", "online"]

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NOUNS = (SourceView, Records, Record, Items)


def test_the_examples_run(online: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert len(EXAMPLES) > 6
    for example in EXAMPLES:
        exec(compile(example, "docs/python.md", "exec"), names)
    assert "adopted" in PAGE


@pytest.mark.parametrize("noun", NOUNS)
def test_every_method_of_the_nouns_is_on_the_page(noun: type) -> None:
    methods = [name for name, each in vars(noun).items() if name[0] != "_" and isinstance(each, FunctionType | property)]
    assert [name for name in methods if not re.search(rf"\b{name}\b", PAGE)] == []


def test_what_a_session_does_is_on_the_page() -> None:
    assert all(
        f"m.{name}(" in PAGE
        for name in (*vars(Scripting), *vars(Watching))
        if not name.startswith("_") and name not in ("close", "discard")
    )
