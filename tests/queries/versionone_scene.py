"""A few assets with telling names in a simulated VersionOne, for pairs of queries and answers that people can read."""

from __future__ import annotations

from typing import Any

from mirror.simulators.clock import ManualClock
from mirror.simulators.versionone.world import World

DAY = 24 * 60 * 60


def make_scene(world: World, clock: ManualClock) -> dict[int, str]:
    """Make the scene, and return id -> name of all its assets, in the order in which they were made."""
    scene = _Scene(world, clock)
    scene.places()
    scene.portfolio()
    scene.stories()
    scene.below()
    scene.around()
    scene.endings()
    return {key: name for name, key in scene.made.items()}


class _Scene:
    def __init__(self, world: World, clock: ManualClock) -> None:
        self.world = world
        self.clock = clock
        self.made: dict[str, int] = {}

    def add(self, type_name: str, name: str, **values: Any) -> None:
        """Make an asset; a value that begins with @ is the asset of that name."""
        fields = {field: self._value(value) for field, value in values.items()}
        known = self.world.schema.attributes(type_name)
        if "Scope" in known and not known["Scope"].read_only and type_name != "Scope":
            fields.setdefault("Scope", self.made["Harbour"])
        named = {"Name": name} if "Name" in known else {}
        self.made[name] = self.world.create(type_name, {**named, **fields})

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(each) for each in value]
        return self.made[value[1:]] if isinstance(value, str) and value.startswith("@") else value

    def places(self) -> None:
        self.add("Scope", "Harbour", Parent=0, BeginDate="2025-01-01")
        self.add("Scope", "Quay", Parent="@Harbour", BeginDate="2025-02-01", Reference="west")
        self.add("Scope", "Crane", Parent="@Quay", BeginDate="2025-03-01")
        self.add("Schedule", "Tides", TimeboxLength="2 Weeks", TimeboxGap="0 Days")
        sprint = {"Schedule": "@Tides", "State": 101}
        self.add("Timebox", "Ebb", BeginDate="2025-05-05", EndDate="2025-05-19", **sprint)
        self.add("Timebox", "Flood", BeginDate="2025-05-19", EndDate="2025-06-02", TargetEstimate="12.5", **sprint)
        self.add("Team", "Pilots")
        for name, office in (("Ann", "Pier 1"), ("Ben", None)):
            self.add("Member", name, Nickname=name.lower(), Username=name.lower(), DefaultRole=6, Custom_Office=office)
        self.add("Goal", "Deeper")

    def portfolio(self) -> None:
        self.add("Epic", "top", Swag="100", PlannedStart="2025-05-01")
        self.add("Epic", "middle", Super="@top", Swag="30.25", Owners=["@Ann"])
        self.add("Theme", "ropes", Estimate="7")

    def stories(self) -> None:
        states = {name: self.world.find("StoryStatus", Name=name) for name in ("Done", "In Progress")}
        shared = {"Super": "@middle", "Timebox": "@Ebb"}
        self.add(
            "Story",
            "alpha",
            Estimate="1",
            Status=states["Done"],
            Owners=["@Ann"],
            Scope="@Quay",
            TaggedWith=["red", "blue"],
            Description="Repair the <b>North</b> jetty",
            Custom_Confidence="0.75",
            Custom_Compliance=True,
            Custom_PromisedDate="2025-05-20",
            Custom_Votes="9",
            Team="@Pilots",
            **shared,
        )
        self.clock.advance(DAY)
        self.add("Story", "beta", Estimate="2.5", Reference="x", Super="@top", Parent="@ropes", Goals=["@Deeper"])
        self.clock.advance(DAY)
        self.add(
            "Story", "gamma", Status=states["In Progress"], Owners=["@Ann", "@Ben"], Reference='say "hi"', Scope="@Crane"
        )
        self.clock.advance(DAY)
        self.add("Story", "delta", Estimate="8", Reference="O'Brien", TaggedWith=["red"], Timebox="@Flood")
        self.add("Story", "epsilon", Estimate="13")
        crate = {"Custom_Compliance": False, "Custom_Votes": "-2", "Reference": ""}
        self.add("Story", "Größe ÄÖÜ", Dependencies=["@alpha", "@beta"], **crate)
        self.add("Defect", "bug", Estimate="4", Owners=["@Ben"], AffectedPrimaryWorkitems=["@alpha"], FoundBy="Night watch")

    def below(self) -> None:
        self.add("Task", "plank", Parent="@alpha", DetailEstimate="5", ToDo="3", Owners=["@Ben"], Custom_Activity="sawing")
        self.add("Task", "nail", Parent="@alpha", DetailEstimate="0.5", ToDo="0.5")
        self.add("Test", "tread", Parent="@alpha", DetailEstimate="2", Steps="step on it")
        self.add("Task", "trap", Parent="@bug", ToDo="1", Owners=["@Ann", "@Ben"])

    def around(self) -> None:
        self.add("Issue", "leak", BlockedPrimaryWorkitems=["@beta"], Owner="@Ann", TargetDate="2025-06-30")
        self.add("Request", "ask", Issues=["@leak"], Owner="@Ben")
        self.add("Link", "chart", Asset="@alpha", URL="https://example.com/chart", OnMenu=True)
        self.add("Note", "remark", Asset="@bug", Content="wet", Personal=False)
        self.add("Actual", "effort", Workitem="@plank", Member="@Ben", Date="2025-05-07", Value="1.5")
        self.add("Conversation", "talk")
        self.add("Expression", "word", BelongsTo="@talk", Author="@Ann", Content="Ahoy", Mentions=["@alpha", "@bug"])
        self.add("Expression", "reply", BelongsTo="@talk", Author="@Ben", Content="Aye", InReplyTo="@word")

    def endings(self) -> None:
        self.world.operate(self.made["nail"], "QuickClose")
        self.world.operate(self.made["delta"], "QuickClose")
        self.world.operate(self.made["epsilon"], "Delete")
