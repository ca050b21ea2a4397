"""Values of a write in Rally's wire forms, and the calls that one write becomes.

Nothing in here talks to the network.

Source: rally.md §5 (forms), §8 (writing).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from mirror.errors import RefusedError
from mirror.model.change import Action
from mirror.model.schema import Field, Kind
from mirror.model.write import File, Item, Place, Target, Value, Write

LARGEST_FILE = 50_000_000  # bytes before encoding (rally.md §8.3 C/S)
_TOLD = "ObjectID,VersionId,CreationDate,RevisionHistory"
_SHOWN = 60  # characters of a value in a plan


@dataclass(frozen=True, slots=True)
class Call:
    """One request that writes.

    Attributes:
        path: below the API: `defect/create`, `defect/123`, `defect/123/Tags/add`.
        body: None for a delete.
        params: those of this call; the workspace and a security token are added when it is made.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    params: Mapping[str, str] = field(default_factory=dict)


def calls_of(write: Write) -> list[Call]:
    """Return the calls of a write in the order they are made.

    An update comes first, then what is added to collections, then what is removed from them: a collection is never replaced
    as a whole, which would take away what somebody else has put in. Those of an ATTACH are only for people to read: what it
    sends are `content` and, once that was answered, `attachment`.

    Raises:
        RefusedError: Rally has nothing of the kind.
    """
    here = f"{write.layout.type.name.lower()}/{write.record_id}"
    match write.action:
        case Action.CREATE:
            return [_create(write.layout.type.name, _fields(write) | _collections(write), _TOLD)]
        case Action.UPDATE:
            return _update(write, here)
        case Action.DELETE:
            return [Call("DELETE", here)]
        case Action.COMMENT:
            return [_create("ConversationPost", {"Artifact": f"/{here}", "Text": write.text}, "ObjectID")]
        case Action.ATTACH:
            size = f"{len(_file(write).content)} bytes"
            first = _create("AttachmentContent", {"Content": size}, "ObjectID")
            return [first, attachment(write, "/attachmentcontent/…", "/user/…")]
        case Action.RANK:
            body = {write.layout.type.name: {"_ref": f"/{here}"}}
            return [Call("POST", here, body, _place(write) | {"fetch": _TOLD})]
    raise RefusedError(f"Rally has no {write.operation or write.action} for {write.layout.type.name}")


def content(file: File) -> Call:
    """Return the call that brings the bytes, base64 without line breaks (rally.md §8.3 R).

    Raises:
        RefusedError: they are more than Rally takes.
    """
    if len(file.content) > LARGEST_FILE:
        raise RefusedError(f"{file.name} has {len(file.content)} bytes; Rally takes {LARGEST_FILE} at most")
    return _create("AttachmentContent", {"Content": base64.b64encode(file.content).decode()}, "ObjectID")


def attachment(write: Write, content_ref: str, user_ref: str) -> Call:
    """Return the call that makes an attachment of bytes that are there already (rally.md §8.3 C)."""
    file, name = _file(write), write.layout.type.name
    owner = "TestCaseResult" if name == "TestCaseResult" else "Artifact"
    fields = {
        "Name": file.name,
        "ContentType": file.content_type,
        "Content": content_ref,
        "Size": len(file.content),
        "User": user_ref,
        owner: f"/{name.lower()}/{write.record_id}",
    }
    return _create("Attachment", fields, "ObjectID")


def described(call: Call) -> str:
    """Return a call as a line for people; long values are cut."""
    params = "&".join(f"{name}={value}" for name, value in call.params.items() if name != "fetch")
    head = f"{call.method} /{call.path}{'?' if params else ''}{params}"
    return head if call.body is None else f"{head} {msgspec.json.encode(_cut(call.body)).decode()}"


def _cut(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _cut(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]}… ({len(value)} characters)"
    return value


def reference(target: Target, field: Field | None) -> str | int:
    """Return a short reference, `/user/123`; where no type is known the bare ObjectID, which Rally takes too (§8.1 C)."""
    only = field.targets[0] if field is not None and len(field.targets) == 1 else ""
    name = target.type_name or only
    return f"/{name.lower()}/{target.id}" if name else target.id


def wire_value(field: Field | None, value: Value) -> object:
    """Return a value as Rally writes it; instants have its form already (rally.md §5 R), null clears a field."""
    if isinstance(value, Target):
        return reference(value, field)
    kind = field.kind if field is not None else Kind.TEXT
    if isinstance(value, str) and kind in (Kind.JSON, Kind.NUMERIC):
        return msgspec.Raw(value.encode())  # the digits of a number that no float holds exactly stay as they are
    return value


def _update(write: Write, here: str) -> list[Call]:
    calls = []
    if write.values:
        calls.append(Call("POST", here, {write.layout.type.name: _fields(write)}, {"fetch": _TOLD}))
    for verb, changed in (("add", write.added), ("remove", write.removed)):
        for name, items in changed.items():
            body = {"CollectionItems": _members(write, name, items)}
            calls.append(Call("POST", f"{here}/{name}/{verb}", body, {"fetch": "ObjectID"}))
    return calls


def _create(type_name: str, fields: Mapping[str, object], told: str) -> Call:
    return Call("POST", f"{type_name.lower()}/create", {type_name: fields}, {"fetch": told})


def _fields(write: Write) -> dict[str, object]:
    return {name: wire_value(write.layout.type.field(name), value) for name, value in write.values.items()}


def _collections(write: Write) -> dict[str, object]:
    """Return the items that a new record begins with: an array of objects, a plain text fails (rally.md §8.1 D)."""
    return {name: _members(write, name, items) for name, items in write.added.items()}


def _members(write: Write, name: str, items: tuple[Item, ...]) -> list[dict[str, object]]:
    """Return members of a collection; one known by its name only is looked up by the server (rally.md §8.2 R)."""
    field = write.layout.type.field(name)
    return [{"_ref": reference(each, field)} if isinstance(each, Target) else {"Name": each} for each in items]


def _place(write: Write) -> dict[str, str]:
    """Return the parameters of a rank (rally.md §8.4 C).

    Raises:
        RefusedError: above or below nothing.
    """
    if write.place in (Place.TOP, Place.BOTTOM):
        return {"rankTo": write.place.value.upper()}
    if write.other is None or write.place is None:
        raise RefusedError("a record goes above or below another one, or to the top or bottom")
    other = write.other if write.other.type_name else Target(write.layout.type.name, write.other.id)
    return {"rankAbove" if write.place is Place.ABOVE else "rankBelow": str(reference(other, None))}


def _file(write: Write) -> File:
    if write.file is None:
        raise RefusedError("there is no file to attach")
    return write.file
