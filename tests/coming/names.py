"""What a toolkit offers, read from its source: classes, methods, attributes, functions, constants, and options of calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

KEYWORDS = ("kwargs", "kw", "wherekw", "updatelist", "newdata")
"""What toolkits call the rest of the keyword arguments."""

_LIKE_MODULE = (ast.If, ast.Try)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def installed(package: str) -> set[str]:
    """Return the public names of an installed package; it is not imported.

    A method is `Class.method`, an option `name=`, whatever it is an option of. Names that begin with an underscore are not
    public, and neither are tests that a package carries inside its modules.
    """
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None, f"{package} is not installed"
    files = [file for place in spec.submodule_search_locations for file in sorted(Path(place).glob("*.py"))]
    return {name for file in files for name in offered(file.read_text(encoding="utf-8"))}


def offered(source: str) -> set[str]:
    """Return the public names of a module."""
    tree = ast.parse(source)
    return {*_of_module(tree.body), *_keyword_options(tree)}


def _of_module(body: list[ast.stmt]) -> Iterator[str]:
    for each in body:
        if isinstance(each, _LIKE_MODULE):
            yield from _of_module([*each.body, *each.orelse])
        elif isinstance(each, ast.ClassDef) and not _is_test(each):
            yield from _of_class(each, "")
        elif isinstance(each, _FUNCTIONS) and not each.name.startswith("_"):
            yield each.name
            yield from _options(each)
        else:
            yield from _assigned(each)


def _of_class(found: ast.ClassDef, outer: str) -> Iterator[str]:
    if found.name.startswith("_"):
        return
    name = f"{outer}{found.name}"
    yield name
    for each in found.body:
        if isinstance(each, ast.ClassDef):
            yield from _of_class(each, f"{name}.")
        elif isinstance(each, _FUNCTIONS):
            yield from (f"{name}.{attribute}" for attribute in _set_on_itself(each))
            if not each.name.startswith("_"):
                yield f"{name}.{each.name}"
            if not each.name.startswith("_") or each.name == "__init__":
                yield from _options(each)
        else:
            yield from (f"{name}.{attribute}" for attribute in _assigned(each))


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        for each in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(each, ast.Name) and not each.id.startswith("_"):
                yield each.id


def _set_on_itself(method: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for each in ast.walk(method):
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and not each.attr.startswith("_"):
            yield from [each.attr] if isinstance(each.value, ast.Name) and each.value.id == "self" else []


def _options(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    arguments = function.args
    optional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    yield from (f"{each.arg}=" for each in [*optional, *arguments.kwonlyargs] if not each.arg.startswith("_"))


def _keyword_options(tree: ast.Module) -> Iterator[str]:
    """Yield the options that functions look for in the rest of their keyword arguments."""
    for each in ast.walk(tree):
        looked_for: ast.expr | None = None
        if isinstance(each, ast.Subscript) and _is_keywords(each.value):
            looked_for = each.slice
        elif isinstance(each, ast.Compare) and isinstance(each.ops[0], ast.In) and _is_keywords(each.comparators[0]):
            looked_for = each.left
        elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and _is_keywords(each.func.value):
            looked_for = each.args[0] if each.func.attr == "get" else None
        if isinstance(looked_for, ast.Constant) and not str(looked_for.value).startswith("_"):
            yield f"{looked_for.value}="


def _is_keywords(found: ast.expr) -> bool:
    return isinstance(found, ast.Name) and found.id in KEYWORDS


def _is_test(found: ast.ClassDef) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "TestCase" for each in found.bases)
