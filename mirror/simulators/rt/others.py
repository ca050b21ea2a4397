"""Creating and changing everything that is no ticket. rt.md §6.9"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mirror.simulators.rt import linking, people, values
from mirror.simulators.rt.columns import COLUMNS, HOLDERS, LOOKUPS, Kind, uri_of
from mirror.simulators.rt.lifecycles import LIFECYCLES
from mirror.simulators.rt.rights import Rights
from mirror.simulators.rt.work import DENIED, NOBODY, RefusedError, Work

_READ_ONLY = frozenset("id Creator Created LastUpdatedBy LastUpdated Domain Instance URI Parent".split())
_WITH_HISTORY = frozenset("queue user group asset catalog article".split())
_QUOTES = {"user": "'", "group": "'", "asset": "'", "catalog": "'"}
_ADMIN = {
    "queue": "AdminQueue",
    "user": "AdminUsers",
    "group": "AdminGroup",
    "customfield": "AdminCustomField",
    "customrole": "AdminCustomRoles",
    "asset": "ModifyAsset",
    "catalog": "AdminCatalog",
    "article": "ModifyArticle",
    "class": "AdminClass",
}
_CREATE = {"asset": "CreateAsset", "article": "CreateArticle"}
_HINTS = {
    "Select": ("Select multiple values", "Select one value"),
    "Freeform": ("Enter multiple values", "Enter one value"),
    "Text": ("Fill in multiple text areas", "Fill in one text area"),
    "HTML": ("Fill in multiple HTML areas", "Fill in one HTML area"),
    "Wikitext": ("Fill in multiple wikitext areas", "Fill in one wikitext area"),
    "Image": ("Upload multiple images", "Upload one image"),
    "Binary": ("Upload multiple files", "Upload one file"),
    "Combobox": ("Combobox: Select or enter multiple values", "Combobox: Select or enter one value"),
    "Autocomplete": ("Enter multiple values with autocompletion", "Enter one value with autocompletion"),
    "Date": ("Select multiple dates", "Select date"),
    "DateTime": ("Select multiple datetimes", "Select datetime"),
}
"""The types of custom fields, with what RT says of them when they hold several values and when they hold one."""


def may_modify(rights: Rights, table: str) -> bool:
    """Return whether a user may change records of a type at all."""
    return rights.may(_ADMIN[table])


def create(work: Work, table: str, given: dict[str, Any]) -> int:
    """Create a record and return its number.

    Raises:
        RefusedError: something is missing or taken, or the user may not.
    """
    maker = _MAKERS.get(table)
    if maker is None:
        raise RefusedError(405, "Method Not Allowed")
    holder = HOLDERS.get(table)
    if holder is not None and not given.get(holder):
        raise RefusedError(400, f"Invalid {holder}")
    if not work.rights.may(_CREATE.get(table, _ADMIN[table])):
        raise RefusedError(403, "Forbidden" if holder is None else DENIED)
    return maker(work, given)


def update(work: Work, table: str, number: int, given: dict[str, Any]) -> list[str | None]:
    """Change what is given, as far as it can be changed, and return the messages."""
    said: list[str | None] = []
    for name in sorted(COLUMNS[table]):
        value = given.get(name)
        if name in _READ_ONLY or value is None or isinstance(value, list):
            continue
        value = value.get("id") if isinstance(value, dict) else value
        if not _is_so(work, table, number, name, value):
            said.append(_set(work, table, number, name, value))
    if table in LOOKUPS:
        said += values.update(work, table, number, given.get("CustomFields") or {})
    said += people.update_roles(work, table, number, given)
    if table == "asset":
        said += linking.update(work, table, number, given)
    if table in ("user", "group") and str(given.get("Disabled", "")) in ("0", "1"):
        said.append(set_disabled(work, table, number, disabled=int(given["Disabled"])))
    if table == "user" and str(given.get("Privileged", "")) in ("0", "1"):
        said.append(_set_privileged(work, number, int(given["Privileged"])))
    return said


def disable(work: Work, table: str, number: int) -> bool:
    """Do what DELETE does; return whether that worked: a disabled record cannot be deleted once more."""
    if table not in ("queue", "user", "group", "customfield") or not may_modify(work.rights, table):
        return False
    if work.view.row(table, number)["Disabled"] and table != "group":
        return False
    set_disabled(work, table, number, disabled=1)
    return True


def set_disabled(work: Work, table: str, number: int, *, disabled: int) -> str:
    """Disable or enable a record and return what is said about it."""
    if not may_modify(work.rights, table):
        return DENIED
    if work.view.row(table, number)["Disabled"] == disabled and table == "user":
        return "That is already the current value"
    old = work.view.row(table, number)["Disabled"]
    work.change(table, number, Disabled=disabled)
    word = "Disabled" if disabled else "Enabled"
    if table in ("queue", "catalog"):
        work.note(table, number, word, OldValue=str(old), NewValue=str(disabled))
    elif table in _WITH_HISTORY:
        work.note(table, number, word)
    return f"{table.capitalize()} {word.lower()}"


def add_value(work: Work, field: int, given: dict[str, Any]) -> int:
    """Let a Select field list another value and return the value's number."""
    name = str(given.get("Name") or "")
    if not name:
        raise RefusedError(400, "Can't add a custom field value without a name")
    order = int(given.get("SortOrder") or 0)
    return work.insert(
        "customfieldvalue", CustomField=field, Name=name, Description=given.get("Description"), SortOrder=order
    )


