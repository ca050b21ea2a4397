"""Changes in words: for a cell of a table, for a line, and for JSON."""

from __future__ import annotations

from mirror.api import ShownChange
from mirror.cli.output import readable
from mirror.model.change import Action
from mirror.model.write import Target, Value

SHORT = 32  # characters of one value in a line
_BEFORE = 8  # characters that are shown in front of where two long values differ
NOTHING = "nothing"


def value_text(value: Value) -> str:
    """Return a value for people, whole; a reference by the name of what it leads to."""
    if isinstance(value, Target):
        return value.name or f"{value.type_name}/{value.id}"
    if value is None or value == "":
        return NOTHING
    return value if isinstance(value, str) else readable(value)


def short(value: Value) -> str:
    """Return a value for people in few characters of one line."""
    text = readable(value_text(value))
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def verb(shown: ShownChange) -> str:
    """Return in a word what a change does; an answer to those who asked is no comment among others."""
    return "reply" if (shown.change.value or {}).get("kind") == "reply" else shown.change.action.value


def outline(shown: ShownChange) -> str:
    """Return what changes in few words: `Open -> Fixed`, `+ urgent`, `above DE3`."""
    match shown.change.action:
        case Action.UPDATE:
            return " -> ".join(apart(shown.base, shown.local))
        case Action.LINK:
            return f"+ {short(shown.local)}"
        case Action.UNLINK:
            return f"- {short(shown.base)}"
        case Action.DELETE:
            return "" if shown.base is None else short(shown.base)
        case _:
            return "" if shown.local is None else short(shown.local)


def apart(some: Value, other: Value) -> tuple[str, str]:
    """Return two values in few characters each; of long ones that begin alike, from a bit before where they differ."""
    texts = readable(value_text(some)), readable(value_text(other))
    alike = next((at for at, (one, two) in enumerate(zip(*texts, strict=False)) if one != two), min(map(len, texts)))
    if alike < SHORT // 2 or max(map(len, texts)) <= SHORT:
        return short(some), short(other)
    first, second = (f"…{text[alike - _BEFORE :]}" for text in texts)
    return short(first), short(second)


def document(shown: ShownChange) -> dict[str, object]:
    """Return a change for JSON."""
    change = shown.change
    found = {
        "id": change.id,
        "source": change.source,
        "type": change.type_name,
        "record_id": change.record_id,
        "key": shown.label,
        "action": change.action,
        **({"kind": change.value["kind"]} if change.value and "kind" in change.value else {}),
        "field": change.field or None,
        "base": plain(shown.base),
        "local": plain(shown.local),
        "state": change.state,
        "reason": change.reason,
        "made_at": change.made_at,
        "made_by": change.made_by,
        "via": change.via,
        "sent_after": change.sent_at,
        "attempt": change.attempt,
    }
    if shown.knows_remote:
        found["remote"] = plain(shown.remote)
    if shown.is_gone:
        found["is_gone"] = True
    return found


def plain(value: Value) -> object:
    """Return a value as JSON has it; a reference as an object."""
    if isinstance(value, Target):
        return {"type": value.type_name or None, "id": value.id, "name": value.name}
    return value
