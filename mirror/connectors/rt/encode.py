"""Values as RT takes them.

RT takes much that it does not keep as it was sent: it cuts, respells and drops without a word (rt.md §6.3). Whatever it
would not show again just so is a ValueError here, whose message is a sentence for people: the field stays out of the write.

Known and left to what is read back: custom fields whose values RT or an administrator's code makes uniform (IP addresses,
`CanonicalizeClass`, patterns).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from mirror.connectors.rt.localtime import LocalTime, in_utc
from mirror.connectors.rt.naming import is_custom_field
from mirror.model.schema import Field, Kind
from mirror.model.write import Item, Target, Value

NO_DATE = "1970-01-01 00:00:00"  # rt.md §6.3: clears a date, on every database
NOBODY = "Nobody"
STAND_IN = "-"
"""What a custom field holds for the moment between two calls where it cannot be cleared at once."""

_LONGEST_CLEARED = 255  # bytes

_URIS = {"ticket": "{}", "asset": "asset:{}", "article": "a:{}", "": "{}"}
"""How a record is named as the other end of a link (seen on 5.0.3)."""


def scalar(field: Field, value: Value, local: LocalTime) -> object:
    """Return the value of a scalar or reference field as RT takes it.

    Raises:
        ValueError: RT would keep something else.
    """
    if is_custom_field(field):
        return _custom(field, value, local)
    return _CORE[field.kind](field, value)


def is_stubborn(field: Field, shown: object) -> bool:
    """Return whether RT does not clear a custom field that shows this.

    It looks for the value to remove by its short form, which a longer one has not, and takes `0` and an empty text for none,
    to which it adds an empty one (seen on 5.0.3).
    """
    if not is_custom_field(field) or field.kind is not Kind.TEXT or shown is None:
        return False
    return shown in ("", "0") or len(str(shown).encode()) > _LONGEST_CLEARED


def member(field: Field, item: Item) -> int | str:
    """Return one who has a role: the number of a user or group, or an address, of which RT may make a user (rt.md §6.2).

    Raises:
        ValueError: it is neither; RT answers that with a 500 (rt.md §3.4).
    """
    if isinstance(item, Target):
        return item.id
    if "@" not in item:
        raise ValueError(f"{field.name} takes users, groups and mail addresses, not {item!r}")
    return _text(field, item)


def linked(field: Field, item: Item) -> int | str:
    """Return the other end of a link.

    Raises:
        ValueError: it is a record that RT does not link to.
    """
    if not isinstance(item, Target):
        return _text(field, item)
    if item.type_name not in _URIS:
        raise ValueError(f"{field.name} does not take a {item.type_name}")
    uri = _URIS[item.type_name].format(item.id)
    return int(uri) if uri.isdigit() else uri


def listed(field: Field, item: Item, local: LocalTime) -> str:
    """Return a new value of a custom field that holds many.

    Raises:
        ValueError: RT would keep something else.
    """
    text = item if isinstance(item, str) else str(item.id)
    match field.native_type:
        case "DateTime":
            return local.said(_canonical(field, text, "2027-07-01T10:00:00.000Z", _as_stamp))
        case "Date":
            return _canonical(field, text, "2027-07-01", lambda each: date.fromisoformat(each).isoformat())
    return _text(field, text)


def kept(shown: object, *, stamps: bool) -> str:
    """Return a value that a custom field holds already as the list of those that stay must name it.

    Instants are compared as they are kept, in UTC, while new ones are read in the user's zone (seen on 5.0.3).
    """
    text = "" if shown is None else str(shown)
    return in_utc(text) if stamps and text else text


def sayable(text: str) -> bool:
    """Return whether RT keeps a text: on PostgreSQL it ends at a zero byte, and bad UTF-8 is a 500 (rt.md §3.2, §6.3)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _custom(field: Field, value: Value, local: LocalTime) -> object:
    match field.kind:
        case Kind.TIMESTAMP:
            # rt.md §6.3: null fails outside UTC; an empty value reads as 1970, and that as no date
            return "" if value is None else local.said(_whole_seconds(field, str(value)))
        case Kind.DATE | Kind.TEXT if value is None:
            return None
        case Kind.DATE:
            return str(value)
        case Kind.TEXT:
            return _text(field, str(value))
    raise ValueError(f"{field.name}: files in custom fields are not written")


def _core_text(field: Field, value: Value) -> str:
    text = _text(field, "" if value is None else str(value))
    if field.name == "Subject" and "\n" in text:
        raise ValueError("Subject: RT keeps no line breaks in it")
    if field.name == "Status" and text != text.lower():
        raise ValueError(f"Status: RT writes it in lower case, {text.lower()!r}")
    return text


def _number(field: Field, value: Value) -> int:
    if value is None:
        raise ValueError(f"{field.name} cannot be empty; RT has 0 for nothing")
    return int(str(value))


def _flag(field: Field, value: Value) -> int:
    if value is None:
        raise ValueError(f"{field.name} cannot be empty")
    return int(bool(value))


def _stamp(field: Field, value: Value) -> str:
    return NO_DATE if value is None else in_utc(_whole_seconds(field, str(value)))


def _reference(field: Field, value: Value) -> int:
    if isinstance(value, Target):
        return value.id
    raise ValueError(f"{field.name} cannot be empty" + (f"; RT has {NOBODY} for nobody" if "user" in field.targets else ""))


_CORE: Mapping[Kind, Callable[[Field, Value], object]] = {
    Kind.TEXT: _core_text,
    Kind.INTEGER: _number,
    Kind.BOOLEAN: _flag,
    Kind.TIMESTAMP: _stamp,
    Kind.REFERENCE: _reference,
}


def _text(field: Field, text: str) -> str:
    if not sayable(text):
        raise ValueError(f"{field.name} holds zero bytes or half of a character, which RT does not keep")
    return text


def _whole_seconds(field: Field, stamp: str) -> str:
    instant = datetime.fromisoformat(stamp)
    if instant.microsecond:
        raise ValueError(f"{field.name}: RT keeps whole seconds")
    if instant.timestamp() == 0:
        raise ValueError(f"{field.name}: RT takes the beginning of 1970 for no date")
    return stamp


def _as_stamp(text: str) -> str:
    return in_utc(text).replace(" ", "T") + ".000Z"


def _canonical(field: Field, text: str, example: str, form: Callable[[str], str]) -> str:
    """Return a value that is written just as the mirror shows it, for only so can it be recognized."""
    try:
        if form(text) == text:
            return text
    except ValueError:
        pass
    raise ValueError(f"{field.name} takes values such as {example}, not {text!r}")
