"""Queries by the thousand over the fields and values of a simulated workspace; the same seed makes the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from mirror.simulators.rally.items import Item, uuid_of
from mirror.simulators.rally.schema import Attribute, Schema
from mirror.simulators.rally.state import View
from mirror.simulators.rally.world import World

TYPES = (
    *("Defect", "HierarchicalRequirement", "Task", "TestCase", "Artifact") * 4,
    *("PortfolioItem/Feature", "PortfolioItem/Initiative", "TestSet", "DefectSuite", "Risk", "Milestone", "Iteration") * 2,
    *("Release", "Project", "User", "Tag", "TestFolder", "TestCaseResult", "TestCaseStep", "ConversationPost", "Attachment"),
    *("Revision", "Changeset", "Build", "TimeEntryItem", "FlowState", "State", "RecycleBinEntry", "Blocker"),
)

_TEXT = ("=", "!=", "contains", "!contains", "<", ">", "<=", ">=", "in")
_NUMBER = ("=", "!=", "<", ">", "<=", ">=", "in")
_OPERATORS = {
    **dict.fromkeys(("string", "text", "raw", "pick", "state"), _TEXT),
    **dict.fromkeys(("integer", "decimal", "date"), _NUMBER),
    **dict.fromkeys(("boolean", "weblink"), ("=", "!=")),
    "ref": ("=", "!=", "in"),
    **dict.fromkeys(("many", "multi", "inverse"), ("=", "!=", "contains", "!contains")),
}
_ANY = (*_TEXT, "like", "==")
_JUNK = ("nothing", "12x", '"', "(", "2025-13-45", "", "today+x", "0", "-1", "null", "true")

# What rows do not tell, so that a mirror has no word on it: see docs/queries-rally.md.
_UNTOLD = frozenset(
    {
        *("Collaborators", "Editors", "Viewers", "Revisions", "AllowedValues", "AllowedQueryOperators", "Attributes"),
        *("SchemaVersion", "TeamMemberships", "TypeDefinitions", "Projects", "UserPermissions"),
    }
)
_CLOSED = frozenset({"RevisionHistory", "AttachmentContent", "AllowedAttributeValue", "Subscription"})


class Asked(NamedTuple):
    """One question."""

    type_name: str
    query: str
    order: str


class Generator:
    """Makes questions."""

    def __init__(self, world: World, seed: int) -> None:
        self._random = Random(seed)
        self._view: View = world.view()
        self._schema: Schema = world.state.schemas[world.landmarks.workspace]
        self._world = world

    def questions(self, count: int) -> Iterator[Asked]:
        """Yield so many questions."""
        for _ in range(count):
            type_name = self._random.choice(TYPES)
            order = self._order(type_name) if self._random.random() < 0.5 else ""
            yield Asked(type_name, self._query(type_name, self._random.choice((0, 0, 1, 1, 2, 3))), order)

    def _query(self, type_name: str, depth: int) -> str:
        if depth == 0:
            return self._spoilt(self._term(type_name))
        word = self._random.choice(("AND", "OR", "and", "Or"))
        return self._spoilt(f"({self._query(type_name, depth - 1)} {word} {self._query(type_name, self._less(depth))})")

    def _less(self, depth: int) -> int:
        return self._random.randrange(depth)

    def _spoilt(self, text: str) -> str:
        """Return the text as it is, nearly always."""
        if self._random.random() > 0.005:
            return text
        at = self._random.randrange(len(text))
        return text[:at] + self._random.choice(("(", ")", " ", '"', "")) + text[at + 1 :]

    def _term(self, type_name: str) -> str:
        path, attribute, values = self._path(type_name)
        usual = _OPERATORS[attribute.kind]
        operator = self._random.choice(usual if self._random.random() < 0.96 else _ANY)
        if operator == "in":
            several = [self._written(self._value(attribute, values)) for _ in range(self._random.randint(1, 4))]
            return f"({path} in {self._random.choice((',', ', ')).join(several)})"
        value = self._value(attribute, values)
        if self._random.random() < 0.1:
            return f"({path} {operator} null)"
        return f"({path} {operator} {self._written(value)})"

    def _path(self, type_name: str) -> tuple[str, Attribute, list[Any]]:
        """Return a dotted name, what it ends in, and some values that are found there."""
        items = self._some(type_name)
        names: list[str] = []
        owner = type_name
        while True:
            attribute = self._random.choice(self._attributes(owner))
            names.append(attribute.name)
            is_last = not attribute.target or attribute.target in _CLOSED or self._random.random() < 0.25 * len(names)
            if is_last:
                break
            items = [found for item in items for found in self._behind(item, attribute)][:20]
            owner = self._random.choice(attribute.sources) if len(attribute.sources) > 1 else attribute.target
        if self._random.random() < 0.02:
            names[-1] = self._random.choice(("Nothing", "Nam", "c_None", ""))
        return ".".join(names), attribute, [self._known(item, attribute) for item in items]

    def _some(self, type_name: str) -> list[Item]:
        ids = [oid for path in self._schema.concrete(type_name) for oid in self._world.ids(path)]
        chosen = (self._view.get(oid) for oid in self._random.sample(ids, min(12, len(ids))))
        return [each for each in chosen if each is not None]

    def _attributes(self, owner: str) -> list[Attribute]:
        found = self._schema.attributes(owner)
        if owner in ("Artifact", "PortfolioItem") and self._random.random() < 0.3:
            found = self._schema.attributes(self._random.choice(self._schema.concrete(owner)))
        return [each for each in found.values() if not each.hidden and each.name not in _UNTOLD]

    def _behind(self, item: Item, attribute: Attribute) -> list[Item]:
        ids = self._view.members(item, attribute.name) if attribute.is_collection else [item.values.get(attribute.name)]
        found = (self._view.get(oid) for oid in ids if isinstance(oid, int))
        return [each for each in found if each is not None]

    def _known(self, item: Item, attribute: Attribute) -> Any:
        special = {"ObjectID": item.oid, "VersionId": item.version, "ObjectUUID": uuid_of(item.oid)}
        return special.get(attribute.name, item.values.get(attribute.name, attribute.default))

    def _value(self, attribute: Attribute, values: list[Any]) -> str:
        chance = self._random.random()
        if chance < 0.03:
            return self._random.choice(_JUNK)
        if attribute.values and not attribute.target and chance < 0.4:
            return self._random.choice((*attribute.values, "Bogus"))
        if attribute.kind == "boolean":
            return self._random.choice(("true", "false", "True"))
        known = [each for each in values if each not in (None, "", ())]
        if attribute.kind == "date":
            return self._date(known)
        if attribute.target and not known:
            ids = [oid for path in self._schema.concrete(attribute.target) for oid in self._world.ids(path)]
            return self._reference(self._random.choice(ids or [1]))
        if not known:
            return self._random.choice(("1", "0", "7") if attribute.kind in ("integer", "decimal") else ("x", "E", "US3"))
        found = self._random.choice(known)
        if attribute.target:
            return self._reference(self._random.choice(found) if isinstance(found, tuple) else found)
        return self._varied(attribute, found)

    def _date(self, known: list[Any]) -> str:
        if not known or self._random.random() < 0.3:
            return self._random.choice(("today", "today-30", "today+5", "today-900", "2024-06-30", "2023-01-01T10:00:00Z"))
        found = str(self._random.choice(known))
        return self._random.choice((found, found, found[:10], found[:-1] + "+00:00", found[:16] + "Z"))

    def _reference(self, oid: int) -> str:
        item = self._view.get(oid) if isinstance(oid, int) else None
        path = item.type.lower() if item is not None else ""
        if item is None or item.type in _CLOSED:
            return str(oid)
        forms = (str(oid), f"/{path}/{oid}", f"{path}/{oid}", f"https://example.com/slm/webservice/v2.0/{path}/{oid}")
        return self._random.choice((*forms, *forms, uuid_of(oid)))

    def _varied(self, attribute: Attribute, found: Any) -> str:
        text = str(found)
        if attribute.name == "FormattedID":
            digits = "".join(filter(str.isdigit, text))
            return self._random.choice((text, digits, text.lower(), f"US{digits}"))
        if attribute.kind in ("integer", "decimal"):
            return self._random.choice((text, str(int(float(text))), f"{text}.5" if attribute.kind == "integer" else text))
        if self._random.random() < 0.4 and len(text) > 3:
            at = self._random.randrange(len(text) - 2)
            text = text[at : at + self._random.randint(1, 8)]
        return self._random.choice((text, text, text.upper(), text.lower()))

    def _written(self, text: str) -> str:
        if text in _JUNK:
            return text
        if text and not set(text) & set(' ()",\\\t\n\r\x07') and self._random.random() < 0.6:
            return text
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    def _order(self, type_name: str) -> str:
        return ",".join(self._order_key(type_name) for _ in range(self._random.randint(1, 2)))

    def _order_key(self, type_name: str) -> str:
        names: list[str] = []
        owner = type_name
        while True:
            usual = [each for each in self._schema.attributes(owner).values() if not each.hidden]
            if self._random.random() < 0.97:
                usual = [each for each in usual if not each.is_collection and each.kind != "weblink"]
            attribute = self._random.choice([each for each in usual if each.name not in _UNTOLD])
            names.append(attribute.name)
            is_closed = not attribute.target or attribute.is_collection or attribute.target in _CLOSED
            if is_closed or self._random.random() < 0.5:
                break
            owner = attribute.target
        if self._random.random() < 0.02:
            names[-1] = "Nothing"
        return f"{'.'.join(names)}{self._random.choice(('', '', ' desc', ' DESC', ' ASC', ' asc'))}"
