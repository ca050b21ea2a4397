"""Describes the types of a source to editors and type checkers: a Python module whose classes exist for them alone."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from mirror.errors import UnknownTypeError
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.script.home import Home
from mirror.script.record import Record

_HEAD = '''"""The types of {source}, for editors and type checkers; written by `mirror stubs {source}`.

Write it again when a sync has found new types or fields. A reference is typed as what it leads to, though it may lead to
nothing: then it is falsy. When the script runs, there is nothing in here but the function at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import mirror

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from decimal import Decimal
    from typing import Any, Generic, Literal, Never, Self, TypeVar, overload

    _Got = TypeVar("_Got", covariant=True)
    _Given = TypeVar("_Given", contravariant=True)

    class _Field(Generic[_Got, _Given]):
        """What a field gives, and what can be assigned to it."""

        @overload
        def __get__(self, record: None, owner: type, /) -> Self: ...
        @overload
        def __get__(self, record: object, owner: type, /) -> _Got: ...
        def __get__(self, record: object, owner: type, /) -> Any: ...
        def __set__(self, record: object, value: _Given, /) -> None: ...
'''

_TAIL = '''

def {function}(m: mirror.Mirror) -> {view}:
    """Return the source {source} of a mirror, with its types."""
    return cast("{view}", m["{source}"])
'''

_PLAIN: Mapping[Kind, tuple[str, str]] = {
    Kind.TEXT: ("str | None", "str | None"),
    Kind.INTEGER: ("int | None", "int | str | None"),
    Kind.NUMERIC: ("float | None", "float | Decimal | str | None"),
    Kind.BOOLEAN: ("bool | None", "bool | str | None"),
    Kind.TIMESTAMP: ("datetime | None", "datetime | str | None"),
    Kind.DATE: ("date | None", "date | str | None"),
    Kind.JSON: ("Any", "Any"),
}
"""What fields with one plain value give, see `script.values`, and take, see `engine.edit`. A number is no Decimal here."""

_FEW = 12
_TAKEN = frozenset({"mirror", "annotations", "cast"})


def stubs(home: Home, taken: Collection[str]) -> str:
    """Return the text of the module.

    Args:
        taken: what sources have anyway; a type of such a name is had by `acme["…"]` alone.
    """
    classes = _classes(home)
    view = f"{_camel(home.source)}Source"
    lines = [_HEAD.format(source=home.source)]
    for name in sorted(home.layouts):
        lines += ["", *_record(home, home.layouts[name], classes)]
    lines += ["", *_view(home, view, classes, taken)]
    return "\n".join(lines) + "\n" + _TAIL.format(source=home.source, view=view, function=_function(home.source))


def _classes(home: Home) -> dict[str, str]:
    """Return type name -> name of its class; no two are the same."""
    found: dict[str, str] = {}
    for name in sorted(home.layouts):
        wanted = f"{_camel(name)}Record"
        while wanted in found.values():
            wanted += "_"
        found[name] = wanted
    return found


def _record(home: Home, layout: Layout, classes: Mapping[str, str]) -> Iterator[str]:
    shape = home.shape(layout.type.name)
    yield f"    class {classes[layout.type.name]}(mirror.Record):"
    yield f'        """{_said(layout.type.display_name or layout.type.name)}: the table {layout.table}."""'
    yield ""
    for each in layout.type.fields:
        if _is_new(each.name):
            got, given = _types(home, each, classes)
            yield f"        {each.name}: _Field[{got}, {'Never' if each.read_only else given}]"
            if values := [value for value in each.allowed_values if value]:
                yield f'        """{_said(", ".join(values[:_FEW]))}{", …" if len(values) > _FEW else ""}"""'
    for name, targets in shape.collections().items():
        if _is_new(name) and layout.type.field(name) is None:
            yield f"        {name}: _Field[mirror.Items[{_item(targets, classes)}], Iterable[object]]"


def _view(home: Home, view: str, classes: Mapping[str, str], taken: Collection[str]) -> Iterator[str]:
    yield f"    class {view}(mirror.SourceView):"
    yield f'        """The source {home.source}."""'
    yield ""
    for called, name in sorted(_called(home, taken).items()):
        yield "        @property"
        yield f"        def {called}(self) -> mirror.Records[{classes[name]}]: ..."
    for name in sorted(home.layouts):
        yield "        @overload"
        yield f'        def __getitem__(self, name: Literal["{name}"]) -> mirror.Records[{classes[name]}]: ...'
    yield "        @overload"
    yield "        def __getitem__(self, name: str) -> mirror.Records: ..."
    yield "        def __getitem__(self, name: str) -> mirror.Records[Any]: ..."


def _called(home: Home, taken: Collection[str]) -> dict[str, str]:
    """Return name -> type name, for names that mean one type and may stand behind a dot: `Defect`, `Story`, `Feature`."""
    found = {name: name for name in home.layouts if _is_word(name)}
    for name, layout in home.layouts.items():
        words = layout.type.display_name.split() or [""]
        for called in (name.rpartition("/")[2], "".join(words), words[-1]):
            if _is_word(called) and called not in found and _means(home, called) == name:
                found[called] = name
    return {called: name for called, name in found.items() if called not in taken}


def _means(home: Home, called: str) -> str | None:
    try:
        meant = home.types(called)
    except UnknownTypeError:
        return None
    return meant[0].type.name if len(meant) == 1 else None


def _types(home: Home, described: Field, classes: Mapping[str, str]) -> tuple[str, str]:
    """Return what a field gives, and what it takes."""
    if described.kind is Kind.VALUES:
        return "mirror.Items[str]", "Iterable[object]"
    targets = home.candidates(described)
    is_known = bool(targets) and all(
        each in home.layouts or home.language.types(each, home.layouts) for each in described.targets
    )
    item = _item(targets, classes) if is_known else "Any"
    if described.kind is Kind.LINKS:
        return f"mirror.Items[{item}]", "Iterable[object]"
    if described.kind is Kind.REFERENCE:
        return item, "mirror.Record | str | int | None"
    return _PLAIN[described.kind]


def _item(targets: Sequence[str], classes: Mapping[str, str]) -> str:
    """Return what a record of one of these types is; of several types any record, which has any name."""
    return classes[targets[0]] if len(targets) == 1 else "mirror.Record"


def _is_new(name: str) -> bool:
    """Return whether a field may stand behind a dot, and is not what records have anyway."""
    return _is_word(name) and not hasattr(Record, name)


def _is_word(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")


def _camel(name: str) -> str:
    """Return `PortfolioItemFeature` of `PortfolioItem/Feature`, `MyRally` of `my-rally`."""
    words = "".join(f"{each[:1].upper()}{each[1:]}" for each in re.split(r"\W+|_", name))
    return words if words.isidentifier() else f"The{words}"


def _function(source: str) -> str:
    name = re.sub(r"\W", "_", source)
    return name if _is_word(name) and name not in _TAKEN else f"source_{name}"


def _said(text: str) -> str:
    """Return a text as it may stand in a docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
