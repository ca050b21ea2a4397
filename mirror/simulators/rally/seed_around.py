"""Sample data around the work items: tests, discussion, files, code, builds and time."""

from __future__ import annotations

import base64

from mirror.simulators.rally.items import Fields, stamp
from mirror.simulators.rally.seed_bench import Bench

_VERDICTS = ("Pass", "Pass", "Pass", "Fail", "Blocked", "Inconclusive")


class Around(Bench):
    """Makers of one object each, named after their type."""

    def _testfolder(self, path: str) -> None:
        self._make(path, Name=self._random.choice(self._names), Project=self._projects[0], Parent=self._any(path, 0.5))

    def _testcase(self, path: str) -> None:
        values = self._common(0.3)
        values |= {
            "Type": self._random.choice(("Acceptance", "Functional", "Regression")),
            "Method": self._random.choice(("Manual", "Automated")),
            "WorkProduct": self._any("HierarchicalRequirement", 0.7),
            "TestFolder": self._any("TestFolder", 0.4),
            "c_AutomationId": self._sometimes("ui::test"),
        }
        self._make(path, **values)

    def _testcasestep(self, path: str) -> None:
        case = self._any("TestCase")
        step = self._random.randint(0, 5)
        self._make(path, TestCase=case, StepIndex=step, Input=self._random.choice(self._texts[:30]), ExpectedResult="")

    def _testcaseresult(self, path: str) -> None:
        case = self._any("TestCase")
        date = stamp(self._seeder.moment(self._random.random()))
        above = self._seeder.state.items[case or 0].values.get("WorkProduct")
        values: Fields = {"TestCase": case, "Verdict": self._random.choice(_VERDICTS), "Date": date, "WorkProduct": above}
        self._make(
            path, **values, Build=f"b{self._random.randint(1, 500)}", Tester=self._person(), Duration=self._sometimes(1.5)
        )

    def _testset(self, path: str) -> None:
        cases = tuple(self._random.sample(self._ids["TestCase"], min(3, len(self._ids["TestCase"]))))
        self._make(path, **self._schedule(self._common()), TestCases=cases)

    def _defectsuite(self, path: str) -> None:
        defects = tuple(self._random.sample(self._ids["Defect"], min(4, len(self._ids["Defect"]))))
        self._make(path, **self._schedule(self._common()), Defects=defects)

    def _conversationpost(self, path: str) -> None:
        artifact = self._random.choice(self._ids["work"])
        number = self._seeder.listed_count(artifact, "Discussion")
        self._make(
            path,
            Artifact=artifact,
            Text=self._random.choice(self._texts[:50]) or "+1",
            User=self._person(1.0),
            PostNumber=number,
        )

    def _attachment(self, path: str) -> None:
        text = self._random.choice(self._texts[:20])
        content = self._make("AttachmentContent", Content=base64.b64encode(text.encode()).decode())
        values: Fields = {
            "Content": content.oid,
            "ContentType": "text/html",
            "Size": len(text.encode()),
            "User": self._person(1.0),
        }
        name = self._random.choice(("log.txt", "screen “1”.png", "log.txt", "data.csv"))
        self._make(path, Name=name, Artifact=self._random.choice(self._ids["work"]), Date=self._date(0.5), **values)

    def _risk(self, path: str) -> None:
        stories = (self._any("HierarchicalRequirement") or 0,)
        levels = ("None", "Low", "Medium", "High")
        self._make(path, **self._common(), Probability=self._random.choice(levels), WorkItemsAffected=stories)

    def _pullrequest(self, path: str) -> None:
        number = self._random.randint(1, 999)
        values: Fields = {
            "ExternalId": str(number),
            "ExternalFormattedId": f"#{number}",
            "Url": f"https://example.com/pr/{number}",
        }
        self._make(path, Name=self._random.choice(self._names), Artifact=self._random.choice(self._ids["work"]), **values)

    def _changeset(self, path: str) -> None:
        revision = f"{self._random.getrandbits(160):040x}"
        values: Fields = {"Revision": revision, "Name": revision[:8], "CommitTimestamp": self._date(0.6)}
        artifacts = (self._random.choice(self._ids["work"]),)
        self._make(path, **values, SCMRepository=self._any("SCMRepository"), Author=self._person(0.5), Artifacts=artifacts)

    def _change(self, path: str) -> None:
        name = f"src/{self._random.randint(1, 99)}/main.py"
        self._make(path, Changeset=self._any("Changeset"), PathAndFilename=name, Action=self._random.choice("AMD"))

    def _build(self, path: str) -> None:
        status = self._random.choice(("SUCCESS", "SUCCESS", "FAILURE", "INCOMPLETE"))
        values: Fields = {
            "Number": str(self._random.randint(1, 9999)),
            "Status": status,
            "Start": self._date(0.7),
            "Duration": 61.5,
        }
        self._make(path, BuildDefinition=self._any("BuildDefinition"), **values, Changesets=(self._any("Changeset") or 0,))

    def _timeentryitem(self, path: str) -> None:
        task = self._seeder.state.items[self._any("Task") or 0]
        above = self._seeder.state.items[task.values["WorkProduct"]]
        shown = {"TaskDisplayString": task.values.get("Name"), "WorkProductDisplayString": above.values.get("Name")}
        values: Fields = {"Task": task.oid, "WorkProduct": above.oid, "Project": above.values["Project"], **shown}
        self._make(path, **values, WeekStartDate=self._date(0.8), User=self._person(1.0))

    def _timeentryvalue(self, path: str) -> None:
        self._make(
            path, TimeEntryItem=self._any("TimeEntryItem"), DateVal=self._date(0.8), Hours=float(self._random.randint(1, 8))
        )

    def _useriterationcapacity(self, path: str) -> None:
        iteration = self._any("Iteration")
        project = self._seeder.state.items[iteration or 0].values["Project"]
        self._make(path, User=self._person(1.0), Iteration=iteration, Project=project, Capacity=self._sometimes(30.0))

    def _preference(self, path: str) -> None:
        self._make(
            path,
            Name=f"app.{self._random.randint(1, 99)}.settings",
            Value='{"columns":["Name","“Owner”"]}',
            User=self._person(0.5),
        )
