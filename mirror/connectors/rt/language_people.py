"""Owners, watchers, roles and memberships in a query: people are compared through the users and groups that are mirrored.

What RT does with each form was seen on 5.0.3; the rules are in docs/queries-rt.md. In short: `Owner = 'x'` is a name,
`Requestor = 'x'` is an address, a number is always an id, and all other operators compare the address unless told otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mirror.connectors.rt.language_syntax import Condition
from mirror.connectors.rt.language_values import ME, MY_NAME, Question, is_met_by_empty, meets, near, number, positive
from mirror.model.part import Part
from mirror.model.schema import Field
from mirror.query.expr import (
    EVERYTHING,
    NOTHING,
    OWN_ID,
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

_USER_FIELDS = (
    "EmailAddress Name RealName Nickname Organization Address1 Address2 City State Zip Country "
    "WorkPhone HomePhone MobilePhone PagerPhone id"
).split()
"""What RT searches people by, in exactly this case."""

_OURS = {"Nickname": "NickName"}
_DEPTH = 3  # groups within groups that are looked into
_TICKET_ROLES = {"requestor": "Requestor", "requestors": "Requestor", "cc": "Cc", "admincc": "AdminCc", "owner": "Owner"}
_QUEUE_ROLES = {"queuecc": ("Cc",), "queueadmincc": ("AdminCc",), "queuewatcher": ("Cc", "AdminCc")}
_MEMBERSHIPS = {
    "ownergroup": ("Owner",),
    "requestorgroup": ("Requestor",),
    "ccgroup": ("Cc",),
    "adminccgroup": ("AdminCc",),
    "watchergroup": ("Requestor", "Cc", "AdminCc", "Owner"),
}
_CUSTOM_ROLE = re.compile(r"\{(.+?)\}(?:\.(.+))?", re.DOTALL)

PEOPLE = (*_TICKET_ROLES, "watcher", "customrole", *_QUEUE_ROLES, *_MEMBERSHIPS)
"""Fields about people, in lower case."""


@dataclass(frozen=True, slots=True)
class Role:
    """Where the people are: a field, and how to get to the record that has it.

    Attributes:
        is_owner: asked for as Owner, which RT looks up by name; as one of the watchers it is as any other role.
        has_groups: groups can have the role.
    """

    field: str
    steps: tuple[Step, ...] = ()
    is_owner: bool = False
    has_groups: bool = True


def people(condition: Condition, question: Question) -> Expr:
    """Return the comparison of a field about people.

    Raises:
        QueryError: RT refuses it, or users are not mirrored.
    """
    name, _, column = condition.field.partition(".")
    name = name.lower()
    if condition.is_shallow and name not in (*_TICKET_ROLES, "customrole"):
        raise condition.at_operator.wrong(f"Unsupported operator: SHALLOW {condition.operator}")
    if name in _MEMBERSHIPS:
        return _memberships(condition, _MEMBERSHIPS[name], question)
    roles, column = _roles(name, column, condition, question)
    if column and column not in _USER_FIELDS:
        raise condition.at_field.wrong(f"Invalid watcher subfield: '{column}'", near(column, tuple(_USER_FIELDS)))
    return roles_compared(roles, column, condition, question)


def _roles(name: str, column: str, condition: Condition, question: Question) -> tuple[list[Role], str]:
    if name == "customrole":
        return _custom_role(column, condition, question)
    if name in _QUEUE_ROLES:
        if name == "queuewatcher":
            question.note("RT 5.0.3 skips conditions on QueueWatcher")
        return [Role(each, (Step("Queue", ("queue",)),)) for each in _QUEUE_ROLES[name]], column
    if name == "watcher":
        custom = [Role(each.name) for each in question.layout.type.fields if each.name.startswith("CustomRole.")]
        return [Role("Requestor"), Role("Cc"), Role("AdminCc"), Role("Owner", has_groups=False), *custom], column
    return [role_of(_TICKET_ROLES[name])], column


def role_of(field: str) -> Role:
    """Return the role that a field of the record itself is."""
    return Role(field, is_owner=field == "Owner", has_groups=field != "Owner")


def _custom_role(column: str, condition: Condition, question: Question) -> tuple[list[Role], str]:
    found = _CUSTOM_ROLE.fullmatch(column)
    roles = [each for each in question.layout.type.fields if each.name.startswith("CustomRole.")]
    wanted = found[1] if found else column
    role = next((each for each in roles if each.display_name.lower() == wanted.lower()), None)
    if role is None:  # RT skips the condition, and so finds more than was asked for
        raise condition.at_field.wrong(
            f"There is no custom role called {wanted!r}", near(wanted, tuple(each.display_name for each in roles))
        )
    return [Role(role.name)], (found[2] if found else None) or "id"


def roles_compared(roles: Sequence[Role], column: str, condition: Condition, question: Question) -> Expr:
    """Return the comparison of the people in one or several roles.

    In several roles a negative condition holds when it does for one of them: so RT has it (seen on 5.0.3).
    """
    plain, is_negative = positive(condition.operator)
    if condition.is_null:
        return EVERYTHING if is_negative and not roles[0].is_owner else NOTHING
    if plain == "IS":
        empty = [Missing(Path(each.field, each.steps, Part.ID)) for each in roles]
        return _either([Not(each) for each in empty] if is_negative else empty)
    if column == "id" and roles[0].is_owner and len(roles) == 1 and not condition.is_column:
        return number(Path("Owner", roles[0].steps, Part.ID), _with_my_id(condition, question))
    found = [_meets(each, column, plain, condition, question) for each in roles]
    return _either([Not(each) for each in found] if is_negative else found)


def _meets(role: Role, column: str, operator: str, condition: Condition, question: Question) -> Expr:
    if condition.is_column:
        return _same_as_column(role, condition)
    value = _with_my_id(condition, question).value
    if value.isdigit() and column in ("", "id", "Name") and operator == "=":
        return _is_member(role, Part.ID, int(value), condition, question)
    if column == "id":  # RT takes a name for no id, and compares by nothing but `=`
        if not value.isdigit():
            question.note(f"{condition.field} is compared with an id; a name is meant by {condition.field}.Name")
            return NOTHING
        return _is_member(role, Part.ID, int(value), condition, question)
    if operator == "=" and (column == "Name" or (role.is_owner and not column)):
        return _is_member(role, Part.NAME, value, condition, question)
    field = _OURS.get(column, column) or "EmailAddress"
    paths = _users(role, field, condition, question)
    found = [meets(each, operator, value) for each in paths]
    if field == "EmailAddress" and is_met_by_empty(operator, value):  # RT keeps an empty one as such, Nobody's for one
        found += [Some(each.steps, Missing(Path(field))) for each in paths]
    if operator == "=" and not column:
        found += [meets(each, "=", value) for each in _groups(role, condition, question)]
    return _either(found)


def _with_my_id(condition: Condition, question: Question) -> Condition:
    return with_my_id(condition, question)


def with_my_id(condition: Condition, question: Question) -> Condition:
    """Return the condition with our own id in the place of `__CurrentUser__`, and of our name, which only a user can be."""
    if condition.value not in (ME, MY_NAME):
        return condition
    own = str(question.me(condition.at_value))
    return Condition(
        condition.field,
        condition.operator,
        own,
        at_field=condition.at_field,
        at_operator=condition.at_operator,
        at_value=condition.at_value,
        is_shallow=condition.is_shallow,
    )


def _same_as_column(role: Role, condition: Condition) -> Expr:
    if condition.operator != "=" or condition.value not in ("Creator", "LastUpdatedBy", "Owner"):
        raise condition.at_value.wrong(f"Wrong query, no such column '{condition.value}'; a text is written in quotes")
    return Compare(Path(role.field, role.steps, Part.ID), Op.EQ, Path(condition.value, (), Part.ID))


def _is_member(role: Role, part: Part, value: int | str, condition: Condition, question: Question) -> Expr:
    """Return whether somebody, or a group, has the role, directly or through groups."""
    paths = [Path(role.field, role.steps, part)]
    paths += [Path("Members", steps, part) for steps in _into_groups(role, condition, question)]
    return _either([Compare(each, Op.EQ, value, folds_case=part is Part.NAME) for each in paths])


def _into_groups(role: Role, condition: Condition, question: Question) -> list[tuple[Step, ...]]:
    """Return the ways to the groups that have the role, and to the groups in these."""
    if not role.has_groups or condition.is_shallow or "group" not in question.asked.layouts:
        return []
    first = (*role.steps, Step(role.field, ("group",)))
    return [first + (Step("Members", ("group",)),) * depth for depth in range(_DEPTH)]


def _users(role: Role, field: str, condition: Condition, question: Question) -> list[Path]:
    """Return the paths to a field of everybody who has the role."""
    if "user" not in question.asked.layouts:
        raise condition.at_field.wrong("Users are not mirrored here, so only their names can be compared")
    direct = (*role.steps, Step(role.field, ("user",)))
    through = [(*steps, Step("Members", ("user",))) for steps in _into_groups(role, condition, question)]
    return [Path(field, steps) for steps in (direct, *through)]


def _groups(role: Role, condition: Condition, question: Question) -> list[Path]:
    return [Path("Name", steps) for steps in _into_groups(role, condition, question)]


def _memberships(condition: Condition, fields: tuple[str, ...], question: Question) -> Expr:
    """Return whether somebody in the roles is a member of a group, directly or through groups; RT has only `=` here."""
    if condition.operator != "=":
        raise condition.at_operator.wrong(f"Invalid {condition.field} Op: {condition.operator}")
    if "group" not in question.asked.layouts or "user" not in question.asked.layouts:
        raise condition.at_field.wrong("Groups or users are not mirrored here")
    value = condition.value
    target = Path(OWN_ID) if value.isdigit() else Path("Name")
    wanted = Compare(target, Op.EQ, int(value) if value.isdigit() else value, folds_case=not value.isdigit())
    upwards = Step("Members", ("group",), backward=True)
    above = AnyOf(tuple(Some((upwards,) * depth, wanted) for depth in range(1, _DEPTH + 1)))
    users = [path.steps for field in fields for path in _users(role_of(field), OWN_ID, condition, question)]
    return _either([Some(steps, above) for steps in users])


def user_field(field: Field, condition: Condition, question: Question) -> Expr:
    """Return the comparison of a column that holds a user, such as Creator: by name or id, with = and != alone.

    Raises:
        QueryError: another operator.
    """
    if condition.operator not in ("=", "!="):
        raise condition.at_operator.wrong(f"Invalid Operation: {condition.operator} for {field.name}")
    given = with_my_id(condition, question).value
    if condition.is_column:  # RT looks for a user of that name
        found: Expr = NOTHING
    elif given.isdigit():
        found = Compare(Path(field.name, (), Part.ID), Op.EQ, int(given))
    else:
        found = Compare(Path(field.name, (), Part.NAME), Op.EQ, given, folds_case=True)
    return found if condition.operator == "=" else Not(found)


def _either(found: Sequence[Expr]) -> Expr:
    return found[0] if len(found) == 1 else AnyOf(tuple(found))