def _set(work: Work, table: str, number: int, name: str, value: object) -> str:
    row = work.view.row(table, number)
    label = row.get("Name") or number
    title = {"customfield": "CustomField", "customrole": "CustomRole"}.get(table, table.capitalize())
    if table == "asset" and name == "Status":
        said = _set_asset_status(work, number, str(value))
        return f"Asset {work.view.row(table, number)['Name']}: {said}"
    if not may_modify(work.rights, table) and not (table == "user" and number == work.user):
        return f"{title} {label}: {DENIED}"
    if table == "queue" and name == "Lifecycle" and str(value) not in LIFECYCLES:
        return f"Queue {label}: {value} is not a valid lifecycle"
    if refusal := _refusal(work, table, number, name, str(value)):
        if table == "group":
            work.change(table, number)  # is stamped all the same (seen on 5.0.3)
        return f"{title} {label}: {refusal}"
    old = row[name]
    new = _typed(work, table, name, value)
    change: dict[str, Any] = {name: new}
    work.change(table, number, **change)
    _note_set(work, table, number, name, (old, new))
    label = work.view.row(table, number).get("Name") or number
    if table == "customfield" and name == "Disabled":
        return f"{title} {label}: {'Disabled' if new else 'Enabled'}"
    if table == "catalog" and name == "Disabled":
        return f"{title} {label}: Disabled {'disabled' if new else 'enabled'}"
    by = f" by {people.name_of(work, work.user)}" if table == "group" else ""
    return f"{title} {label}: {name} changed from {_quoted(table, old)} to {_quoted(table, new, bare=False)}{by}"


def _refusal(work: Work, table: str, number: int, name: str, value: str) -> str:
    """Return why a record may not get a name or an address, as 5.0.3 says it; empty when it may."""
    if table == "user" and name == "Name":
        return "empty name" if not value else "Name in use" if work.view.user_named(value) not in (None, number) else ""
    if table == "user" and name == "EmailAddress":
        return "Email address in use" if value and _user_at(work, value) not in (None, number) else ""
    if (table, name) in (("queue", "Name"), ("group", "Name")):
        return "Illegal value for Name" if not value or _named(work, table, value) not in (None, number) else ""
    return ""


def _named(work: Work, table: str, name: str) -> int | None:
    if table == "group":
        return work.state.roles.get(("UserDefined", 0, name.lower()))
    return work.view.named(table, name)


def _user_at(work: Work, address: str) -> int | None:
    rows = (work.view.row("user", each) for each in work.view.ids("user"))
    return next((row["id"] for row in rows if (row["EmailAddress"] or "").lower() == address.lower()), None)


