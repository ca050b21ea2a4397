"""How an instant is written: by which attribute, and in which zone.

Source: versionone.md §6.1 S (dates are written in the user's zone), §9 D (attributes called UTC are in UTC).
"""

from __future__ import annotations

from mirror.connectors.versionone.meta import writable_instant
from mirror.connectors.versionone.payload import Instant
from mirror.connectors.versionone.writers import Place
from mirror.errors import RefusedError


def instant_of(place: Place, type_name: str) -> Instant:
    """Return what spells the instants of a type.

    Where the attribute that shows an instant in the user's zone can be written, that is written; one that is alone is
    written as it is shown, in UTC.
    """

    def spell(name: str, value: str | None) -> tuple[str, str | None]:
        owner = place.meta().types.get(type_name)
        twin = writable_instant(owner, name) if owner else None
        if twin is None:
            return name, value.removesuffix("Z") if value else None
        local = place.caller.local(value) if value else None
        if value and local is None:
            raise RefusedError(f"VersionOne does not tell this member's time zone, so {name} cannot be written")
        return twin.name, local

    return spell
