"""Sample data: the same for the same (records, seed), of every type, with awkward values in between.

Objects are made in bulk, past the write rules, because a hundred thousand of them must not take a minute; what the
rules would have derived is derived at the end by the same functions.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from mirror.simulators.clock import Clock
from mirror.simulators.rally import catalog, derived, seed_texts
from mirror.simulators.rally.definitions import CUSTOM_FIELDS
from mirror.simulators.rally.items import Fields, Item, stamp
from mirror.simulators.rally.ranks import ordinal_rank
from mirror.simulators.rally.revisions import ORIGINAL
from mirror.simulators.rally.schema import Attribute, Schema, make_attribute
from mirror.simulators.rally.seed_work import Work
from mirror.simulators.rally.state import State, View
from mirror.simulators.rally.transaction import STAMPS, Allocator
from mirror.simulators.rally.world import Landmarks, World
from mirror.simulators.rally.writes import COLORS, Numbers

_FIRST_OID = 60_000_000_000
_BEGIN = datetime(2019, 1, 7, 8, tzinfo=UTC)
_END = datetime(2025, 5, 30, 17, tzinfo=UTC)

_DERIVED = (
    "Task",
    "TestCase",
    "HierarchicalRequirement",
    "Defect",
    "TestSet",
    "DefectSuite",
    "Iteration",
    "Release",
    "PortfolioItem/Feature",
    "PortfolioItem/Initiative",
    "PortfolioItem/Theme",
    "Milestone",
    "Tag",
    "BuildDefinition",
)


@dataclass(slots=True)
class Seeder:
    """Makes objects in bulk.

    Attributes:
        total: about how many there will be; spreads creation dates over the years.
        place: `Workspace` and `Subscription` of what is made next.
    """

    state: State
    random: Random
    allocator: Allocator
    numbers: Numbers
    total: int
    place: Fields = field(default_factory=dict)
    people: list[int] = field(default_factory=list)
    made: int = 0
    ranked: int = 0
    _lists: dict[tuple[int, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _traits: dict[tuple[str, int], Any] = field(default_factory=dict)
    _stamp: str = ""

    def make(self, type_path: str, values: Fields, *, revised: int | None = None) -> Item:
        """Make an object; references in `values` get their inverse, members of collections their other end.

        Args:
            revised: how many versions it has had; drawn at random if None.
        """
        self.made += 1
        created = self.moment(self.made / max(1, self.total))
        filled: Fields = {**self.place, "CreationDate": stamp(created), **values}
        if type_path in ("User", "UserProfile", "Workspace", "Subscription"):
            filled.pop("Workspace", None)
        item = Item(self.allocator.take(), type_path, filled, self._version(revised))
        traits = self._of(type_path)
        self._complete(item, traits, created)
        self._hook(item, traits)
        self.state.insert(item)
        if traits.revised:
            self._revise(item, created)
        return item

    def moment(self, share: float) -> datetime:
        """Return an instant at that share of the years covered."""
        return _BEGIN + (_END - _BEGIN) * min(1.0, share)

    def _version(self, revised: int | None) -> int:
        if revised is not None:
            return revised
        return 1 if self.random.random() < 0.7 else self.random.choice((2, 2, 3))

    def _of(self, type_path: str) -> _Traits:
        key = (type_path, self.place.get("Workspace", 0))
        known = self._traits.get(key)
        if known is None:
            known = self._traits[key] = _Traits.of(self._schema(), type_path)
        found: _Traits = known
        return found

    def _schema(self) -> Schema:
        return self.state.schemas.get(self.place.get("Workspace", 0)) or next(iter(self.state.schemas.values()))

    def _complete(self, item: Item, traits: _Traits, created: datetime) -> None:
        values = item.values
        if traits.stamp:
            values[traits.stamp] = self._changed(item.version, created)
        if traits.numbered:
            values["FormattedID"] = self.numbers.take(values["Workspace"], self._schema().spec(item.type))
        if traits.artifact:
            values["DragAndDropRank"] = ordinal_rank(self.ranked)
            self.ranked += 1
            values.setdefault("CreatedBy", self.random.choice(self.people))
            values.setdefault("DisplayColor", COLORS.get(item.type, "#21a2e0"))
        for name in [name for name, value in values.items() if value == traits.defaults.get(name)]:
            del values[name]

    def _changed(self, version: int, created: datetime) -> str:
        # Bulk edits leave many objects with one and the same millisecond.
        if self._stamp and self.random.random() < 0.1 and version > 1:
            return self._stamp
        later = timedelta(milliseconds=30) if version == 1 else timedelta(minutes=self.random.randint(1, 40_000))
        moved = stamp(min(created + later, _END + timedelta(hours=1)))
        if version > 1 and self.random.random() < 0.05:
            self._stamp = max(self._stamp, moved)
        return moved

    def _hook(self, item: Item, traits: _Traits) -> None:
        for name in traits.references:
            target_oid = item.values.get(name)
            target = self.state.items.get(target_oid) if target_oid is not None else None
            if target is not None:
                inverse = self._schema().inverse_of(item.type, name, target.type)
                if inverse:
                    self._lists[(target.oid, inverse)].append(item.oid)
        for attribute in traits.collections:
            for member in item.values.pop(attribute.name, ()):
                self.join(item, attribute, member)

    def join(self, item: Item, attribute: Attribute, member: int) -> None:
        """Add a member to a many-to-many collection, at both ends."""
        mine = self._lists[(item.oid, attribute.name)]
        if member not in mine:
            mine.append(member)
            if attribute.other:
                self._lists[(member, attribute.other)].append(item.oid)

    def unlist(self, oid: int, name: str, member: int) -> None:
        """Take a member out of a collection again."""
        self._lists[(oid, name)].remove(member)

    def listed_count(self, oid: int, name: str) -> int:
        """Return how many members a collection has so far."""
        return len(self._lists[(oid, name)])

    def _revise(self, item: Item, created: datetime) -> None:
        author = item.values.get("CreatedBy") or self.people[0]
        revisions = []
        for number in range(item.version):
            text = ORIGINAL if number == 0 else "RANK moved up" if number % 2 else "NOTES changed from [] to [x]"
            values: Fields = {
                **self.place,
                "CreationDate": stamp(created) if number == 0 else item.values.get("LastUpdateDate", stamp(created)),
                "Description": text,
                "User": author,
                "RevisionHistory": item.oid + 1,
            }
            if number:
                values["RevisionNumber"] = number
            revision = Item(self.allocator.take(), "Revision", values)
            self.state.insert(revision)
            revisions.append(revision.oid)
        item.values["_Revisions"] = tuple(revisions)

    def finish(self) -> None:
        """Store the collections and derive what follows from them."""
        for (oid, name), members in self._lists.items():
            self.state.items[oid].values[name] = tuple(members)
        view = View(self.state)
        end = stamp(_END)
        for path in _DERIVED:
            defaults = self._of(path).defaults
            # Children are younger than their parents, so going backwards meets them first.
            for oid in reversed(self.state.ids.get(path, [])):
                item = self.state.items[oid]
                for name, value in derived.values_of(view, item, stamp=end).items():
                    if value == defaults.get(name):
                        item.values.pop(name, None)
                    else:
                        item.values[name] = value
        self.state.rank_bounds = (ordinal_rank(0), ordinal_rank(self.ranked))


@dataclass(frozen=True, slots=True)
class _Traits:
    """What the seeder must know of a type, looked up once."""

    stamp: str
    numbered: bool
    artifact: bool
    revised: bool
    references: tuple[str, ...]
    collections: tuple[Attribute, ...]
    defaults: Fields

    @classmethod
    def of(cls, schema: Schema, path: str) -> _Traits:
        attributes = schema.attributes(path)
        return cls(
            stamp=next((name for name in STAMPS if name in attributes), ""),
            numbered="FormattedID" in attributes,
            artifact="DragAndDropRank" in attributes,
            revised=schema.spec(path).can("h"),
            references=tuple(each.name for each in attributes.values() if each.kind == "ref"),
            collections=tuple(each for each in attributes.values() if each.kind in ("many", "multi")),
            defaults={each.name: each.default for each in attributes.values()},
        )


def build_world(records: int, seed: int, clock: Clock) -> World:
    """Return a world with about `records` objects, not counting revisions and the schema.

    Deterministic: equal arguments give equal ids and values.
    """
    state = State()
    random = Random(seed)
    seeder = Seeder(state, random, Allocator(_FIRST_OID), Numbers(), total=max(records, 400))
    landmarks = _frame(seeder)
    Work(seeder, landmarks).fill(records)
    seeder.finish()
    return World(state, landmarks, clock, allocator=seeder.allocator, numbers=seeder.numbers)


def _frame(seeder: Seeder) -> Landmarks:
    """Make subscription, workspaces, schemas, people and projects."""
    state, ids = seeder.state, seeder.allocator
    subscription, workspace, other = ids.take(), ids.take(), ids.take()
    state.schemas[workspace] = Schema("Acme")
    state.schemas[other] = Schema("Other")
    for path, name, kind, argument in CUSTOM_FIELDS:
        state.schemas[workspace].put_custom(path, make_attribute(name, kind, argument, custom=True))
    state.schemas[other].put_custom("Defect", make_attribute("c_Legacy", "string", custom=True))
    _subscription(seeder, subscription, {"Acme": workspace, "Other": other})
    _catalogs(seeder, subscription, (workspace, other))
    users = _people(seeder, subscription)
    seeder.place = {"Subscription": subscription, "Workspace": other}
    _projects(seeder, ("Other Site", "Other Lab"))
    seeder.place = {"Subscription": subscription, "Workspace": workspace}
    projects = _projects(seeder, PROJECTS)
    profile = _profiles(seeder, users, workspace, projects[1])
    state.items[workspace].values["Owner"] = users[0]
    return Landmarks(subscription, workspace, other, projects[1], users[0], profile)


PROJECTS = ("Acme Products", "Web Shop", "Checkout", "Catalogue", "Mobile Apps", "Platform", "Data", "Legacy")
"""The first is the root; Checkout and Catalogue lie below Web Shop, all others below the root."""


def _subscription(seeder: Seeder, oid: int, workspaces: dict[str, int]) -> None:
    date = stamp(_BEGIN)
    values: Fields = {"Name": "Acme Corporation", "CreationDate": date, "Workspaces": tuple(workspaces.values())}
    seeder.state.insert(Item(oid, "Subscription", values))
    for name, workspace in workspaces.items():
        values = {"Name": name, "CreationDate": date, "Subscription": oid}
        seeder.state.insert(Item(workspace, "Workspace", values, 3))
        seeder.place = {"Subscription": oid, "Workspace": workspace}
        configuration = seeder.make("WorkspaceConfiguration", {"DragDropRankingEnabled": True}, revised=1)
        seeder.state.items[workspace].values["WorkspaceConfiguration"] = configuration.oid


def _catalogs(seeder: Seeder, subscription: int, workspaces: tuple[int, int]) -> None:
    for index, workspace in enumerate(workspaces):
        place = {"Workspace": workspace, "Subscription": subscription, "CreationDate": stamp(_BEGIN)}
        installer = catalog.Installer(seeder.state, seeder.state.schemas[workspace], seeder.allocator, place)
        installer.install(-12_000 - 20_000 * index)
        schema = seeder.state.schemas[workspace]
        for spec in schema.specs():
            for attribute in schema.custom(spec.path).values():
                installer.describe(spec.path, attribute, seeder.allocator.take())
        definitions = tuple(item.oid for item in installer.definitions.values())
        seeder.state.items[workspace].values["TypeDefinitions"] = definitions


def _people(seeder: Seeder, subscription: int) -> list[int]:
    seeder.place = {"Subscription": subscription}
    users = []
    for index, (first, last) in enumerate(seed_texts.people(14)):
        values: Fields = {
            "UserName": "admin@example.com" if index == 0 else f"{first}.{last}@example.com".lower(),
            "EmailAddress": f"{first}.{last}@example.com".lower(),
            "DisplayName": f"{first} {last}" if index % 5 else f'{first} "Ace" {last}',
            "FirstName": first,
            "LastName": last,
            "ShortDisplayName": first,
            "Disabled": index in (11, 12),
            "SubscriptionAdmin": index == 0,
            "Role": None if index % 3 else "Developer",
            "LastLoginDate": stamp(_END) if index % 2 else None,
        }
        users.append(seeder.make("User", values, revised=1).oid)
    seeder.people = users
    return users


def _projects(seeder: Seeder, names: tuple[str, ...]) -> list[int]:
    made: list[int] = []
    for index, name in enumerate(names):
        parent = None if not made else made[1] if name in ("Checkout", "Catalogue") else made[0]
        values: Fields = {
            "Name": name,
            "Parent": parent,
            "Owner": seeder.people[index % 10],
            "Description": f"<p>All about {name}</p>" if index % 2 else "",
            "TaskStateRollupEnabled": index % 2 == 0,
            "TeamMembers": tuple(seeder.people[index : index + 4]),
            "Editors": tuple(seeder.people[:3]),
        }
        made.append(seeder.make("Project", values, revised=2).oid)
    return made


def _profiles(seeder: Seeder, users: list[int], workspace: int, project: int) -> int:
    first = 0
    for user in users:
        values: Fields = {"DefaultWorkspace": workspace, "DefaultProject": project, "TimeZone": "America/Denver"}
        values["SessionTimeoutSeconds"] = 0
        profile = seeder.make("UserProfile", values, revised=1)
        seeder.state.items[user].values["UserProfile"] = profile.oid
        first = first or profile.oid
    return first
