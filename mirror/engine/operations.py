"""The tracker's own operations as the catalogue tells them: what they are called, and which arguments they take. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from mirror.engine.validate import article, listed, nearest
from mirror.model.layout import Layout
from mirror.model.schema import RecordType


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on the records of a type.

    Attributes:
        arguments: name -> the type of record that it names; None where the catalogue does not tell them.
    """

    name: str
    arguments: Mapping[str, str] | None = field(default=None)


def operations(record_type: RecordType) -> list[Operation]:
    """Return the operations of a type. Where not one of them tells of arguments, nothing is known of any."""
    parts = [each.split() for each in record_type.operations]
    is_told = any(len(each) > 1 for each in parts)
    return [Operation(name, _pairs(given) if is_told else None) for name, *given in parts]


def operation_called(layout: Layout, text: str) -> Operation:
    """Return the operation of that name, in any case.

    Raises:
        ValueError: there is none; names the nearest, or all.
    """
    known = {each.name.casefold(): each for each in operations(layout.type)}
    found = known.get(text.strip().casefold())
    if found is not None:
        return found
    names = [each.name for each in known.values()]
    near = nearest(text, names)
    there = f"did you mean {listed(near)}? They are {listed(names)}" if near else f"they are {listed(names)}"
    raise ValueError(f"{article(layout.type.name)} has no operation called {text!r}; {there if names else 'it has none'}")


def check_arguments(operation: Operation, given: Mapping[str, str]) -> None:
    """Refuse arguments that the operation does not take, and those that are missing.

    Raises:
        ValueError: one is wrong.
    """
    if operation.arguments is None:
        return
    expected = ", ".join(f"{name}=…" for name in operation.arguments)
    for name in given:
        if name not in operation.arguments:
            near = difflib.get_close_matches(name, operation.arguments, n=1)
            takes = f"it takes {expected}" if expected else "it takes none"
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{operation.name} has no argument called {name!r}; {takes}{hint}")
    if any(not given.get(name, "").strip() for name in operation.arguments):
        raise ValueError(f"{operation.name} needs {expected}")


def _pairs(words: list[str]) -> dict[str, str]:
    return {name: kind for name, _equals, kind in (each.partition("=") for each in words)}
