"""The bulk of the sample data: plans and work items, and how many of everything there are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mirror.simulators.rally.items import Fields, Item, stamp
from mirror.simulators.rally.seed_around import Around
from mirror.simulators.rally.seed_bench import STATES, day_of

# Shares of a thousand records. Revisions come on top.
_SHARES = {
    "PortfolioItem/Theme": 2,
    "PortfolioItem/Initiative": 5,
    "PortfolioItem/Feature": 20,
    "HierarchicalRequirement": 225,
    "TestFolder": 6,
    "TestCase": 60,
    "Defect": 170,
    "Task": 205,
    "TestCaseStep": 60,
    "TestCaseResult": 55,
    "ConversationPost": 70,
    "Attachment": 10,
    "DefectSuite": 4,
    "Changeset": 20,
    "Change": 25,
    "Build": 12,
    "TimeEntryItem": 8,
    "TimeEntryValue": 14,
    "UserIterationCapacity": 6,
    "Preference": 3,
    "Risk": 4,
    "TestSet": 5,
    "PullRequest": 6,
}

_HIGH_OID = (1 << 53) + 1_000_001
"""From here on ids do not fit the integers of JavaScript. The types made last get them, and everything made later."""


class Work(Around):
    """Fills the workspaces with work."""

    def fill(self, records: int) -> None:
        """Make about `records` objects in the default workspace and a few in the other one."""
        other = {"Subscription": self._home.subscription, "Workspace": self._home.other_workspace}
        home = {"Subscription": self._home.subscription, "Workspace": self._home.workspace}
        for place, count in ((other, max(40, records // 50)), (home, records)):
            self._seeder.place = place
            self._start_workspace(place["Workspace"])
            self._settings()
            self._plans(count)
            if place is home:
                self._bulk(count)
            else:
                self._few(count)

    def _settings(self) -> None:
        for index, state in enumerate(STATES):
            self._make("ScheduleState", Name=state, OrderIndex=index)
            flow = self._make("FlowState", Name=state, OrderIndex=index, ScheduleStateMapping=state)
            self._flows[state] = flow.oid
        for name, value in (("XS", 1.0), ("S", 3.0), ("M", 5.0), ("L", 8.0)):
            self._make("PreliminaryEstimate", Name=name, Value=value)
        for level in ("Theme", "Initiative", "Feature"):
            definition = self._definition(f"PortfolioItem/{level}")
            made = [
                self._make(
                    "State", Name=name, OrderIndex=index, TypeDef=definition, Enabled=True, AcceptedMarker=name == "Done"
                )
                for index, name in enumerate(("Discovering", "Developing", "Measuring", "Done"))
            ]
            self._states[f"PortfolioItem/{level}"] = [each.oid for each in made]
        for user in self._seeder.people[:6]:
            self._make("WorkspacePermission", Name="Workspace Editor", Role="Editor", User=user)
            self._make("ProjectPermission", Name="Project Editor", Role="Editor", User=user, Project=self._projects[0])

    def _plans(self, records: int) -> None:
        for index in range(max(8, min(200, records // 100))):
            self._make("Tag", Name=f"tag {index}" if index % 7 else f"tag “{index}” 🏷", Archived=index % 9 == 8)
        for project in self._projects:
            self._iterations(project, max(3, min(26, records // 500)))
        for index in range(max(3, min(60, records // 400))):
            date = self._date(0.5 + index / 100)
            projects = tuple(self._random.sample(self._projects, 1))
            self._make("Milestone", Name=f"Milestone {index}", TargetDate=self._sometimes(date, 0.7), Projects=projects)
        repository = self._make("SCMRepository", Name="shop.git", SCMType="Git", Projects=tuple(self._projects[:2]))
        self._ids["SCMRepository"] = [repository.oid]
        for project in self._projects[:3]:
            self._make("BuildDefinition", Name=f"Nightly {project % 1000}", Project=project)

    def _iterations(self, project: int, count: int) -> None:
        for index in range(count):
            start = self._seeder.moment(index / count)
            dates = {
                "StartDate": day_of(stamp(start)),
                "EndDate": stamp((start + timedelta(days=13)).replace(hour=6, minute=59)),
            }
            state = "Accepted" if index < count - 1 else "Planning"
            self._make("Iteration", Name=f"Sprint {index + 1}", Project=project, State=state, **dates, PlannedVelocity=20.0)
        for index in range(max(1, count // 4)):
            start = self._seeder.moment(index / max(1, count // 4))
            dates = {"ReleaseStartDate": day_of(stamp(start)), "ReleaseDate": day_of(stamp(start + timedelta(days=84)))}
            state = "Active" if index else "Planning"
            self._make("Release", Name=f"Release {index + 1}", Project=project, State=state, Version=f"{index}.0", **dates)

    def _bulk(self, records: int) -> None:
        makers = self._makers()
        for path, share in _SHARES.items():
            if path == "Risk":
                self._seeder.allocator.next_oid = max(self._seeder.allocator.next_oid, _HIGH_OID)
            for _ in range(max(3, records * share // 1000)):
                makers[path](path)
        for _ in range(max(2, records * 3 // 1000)):
            self._defect("Defect")

    def _few(self, records: int) -> None:
        for path in ("PortfolioItem/Theme", "PortfolioItem/Initiative", "PortfolioItem/Feature"):
            self._portfolio(path)
        for _ in range(records // 3):
            self._story("HierarchicalRequirement")
            self._defect("Defect")
            self._task("Task")

    def _makers(self) -> dict[str, Any]:
        makers: dict[str, Any] = {path: getattr(self, f"_{path.lower()}", None) for path in _SHARES}
        makers |= {f"PortfolioItem/{level}": self._portfolio for level in ("Theme", "Initiative", "Feature")}
        makers["HierarchicalRequirement"] = self._story
        return makers

    def _portfolio(self, path: str) -> None:
        above = {"PortfolioItem/Initiative": "PortfolioItem/Theme", "PortfolioItem/Feature": "PortfolioItem/Initiative"}
        values = self._common(0.8)
        values |= {
            "PortfolioItemType": self._definition(path),
            "State": self._sometimes(self._random.choice(self._states[path]), 0.8),
            "PlannedStartDate": self._sometimes(self._date(0.3), 0.6),
            "PlannedEndDate": self._sometimes(self._date(0.9), 0.6),
            "PreliminaryEstimate": self._any("PreliminaryEstimate", 0.5),
            "JobSize": self._sometimes(float(self._random.randint(1, 13)), 0.4),
            "UserBusinessValue": self._sometimes(5.0, 0.4),
            "InvestmentCategory": self._random.choice(("None", "None", "Maintain", "Improve")),
        }
        if path in above:
            values["Parent"] = self._any(above[path], 0.85)
        if path == "PortfolioItem/Feature" and self._here():
            values |= {"c_Budget": self._sometimes(12500.5), "c_Sponsor": self._person(0.3)}
        self._make(path, **values)

    def _story(self, path: str) -> None:
        values = self._common(0.7)
        parent = self._random.choice(self._leaves) if self._leaves and self._random.random() < 0.15 else None
        if parent is not None:
            self._under(parent, values)
        else:
            feature = self._any("PortfolioItem/Feature", 0.6)
            values |= {"PortfolioItem": feature, "Feature": feature}
        values = self._schedule(values)
        if self._here():
            values |= self._custom_story()
        story = self._make(path, **values)
        if self._random.random() < 0.03:
            self._block(story)
        stories = self._ids[path]
        if len(stories) > 20 and self._random.random() < 0.03:
            self._join(story, "Predecessors", stories[-self._random.randint(2, 20)])
        if parent is None and self._random.random() < 0.2:
            # Set aside to become a parent: it holds no tasks, iteration or release.
            for name in ("Iteration", "Release"):
                self._unplan(story, name)
            self._leaves.append(story.oid)
        else:
            self._ids.setdefault("work", []).append(story.oid)

    def _block(self, story: Item) -> None:
        author = self._seeder.people[0]
        name = f"{story.values['FormattedID']} is blocked"
        blocker = self._make("Blocker", Name=name, WorkProduct=story.oid, BlockedBy=author)
        story.values |= {"Blocked": True, "BlockedReason": "waiting for “legal”", "Blocker": blocker.oid}

    def _under(self, parent: int, values: Fields) -> None:
        above = self._seeder.state.items[parent].values
        values |= {"Parent": parent, "Feature": above.get("Feature"), "Project": above["Project"]}

    def _unplan(self, story: Item, name: str) -> None:
        planned = story.values.pop(name, None)
        if planned is not None:
            self._seeder.unlist(planned, "WorkProducts" if name == "Iteration" else "_WorkProducts", story.oid)

    def _custom_story(self) -> Fields:
        random = self._random
        return {
            "c_KanbanState": self._sometimes(random.choice(("Ready", "Coding", "Testing", "Done")), 0.6),
            "c_CustomerReference": self._sometimes(f"REF-{random.randint(1, 9999)}", 0.2),
            "c_BusinessCase": random.choice(self._texts[:10]) if random.random() < 0.1 else None,
            "c_Votes": self._sometimes(random.choice((0, 1, -5, 2**31, 12)), 0.3),
            "c_Confidence": self._sometimes(random.choice((0.0, 0.25, 99.99, -1.5)), 0.3),
            "c_Compliance": random.random() < 0.2,
            "c_PromisedDate": self._date(random.random()) if random.random() < 0.2 else None,
            "c_Platforms": self._values_of("HierarchicalRequirement", "c_Platforms") if random.random() < 0.2 else (),
            "c_Wiki": self._sometimes({"LinkID": "42", "DisplayString": "Wiki 42"}, 0.1),
            "c_Reviewer": self._person(0.2),
        }

    def _defect(self, path: str) -> None:
        random = self._random
        values = self._schedule(self._common())
        state = random.choice(("Submitted", "Open", "Open", "Fixed", "Closed"))
        when = stamp(self._seeder.moment(self._seeder.made / self._seeder.total))
        values |= {
            "State": state,
            "OpenedDate": when if state != "Submitted" else None,
            "ClosedDate": when if state == "Closed" else None,
            "Severity": random.choice(("None", "Crash/Data Loss", "Major Problem", "Minor Problem", "Cosmetic")),
            "Priority": random.choice(("None", "Resolve Immediately", "High Attention", "Normal", "Low")),
            "Environment": random.choice(("None", "Production", "Test")),
            "SubmittedBy": self._person(),
            "FoundInBuild": self._sometimes("2.0.1-rc\u0007"),
            "TargetDate": self._date(random.random()) if random.random() < 0.25 else None,
        }
        if random.random() < 0.5:
            values["Requirement"] = self._any("HierarchicalRequirement")
        elif random.random() < 0.2:
            values["TestCase"] = self._any("TestCase")
        if self._here():
            values |= {
                "c_RootCause": self._sometimes(random.choice(("Code", "Design", "Requirement"))),
                "c_Regression": random.random() < 0.3,
                "c_FoundBy": self._person(0.2),
                "c_Browsers": self._values_of(path, "c_Browsers") if random.random() < 0.3 else (),
                "c_Ticket": self._sometimes({"LinkID": f"T-{random.randint(1, 99)}", "DisplayString": ""}, 0.1),
            }
        self._ids.setdefault("work", []).append(self._make(path, **values).oid)

    def _task(self, _path: str) -> None:
        random = self._random
        above = self._seeder.state.items[random.choice(self._ids["work"])]
        state = random.choice(("Defined", "In-Progress", "Completed"))
        values = self._common(0.2)
        values |= {name: above.values.get(name) for name in ("Project", "Iteration", "Release")}
        values |= {
            "WorkProduct": above.oid,
            "State": state,
            "Estimate": self._sometimes(float(random.randint(1, 16)), 0.8),
            "ToDo": 0.0 if state == "Completed" else self._sometimes(float(random.randint(1, 8)), 0.7),
            "Actuals": self._sometimes(random.choice((0.25, 1.5, 4.0)), 0.3),
            "TaskIndex": random.randint(1, 9),
        }
        if self._here():
            values["c_Activity"] = self._sometimes("Development", 0.4)
        self._make("Task", **values)
