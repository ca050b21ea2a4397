"""A simulated Rally for the contract tests."""

from __future__ import annotations

from typing import Any

from mirror.model.source import Credential, Source
from mirror.simulators.clock import Clock
from mirror.simulators.rally import RallySimulator
from mirror.store.store import Store
from tests.support.rally_truth import NOT_LISTED, differences
from tests.support.rally_walk import Walk
from tests.support.stage import Stage

_AGAINST_US = {
    "links_move_both_ends": False,
    "restore_moves_stamp": False,
    "delete_moves_referrers": False,
    "bin_for_all": False,
    "late_roll_up": True,
    "schema_change_moves_stamps": False,
    "discussion_moves_artifact": False,
    "attachment_moves_artifact": False,
    "result_moves_test_case": False,
    "shuffled_order": True,
    "page_shift": 1,
    "page_size_cap": 20,
}


class TheStage(Stage):
    """The default workspace of a simulated subscription."""

    kind = "rally"
    busy = "Defect"
    text_field = "Notes"
    title_field = "Name"
    writes = r"/v2\.0/(?!security/)"
    few = tuple(
        """Defect HierarchicalRequirement Task TestCase TestSet DefectSuite PortfolioItem/Feature Project User Workspace
        Iteration Release Milestone Tag Revision Attachment ConversationPost FlowState State""".split()
    )

    def __init__(self, *, records: int, seed: int, clock: Clock | None) -> None:
        self.tracker = RallySimulator(records=records, seed=seed, clock=clock)
        self.world = self.tracker.world
        self._fields: dict[str, int | str] = {}

    def source(self, **changes: Any) -> Source:
        options: dict[str, Any] = {
            "name": "acme",
            "tracker": "rally",
            "url": self.url,
            "credential": Credential(self.tracker.api_key),
            "scope": {"workspace": str(self.world.landmarks.workspace)},
            "types": self.allowed,
            "concurrency": 4,
        }
        return Source(**(options | changes))

    def narrow_scope(self) -> dict[str, object]:
        return {"workspace": "Other"}

    def wrong_credential(self) -> Credential:
        return Credential("_wrong")

    def credentials(self) -> dict[str, Credential]:
        return {
            "key": Credential(self.tracker.api_key),
            "read-only key": Credential(self.tracker.read_only_api_key),
            "password": Credential(self.tracker.password, self.tracker.user),
        }

    def types(self) -> set[str]:
        return set(self.world.types()) - NOT_LISTED

    def ids(self, type_name: str) -> list[int]:
        return self.world.ids(type_name)

    def compare(self, store: Store, source: str) -> list[str]:
        return differences(store, source, self.tracker)

    def walk(self, seed: int, *, access: bool = True) -> Walk:
        return Walk(self.tracker, seed, access=access)

    def create(self, text: str = "new") -> int:
        return self.world.create("Defect", {"Name": "made by a test", "Notes": text})

    def text_of(self, record_id: int) -> str:
        return str(self.world.item(record_id).values["Notes"])

    def titles(self) -> list[str]:
        return [str(self.world.item(each).values["Name"]) for each in self.ids("Defect")]

    def comments(self) -> list[str]:
        return [str(self.world.item(each).values["Text"]) for each in self.ids("ConversationPost")]

    def edit(self, record_id: int, text: str = "edited") -> None:
        self.world.update(record_id, {"Notes": text})

    def delete(self, record_id: int) -> None:
        self.world.delete(record_id)

    def restore(self, record_id: int) -> None:
        self.world.restore(record_id)

    def rename(self) -> None:
        for name, field in (("Project", "Name"), ("User", "DisplayName"), ("Tag", "Name")):
            for key in self.world.ids(name):
                self.world.update(key, {field: f"renamed {key}"})

    def hide(self) -> None:
        for key in self.world.ids("Project"):
            self.world.hide_project(key)

    def show(self) -> None:
        for key in list(self.world.state.hidden):
            self.world.show_project(key)

    def add_field(self) -> str:
        name = f"c_Made{len(self._fields)}"
        self.world.add_field("Defect", name, "integer")
        self._fields[name] = 7
        return name

    def fill_field(self, name: str, record_id: int) -> None:
        self.world.update(record_id, {name: self._fields[name]})

    def retype_field(self, name: str) -> None:
        self.world.retype_field("Defect", name, "string")
        self._fields[name] = "much"

    def remove_field(self, name: str) -> None:
        self.world.remove_field("Defect", name)

    def small_pages(self) -> None:
        self.switch(page_size_cap=10)

    def spoil(self, **fault: Any) -> None:
        self.faults.add(**fault, path=r"/defect\?")

    def move_clock(self, seconds: float) -> None:
        self.switch(clock_offset_seconds=seconds)

    def lag(self, seconds: float) -> None:
        self.switch(replica_lag_seconds=seconds)

    def answer_against_us(self) -> None:
        self.switch(**_AGAINST_US)

    def switch(self, **changes: Any) -> None:
        """Change switches of the simulator."""
        self.tracker.switches = self.tracker.switches.with_changes(changes)
