"""What to say of a name that records have not: what it is here, how each of them has it, or which name is near."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mirror.script.elsewhere import RECORDS, here
from mirror.script.record import Record

if TYPE_CHECKING:
    from mirror.script.records import Records


def instead(records: Records, name: str) -> str:
    """Return what to say behind the message; "" when nothing is known."""
    if name in RECORDS or name.startswith("_"):
        return here(RECORDS, name)
    if hasattr(Record, name):
        return f"; each of them has: for each in records: each.{name}(…)"
    if any(records.home.shape(each.type.name).has(name) for each in records.layouts):
        return f"; of each of them it is values({name!r})"
    near = difflib.get_close_matches(name, [each for each in dir(type(records)) if not each.startswith("_")], n=1)
    return f"; did you mean {near[0]}?" if near else ""
