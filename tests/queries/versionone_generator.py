"""Random filters and orders over the attributes and values of a simulated VersionOne, by its own schema.

What the mirror answers otherwise on purpose is left out; docs/queries-versionone.md tells all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from mirror.simulators.versionone.schema import Attribute
from mirror.simulators.versionone.world import World
from tests.queries.versionone_ground import Question

_ASKED = tuple(
    """Story Story Story Story Story Story Defect Defect Defect Task Task Task Test Epic Epic Theme Issue Request Scope Scope
    Timebox Member Member Attachment Expression Actual StoryStatus Workitem Workitem PrimaryWorkitem PrimaryWorkitem Link
    Goal TestSet List BaseAsset Note""".split()
)
_WORKED_OUT = frozenset(
    """Now History Prior Is Days Viewers CanUpdate IsReadOnly IsDeletable IsDeleted SecurityScope FakeAssetState
    EffectiveAssetState Moment MyLastChangeDate MyLastChangeDateUTC MyLastChangeMoment MyLastChangeReason
    MyLastChangeComment""".split()
)
_UNKEPT_KINDS = ("Password", "Blob", "Opaque")
_ORDERED = ("Numeric", "Date", "LongInt")
_SUMMED = ("Numeric", "LongInt")
_LONGEST = 2000
_WRONG = (
    "Nope='1'",
    "+Nope",
    "Name.Nope='1'",
    "Name>'a'",
    "Name=",
    "Name 'x'",
    "ID='Nope:1'",
    "ID='Story:x'",
    "Key='many'",
    "AssetState='Awake'",
    "CreateDateUTC<'soon'",
    "Name='a';",
    "(Name='a'",
    "Name='a'|;Name='b'",
    "Name.@Sum>'1'",
    "Name[Name='a']='b'",
    "CreatedBy:Nope.Name='x'",
    "Name=$nobody",
    "+ID[Name='x'",
    "-Name-ID",
)


class Generator:
    """Makes questions; the same ones for the same seed and world.

    Args:
        types: what is mirrored; only to such assets do paths lead.
    """

    def __init__(self, world: World, seed: int, types: frozenset[str]) -> None:
        self.world = world
        self.schema = world.schema
        self.random = Random(seed)
        self.types = types

    def question(self) -> Question:
        """Return the next question; an address takes only so much."""
        while len((made := self._question()).where) > _LONGEST:
            pass
        return made

    def _question(self) -> Question:
        type_name = self.random.choice(_ASKED)
        where = self._either(type_name, 0)
        if self._chance(0.05):
            where = f"{where}{self.random.choice(';|&')}{self.random.choice(_WRONG)}"
        sort = self._sort(type_name) if self._chance(0.4) else ""
        if self._chance(0.04):
            return Question(type_name, where, sort, find=self._word(type_name))
        return Question(type_name, where, sort)

    # Filters

    def _either(self, type_name: str, depth: int) -> str:
        terms = [self._both(type_name, depth) for _ in range(self.random.choice((1, 1, 1, 2, 3)))]
        return "|".join(terms)

    def _both(self, type_name: str, depth: int) -> str:
        terms = [self._term(type_name, depth) for _ in range(self.random.choice((1, 1, 2)))]
        return self.random.choice((";", ";", "&", " ; ")).join(terms)

    def _term(self, type_name: str, depth: int) -> str:
        if depth < 2 and self._chance(0.12):
            return f"({self._either(type_name, depth + 1)})"
        if self._chance(0.15):
            path, attribute, _far = self._path(type_name, depth)
            return f"{self.random.choice('+-')}{path}"
        if self._chance(0.2):
            compared = self._aggregate(type_name, depth)
            if compared:
                return compared
        path, attribute, far = self._path(type_name, depth)
        return f"{path}{self._comparison(attribute, far)}"

    def _path(self, type_name: str, depth: int) -> tuple[str, Attribute, str]:
        """Return a path, its last attribute, and the type that has that."""
        words: list[str] = []
        here = type_name
        if self._chance(0.05) and not self.schema.get(type_name).abstract:  # type: ignore[union-attr]
            words.append(self.random.choice(self.schema.lineage(type_name)))
            here = words[0]
        for _hop in range(self.random.choice((0, 0, 0, 1, 1, 2))):
            relation = self._relation(here)
            if relation is None:
                break
            word, here = self._hop(relation, depth)
            words.append(word)
        attribute = self.random.choice(self._plain(here))
        return ".".join([*words, attribute.name]), attribute, here

    def _hop(self, relation: Attribute, depth: int) -> tuple[str, str]:
        word, here = relation.name, relation.related or ""
        below = [each for each in self.schema.concrete(here) if each in self.types]
        if self._chance(0.25) and below and relation.name != "ID":
            here = self.random.choice(below)
            word += f":{here}"
        if depth < 2 and self._chance(0.15) and relation.name != "ID":
            word += f"[{self._either(here, depth + 1)}]"
        return word, here

    def _relation(self, type_name: str) -> Attribute | None:
        """Return a relation to types all of which are mirrored; None when there is none."""
        fitting = [each for each in self._known(type_name) if each.is_relation and self._is_kept(each)]
        if self._chance(0.95):  # every type there is takes long to look into
            fitting = [each for each in fitting if each.related != "BaseAsset"]
        return self.random.choice(fitting) if fitting else None

    def _is_kept(self, attribute: Attribute) -> bool:
        if attribute.closure is not None:
            return False
        related = self.schema.concrete(attribute.related or "")
        return bool(related) and (set(related) <= self.types or len(related) > 5)

    def _known(self, type_name: str) -> list[Attribute]:
        return [
            each
            for each in self.schema.attributes(type_name).values()
            if each.name not in _WORKED_OUT and each.kind not in _UNKEPT_KINDS and not each.name.startswith("Check")
        ]

    def _plain(self, type_name: str) -> list[Attribute]:
        """Return the attributes that a path may end in; relations among them, and the instants that are kept whole."""
        every = self.schema.attributes(type_name)
        found = [each for each in self._known(type_name) if not each.is_relation or self._is_kept(each)]
        return [
            each for each in found if each.kind != "Date" or each.utc or each.date_only or f"{each.name}UTC" in every
        ] + [every["Key"]]

    # Values

    def _comparison(self, attribute: Attribute, owner: str) -> str:
        signs = ["=", "=", "!="]
        orderable = (attribute.kind in _ORDERED and not attribute.multi) or attribute.name in ("Key", "ID")
        if orderable:
            signs += ["<", "<=", ">", ">="]
        sign = self.random.choice(signs)
        count = self.random.choice((1, 1, 1, 2, 3))
        return sign + ",".join(self._quoted(self._value(attribute, owner)) for _ in range(count))

    def _quoted(self, text: str) -> str:
        quote = self.random.choice("''\"")
        return f"{quote}{text.replace(quote, quote * 2)}{quote}"

    def _value(self, attribute: Attribute, owner: str) -> str:
        if self._chance(0.04) and attribute.name != "ID":
            return ""
        value = self._drawn(attribute, owner)
        if attribute.is_relation:
            return self._oid(value, attribute)
        makers: dict[str, Callable[[Any], str]] = {
            "State": lambda _value: self.random.choice(("Active", "Closed", "64", "128", "Template", "Dead", "Future")),
            "Boolean": lambda _value: self.random.choice(("true", "false", "True", "FALSE")),
            "Date": lambda value: self._day(attribute, value),
        }
        if attribute.kind in makers:
            return makers[attribute.kind](value)
        if attribute.kind in ("Numeric", "LongInt", "Rank", "Opaque"):
            return str(self.random.choice((value if value is not None else 3, 0, 1, "2.5", "-1", "1e3")))
        return str(value) if value not in (None, "") else "x"

    def _drawn(self, attribute: Attribute, owner: str) -> Any:
        """Return a value that some asset has; None when the one that was looked at has none."""
        ids = self.world.ids(owner)
        if not ids:
            return None
        value = self.world.value(self.random.choice(ids), attribute.name)
        if isinstance(value, list):
            return self.random.choice(value) if value else None
        return value

    def _oid(self, value: Any, attribute: Attribute) -> str:
        if value is None:
            known = [each for name in self.schema.concrete(attribute.related or "") for each in self.world.ids(name)]
            value = self.random.choice(known) if known and self._chance(0.8) else 20
        type_name = self.world.type_of(value) or ""
        if type_name not in self.types:  # of which the mirror has never heard
            return "Member:20"
        if self._chance(0.1):
            type_name = self.random.choice(self.schema.lineage(type_name))
        return f"{type_name}:{value}{':7' if self._chance(0.05) else ''}"

    def _day(self, attribute: Attribute, value: Any) -> str:
        if value is None:
            value = datetime(2025, 5, 1, 12, 30, tzinfo=UTC)
        if not isinstance(value, datetime):
            assert isinstance(value, date)
            return value.isoformat() if self._chance(0.8) else f"{value:%m/%d/%Y}"
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
        return self.random.choice((text, text[:10], text[:19], f"{text}Z", f"{text}5"))

    def _aggregate(self, type_name: str, depth: int) -> str:
        """Return a comparison of what is made of the assets behind one relation; "" when there is none of that kind."""
        fitting = [each for each in self._known(type_name) if each.is_relation and each.multi and self._is_kept(each)]
        fitting = [each for each in fitting if each.related != "BaseAsset"]
        if not fitting:
            return ""
        word, here = self._hop(self.random.choice(fitting), depth)
        plain = [each for each in self._plain(here) if not each.multi and not each.is_relation]
        summed = [each for each in plain if each.kind in _SUMMED]
        dates = [each for each in plain if each.kind == "Date" and each.utc]
        flags = [each for each in plain if each.kind == "Boolean"]
        drawn = self.random.random()
        if summed and drawn < 0.4:
            attribute = self.random.choice(summed)
            made = self.random.choice(("Sum", "Min", "Max"))
            return f"{word}.{attribute.name}.@{made}{self._comparison(attribute, here)}"
        if dates and drawn < 0.5:
            attribute = self.random.choice(dates)
            made = self.random.choice(("MinDate", "MaxDate", "Min", "Max"))
            return f"{word}.{attribute.name}.@{made}{self._comparison(attribute, here)}"
        if flags and drawn < 0.6:
            attribute = self.random.choice(flags)
            return f"{word}.{attribute.name}.@{self.random.choice(('And', 'Or'))}{self._comparison(attribute, here)}"
        sign = self.random.choice(("=", "!=", "<", "<=", ">", ">="))
        counted = f"{word}.{self.random.choice(plain).name}" if plain and drawn > 0.9 else word
        return f"{counted}.@Count{sign}'{self.random.choice(('0', '1', '2', '3', '0.5'))}'"

    # Orders, and words

    def _sort(self, type_name: str) -> str:
        keys = [self._key(type_name) for _ in range(self.random.choice((1, 1, 2, 3)))]
        return ",".join(f"{self.random.choice(('', '-', '-', '+'))}{each}" for each in keys)

    def _key(self, type_name: str) -> str:
        """Return a path of single steps to a plain attribute: of many values nobody knows which is sorted by."""
        words: list[str] = []
        here = type_name
        if self._chance(0.3):
            singles = [each for each in self._known(here) if each.is_relation and not each.multi and self._is_kept(each)]
            relation = self.random.choice(singles)
            words.append(relation.name)
            here = relation.related or here
        plain = [each for each in self._plain(here) if not each.multi and not each.is_relation]
        return ".".join([*words, self.random.choice(plain).name])

    def _word(self, type_name: str) -> str:
        ids = self.world.ids(type_name)
        names = self.world.schema.attributes(type_name)
        if not ids or "Name" not in names:
            return "the"
        words = str(self.world.value(self.random.choice(ids), "Name")).split() or ["the"]
        return self.random.choice(words).replace("&", "")

    def _chance(self, share: float) -> bool:
        return self.random.random() < share
