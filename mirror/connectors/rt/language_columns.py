"""Queries about other types than tickets: TransactionSQL and AssetSQL, and the same grammar for the types RT has no SQL for.

rt.md §4.3, §7.2; seen on RT 5.0.3. Of users, groups and the like RT itself searches by JSON alone.
"""

from __future__ import annotations

from mirror.connectors.rt.catalog import LINK_REFS, OBJECT_TYPES
from mirror.connectors.rt.language_custom import CUSTOM, columns, custom
from mirror.connectors.rt.language_links import LINKS, links
from mirror.connectors.rt.language_people import Role, role_of, roles_compared, with_my_id
from mirror.connectors.rt.language_syntax import Condition, Group, Node
from mirror.connectors.rt.language_tickets import asked_of_ticket
from mirror.connectors.rt.language_values import SIGNS, Question, date_field, exact, near, number, positive, text
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.query.expr import (
    EVERYTHING,
    NOTHING,
    OWN_ID,
    All,
    AnyOf,
    Compare,
    Expr,
    Missing,
    Not,
    Op,
    Path,
    Some,
    Step,
)

_SEARCHED_BY_SQL = ("transaction", "asset")
_ASSET_ROLES = ("Owner", "HeldBy", "Contact")
_TRUTHS = {"0": False, "1": True}


def records(node: Node | None, question: Question) -> Expr:
    """Return what a query asks of records of another type than ticket; everything for None.

    Raises:
        QueryError: it cannot be understood.
    """
    if node is None:
        return EVERYTHING
    name = question.layout.type.name
    if name not in _SEARCHED_BY_SQL:
        question.note(f"RT searches records of type {name} by JSON only")
    return All((*hidden(question, disabled_too=_mentions(node, "disabled")), _tree(node, question)))


def hidden(question: Question, *, disabled_too: bool) -> list[Expr]:
    """Return what lists leave out: deleted assets (rt.md §6.9); disabled records (§4.1), unless these are asked for."""
    fields = {each.name for each in question.layout.type.fields}
    found: list[Expr] = []
    if question.layout.type.name == "asset":
        found.append(Not(Compare(Path("Status"), Op.EQ, "deleted")))
    if "Disabled" in fields and not disabled_too:
        found.append(Not(Compare(Path("Disabled"), Op.EQ, True)))
    return found


def _mentions(node: Node, name: str) -> bool:
    if isinstance(node, Condition):
        return node.field.lower() == name
    return any(_mentions(each, name) for each in node.parts)


def _tree(node: Node, question: Question) -> Expr:
    if isinstance(node, Group):
        parts = tuple(_tree(each, question) for each in node.parts)
        return AnyOf(parts) if node.joined_by_or else All(parts)
    return _condition(node, question)


def _condition(condition: Condition, question: Question) -> Expr:
    name, _, column = condition.field.partition(".")
    record_type = question.layout.type
    if name.lower() in CUSTOM:
        return custom(condition, question)
    if name.lower() == "id":
        return number(Path(OWN_ID), condition)
    if record_type.name == "transaction" and name.lower() in ("objecttype", "objectid"):
        return object_of(name, condition)
    by_lower = {each.name.lower(): each for each in record_type.fields if not each.custom}
    field = by_lower.get(name.lower())
    if field is not None:
        return _field(field, column, condition, question)
    if name.lower() in LINKS and "refersto" in by_lower:
        return links(condition)
    if record_type.name == "transaction" and name.lower().startswith("ticket"):
        return _of_ticket(condition, question)
    known = ("id", *(each.name for each in record_type.fields if not each.custom))
    raise condition.at_field.wrong(f"Unknown field: {condition.field}", near(name, known))


def _of_ticket(condition: Condition, question: Question) -> Expr:
    """Return what `TicketQueue = 'x'` and the like ask of a transaction: that the ticket it is about meets `Queue = 'x'`."""
    layout = question.asked.layouts.get("ticket")
    if layout is None:
        raise condition.at_field.wrong("Tickets are not mirrored here")
    inner = Condition(
        condition.field[len("Ticket") :],
        condition.operator,
        condition.value,
        at_field=condition.at_field,
        at_operator=condition.at_operator,
        at_value=condition.at_value,
        is_column=condition.is_column,
        is_bare=condition.is_bare,
        is_shallow=condition.is_shallow,
    )
    return Some((Step("Object", ("ticket",)),), asked_of_ticket(inner, Question(layout, question.asked, question.notes)))


def object_of(name: str, condition: Condition) -> Expr:
    """Return the comparison of the type or the number of what a transaction is about."""
    if name.lower() == "objectid":
        return number(Path("Object", (), Part.ID), condition)
    value = OBJECT_TYPES.get(condition.value, condition.value)
    return text(Path("Object", (), Part.TYPE), condition.operator, value)


def _field(field: Field, column: str, condition: Condition, question: Question) -> Expr:
    path = Path(field.name)
    if condition.is_null:
        return NOTHING
    if question.layout.type.name == "asset" and field.name in _ASSET_ROLES:  # without a column RT takes the value for an id
        role = Role(field.name, has_groups=field.name != "Owner")
        return roles_compared([role], column or "id", condition, question)
    if field.kind is Kind.LINKS:
        return (
            links(condition)
            if field.name in LINK_REFS
            else roles_compared([role_of(field.name)], column, condition, question)
        )
    if field.kind is Kind.REFERENCE:
        return _reference(field, column, condition, question)
    if condition.is_column and condition.operator in SIGNS:
        return columns(path, condition, question)
    if field.kind is Kind.TIMESTAMP:
        return date_field(path, condition, question)
    if field.kind is Kind.BOOLEAN:
        return truth(path, condition)
    if field.kind is Kind.INTEGER:
        return number(path, condition, is_never_null=False)
    found = text(path, condition.operator, condition.value)
    is_exact = question.layout.type.name == "asset" and condition.operator in SIGNS  # of assets case counts (seen on 5.0.3)
    return exact(found) if is_exact else found


def truth(path: Path, condition: Condition) -> Expr:
    """Return the comparison of a flag, which RT keeps as 0 or 1."""
    if condition.operator not in ("=", "!=") or condition.value not in _TRUTHS:
        raise condition.at_value.wrong(f"{condition.field} is 0 or 1, and compared with = or !=")
    return Compare(path, SIGNS[condition.operator], _TRUTHS[condition.value])


def _reference(field: Field, column: str, condition: Condition, question: Question) -> Expr:
    """Return the comparison of a reference: by number, or by name."""
    if field.targets == ("user",) and column not in ("", "id", "Name"):
        return roles_compared([role_of(field.name)], column, condition, question)
    condition = with_my_id(condition, question)
    plain, is_negative = positive(condition.operator)
    name = Path(field.name, (), Part.NAME)
    if plain == "IS":
        found: Expr = Missing(Path(field.name, (), Part.ID))
        return Not(found) if is_negative else found
    if condition.value.isdigit() and plain in SIGNS:
        return Compare(Path(field.name, (), Part.ID), SIGNS[condition.operator], int(condition.value))
    return text(name, condition.operator, condition.value)
