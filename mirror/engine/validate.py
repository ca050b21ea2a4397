"""Checks edits against the mirrored catalogue: fields by what people call them, and values of every kind but references.

Every problem is a ValueError whose message is a sentence for people that names what would have been right.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from mirror.model.cells import canonical
from mirror.model.layout import Column, Layout, LinkTable
from mirror.model.schema import Field, Kind

MANY = (Kind.LINKS, Kind.VALUES)
FEW = 3  # of names that are like one that is not there
_LISTED = 12  # allowed values that are all named when one is wrong; of more, only the nearest

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?\s*", re.ASCII)
_YES, _NO = frozenset(("yes", "true", "1", "y", "on")), frozenset(("no", "false", "0", "n", "off"))
_PREFIXES = ("c_", "custom_")  # of custom fields: rally.md §3; versionone.md §7.2
_EXAMPLES: Mapping[Kind, str] = {
    Kind.INTEGER: "a whole number such as 3",
    Kind.NUMERIC: "a number such as 2.5",
    Kind.BOOLEAN: "yes or no",
    Kind.TIMESTAMP: "an instant such as 2026-03-01T09:30Z",
    Kind.DATE: "a day such as 2026-03-01",
    Kind.TEXT: "text",
    Kind.JSON: 'JSON such as {"LinkID": "7"}',
}


def field_called(layout: Layout, name: str) -> Field:
    """Return the field that people call `name`: by its own name, its column or link table, its name without the mark of
    custom fields, or its display name; in any case, in this order.

    Raises:
        ValueError: there is none, or several are called so.
    """
    exact = layout.type.field(name)
    if exact is not None:
        return exact
    wanted = name.strip().casefold()
    for names_of in (_own_names, _columns(layout), _short_names, _display_names):
        found = [each for each in layout.type.fields if wanted in names_of(each)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"{layout.type.name} has several fields called {name!r}: {listed(f.name for f in found)}")
    raise ValueError(f"{layout.type.name} has no field called {name!r}{_near(name, _every_name(layout))}")


def _own_names(field: Field) -> Collection[str]:
    return {field.name.casefold()}


def _columns(layout: Layout) -> Callable[[Field], Collection[str]]:
    names: dict[str, set[str]] = {}
    both: list[Column | LinkTable] = [*layout.columns, *layout.links]
    for each in both:
        names.setdefault(each.field, set()).add(each.name)
    return lambda field: names.get(field.name, set())


def _short_names(field: Field) -> Collection[str]:
    """Return the name without `c_` or `Custom_`, and what stands between the braces of `CF.{…}`."""
    name = field.name.casefold()
    names = {name.removeprefix(each) for each in _PREFIXES}
    if name.endswith("}") and ".{" in name:
        names.add(name.partition(".{")[2][:-1])
    return names


def _display_names(field: Field) -> Collection[str]:
    return {field.display_name.casefold()} if field.display_name else ()


def _every_name(layout: Layout) -> dict[str, str]:
    """Return what fields may be called, in lower case, -> what to suggest; only of fields that can be written."""
    written = [each for each in layout.type.fields if not each.read_only]
    names = {each.display_name.casefold(): each.name for each in written if each.display_name}
    names |= {short: each.name for each in written for short in _short_names(each)}
    return names | {each.name.casefold(): each.name for each in written}


def check_writable(layout: Layout, field: Field, *, is_new: bool) -> None:
    """Refuse a field that cannot be written.

    Raises:
        ValueError: it cannot.
    """
    if field.read_only:
        raise ValueError(f"{field.name} of {article(layout.type.name)} is read-only: the tracker sets it itself")
    if field.create_only and not is_new:
        raise ValueError(f"{field.name} of {article(layout.type.name)} can only be set when it is created")


def is_cleared(given: object) -> bool:
    """Return whether a value stands for nothing: None, or an empty text."""
    return given is None or given == ""


def check_clearable(field: Field) -> None:
    """Refuse to leave a required field empty.

    Raises:
        ValueError: it is required.
    """
    if field.required:
        allowed = f": say one of {listed(_offered(field))}" if _offered(field) else ""
        raise ValueError(f"{field.name} is required and cannot be empty{allowed}")


def scalar(field: Field, given: object, zone: tzinfo = UTC) -> str | int | float | bool | None:
    """Return the value of a scalar field as a row holds it; None when it is cleared.

    Args:
        given: as typed, or of Python's own types.
        zone: of a day or an instant without one, in a field of instants.

    Raises:
        ValueError: it is not of the field's kind, not allowed, too long, or empty though required.
    """
    if is_cleared(given):
        check_clearable(field)
        return None
    if field.kind is Kind.TEXT and isinstance(given, str) and not given.strip():
        check_clearable(field)  # trackers take blanks for nothing, or keep a record that cannot be told from others
    typed, given = given, zoned(given, zone) if field.kind is Kind.TIMESTAMP else given
    if _offered(field) and field.kind is not Kind.BOOLEAN:
        given = _listed_choice(field, given)
    try:
        value = _READERS.get(field.kind, _plain)(field.kind, given)
    except (ValueError, TypeError, ArithmeticError):
        hint = f" (without a zone it is in {zone})" if field.kind is Kind.TIMESTAMP else ""
        raise ValueError(f"{field.name} takes {_EXAMPLES[field.kind]}{hint}, not {_shown(typed)}") from None
    check_length(field, value)
    return value


def zoned(given: object, zone: tzinfo) -> object:
    """Return a day, or an instant without a zone, as an aware instant of `zone`: its first moment; all else as it is."""
    found = given
    if isinstance(given, str):
        try:
            found = datetime.fromisoformat(given.strip())
        except ValueError:
            return given
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)  # noqa: DTZ001 - the next line gives it its zone
    return found.replace(tzinfo=zone) if isinstance(found, datetime) and found.tzinfo is None else given


def text_item(field: Field, given: object) -> str:
    """Return one item of a field with many plain values.

    Raises:
        ValueError: it is empty, no text, not allowed or too long.
    """
    if not isinstance(given, str) or not given or not is_storable(given):
        raise ValueError(f"{field.name} takes texts, not {_shown(given)}")
    value = choice(field, given) if _offered(field) else given
    check_length(field, value)
    return value


def is_storable(text: str) -> bool:
    """Return whether databases and trackers take the text: no NUL, and no half of a character."""
    return "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def check_length(field: Field, value: object) -> None:
    """Refuse a text that is longer than the tracker takes.

    Raises:
        ValueError: it is too long.
    """
    if isinstance(value, str) and field.max_length is not None and len(value) > field.max_length:
        raise ValueError(f"{field.name} takes at most {field.max_length} characters, and this has {len(value)}")


def choice(field: Field, text: str) -> str:
    """Return the allowed value that `text` means, in the catalogue's spelling.

    Raises:
        ValueError: it means none of them.
    """
    if text in field.allowed_values:
        return text
    same = [each for each in _offered(field) if each.strip().casefold() == text.strip().casefold()]
    if len(same) == 1:
        return same[0]
    raise ValueError(f"{field.name} cannot be {text!r}{_near(text, {each.casefold(): each for each in _offered(field)})}")


def demanded(layout: Layout) -> list[Field]:
    """Return the fields without which a record cannot be created.

    Those are the required ones, except what trackers fill themselves: read-only fields, states and choices, booleans and
    numbers, all of which begin with a default (rally.md §10.2: "the server defaults states and types"; rt.md §6.2).
    """
    shown = layout.type.work_item
    states = set(shown.state) if shown is not None else set()
    by_default = (Kind.BOOLEAN, Kind.INTEGER, Kind.NUMERIC)
    return [
        each
        for each in layout.type.fields
        if each.required
        and not each.read_only
        and not each.allowed_values
        and each.kind not in by_default
        and each.name not in states
    ]


def article(noun: str) -> str:
    """Return `a Defect`, `an Epic`; a leading U sounds as in `a User`."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def listed(names: Iterable[str]) -> str:
    """Return `a, b or c`."""
    shown = list(names)
    return ", ".join(shown) if len(shown) < 2 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def nearest(text: str, names: Iterable[str]) -> list[str]:
    """Return the few names that are most like `text`: that have it in them, or a word like it, or are like it as a whole."""
    wanted = text.strip().casefold()
    folded = {each.casefold(): each for each in names}
    having = (each for each in folded if wanted and wanted in each)
    found = sorted(having, key=lambda each: (not any(word.startswith(wanted) for word in each.split()), len(each)))
    found += difflib.get_close_matches(wanted, folded, n=FEW)
    words: dict[str, list[str]] = {}
    for each in folded:
        for word in each.split():
            words.setdefault(word.strip("\"'(),.;"), []).append(each)
    for part in wanted.split():
        found += [each for word in difflib.get_close_matches(part, words, n=FEW, cutoff=0.8) for each in words[word]]
    return [folded[each] for each in dict.fromkeys(found)][:FEW]


