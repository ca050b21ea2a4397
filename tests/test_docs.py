"""The documentation is complete and true: commands, options, settings, errors, answers of recipes, and sessions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import (
    RECIPE,
    RECIPE_FILES,
    SESSION,
    SESSION_FILES,
    command_reference,
    recipe_mirror,
    replayed,
    session_mirror,
    with_answers,
)
from mirror import errors
from mirror.api import TRACKERS
from mirror.cli import cli
from mirror.config import SOURCE_KEYS, TOP_KEYS, parse
from mirror.credentials import Place
from mirror.simulators.registry import SIMULATORS
from mirror.store.store import Store

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}


def commands(command: click.Command = cli) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from commands(each)


def test_command_reference_is_up_to_date() -> None:
    assert DOCS["cli.md"] == command_reference(), "run: make docs"


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.name)
def test_every_command_and_option_explains_itself(command: click.Command) -> None:
    assert command.help
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None), option.name


@pytest.mark.parametrize("command", [each for each in commands() if not isinstance(each, click.Group)])
def test_every_command_teaches_with_examples(command: click.Command) -> None:
    assert "Examples:\n" in (command.help or "")


def test_every_settings_key_is_documented() -> None:
    own = [key for tracker in TRACKERS.values() for key in tracker.scope]
    for key in (*TOP_KEYS, *SOURCE_KEYS, *own, *Place):
        assert f"| `{key}` |" in DOCS["settings.md"] or f"`{{ {key} = " in DOCS["settings.md"], key


@pytest.mark.parametrize("text", [README, *DOCS.values()], ids=["README.md", *DOCS])
def test_every_settings_file_shown_is_valid(text: str) -> None:
    keys = {kind: tracker.scope for kind, tracker in TRACKERS.items()}
    for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        assert parse(example, keys, where="example", folder=Path("/")).sources or "[sources" not in example


@pytest.mark.parametrize("kind", TRACKERS)
def test_every_tracker_is_documented(kind: str) -> None:
    title = SIMULATORS[kind].title
    assert f"\n## {title}\n" in DOCS["trackers.md"]
    assert title in README
    assert f'tracker = "{kind}"' in re.sub(" +", " ", README), "no example of a source"


def test_every_error_is_documented_with_its_exit_code() -> None:
    for name, each in inspect.getmembers(errors, inspect.isclass):
        if issubclass(each, errors.MirrorError):
            assert f"| {each.exit_code} | `{name}` |" in DOCS["errors.md"], name


def test_every_command_in_the_documentation_exists() -> None:
    known = {name for each in commands() if isinstance(each, click.Group) for name in each.commands}
    for text in (README, *DOCS.values()):
        for block in re.findall(r"```(?:sh|text|console)?\n(.*?)```", text, re.DOTALL):
            for name in re.findall(r"^(?:\$ )?mirror (\w+)", block, re.MULTILINE):
                assert name in known, name


def test_every_link_inside_the_documentation_leads_somewhere() -> None:
    for folder, text in [(ROOT, README), *[(ROOT / "docs", text) for text in DOCS.values()]]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (folder / target).exists(), target


@pytest.mark.parametrize("name", RECIPE_FILES)
def test_readme_and_recipes_have_five_recipes_each(name: str) -> None:
    assert len(RECIPE.findall((ROOT / name).read_text(encoding="utf-8"))) >= 5


def test_recipes_print_what_is_written_below_them(database_url: str, tmp_path: Path) -> None:
    with recipe_mirror(database_url, tmp_path) as ask:
        for name in RECIPE_FILES:
            text = (ROOT / name).read_text(encoding="utf-8")
            assert with_answers(text, ask) == text, "run: make docs"


def test_sessions_go_as_they_are_written(tmp_path: Path) -> None:
    with session_mirror(tmp_path) as play:
        for name in SESSION_FILES:
            text = (ROOT / name).read_text(encoding="utf-8")
            assert SESSION.search(text)
            assert replayed(text, play) == text, "run: make docs"


def test_the_recipe_page_explains_every_column_of_the_view(database_url: str, tmp_path: Path) -> None:
    with Store.open(database_url) as store:
        store.show_work_items("acme", url="", states={})
        with store.read("SELECT * FROM work_item") as view:
            explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", DOCS["recipes.md"], re.MULTILINE)))
            assert explained == list(view.columns)
