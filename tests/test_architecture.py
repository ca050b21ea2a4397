"""The layers of the house: every import of every module is read, type-only and nested ones too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80

# What each part of `mirror` may import of the others. A part that is not here has no place in the house yet.
MAY_IMPORT = {
    "errors": set(),
    "named": set(),
    "model": {"errors"},
    "query": {"model", "errors"},
    "merge": {"model"},
    "credentials": {"errors"},
    "config": {"config_auth", "config_database", "credentials", "model", "errors"},
    "config_auth": {"model", "errors"},
    "config_database": {"errors"},
    "config_edit": {"config", "errors"},
    "config_import": {"config", "config_edit", "credentials", "model", "errors"},
    "connectors": {"query", "model", "named", "errors"},
    "store": {"query", "merge", "model", "named", "errors"},
    "engine": {"store", "connectors", "query", "merge", "model", "errors"},
    "queue_api": {"engine", "store", "connectors", "config", "credentials", "model", "errors"},
    "script": {"queue_api", "engine", "store", "connectors", "config", "query", "model", "errors"},
    "api": {
        *(
            "script",
            "queue_api",
            "engine",
            "store",
            "connectors",
            "config_auth",
            "config_edit",
            "config_import",
            "config",
            "credentials",
            "query",
            "model",
            "errors",
        ),
    },
    "simulators": {"query", "model", "named", "errors"},
    "cli": {"api", "simulators", "model", "named", "errors"},
    "__init__": {"api", "script", "named", "errors"},
    "__main__": {"cli"},
}

# Libraries with one door each: only these files or folders may import them.
ONE_DOOR = {
    "sqlalchemy": ("store/",),
    "alembic": ("store/",),
    "psycopg": ("store/",),
    "sqlite3": ("store/",),
    "requests": ("connectors/http.py", "connectors/signing.py"),
    "urllib3": ("connectors/http.py",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "flask": ("simulators/",),
    "werkzeug": ("simulators/",),
    "platformdirs": ("config.py",),
    "lark": ("connectors/",),
    # Of our own parts named.py loads what a text names; the others ask for a library that is an extra.
    "importlib": ("named.py", "config_auth.py", "credentials.py", "connectors/signing.py", "script/frames.py"),
}

PLACE = re.compile(rf"(?:mirror|{'|'.join(ONE_DOOR)})(\.\w+)+(:[\w.]*)?")
PURE = ("model/", "query/", "merge/")
EFFECTS = {
    *("asyncio", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "platform", "random", "secrets"),
    *("shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading", "time", "urllib", "uuid"),
}
CLOCKS = {"now", "today", "utcnow"}
MOCKS = {"mock", "unittest.mock", "pytest_mock", "responses", "requests_mock", "httpretty", "vcr"}


@dataclass(frozen=True)
class Module:
    """One source file, read."""

    path: Path

    @property
    def place(self) -> str:
        """Its path below `mirror/`, or below the root for a test."""
        base = ROOT / "mirror" if (ROOT / "mirror") in self.path.parents else ROOT
        return self.path.relative_to(base).as_posix()

    @property
    def name(self) -> str:
        """Its dotted name."""
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str:
        """The part of the house it belongs to."""
        return self.place.split("/")[0].removesuffix(".py")

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.path.read_text(encoding="utf-8"))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method."""
        yield from (node for node in self.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of that, in no particular order."""
        return list(ast.walk(self.tree))

    @cached_property
    def imported(self) -> list[str]:
        """The dotted name of everything it imports, wherever in the file, and of what it loads by name."""
        return [name for node in self.nodes for name in self._names(node)] + self.named

    @cached_property
    def named(self) -> list[str]:
        """What texts such as `mirror.api:Mirror` lead to (mirror/named.py), as dotted names."""
        texts = [node.value for node in self.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [text.replace(":", ".").rstrip(".") for text in texts if PLACE.fullmatch(text)]

    @cached_property
    def imported_to_run(self) -> list[str]:
        """The same without what only a type checker reads."""
        return [name for node in _walked_to_run(self.tree) for name in self._names(node)]

    def _names(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{self.place}:{node.lineno}: a relative import"
            return [f"{node.module}.{alias.name}" for alias in node.names]
        return []


def _walked_to_run(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all below it, without blocks that only a type checker reads."""
    if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
        yield node
        for each in ast.iter_child_nodes(node):
            yield from _walked_to_run(each)


HOUSE = [Module(path) for path in sorted((ROOT / "mirror").rglob("*.py"))]
TESTS = [Module(path) for path in sorted((ROOT / "tests").rglob("*.py"))]
NAMES = {module.name for module in HOUSE}


@cache
def own(name: str) -> str:
    """Return the module of ours that an imported name lives in; empty for others' names."""
    while name and name not in NAMES:
        name = name.rpartition(".")[0]
    return name


def belongs(imported: str, library: str) -> bool:
    return imported == library or imported.startswith(f"{library}.")


def test_every_module_has_a_place_in_the_house() -> None:
    assert not [module.place for module in HOUSE if module.part not in MAY_IMPORT]


def test_imports_only_go_downwards() -> None:
    wrong = []
    for module in HOUSE:
        parts = {own(name).split(".")[1] for name in module.imported if own(name).count(".") > 0}
        wrong += [f"{module.place} imports {part}" for part in parts - {module.part} - MAY_IMPORT[module.part]]
    assert not wrong


def test_only_the_registry_knows_a_trackers_folder() -> None:
    kinds = {path.parent.name for path in (ROOT / "mirror" / "connectors").glob("*/__init__.py")}
    assert kinds >= {"rally"}
    wrong = []
    for module in [each for each in HOUSE if each.place != "connectors/registry.py"]:
        here = module.place.split("/")[1] if module.place.startswith("connectors/") else ""
        others = [f"mirror.connectors.{kind}" for kind in kinds - {here}]
        wrong += [f"{module.place} imports {name}" for name in module.imported if any(map(partial(belongs, name), others))]
    assert not wrong


def test_only_the_registry_knows_a_simulators_folder() -> None:
    kinds = {path.parent.name for path in (ROOT / "mirror" / "simulators").glob("*/__init__.py")}
    assert kinds >= {"rally"}
    wrong = []
    for module in [each for each in HOUSE if each.place != "simulators/registry.py"]:
        here = module.place.split("/")[1] if module.place.startswith("simulators/") else ""
        others = [f"mirror.simulators.{kind}" for kind in kinds - {here}]
        wrong += [f"{module.place} imports {name}" for name in module.imported if any(map(partial(belongs, name), others))]
    assert not wrong


def test_each_library_has_one_door() -> None:
    wrong = []
    for module in HOUSE:
        for name in module.imported:
            doors = next((doors for library, doors in ONE_DOOR.items() if belongs(name, library)), ("",))
            if not module.place.startswith(doors):
                wrong.append(f"{module.place} imports {name}, which only {', '.join(doors)} may")
    assert not wrong


def test_pure_parts_have_no_effects() -> None:
    wrong = []
    for module in [each for each in HOUSE if each.place.startswith(PURE)]:
        wrong += [f"{module.place} imports {name}" for name in module.imported if name.split(".")[0] in EFFECTS]
        calls = [node.func for node in module.nodes if isinstance(node, ast.Call)]
        clocks = [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]
        wrong += [f"{module.place} asks a clock: {name}" for name in clocks]
    assert not wrong


def test_no_import_hides_inside_a_function() -> None:
    wrong = []
    for module in HOUSE:
        for function in module.functions():
            nested = [each for each in ast.walk(function) if isinstance(each, ast.Import | ast.ImportFrom)]
            wrong += [f"{module.place}:{each.lineno} in {function.name}" for each in nested]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {module.name: {own(name) for name in module.imported_to_run} - {"", module.name} for module in HOUSE}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for below in graph[name]:
                visit(below, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_every_module_says_what_it_is() -> None:
    assert not [module.place for module in HOUSE if module.tree.body and not ast.get_docstring(module.tree)]


def test_long_modules_say_why() -> None:
    wrong = []
    for module in HOUSE:
        count = module.path.read_text(encoding="utf-8").count("\n")
        explained = " lines" in (ast.get_docstring(module.tree) or "")
        if count > MAX_FILE_LINES and not explained:
            wrong.append(f"{module.place} has {count} lines, and its docstring does not say why")
    assert not wrong


def test_functions_fit_on_a_screen() -> None:
    wrong = []
    for module in HOUSE:
        for function in module.functions():
            count = (function.end_lineno or 0) - function.lineno + 1
            if count > MAX_FUNCTION_LINES:
                wrong.append(f"{module.place}: {function.name} has {count} lines")
    assert not wrong


def test_tests_use_real_parts_and_no_mocks() -> None:
    wrong = [
        f"{module.place} imports {name}"
        for module in TESTS
        for name in module.imported
        if any(belongs(name, library) for library in MOCKS)
    ]
    assert not wrong
