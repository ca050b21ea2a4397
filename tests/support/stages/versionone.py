"""A simulated VersionOne for the contract tests."""

from __future__ import annotations

from typing import Any

from mirror.model.source import Credential, Source
from mirror.simulators.clock import Clock
from mirror.simulators.versionone import VersionOneSimulator
from mirror.store.store import Store
from tests.support.stage import Stage
from tests.support.versionone import world_of
from tests.support.versionone_truth import ABOUT_TYPES, differences
from tests.support.versionone_walk import Walk

_AGAINST_US = {
    "total": "never",
    "asset_state_filter": "strict26",
    "json": False,
    "query_v1": False,
    "bulk": False,
    "key_filter": False,
    "id_filter": False,
    "moment_filter": False,
    "page_size_cap": 20,
    "page_size_echo": "returned",
    "page_shift": 1,
    "many_to_many_moves_both_ends": False,
    "following_moves_children": False,
    "relations_keep_deleted": False,
    "zone_suffix_in_rest": "Z",
    "json_numbers_as_strings": True,
    "user_zone_offset_minutes": 330,
    "equal_stamps": True,
    "meta_open": False,
    "query_string_limit": 2048,
    "html_errors": True,
    "iscustom_in_meta": False,
    "localised_names": True,
}


class TheStage(Stage):
    """A whole instance, as a System Admin sees it."""

    kind = "versionone"
    busy = "Story"
    text_field = "Description"
    title_field = "Name"
    writes = r"rest-1.*/Data/|api/asset(?!\?previewOnly)|attachment\.img"
    few = tuple(
        """Story Defect Epic Theme Task Test TestSet Request Issue Goal Scope Timebox Schedule Team Member Attachment Note
        StoryStatus StoryCategory StorySource WorkitemPriority WorkitemRisk ClassOfService Custom_Region""".split()
    )

    def __init__(self, *, records: int, seed: int, clock: Clock | None) -> None:
        self.tracker = VersionOneSimulator(seed=seed, world=world_of(records, seed, clock))
        self.world = self.tracker.world
        self._fields: dict[str, int | str] = {}
        self._hidden: list[int] = []

    def source(self, **changes: Any) -> Source:
        options: dict[str, Any] = {
            "name": "acme",
            "tracker": "versionone",
            "url": self.url,
            "credential": Credential(self.tracker.token),
            "types": self.allowed,
            "concurrency": 4,
        }
        return Source(**(options | changes))

    def narrow_scope(self) -> dict[str, object]:
        return {"scope": f"Scope:{self.world.landmarks.hidden_project}"}

    def wrong_credential(self) -> Credential:
        return Credential("1.wrong=")

    def credentials(self) -> dict[str, Credential]:
        return {
            "token": Credential(self.tracker.token),
            "password": Credential(self.tracker.password, self.tracker.user),
        }

    def types(self) -> set[str]:
        return {each.name for each in self.world.schema.types() if not each.abstract} - ABOUT_TYPES

    def ids(self, type_name: str) -> list[int]:
        return self.world.ids(type_name, viewer=self.world.landmarks.admin)

    def compare(self, store: Store, source: str) -> list[str]:
        return differences(store, source, self.tracker)

    def walk(self, seed: int, *, access: bool = True) -> Walk:
        return Walk(self.tracker, seed, access=access)

    def create(self, text: str = "new") -> int:
        project = self.world.landmarks.project
        return self.world.create("Story", {"Name": "made by a test", "Scope": project, "Description": text})

    def text_of(self, record_id: int) -> str:
        return str(self.world.value(record_id, "Description"))

    def titles(self) -> list[str]:
        return [str(self.world.value(each, "Name")) for each in self.ids("Story")]

    def comments(self) -> list[str]:
        return [str(self.world.value(each, "Content")) for each in self.world.ids("Expression")]

    def edit(self, record_id: int, text: str = "edited") -> None:
        self.world.update(record_id, {"Description": text})

    def delete(self, record_id: int) -> None:
        self.world.operate(record_id, "Delete")

    def restore(self, record_id: int) -> None:
        self.world.operate(record_id, "Undelete")

    def rename(self) -> None:
        for name in ("Scope", "Member", "Team", "StoryStatus"):
            for key in self.ids(name):
                self.world.update(key, {"Name": f"renamed {key}"})

    def hide(self) -> None:
        self._hidden = [each for each in self.ids("Scope") if each != self.world.landmarks.scope]
        for key in self._hidden:
            self.world.hide(key)

    def show(self) -> None:
        while self._hidden:
            self.world.show(self._hidden.pop())

    def add_field(self) -> str:
        name = f"Custom_Made{len(self._fields)}"
        self.world.add_field("Story", name, "Numeric")
        self._fields[name] = 7
        return name

    def fill_field(self, name: str, record_id: int) -> None:
        self.world.update(record_id, {name: self._fields[name]})

    def retype_field(self, name: str) -> None:
        self.world.remove_field("Story", name)
        self.world.add_field("Story", name, "Text")
        self._fields[name] = "much"

    def remove_field(self, name: str) -> None:
        self.world.remove_field("Story", name)

    def small_pages(self) -> None:
        self.switch(page_size_cap=10)

    def spoil(self, **fault: Any) -> None:
        self.switch(query_v1=False)  # where one request may ask for several types
        self.faults.add(**fault, path=r"Data/Story\b")

    def move_clock(self, seconds: float) -> None:
        self.switch(clock_offset_seconds=seconds)

    def lag(self, seconds: float) -> None:
        self.switch(replica_lag_seconds=seconds)

    def answer_against_us(self) -> None:
        self.switch(**_AGAINST_US)

    def switch(self, **changes: Any) -> None:
        """Change switches of the simulator."""
        self.tracker.switches = self.tracker.switches.with_changes(changes)
