"""Who we are to Rally, and the time zone of the days in our queries.

Source: rally.md §1 R (the singleton /user), §5 R (references filled in by `fetch`), §10.2 C (UserProfile,
WorkspaceConfiguration). That a day without a zone is one of the user's is what the vendor tells of values that are written
(support article KB000047866); of queries nothing is recorded.
"""

from __future__ import annotations

import msgspec

from mirror.connectors.base import Account
from mirror.connectors.rally.scope import Workspace
from mirror.connectors.rally.wire import Wire, parsed


class _Zoned(msgspec.Struct):
    zone: str | None = msgspec.field(name="TimeZone", default=None)


class _User(msgspec.Struct):
    id: int = msgspec.field(name="ObjectID")
    profile: _Zoned | None = msgspec.field(name="UserProfile", default=None)


class _Configured(msgspec.Struct):
    configuration: _Zoned | None = msgspec.field(name="WorkspaceConfiguration", default=None)


def read_account(wire: Wire, workspace: Workspace) -> Account:
    """Return our user, and the zone of the profile, or else of the workspace."""
    _, root, _ = wire.get("user", {"fetch": "ObjectID,UserProfile,TimeZone"})
    user = parsed(root, _User)
    zone = user.profile.zone if user.profile is not None else None
    return Account(user.id, zone or _zone_of(wire, workspace))


def _zone_of(wire: Wire, workspace: Workspace) -> str:
    _, root, _ = wire.get(f"workspace/{workspace.id}", {"fetch": "WorkspaceConfiguration,TimeZone"})
    configuration = parsed(root, _Configured).configuration
    return (configuration.zone if configuration is not None else None) or ""
