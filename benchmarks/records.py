"""Writes the benchmark's records as JSON, the way Rally writes them; the same index always gives the same record.

A thousand different records are made once, as text with slots for what must differ from record to record; record
number i is template i modulo a thousand with its slots filled. So a million records need no memory.
"""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta

from benchmarks.shape import SERVED, TYPE_NAME, TYPE_PATH, Attribute

FIRST_ID = 500_000_000_000
ID_STEP = 10
TEMPLATE_COUNT = 1000
WORKSPACE_ID, WORKSPACE = 41_000_000_001, "Bench"
BASE = "https://rally1.rallydev.com/slm/webservice/v2.0"

# Each stands for a slot while a template is written; none occurs in generated text.
_SLOTS = (
    "987654321012345",
    "987654321012346",
    "00000000-aaaa-bbbb-cccc-",
    "US987654321",
    "@STAMP@",
    "@VERSION@",
)
_OLDEST = datetime(2019, 1, 1, tzinfo=UTC)
LAST_BIRTH = "2024-01-01T00:00:00.000Z"
"""No record has a later LastUpdateDate before it is edited."""

_WORDS = (
    "the customer wants a faster answer when an order is placed and the warehouse reports back before the carrier "
    "has been told which parcel leaves first because invoices depend on delivery dates that were promised earlier "
    "screen service account report export import limit review session payment ledger retry queue contract mobile"
).split()
_CHOICES = {
    "ScheduleState": ("Idea", "Defined", "In-Progress", "Completed", "Accepted"),
    "TaskStatus": ("NONE", "DEFINED", "IN_PROGRESS", "COMPLETED"),
    "DefectStatus": ("NONE", "NONE_CLOSED", "ALL_CLOSED"),
    "TestCaseStatus": ("NONE", "NONE_RUN", "ALL_RUN_ALL_PASSING"),
    "DisplayColor": ("#21a2e0", "#f9a814", "#848689"),
}
_FIRST_NAMES = ("Ann", "Bela", "Chen", "Dana", "Emil", "Fay", "Gita", "Hugo")
_LAST_NAMES = ("Adler", "Brook", "Cole", "Duarte", "Eze", "Fuchs", "Grant", "Holm")
_ENVELOPE = {"_rallyAPIMajor": "2", "_rallyAPIMinor": "0"}


def record_id(index: int) -> int:
    """Return the ObjectID of record number `index`, counted from 0."""
    return FIRST_ID + index * ID_STEP