def _offered(field: Field) -> Sequence[str]:
    """Return the values to choose from; the empty one, which trackers list for "none", is said by clearing."""
    return [each for each in field.allowed_values if each]


def _near(text: str, names: Mapping[str, str]) -> str:
    """Return a hint with the nearest of these names, or all of a few."""
    if 0 < len(names) <= _LISTED and len(set(names.values())) == len(names):
        return f"; it is one of {listed(names.values())}"
    found = difflib.get_close_matches(text.casefold(), names, n=FEW, cutoff=0.5)
    near = dict.fromkeys(names[each] for each in found)
    return f"; did you mean {listed(near)}?" if near else ""


def _listed_choice(field: Field, given: object) -> object:
    """Return the allowed value that is meant: by its spelling, or as the same number or instant in another one."""
    if isinstance(given, str) and given in field.allowed_values:
        return given
    try:
        wanted = _READERS.get(field.kind, _plain)(field.kind, given)
        same = [each for each in _offered(field) if canonical(field.kind, each) == wanted]
    except (ValueError, TypeError, ArithmeticError):
        same = []
    return same[0] if len(same) == 1 else choice(field, given if isinstance(given, str) else str(given))


def _plain(kind: Kind, given: object) -> str | int | float | bool:
    value = given.strip() if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise TypeError
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError
    if not math.isfinite(float(value)):  # no tracker keeps a number that large
        raise OverflowError
    found: str | int | float | bool = canonical(kind, value)
    return found


def _text(_kind: Kind, given: object) -> str:
    if not isinstance(given, str) or not is_storable(given):
        raise TypeError
    return given


def _boolean(_kind: Kind, given: object) -> bool:
    word = str(given).strip().casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError


def _timestamp(kind: Kind, given: object) -> str:
    if isinstance(given, datetime):
        given = given.isoformat()
    if not isinstance(given, str):
        raise TypeError
    found: str = canonical(kind, given.strip())
    return found


def _date(kind: Kind, given: object) -> str:
    if isinstance(given, date) and not isinstance(given, datetime):
        given = given.isoformat()
    if not isinstance(given, str):
        raise TypeError
    found: str = canonical(kind, given.strip())
    return found


def _json(kind: Kind, given: object) -> str:
    found: str = canonical(kind, given if isinstance(given, str) else json.dumps(given))
    return found


_READERS: Mapping[Kind, Callable[[Kind, object], str | int | float | bool]] = {
    Kind.TEXT: _text,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DATE: _date,
    Kind.JSON: _json,
}


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:59]}…"
