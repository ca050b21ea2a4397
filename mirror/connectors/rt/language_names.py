"""Names of types, of fields, and of what an order goes by.

What each key orders by was seen on RT 5.0.3: queues and users by name, custom fields by the place of a value in its list,
many values by the least of them, or the greatest when descending.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mirror.connectors.rt.language_custom import fields_called
from mirror.connectors.rt.language_syntax import Place
from mirror.connectors.rt.language_values import Question, near
from mirror.model.layout import Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import OWN_ID, Aggregate, Function, Order, Path, Step, Term

_PLURALS = {"classes": "class", "queries": "query"}
_PART = re.compile(r"[^.{]*\{[^}]*\}|[^.]+")
_KEY = re.compile(r"\s*(?P<sign>[+-]?)(?P<name>(?:[^,|{]|\{[^}]*\})*?)(?:\s+(?P<way>asc|desc))?\s*(?:[,|]|$)", re.I)
_CUSTOM = re.compile(r"(?:CF|CustomField)\.(?:(?P<holder>[^{]+)\.)?\{?(?P<name>[^{}]*)\}?", re.IGNORECASE)
_ROLES = {"requestors": "Requestor", "memberof": "Parents", "hasmember": "Children", "dependenton": "DependedOnBy"}
_PEOPLE = ("user", "group")
_HISTORY = Step("Object", ("transaction",), backward=True)
"""RT lists the transactions of a record at the address of that record, and not in it. rt.md §3.1"""


def types(name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
    """Return the type that a name means: in any case, as RT's addresses have it (`tickets`), or by its display name."""
    lower = name.strip().lower()
    one = _PLURALS.get(lower, lower.removesuffix("s"))
    for each in layouts.values():
        if lower in (each.type.name.lower(), each.type.display_name.lower()) or one == each.type.name.lower():
            return (each.type.name,)
    return ()


def orders(text: str, question: Question) -> Iterator[Order]:
    """Yield the keys of an order: `-LastUpdated,id`, `Due DESC | id`.

    Raises:
        QueryError: there is no such key. RT answers nothing at all then (rt.md §4.1).
    """
    at = 0
    while at < len(text.rstrip()):
        found = _KEY.match(text, at)
        if found is None or not found["name"].strip():
            raise Place(text, at, 1).wrong("An order is a list of names, such as -LastUpdated,id")
        descending = found["sign"] == "-" or (found["way"] or "").lower() == "desc"
        place = Place(text, found.start("name"), len(found["name"]))
        yield _order(found["name"].strip(), place, question, descending=descending)
        at = found.end()


def _order(name: str, place: Place, question: Question, *, descending: bool) -> Order:
    path = term(name, place, question)
    if isinstance(path, Aggregate):
        return Order(path, descending)
    field = _last_field(path, question)
    is_many = field is not None and field.kind in (Kind.LINKS, Kind.VALUES)
    if is_many or path.steps:
        chosen = Aggregate(Function.MAX if descending else Function.MIN, path)
        return Order(chosen, descending)
    if field is not None and field.custom:  # RT's custom values are ordered as the database has them
        return Order(path, descending, by_place=field.allowed_values)
    return Order(path, descending, folds_case=True)


def _last_field(path: Path, question: Question) -> Field | None:
    return None if path.steps else question.layout.type.field(path.field)


def term(name: str, place: Place, question: Question) -> Term:
    """Return what a name stands for: a field, a path through references and links, a count.

    A reference stands for the name it shows, people in a role for their names, links for the numbers of what they lead to.

    Raises:
        QueryError: there is no such field, or there are several.
    """
    custom = _custom(name, place, question)
    if custom is not None:
        return Path(custom.name)
    layouts, at, steps = [question.layout], place.position, []
    parts = [each[0] for each in _PART.finditer(name)]
    parts = _rejoined(parts)
    for part in parts[:-1]:
        here = Place(place.text, at, len(part))
        field = _field(part, layouts, here)
        if field is None and _is_history(part, question):
            layouts = [question.asked.layouts["transaction"]]
            steps.append(_HISTORY)
            at += len(part) + 1
            continue
        if field is None or field.kind not in (Kind.REFERENCE, Kind.LINKS):
            raise here.wrong(f"{part} leads to no record")
        layouts = [question.asked.layouts[each] for each in _targets(field, question)]
        steps.append(Step(field.name, tuple(each.type.name for each in layouts)))
        at += len(part) + 1
    last = Place(place.text, at, len(parts[-1]))
    if _is_history(parts[-1], question) and _field(parts[-1], layouts, last) is None:
        return Path(OWN_ID, (*steps, _HISTORY))
    return _end(parts[-1], layouts, tuple(steps), last)


def _rejoined(parts: list[str]) -> list[str]:
    """Put `CF`, or `CustomRole`, and the name in braces behind it together again."""
    found: list[str] = []
    for each in parts:
        if found and found[-1].lower() in ("cf", "customfield", "customrole") and each.startswith("{"):
            found[-1] = f"{found[-1]}.{each}"
        else:
            found.append(each)
    return found or [""]


def _custom(name: str, place: Place, question: Question) -> Field | None:
    """Return a custom field of the record itself that is named as in a query."""
    found = _CUSTOM.fullmatch(name)
    if found is None or question.layout.type.field(name) is not None:
        return None
    called = fields_called(found["name"], question)
    if len(called) == 1:
        return called[0]
    names = tuple(each.name for each in called or question.layout.type.fields if each.name.startswith("CF."))
    if called:
        raise place.wrong(f"There are several custom fields called {found['name']}", names)
    raise place.wrong(f"There is no custom field called {found['name']!r}", near(f"CF.{{{found['name']}}}", names))


def _targets(field: Field, question: Question) -> list[str]:
    return [each for each in field.targets or question.asked.layouts if each in question.asked.layouts]


def _end(part: str, layouts: list[Layout], steps: tuple[Step, ...], place: Place) -> Term:
    if part.lower() == "@count" and steps:
        return Aggregate(Function.COUNT, Path(OWN_ID, steps))
    if part.lower() == "id":
        return Path(OWN_ID, steps)
    field = _field(part, layouts, place)
    if field is None:
        known = tuple(dict.fromkeys(each.name for layout in layouts for each in layout.type.fields))
        raise place.wrong(f"Unknown field: {part}", near(part, ("id", *known)))
    if field.kind is Kind.REFERENCE or (field.kind is Kind.LINKS and set(field.targets) <= set(_PEOPLE)):
        return Path(field.name, steps, Part.NAME)
    return Path(field.name, steps, Part.ID if field.kind is Kind.LINKS else Part.VALUE)


def _is_history(part: str, question: Question) -> bool:
    return part.lower() == "transactions" and "transaction" in question.asked.layouts


def _field(part: str, layouts: list[Layout], place: Place) -> Field | None:
    """Return the field that a word means in the first type that has one: exactly, in any case, by its display name."""
    wanted = _ROLES.get(part.lower(), part)
    for layout in layouts:
        exact = layout.type.field(wanted)
        if exact is not None:
            return exact
        found = [each for each in layout.type.fields if each.name.lower() == wanted.lower()]
        found = found or [each for each in layout.type.fields if each.display_name.lower() == wanted.lower()]
        if len(found) > 1:
            raise place.wrong(f"{part} may be several fields", tuple(each.name for each in found))
        if found:
            return found[0]
    return None
