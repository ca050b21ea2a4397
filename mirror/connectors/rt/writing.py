"""What a write would call and what it would change, told without asking the network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from mirror.connectors.rt.catalog import LINK_REFS
from mirror.connectors.rt.collections import COLLECTIONS
from mirror.connectors.rt.drafting import Drafting
from mirror.connectors.rt.effects import merge_target
from mirror.connectors.rt.localtime import LocalTime
from mirror.connectors.rt.naming import Naming
from mirror.connectors.rt.sending import path_of
from mirror.errors import RefusedError
from mirror.model.change import Action
from mirror.model.write import Target, Write

_LONGEST = 300  # characters of a body that are shown


def calls(write: Write) -> Sequence[str]:
    """Return the calls that a write takes: custom fields by name, of lists that are replaced what comes and goes.

    Creations that are sent together are one call for all (rt.md §6.8).
    """
    path = path_of(write)
    match write.action:
        case Action.CREATE:
            return [f"POST /REST/2.0{COLLECTIONS[write.layout.type.name].record} {_body(write)}"]
        case Action.UPDATE:
            return [f"GET {path}", f"PUT {path} {_body(write)}, if unchanged", f"GET {path}/history"]
        case Action.DELETE:
            return [f"GET {path}", f'PUT {path} {{"Status":"deleted"}}, if unchanged', f"GET {path}"]
        case Action.COMMENT:
            kind = "correspond" if write.kind == "reply" else "comment"
            return [f"POST {path}/{kind} {_cut(write.text)}"]
        case Action.ATTACH:
            size = f" ({len(write.file.content)} bytes)" if write.file is not None else ""
            return [f"POST {path}/comment {write.file.name if write.file is not None else ''}{size}"]
        case Action.OPERATE if write.operation == "merge":
            return [f'PUT {path} {{"MergeInto":{write.arguments.get("into", "")}}}', f"GET {path}"]
        case Action.OPERATE:
            return [f"PUT {path}/{write.operation}", f"GET {path}"]
    return []


def touches(write: Write) -> frozenset[str]:
    """Return the records that a write changes: a link is booked on both ends (rt.md §7.1), a merge on both tickets."""
    name = write.layout.type.name
    found = {f"{name} {write.record_id}"} if write.record_id is not None else set()
    for field in LINK_REFS:
        ends = (*write.added.get(field, ()), *write.removed.get(field, ()))
        found |= {f"{each.type_name or 'ticket'} {each.id}" for each in ends if isinstance(each, Target)}
    if write.operation == "merge":
        with suppress(RefusedError):  # which sending it will bring to light
            found.add(f"ticket {merge_target(write)}")
    return frozenset(found)


def _body(write: Write) -> str:
    draft = Drafting(Naming.shown(write.layout), LocalTime(None)).shown(write)
    return _cut(msgspec.json.encode(draft.body).decode())


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
