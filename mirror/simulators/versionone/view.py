"""What one request sees: a moment, a member's rights and a time zone in front of the world."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from mirror.simulators.versionone.rules_input import parse_instant
from mirror.simulators.versionone.schema import Schema
from mirror.simulators.versionone.state import RefusedError, Value
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import World


@dataclass(frozen=True, slots=True)
class View:
    """Reads the world as one member does.

    Attributes:
        viewer: id of the member who asks.
        at: the moment whose state is seen; None for the present one.
    """

    world: World
    viewer: int | None = None
    at: int | None = None

    @property
    def schema(self) -> Schema:
        """The types there are."""
        return self.world.schema

    @property
    def switches(self) -> Switches:
        """How open questions are answered."""
        return self.world.switches

    @property
    def zone(self) -> timezone:
        """The asking member's time zone, for dates other than UTC ones. versionone.md §9 D"""
        return timezone(timedelta(minutes=self.switches.user_zone_offset_minutes))

    def value(self, asset: int, name: str) -> Value:
        """Return an attribute's value as this view sees it."""
        return self.world.value(asset, name, at=self.at, viewer=self.viewer)

    def ids(self, type_name: str, *, deleted: bool | None = False) -> list[int]:
        """Return the ids of a type that may be seen, ascending."""
        return self.world.ids(type_name, deleted=deleted, at=self.at, viewer=self.viewer)

    def type_of(self, asset: int) -> str:
        """Return the type of an asset; "" if there is none of that id."""
        return self.world.type_of(asset) or ""

    def oid(self, asset: int) -> str:
        """Return the Oid token of an asset. versionone.md §1"""
        return f"{self.type_of(asset)}:{asset}"

    def as_of(self, moment: int | None) -> View:
        """Return the same view of another moment."""
        return View(self.world, self.viewer, moment)

    @property
    def member(self) -> int:
        """The member who asks; the admin when nobody in particular does."""
        return self.world.landmarks.admin if self.viewer is None else self.viewer

    def is_there(self, type_name: str, asset: int) -> bool:
        """False for ids of other types, for deleted assets and for what may not be seen: all are 404. §3.4 D"""
        known = self.world.exists(asset, at=self.at) and self.schema.is_a(self.type_of(asset), type_name)
        return known and self.world.visible(asset, viewer=self.viewer) and not self.is_deleted(asset)

    def delayed(self, seconds: float) -> View:
        """Return the view of so long ago; itself if the delay is none or it looks at the past anyway."""
        if not seconds or self.at is not None:
            return self
        return self.as_of(self.world.moment_at(self.world.now() - timedelta(seconds=seconds)))

    def is_deleted(self, asset: int) -> bool:
        """True for an asset in the state 255; False for types without states. versionone.md §6.3 D"""
        return self.world.is_deleted(asset, at=self.at)


def read_instant(text: str, zone: tzinfo) -> datetime:
    """Read a date or time in any of the accepted forms as an aware UTC datetime. versionone.md §4.1 S

    Args:
        zone: of a text without one.

    Raises:
        RefusedError: it is none.
    """
    try:
        found = parse_instant(text)
    except ValueError:
        raise RefusedError(400, f"Invalid date: {text}") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=zone)).astimezone(UTC)
