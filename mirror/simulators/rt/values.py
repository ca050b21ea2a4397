"""Writing custom fields: what changes, what is refused, and what RT says about it. rt.md §6.3"""

from __future__ import annotations

import base64
from typing import Any

from mirror.simulators.rt import fields
from mirror.simulators.rt.columns import LOOKUPS
from mirror.simulators.rt.dates import local_words
from mirror.simulators.rt.fields import InvalidValueError, Value
from mirror.simulators.rt.shapes import BrokenError
from mirror.simulators.rt.work import DENIED, Work

_REFERENCE = "RT::ObjectCustomFieldValue"
_INVALID = "Invalid value for custom field"
_FILES = ("Image", "Binary")
_SHORT = 255  # bytes of a value that is kept in the short column


def update(work: Work, table: str, number: int, given: dict[str, Any]) -> list[str | None]:
    """Set the fields that are given and return the messages; unknown ones are ignored."""
    messages: list[str | None] = []
    for name, value in given.items():
        applying = fields.applicable(work.view, work.rights, table, work.view.row(table, number))
        field = fields.identified(work.view, applying, str(name))
        if field is None:
            messages += _not_here(work, table, str(name))
            continue
        if work.view.row("customfield", field)["MaxValues"] == 1:
            messages += _set_single(work, table, number, field, value)
        else:
            messages += _set_many(work, table, number, field, value)
    return messages


def _not_here(work: Work, table: str, name: str) -> list[str | None]:
    """Return what is said of a field that the record does not have: nothing, unless it is given by number."""
    field = work.view.get("customfield", int(name)) if name.isdigit() else None
    if field is None or field["LookupType"] != LOOKUPS[table]:
        return []
    return [f"Custom field {name} does not apply to this object"]


def on_create(work: Work, table: str, number: int, given: dict[str, Any]) -> None:
    """Give a new record its values, without transactions; what does not fit is ignored without a word (rt.md §6.2)."""
    view = work.view
    every = [each for each in view.ids("customfield") if view.row("customfield", each)["LookupType"] == LOOKUPS[table]]
    for name, value in given.items():
        field = fields.identified(view, every, str(name))
        if field is None or field not in fields.applicable(view, work.rights, table, view.row(table, number)):
            continue
        for each in fields.texts(value):
            content, kind, data = _parts(each)
            if fields.is_empty(view, field, content, zone=work.zone, now=work.moment):
                continue
            try:
                kept = fields.canonical(view, field, content, zone=work.zone, now=work.moment)
            except InvalidValueError:
                continue
            if fields.same_as(view, view.row(table, number), field, kept) is None:
                _store(work, table, number, field, Value(work.state.next_id("value"), kept, kind, data))


def _set_single(work: Work, table: str, number: int, field: int, given: Any) -> list[str | None]:
    old = fields.values_of(work.view.row(table, number), field)
    if given is None and old and old[0].content not in (None, "", "0"):
        return _delete_first(work, table, number, field, old[0])
    if isinstance(given, list):
        given = given[0] if given else None
    if isinstance(given, dict) and work.view.row("customfield", field)["Type"] not in _FILES:
        raise BrokenError
    message = _add(work, table, number, field, given)
    return [] if message is None else [message]


def _delete_first(work: Work, table: str, number: int, field: int, old: Value) -> list[str | None]:
    is_moment = work.view.row("customfield", field)["Type"] == "DateTime"
    if is_moment and work.zone.key != "UTC":  # rt.md §6.3: looked for in the user's own zone, and not found
        return [_not_found(work, field, old)]
    if len((old.content or "").encode()) > _SHORT:  # looked for among the short ones (seen on 5.0.3)
        return [_not_found(work, field, old)]
    return [_delete(work, table, number, field, old)]


def _not_found(work: Work, field: int, old: Value) -> str:
    name = work.view.row("customfield", field)["Name"]
    return f"Custom field value {old.content} could not be found for custom field {name}"


