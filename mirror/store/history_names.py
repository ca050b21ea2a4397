"""Keeps what records showed before the names in them are brought up to date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from mirror.model.layout import Layout
from mirror.store import local_rows
from mirror.store.history import keeper
from mirror.store.history_tables import kept_types
from mirror.store.record_tables import describe
from mirror.store.references import outdated_names


def set_aside(
    connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int] | None, *, now: datetime
) -> None:
    """Copy the versions of whatever `references.spread_names`, given the same, is about to change; they end now.

    The tracker tells no change time of theirs: there, the records have not changed.
    """
    kept = kept_types(connection, layouts[type_name].source)
    found: dict[str, set[int]] = {}
    for each in outdated_names(connection, layouts, type_name, ids) if kept else ():
        if each.owner in kept:
            found.setdefault(each.owner, set()).update(connection.scalars(each.listed, each.values))
    for name in sorted(found):
        target, owners = describe(layouts[name]), found[name]
        # what another program is writing is either seen whole, or comes later
        local_rows.lock_rows(connection, target, owners)
        history = keeper(connection, target, now)
        if history is not None:
            history.set_aside(dict.fromkeys(owners), owners)
