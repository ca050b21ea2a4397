"""Writes to a simulated VersionOne as the engine makes them: on records that were read just before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mirror.connectors.versionone.connector import VersionOneConnector
from mirror.errors import RemoteError
from mirror.model.cells import cells_in, value_of
from mirror.model.change import Action
from mirror.model.layout import HEAD, Layout, arrange, table_name
from mirror.model.schema import Kind
from mirror.model.write import Item, Receipt, Target, Value, Write
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.versionone import connector_to


class Desk:
    """A connector and the layouts of all types."""

    def __init__(self, tracker: VersionOneSimulator, **changes: Any) -> None:
        self.tracker = tracker
        self.world = tracker.world
        self.connector: VersionOneConnector = connector_to(tracker, **changes)
        catalog = self.connector.discover(None)
        assert catalog is not None
        self.layouts: dict[str, Layout] = {
            name: arrange("acme", "versionone", each, table=table_name("versionone", name))
            for name, each in catalog.types.items()
        }

    def row(self, type_name: str, record_id: int) -> dict[str, Any]:
        """Return a record as the connector reads it, by column name; its revision as `_revision`."""
        layout = self.layouts[type_name]
        names = [*HEAD, *(each.name for each in layout.columns)]
        (found,) = self.connector.records(layout, [record_id]).rows
        return dict(zip(names, found, strict=True))

    def links(self, type_name: str, record_id: int, name: str) -> list[Any]:
        """Return the targets' ids, or the values, of a many-valued field."""
        page = self.connector.records(self.layouts[type_name], [record_id])
        return [row[2] for row in page.links[name]]

    def value(self, type_name: str, record_id: int, name: str) -> Value:
        """Return a scalar or reference as the connector reads it."""
        layout = self.layouts[type_name]
        return value_of(layout, name, cells_in(self.row(type_name, record_id), layout, name))

    def write(self, action: Action, type_name: str, record_id: int | None, **more: Any) -> Write:
        """Return a write with the revision and the values of now."""
        layout = self.layouts[type_name]
        values: Mapping[str, Value] = more.pop("values", {})
        if record_id is None:
            return Write(layout, action, None, values=values, **more)
        row = self.row(type_name, record_id)
        before = {name: value_of(layout, name, cells_in(row, layout, name)) for name in values}
        return Write(layout, action, record_id, values=values, before=before, revision=row["_revision"], **more)

    def update(
        self,
        type_name: str,
        record_id: int,
        values: Mapping[str, Value] | None = None,
        *,
        added: Mapping[str, Iterable[Item]] | None = None,
        removed: Mapping[str, Iterable[Item]] | None = None,
    ) -> Write:
        """Return an UPDATE."""
        return self.write(
            Action.UPDATE,
            type_name,
            record_id,
            values=values or {},
            added={name: tuple(items) for name, items in (added or {}).items()},
            removed={name: tuple(items) for name, items in (removed or {}).items()},
        )

    def story(self, name: str = "written by a test", **values: Value) -> Write:
        """Return a CREATE of a story in the usual project, first sent now."""
        given: dict[str, Value] = {"Name": name, "Scope": Target("Scope", self.world.landmarks.project), **values}
        return self.write(Action.CREATE, "Story", None, values=given, since=self.now())

    def open_story(self) -> int:
        """Return a new story in the usual project."""
        return self.world.create("Story", {"Name": "one to work on", "Scope": self.world.landmarks.project})

    def lose_answer(self, path: str) -> None:
        """Have the answer to the next POST to `path` be lost after it was applied."""
        self.tracker.faults.add(kind="reset_after", method="POST", path=path, times=1)

    def now(self) -> datetime:
        """Return the tracker's clock as the engine knows it, in whole seconds."""
        return self.world.now().replace(microsecond=0)

    def send(self, *writes: Write) -> list[Receipt | RemoteError]:
        """Send writes together."""
        return list(self.connector.send(writes))

    def done(self, *writes: Write) -> list[Receipt]:
        """Send writes together, all of which must succeed."""
        found = self.send(*writes)
        assert not [each for each in found if isinstance(each, RemoteError)], found
        return [each for each in found if isinstance(each, Receipt)]

    def refusal(self, write: Write) -> RemoteError:
        """Send a write that must fail, and return the error."""
        (found,) = self.send(write)
        assert isinstance(found, RemoteError), found
        return found

    def kinds(self, type_name: str) -> dict[Kind, list[str]]:
        """Return the fields of a type that can be written, by kind."""
        found: dict[Kind, list[str]] = {}
        for each in self.layouts[type_name].type.fields:
            if not each.read_only:
                found.setdefault(each.kind, []).append(each.name)
        return found
