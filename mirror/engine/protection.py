"""What the settings protect from being changed: such changes are refused when they are made, and never pushed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from mirror.engine.operations import operations
from mirror.engine.validate import listed, nearest
from mirror.errors import UsageError
from mirror.model.change import Action, Change
from mirror.model.layout import Layout


def protected_by(protect: Sequence[str], type_name: str, action: Action, field: str = "") -> str | None:
    """Return the first entry of `protect` that forbids this; None when none does.

    An entry is `Type`, `Type.action` or `Type.Field`, in any case, with `*` for every type, action and field. Actions are
    the words of model.change.Action; an operation of the tracker's own counts as a field.

    Args:
        action: CREATE for every value that a new record is made with, since nothing that exists is changed by it.
    """
    wanted = {"*", action.lower(), *([field.lower()] if field else [])}
    for each in protect:
        of_type, dot, what = each.lower().partition(".")
        if of_type in ("*", type_name.lower()) and (not dot or what in wanted):
            return each
    return None


def check_entries(protect: Sequence[str], layouts: Collection[Layout]) -> None:
    """Make sure that every entry protects something: a type, and an action, a field or an operation of it.

    Raises:
        UsageError: one does not; names what is near to it.
    """
    for each in protect:
        of_type, dot, what = each.partition(".")
        types = [one for one in layouts if of_type == "*" or one.type.name.casefold() == of_type.casefold()]
        if not types:
            known = {one.type.name for one in layouts}
            raise UsageError(f'protect = ["{each}"] in mirror.toml protects nothing: {_unknown("type", of_type, known)}')
        known = {name for one in types for name in _protectable(one)}
        if dot and what.casefold() not in {"*", *map(str.casefold, known)}:
            raise UsageError(
                f'protect = ["{each}"] in mirror.toml protects nothing: {_unknown("field or action", what, known)}'
            )


def _protectable(layout: Layout) -> Iterator[str]:
    yield from (each.value for each in Action)
    yield from (each.name for each in layout.type.fields)
    yield from (each.name for each in operations(layout.type))


def _unknown(kind: str, name: str, known: Collection[str]) -> str:
    near = nearest(name, sorted(known))
    return f"there is no {kind} {name!r}{f'; did you mean {listed(near)}?' if near else ''}"


def refuse_protected(protect: Sequence[str], type_name: str, action: Action, field: str = "") -> None:
    """Make sure that the settings let this be done.

    Raises:
        UsageError: they do not.
    """
    entry = protected_by(protect, type_name, action, field)
    if entry is not None:
        raise UsageError(f"{_subject(type_name, field)}: {reason(entry)}")


def reason(entry: str) -> str:
    """Return why a change waits that this entry forbids."""
    return f'protected by protect = ["{entry}"] in mirror.toml'


def forbids(protect: Sequence[str], change: Change) -> str | None:
    """Return the entry that forbids a change of the queue; None when none does."""
    action = Action.CREATE if change.record_id < 0 else change.action
    return protected_by(protect, change.type_name, action, change.field)


def _subject(type_name: str, field: str) -> str:
    return f"{type_name}.{field}" if field else type_name