def _set_many(work: Work, table: str, number: int, field: int, given: Any) -> list[str | None]:
    wanted = given if isinstance(given, list) else [given]
    counts: dict[str, int] = {}
    parts: dict[str, Any] = {}
    for each in wanted:
        content = _parts(each)[0] or ""
        counts[content] = counts.get(content, 0) + 1
        parts[content] = each
    present: dict[str, list[Value]] = {}
    for value in fields.values_of(work.view.row(table, number), field):
        present.setdefault(value.content or "", []).append(value)
        counts[value.content or ""] = counts.get(value.content or "", 0) - 1
    messages: list[str | None] = []
    for content in dict.fromkeys([*parts, *sorted(counts)]):
        for _ in range(max(counts[content], 0)):
            messages.append(_add(work, table, number, field, parts[content]))
        for _ in range(max(-counts[content], 0)):
            messages.append(_delete(work, table, number, field, present[content].pop(0)))
    return messages


def _add(work: Work, table: str, number: int, field: int, given: Any) -> str | None:
    definition, row = work.view.row("customfield", field), work.view.row(table, number)
    content, kind, data = _parts(given)
    try:
        kept = fields.canonical(work.view, field, content, zone=work.zone, now=work.moment)
    except InvalidValueError:
        return _INVALID
    if content and fields.same_as(work.view, row, field, kept) is not None:
        return None
    if not work.rights.may("ModifyCustomField"):
        if definition["MaxValues"] == 1:
            return f"Could not add a new value to custom field '{definition['Name']}': {DENIED}"
        return f"Could not add new custom field value: {DENIED}"
    value = Value(work.state.next_id("value"), kept, kind, data)
    if definition["MaxValues"] != 1:
        _store(work, table, number, field, value)
        _note(work, table, number, field, None, value)
        return f"{content or ''} added as a value for {definition['Name']}"
    old = next(iter(fields.values_of(row, field)), None)
    _drop(work, table, number, field, *fields.values_of(row, field))
    _store(work, table, number, field, value)
    _note(work, table, number, field, old, value)
    return _said(work, definition, None if old is None else old.content, kept)


def _said(work: Work, definition: Any, old: str | None, new: str | None) -> str:
    if definition["Type"] == "DateTime":
        old, new = (each and local_words(each, work.zone) for each in (old, new))
    if not old:
        return f"{definition['Name']} {new or ''} added"
    if not new:
        return f"{definition['Name']} {old} deleted"
    return f"{definition['Name']} {old} changed to {new}"


def _delete(work: Work, table: str, number: int, field: int, value: Value) -> str | None:
    definition = work.view.row("customfield", field)
    if not work.rights.may("ModifyCustomField"):
        return DENIED
    _drop(work, table, number, field, value)
    _note(work, table, number, field, value, None)
    old = value.content or ""
    shown = local_words(old, work.zone) if definition["Type"] == "DateTime" else old
    return f"{shown} is no longer a value for custom field {definition['Name']}"


def _store(work: Work, table: str, number: int, field: int, value: Value) -> None:
    row = work.view.row(table, number)
    values = {**row.get("CF", {}), field: (*fields.values_of(row, field), value)}
    work.change(table, number, touch=False, CF=values)


def _drop(work: Work, table: str, number: int, field: int, *gone: Value) -> None:
    row = work.view.row(table, number)
    kept = tuple(each for each in fields.values_of(row, field) if each not in gone)
    work.change(table, number, touch=False, CF={**row.get("CF", {}), field: kept})


def _note(work: Work, table: str, number: int, field: int, old: Value | None, new: Value | None) -> None:
    work.note(
        table,
        number,
        "CustomField",
        Field=str(field),
        OldValue=None if old is None else old.content,
        NewValue=None if new is None else new.content,
        OldReference=None if old is None else old.id,
        NewReference=None if new is None else new.id,
        ReferenceType=_REFERENCE,
    )


def _parts(given: Any) -> tuple[str | None, str, bytes]:
    """Return content, content type and bytes of a value; files come as an object (rt.md §6.3)."""
    if isinstance(given, dict):
        return str(given.get("FileName")), str(given.get("FileType")), base64.b64decode(given.get("FileContent") or "")
    return None if given is None else str(given), "", b""