def _note_set(work: Work, table: str, number: int, name: str, change: tuple[object, object]) -> None:
    if table not in _WITH_HISTORY:
        return
    old, new = (None if each is None else str(each) for each in change)
    if table in ("queue", "catalog") and name == "Disabled":
        kind = "Disabled" if change[1] else "Enabled"
        work.note(table, number, kind, OldValue=old, NewValue=new, Field="Disabled" if table == "catalog" else None)
        return
    work.note(table, number, "Set", Field=name, OldValue=old, NewValue=new)


def _set_asset_status(work: Work, number: int, status: str) -> str:
    row = work.view.row("asset", number)
    lifecycle, old, new = LIFECYCLES["assets"], row["Status"], status.lower()
    if new not in lifecycle.statuses:
        return f"Status '{status}' isn't a valid status for this asset."
    if not lifecycle.leads(old, new):
        return f"You can't change status from '{old}' to '{status}'."
    if not work.rights.may("ModifyAsset"):
        return DENIED
    work.change("asset", number, Status=new)
    work.note("asset", number, "Status", Field="Status", OldValue=old, NewValue=new)
    return "Asset deleted" if new == "deleted" else f"Status changed from '{old}' to '{new}'"


def _set_privileged(work: Work, user: int, privileged: int) -> str:
    old = work.view.row("user", user)["Privileged"]
    if old == privileged:
        return f"That user is already {'privileged' if privileged else 'unprivileged'}"
    people.set_privileged(work, user, privileged=bool(privileged))
    work.note("user", user, "Set", Field="Privileged", OldValue=str(old), NewValue=str(privileged))
    return f"That user is now {'privileged' if privileged else 'unprivileged'}"


def _is_so(work: Work, table: str, number: int, name: str, value: object) -> bool:
    present, text = work.view.row(table, number)[name], str(value)
    target = COLUMNS[table][name].target
    if target and present:
        return text in (str(present), work.view.row(target, present)["Name"])
    return ("" if present is None else str(present)) in (text, text or "0")


def _typed(work: Work, table: str, name: str, value: object) -> object:
    column = COLUMNS[table][name]
    if column.target:
        return work.view.named(column.target, str(value)) or 0
    if column.kind is Kind.NUMBER:
        text = str(value)
        return int(text) if text.lstrip("-").isdigit() else 0
    return str(value)


def _quoted(table: str, value: object, *, bare: bool = True) -> str:
    sign = _QUOTES.get(table, '"')
    return "(no value)" if bare and value in (None, "", 0, "0") else f"{sign}{value}{sign}"


# Creating, type by type


