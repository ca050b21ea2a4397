"""A simulated Request Tracker for the contract tests."""

from __future__ import annotations

from typing import Any

from mirror.connectors.base import Connector
from mirror.connectors.http import Patience, Transport
from mirror.connectors.rt.connector import RTConnector
from mirror.connectors.rt.search import PER_PAGE
from mirror.model.source import Credential, Source
from mirror.simulators.clock import Clock
from mirror.simulators.rt import RTSimulator
from mirror.simulators.rt.seed import STAFF_RIGHTS
from mirror.simulators.rt.work import ROOT
from mirror.store.store import Store
from tests.support.rt_truth import differences
from tests.support.rt_walk import Walk
from tests.support.stage import IMPATIENT, Stage

_AGAINST_US = {
    "last_page_again": True,
    "shuffled_order": True,
    "roles_by_name": True,
    "default_timezone": "Asia/Kolkata",
}
_NOBODYS = ("root", "RT_System", "Nobody")


class TheStage(Stage):
    """All of a simulated RT, as its superuser sees it."""

    kind = "rt"
    busy = "ticket"
    text_field = "CF.{Notes}"
    title_field = "Subject"
    writes = r"/ticket(/\d+(/(comment|correspond|take|untake|steal))?)?($|\?)|/tickets/bulk"
    few = tuple("ticket transaction attachment queue user group customfield customrole asset catalog article class".split())

    def __init__(self, *, records: int, seed: int, clock: Clock | None) -> None:
        self.tracker = RTSimulator(records=records, seed=seed, clock=clock)
        self.world = self.tracker.world
        self._fields: dict[str, tuple[int, str]] = {}
        self._per_page = PER_PAGE

    def connector(self, source: Source | None = None, *, patience: Patience = IMPATIENT) -> Connector:
        chosen = source or self.source()
        transport = Transport(chosen.url, concurrency=chosen.concurrency, patience=patience)
        return RTConnector(chosen, transport, per_page=self._per_page)

    def source(self, **changes: Any) -> Source:
        options: dict[str, Any] = {
            "name": "acme",
            "tracker": "rt",
            "url": self.url,
            "credential": Credential(self.tracker.token),
            "types": self.allowed,
            "concurrency": 4,
        }
        return Source(**(options | changes))

    def narrow_scope(self) -> dict[str, object]:
        return {"queues": ("Support", "Infra")}

    def wrong_credential(self) -> Credential:
        return Credential("1-14-00000000000000000000000000000000")

    def credentials(self) -> dict[str, Credential]:
        return {"token": Credential(self.tracker.token), "password": Credential(self.tracker.password, self.tracker.user)}

    def types(self) -> set[str]:
        return set(self.world.types())

    def ids(self, type_name: str) -> list[int]:
        return self.world.ids(type_name)

    def compare(self, store: Store, source: str) -> list[str]:
        return differences(store, source, self.tracker)

    def walk(self, seed: int, *, access: bool = True) -> Walk:
        return Walk(self.tracker, seed, access=access)

    def create(self, text: str = "new") -> int:
        return self.world.create({"Subject": "made by a test", "CustomFields": {"Notes": text}})

    def text_of(self, record_id: int) -> str:
        fields = self.world.truth("ticket")[record_id]["CustomFields"]
        return str(next(each for each in fields if each["name"] == "Notes")["values"][0])

    def titles(self) -> list[str]:
        view = self.world.view()
        return [str(view.row("ticket", each)["Subject"]) for each in self.ids("ticket")]

    def comments(self) -> list[str]:
        view = self.world.view()
        made = {each for each in self.ids("transaction") if view.row("transaction", each)["Type"] == "Comment"}
        parts = (view.row("attachment", each) for each in self.ids("attachment"))
        return [(each["Content"] or b"").decode(errors="replace") for each in parts if each["TransactionId"] in made]

    def edit(self, record_id: int, text: str = "edited") -> None:
        self.world.update(record_id, {"CustomFields": {"Notes": text}})

    def delete(self, record_id: int) -> None:
        for each in self.world.truth("ticket")[record_id]["_hyperlinks"]:
            if each["ref"] == "depends-on":  # RT refuses to delete a ticket that waits for others (rt.md §6.7)
                self.world.unlink(record_id, "DependsOn", int(each["id"]))
        said = self.world.delete(record_id)
        assert record_id not in self.ids("ticket"), said

    def restore(self, record_id: int) -> None:
        self.world.restore(record_id)

    def rename(self) -> None:
        for key in self.ids("queue"):
            self.world.edit("queue", key, {"Name": f"renamed {key}"})
        for key in self.ids("user"):
            if self.world.view().row("user", key)["Name"] not in _NOBODYS:
                self.world.edit("user", key, {"Name": f"renamed{key}"})

    def hide(self) -> None:
        self.world.revoke(ROOT, "SuperUser")
        self.world.grant(ROOT, *(each for each in STAFF_RIGHTS if each != "ShowTicket"), "AdminUsers")

    def show(self) -> None:
        self.world.grant(ROOT, "SuperUser")

    def add_field(self) -> str:
        name = f"Made {len(self._fields)}"
        self._fields[name] = (self.world.add_field(name, "Date"), "2026-05-06")
        return f"CF.{{{name}}}"

    def fill_field(self, name: str, record_id: int) -> None:
        own = name[4:-1]
        self.world.update(record_id, {"CustomFields": {own: self._fields[own][1]}})

    def retype_field(self, name: str) -> None:
        number, _ = self._fields[name[4:-1]]
        self.world.edit("customfield", number, {"Type": "Freeform"})
        self._fields[name[4:-1]] = (number, "much")

    def remove_field(self, name: str) -> None:
        number, _ = self._fields[name[4:-1]]
        self.world.edit("customfield", number, {"Disabled": 1})

    def small_pages(self) -> None:
        self._per_page = 10  # every RT gives a hundred when asked (rt.md §4.1), so it is asked for less

    def spoil(self, **fault: Any) -> None:
        self.faults.add(**fault, path=r"/REST/2\.0/tickets\b")

    def move_clock(self, seconds: float) -> None:
        self.switch(clock_offset_seconds=seconds)

    def lag(self, seconds: float) -> None:
        self.switch(lag_seconds=seconds)

    def answer_against_us(self) -> None:
        self.switch(**_AGAINST_US)

    def switch(self, **changes: Any) -> None:
        """Change switches of the simulator."""
        self.tracker.switches = self.tracker.switches.with_changes(changes)