def index_after(object_id: int) -> int:
    """Return the number of the first record whose ObjectID is greater than `object_id`; 0 for small ids."""
    return max(0, (object_id - FIRST_ID) // ID_STEP + 1)


def instant(moment: datetime) -> str:
    """Return a moment as Rally writes it: milliseconds, Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Templates:
    """The thousand records, each cut at its slots."""

    def __init__(self, seed: int = 2024) -> None:
        self._texts = [_template(random.Random(seed * TEMPLATE_COUNT + each)) for each in range(TEMPLATE_COUNT)]

    def render(self, index: int, *, version: int = 1, stamp: str | None = None) -> bytes:
        """Return record number `index` as JSON.

        Args:
            version: its VersionId.
            stamp: its LastUpdateDate; None gives the one it was born with.
        """
        object_id = record_id(index)
        values = (
            b"%d" % object_id,
            b"%d" % (object_id + 1),
            b"%08x-aaaa-bbbb-cccc-" % index,
            b"US%d" % (index + 1),
            (stamp or birth_stamp(index)).encode(),
            b"%d" % version,
        )
        texts, slots = self._texts[index % TEMPLATE_COUNT]
        parts = [b""] * (2 * len(slots) + 1)
        parts[::2] = texts
        parts[1::2] = [values[slot] for slot in slots]
        return b"".join(parts)


def birth_stamp(index: int) -> str:
    """Return the LastUpdateDate of an unchanged record: one every 90 seconds from 2019 on, wrapped after five years."""
    return instant(_OLDEST + timedelta(seconds=90 * index % 157_000_000))


def _template(chance: random.Random) -> tuple[list[bytes], list[int]]:
    """Return the text between the slots, and which slot stands in each gap."""
    name = _sentence(chance, 8)
    document: dict[str, object] = {
        **_ENVELOPE,
        "_ref": f"{BASE}/{TYPE_PATH}/{_SLOTS[0]}",
        "_refObjectUUID": _uuid(chance, _SLOTS[2]),
        "_objectVersion": _SLOTS[5],
        "_refObjectName": name,
    }
    for each in SERVED:
        document[each.name] = _value(each, name, chance)
    document["ObjectUUID"] = document["_refObjectUUID"]
    document["_type"] = TYPE_NAME
    text = json.dumps(document, separators=(",", ":")).replace("<", "\\u003C")
    pieces = re.split("(" + "|".join(map(re.escape, _SLOTS)) + ")", text)
    return [each.encode() for each in pieces[::2]], [_SLOTS.index(each) for each in pieces[1::2]]


def _value(attribute: Attribute, name: str, chance: random.Random) -> object:
    own = {
        "ObjectID": int(_SLOTS[0]),
        "VersionId": _SLOTS[5],
        "FormattedID": _SLOTS[3],
        "Name": name,
        "LastUpdateDate": _SLOTS[4],
        "CreationDate": instant(_OLDEST - timedelta(minutes=chance.randrange(900_000))),
        "DragAndDropRank": "".join(chance.choices("!#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOP", k=64)),
        "Description": _paragraphs(chance, 500),
        "RevisionHistory": _reference("RevisionHistory", int(_SLOTS[1]), None, chance),
        "Workspace": _reference("Workspace", WORKSPACE_ID, WORKSPACE, chance),
    }
    if attribute.name in own:
        return own[attribute.name]
    if attribute.name in _CHOICES:
        return chance.choice(_CHOICES[attribute.name])
    if not attribute.required and attribute.shape not in ("boolean", "tags", "collection") and chance.random() < 0.3:
        return "" if attribute.shape == "html" else {} if attribute.shape == "link" else None
    return _drawn(attribute, chance)


def _drawn(attribute: Attribute, chance: random.Random) -> object:
    match attribute.shape:
        case "text":
            return _sentence(chance, 2)
        case "html":
            return _paragraphs(chance, 60)
        case "integer":
            return chance.randrange(40)
        case "decimal":
            return chance.randrange(80) / 2
        case "boolean":
            return chance.random() < 0.2
        case "instant":
            return instant(_OLDEST + timedelta(minutes=chance.randrange(2_000_000)))
        case "link":
            return {"LinkID": str(chance.randrange(90_000)), "DisplayString": _sentence(chance, 2)}
        case "reference":
            number = 7_000_000_000 + chance.randrange(64)
            return _reference(attribute.target.replace("-", "/"), number, _title(attribute.target, number), chance)
        case "tags":
            return _tagged(attribute, chance)
        case "collection":
            return {**_ENVELOPE, **_summary(attribute), "Count": 0}
        case "inverse":
            raise AssertionError(f"{attribute.name} is in no record")


def _reference(type_name: str, number: int, title: str | None, chance: random.Random) -> dict[str, object]:
    named = {} if title is None else {"_refObjectName": title}
    return {
        **_ENVELOPE,
        "_ref": f"{BASE}/{type_name.lower()}/{number}",
        "_refObjectUUID": _uuid(chance, f"{number % 2**32:08x}-1111-2222-3333-"),
        **named,
        "_type": type_name,
    }


def _tagged(attribute: Attribute, chance: random.Random) -> dict[str, object]:
    """Return a collection that lists its members' names: 0 to 3 tags, 0 or 1 milestone."""
    numbers = sorted(
        chance.sample(range(200), chance.choice((0, 1, 2, 3)) if attribute.name == "Tags" else chance.choice((0, 1)))
    )
    path = attribute.target.lower()
    members: list[dict[str, object]] = [
        {"Name": f"{attribute.target} {each}", "_ref": f"/{path}/{8_000_000_000 + each}"} for each in numbers
    ]
    if attribute.name == "Milestones":
        members = [{**each, "DisplayColor": "#ee6c19", "TargetDate": None} for each in members]
    return {**_ENVELOPE, **_summary(attribute), "_tagsNameArray": members, "Count": len(members)}


def _summary(attribute: Attribute) -> dict[str, str]:
    return {"_ref": f"{BASE}/{TYPE_NAME}/{_SLOTS[0]}/{attribute.name}", "_type": attribute.target}


def _title(target: str, number: int) -> str:
    if target == "User":
        return f"{_FIRST_NAMES[number % 8]} {_LAST_NAMES[number // 8 % 8]}"
    return f"{target} {number % 64}"


def _uuid(chance: random.Random, head: str) -> str:
    return head + f"{chance.randrange(16**12):012x}"


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choices(_WORDS, k=words))


def _paragraphs(chance: random.Random, length: int) -> str:
    """Return HTML of about `length` bytes, as the rich text editor leaves it."""
    text = ""
    while len(text) < length:
        text += f"<p>{_sentence(chance, 6)} <b>{chance.choice(_WORDS)}</b> &amp; {_sentence(chance, 3)}</p>"
    return text