def _texts(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what is given for the columns of a type."""
    wanted = (name for name in COLUMNS[table] if name not in _READ_ONLY and given.get(name) is not None)
    return {name: given[name] for name in wanted if not isinstance(given[name], dict | list)}


def _create_queue(work: Work, given: dict[str, Any]) -> int:
    name = str(given.get("Name") or "")
    if not name:
        raise RefusedError(400, "Queue name is required")
    if work.view.named("queue", name) is not None:
        raise RefusedError(400, "Queue already exists")
    own = {"Description": "", "CorrespondAddress": "", "CommentAddress": "", "Lifecycle": "default"}
    columns = {**own, "SortOrder": 0, "SLADisabled": 1, "Disabled": 0, **_texts("queue", given)}
    number = work.insert("queue", **columns)
    people.create_roles(work, "queue", number, ("AdminCc", "Cc", "Owner", "Requestor"))
    work.note("queue", number, "Create", touch=False)
    return number


def _create_user(work: Work, given: dict[str, Any]) -> int:
    address = str(given.get("EmailAddress") or "")
    name = str(given.get("Name") or address)
    if not name:
        raise RefusedError(400, "Must specify 'Name' attribute")
    if work.view.user_named(name) is not None:
        raise RefusedError(400, "Name in use")
    if address and _user_at(work, address) is not None:
        raise RefusedError(400, "Email address in use")
    columns = {**_texts("user", given), "EmailAddress": address, "Privileged": given.get("Privileged") or 0}
    columns.pop("Name", None)
    number = people.create_user(work, name, **columns)
    values.on_create(work, "user", number, given.get("CustomFields") or {})
    return number


def _create_group(work: Work, given: dict[str, Any]) -> int:
    name = str(given.get("Name") or "")
    if _named(work, "group", name) is not None:
        raise RefusedError(400, f"Group name '{name}' is already in use")
    return people.create_group(work, name, Description=given.get("Description"))


def _create_field(work: Work, given: dict[str, Any]) -> int:
    kind = str(given.get("Type") or "")
    if kind not in _HINTS:
        raise RefusedError(400, "Invalid value for Type")
    hint = _HINTS[kind][int(given.get("MaxValues") or 0) == 1]
    own = {"Description": "", "Pattern": "", "LookupType": "", "SortOrder": 0, "UniqueValues": 0, "MaxValues": 0}
    applies = (int(given["Queue"]),) if "Queue" in given else ()
    columns = {**own, "EntryHint": hint, **_texts("customfield", given), "Disabled": 0, "Applies": applies}
    return work.insert("customfield", **columns)


def _create_asset(work: Work, given: dict[str, Any]) -> int:
    catalog = work.view.named("catalog", str(given["Catalog"]))
    if catalog is None or work.view.row("catalog", catalog)["Disabled"]:
        raise RefusedError(403, DENIED)
    status = str(given.get("Status") or "new").lower()
    if status not in LIFECYCLES["assets"].born:
        raise RefusedError(400, f"New assets cannot have status '{status}'.")
    columns = {"Description": "", **_texts("asset", given), "Catalog": catalog, "Status": status}
    number = work.insert("asset", **columns)
    people.create_roles(work, "asset", number, ("Owner", "HeldBy", "Contact"))
    for role in ("Owner", "HeldBy", "Contact"):
        found = [people.principal(work, each) for each in people.named(given.get(role))]
        members = tuple(each for each in found if each is not None) or ((NOBODY,) if role == "Owner" else ())
        people.put_role(work, "asset", number, role, members)
    values.on_create(work, "asset", number, given.get("CustomFields") or {})
    linking.on_create(work, "asset", number, given)
    work.note("asset", number, "Create", touch=False)
    return number


def _create_article(work: Work, given: dict[str, Any]) -> int:
    owner = work.view.named("class", str(given["Class"]))
    if owner is None or work.view.row("class", owner)["Disabled"]:
        raise RefusedError(403, DENIED)
    name = str(given.get("Name") or "")
    rows = (work.view.row("article", each) for each in work.view.ids("article"))
    if any(row["Name"] == name and row["Class"] == owner for row in rows):
        raise RefusedError(400, "Create failed for unknown reason")
    own = {"Summary": "", "SortOrder": 0, "Disabled": 0, "Parent": 0}
    number = work.insert("article", **{**own, **_texts("article", given), "Name": name, "Class": owner})
    work.change("article", number, touch=False, URI=uri_of("article", number))
    values.on_create(work, "article", number, given.get("CustomFields") or {})
    work.note("article", number, "Create", touch=False)
    return number


def _create_catalog(work: Work, given: dict[str, Any]) -> int:
    own = {"Description": "", "Lifecycle": "assets", "Disabled": 0}
    number = work.insert("catalog", **{**own, **_texts("catalog", given)})
    people.create_roles(work, "catalog", number, ("Owner", "HeldBy", "Contact"))
    work.note("catalog", number, "Create", touch=False)
    return number


def _create_class(work: Work, given: dict[str, Any]) -> int:
    return work.insert("class", **{"Description": "", "SortOrder": 0, "Disabled": 0, **_texts("class", given)})


_MAKERS: dict[str, Callable[[Work, dict[str, Any]], int]] = {
    "queue": _create_queue,
    "user": _create_user,
    "group": _create_group,
    "customfield": _create_field,
    "asset": _create_asset,
    "article": _create_article,
    "catalog": _create_catalog,
    "class": _create_class,
}
