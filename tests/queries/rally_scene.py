"""A few records with telling names in a simulated Rally, for pairs of queries and answers that people can read."""

from __future__ import annotations

from typing import Any

from mirror.simulators.rally.world import World


def make_scene(world: World) -> dict[int, str]:
    """Make the scene, and return ObjectID -> name of all its records, in the order in which they were made."""
    scene = _Scene(world)
    scene.people_and_places()
    scene.portfolio()
    scene.stories()
    scene.defects()
    scene.around()
    return {key: name for name, key in scene.made.items()}


_MIDNIGHT = "2025-06-02T00:00:00-06:00"  # where the user's profile has it


class _Scene:
    def __init__(self, world: World) -> None:
        self.world = world
        self.made: dict[str, int] = {}

    def add(self, type_path: str, name: str, **values: Any) -> None:
        """Make a record; a value that begins with @ is the record of that name."""
        fields = {field: self._value(value) for field, value in values.items()}
        named = {} if type_path == "User" else {"Name": name}
        if type_path not in ("User", "Project", "Tag") and "Project" not in fields:
            named["Project"] = self.made["Scene"]
        self.made[name] = self.world.create(type_path, {**named, **fields})

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [{"_ref": f"/any/{self._value(each)}"} for each in value]
        return self.made[value[1:]] if isinstance(value, str) and value.startswith("@") else value

    def people_and_places(self) -> None:
        for first, last, disabled in (("Ann", "Lee", False), ("Bob", "Day", False), ("Cleo", "Roe", True)):
            mail = f"{first}@example.com".lower()
            names = {"FirstName": first, "LastName": last, "DisplayName": f"{first} {last}"}
            self.add("User", first, UserName=mail, EmailAddress=mail, Disabled=disabled, **names)
        self.add("Project", "Scene", Owner="@Ann")
        self.add("Project", "Scene Below", Parent="@Scene")
        self.add("Iteration", "Sprint One", StartDate="2025-05-26", EndDate="2025-06-08", State="Committed")
        self.add("Release", "Spring", ReleaseStartDate="2025-03-01", ReleaseDate="2025-06-30", State="Active")
        for name in ("red", "dark blue", "unused"):
            self.add("Tag", name)

    def portfolio(self) -> None:
        self.add("PortfolioItem/Theme", "Growth", Owner="@Ann")
        self.add("PortfolioItem/Initiative", "Mobile", Parent="@Growth", c_Region="EMEA")
        self.add("PortfolioItem/Feature", "Offline", Parent="@Mobile", Owner="@Bob", c_Budget=12500.5)
        self.add("PortfolioItem/Feature", "Search", c_Sponsor="@Ann", PlannedEndDate="2025-09-01")

    def stories(self) -> None:
        self.made["Web"] = self.world.find("AllowedAttributeValue", StringValue="Web")
        self.add(
            "HierarchicalRequirement",
            "Read offline",
            PortfolioItem="@Offline",
            Owner="@Ann",
            PlanEstimate=5,
            ScheduleState="In-Progress",
            Iteration="@Sprint One",
            Tags=["@red"],
            c_KanbanState="Coding",
            c_Votes=12,
            c_Compliance=True,
            c_PromisedDate="2025-05-01",
            c_Platforms=["@Web"],
            c_Reviewer="@Bob",
        )
        self.add(
            "HierarchicalRequirement",
            "Write offline",
            PortfolioItem="@Offline",
            Owner="@Bob",
            PlanEstimate=8,
            ScheduleState="Accepted",
            Release="@Spring",
            Tags=["@red", "@dark blue"],
            c_KanbanState="Done",
            c_Votes=-5,
            c_CustomerReference="REF-7",
        )
        self.add("HierarchicalRequirement", "Epic", Owner="@Cleo", Description="<p>Much</p>")
        self.add("HierarchicalRequirement", "Child", Parent="@Epic", PlanEstimate=0.5, Project="@Scene Below")

    def defects(self) -> None:
        common = {"Requirement": "@Read offline"}
        self.add("Defect", "alpha crash", Severity="Crash/Data Loss", Priority="Low", State="Open", Owner="@Ann", **common)
        self.add("Defect", "Beta (two)", Severity="Major Problem", Priority="Normal", State="Fixed", TargetDate=_MIDNIGHT)
        self.add("Defect", 'say "hi"', Severity="Cosmetic", TargetDate="2025-06-09T12:30:00.250Z", Tags=["@dark blue"])
        self.add("Defect", "100% sure_", State="Closed", Notes="<b>sure</b>", FoundInBuild="7.1", Owner="@Bob", **common)
        self.add("Defect", "Über Maß", c_Regression=True, c_RootCause="Design", Duplicates=["@alpha crash"])

    def around(self) -> None:
        self.add("Task", "Design", WorkProduct="@Read offline", State="Completed", Actuals=3, Owner="@Ann")
        self.add("Task", "Build", WorkProduct="@Read offline", State="In-Progress", ToDo=2.5, Estimate=8)
        self.add("Task", "Repair", WorkProduct="@alpha crash", State="Defined", Blocked=True, BlockedReason="parts")
        self.add("TestCase", "Case one", WorkProduct="@Read offline", Method="Automated", Type="Acceptance", Risk="High")
        self.add("TestCase", "Case two", WorkProduct="@alpha crash", Method="Manual", Type="Regression", Priority="Critical")
        self.add("Milestone", "Go live", TargetDate="2025-12-01", Artifacts=["@Write offline", "@alpha crash"])
