"""Sample people, teams, projects, schedules and sprints, and what hangs on projects alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from mirror.simulators.versionone import seed_texts as texts
from mirror.simulators.versionone.rules import SYSTEM
from mirror.simulators.versionone.seeding import SPAN, Seeder


def plant_people(seeder: Seeder, count: int) -> None:
    """Make members and teams; some members are deactivated later on, one is deleted."""
    for place in range(count):
        first, last = texts.person(place)
        seeder.make(
            "Member",
            Name=f"{first} {last}",
            Nickname=first if place % 3 else f"{first} “{last[0]}”",
            Username=f"user{place + 1}",
            Email=f"user{place + 1}@example.com" if place % 5 else None,
            Phone="+49 (0)30 / 12 34-5" if place % 4 == 0 else "",
            DefaultRole=2 + place % 10,
            IsLoginDisabled=place % 7 == 6,
            Manager=seeder.known["Member"][0] if place > 2 else None,
            Custom_Office="Pier 4" if place % 2 else None,
        )
    seeder.people = seeder.known["Member"][: max(3, count // 2)]
    for name in ("Night watch", "Quay crew", "It's the lighthouse keepers", "Süd & West")[: max(2, count // 3)]:
        seeder.make("Team", Name=name, Description=seeder.text(), CapacityExcludedMembers=seeder.some("Member", 2))
    for label in ("Part-time", "External"):
        seeder.make("MemberLabel", Name=label)
        seeder.edit(seeder.known["Member"][1], MemberLabels=[seeder.known["MemberLabel"][-1]])


def plant_projects(seeder: Seeder, count: int) -> tuple[int, int]:
    """Make two schedules, a deep tree of projects and sprints of the same names in both schedules.

    Returns:
        A project with work in it, and one with projects below that can be hidden.
    """
    for name, length in (("Two-weekly", "2 Weeks"), ("Monthly", "1 Months")):
        seeder.make("Schedule", Name=name, TimeboxLength=length, TimeboxGap="0 Days")
    seeder.make("Scheme", Name="Harbour scheme")
    first, second = seeder.known["Schedule"]
    main = _project(seeder, "Harbour", SYSTEM, first)
    hidden = _project(seeder, "Secret cargo", SYSTEM, second)
    _project(seeder, "Secret below", hidden, second)
    above = main
    for place in range(max(4, count)):
        name = f"Level {place}" if place < 5 else seeder.name()
        made = _project(seeder, name, above, seeder.random.choice((first, second)))
        above = made if place < 5 else seeder.random.choice(seeder.known["Scope"])
    seeder.make("ScopeLabel", Name="Strategic")
    seeder.edit(main, ScopeLabels=seeder.known["ScopeLabel"], Members=seeder.known["Member"][:4])
    return main, hidden


def _project(seeder: Seeder, name: str, parent: int, schedule: int) -> int:
    begin = seeder.day()
    return seeder.make(
        "Scope",
        Name=name,
        Parent=parent,
        BeginDate=begin,
        EndDate=begin + timedelta(days=200) if seeder.chance(0.4) and begin.year < 9000 else None,
        Schedule=schedule,
        Description=seeder.text(),
        Owner=seeder.any("Member"),
        Status=seeder.choice("ScopeStatus"),
        Members=seeder.some("Member", 4),
        Custom_Region=seeder.choice("Custom_Region"),
    )


def plant_sprints(seeder: Seeder, count: int) -> None:
    """Make sprints over the two years and half a year on.

    Names repeat across schedules, and the end of one is the begin of the next (versionone.md §7.3 S/L).
    """
    start, rounds = seeder.clock.now().date(), max(5, count // 2)
    length = timedelta(days=max(1, (SPAN.days + 200) // rounds))
    for place in range(rounds):
        begin = start + place * length
        for schedule in seeder.known["Schedule"]:
            seeder.make(
                "Timebox",
                Name=f"Sprint {place + 1}",
                Schedule=schedule,
                BeginDate=begin,
                EndDate=begin + length,
                Owner=seeder.any("Member"),
                TargetEstimate=Decimal("20.50") if place % 2 else None,
            )


def plant_plans(seeder: Seeder, rounds: int) -> None:
    """Make what hangs on projects: goals, milestones, releases, budgets, quality plans, builds."""
    for _ in range(rounds):
        _plan(seeder)
        _quality(seeder)
        _builds(seeder)


def _plan(seeder: Seeder) -> None:
    scope, begin = seeder.any("Scope"), seeder.day()
    goal = seeder.make(
        "Goal",
        Name=seeder.name(),
        Scope=scope,
        Description=seeder.text(),
        Category=seeder.choice("GoalCategory"),
        Priority=seeder.choice("GoalPriority"),
        Team=seeder.any("Team"),
    )
    if scope is not None:
        seeder.edit(scope, Targets=[goal])
    seeder.make("Milestone", Name=seeder.name(), Scope=scope, Date=begin, Owner=seeder.any("Member"))
    seeder.make("Release", Name=seeder.name(), Scope=scope, BeginDate=begin)
    budget = seeder.make(
        "Budget", Name=seeder.name(), Scope=scope, Amount=Decimal("1000000.05"), Parent=seeder.any("Budget")
    )
    seeder.make("ValueStream", Name=seeder.name(), Scope=scope, Budget=budget)
    seeder.make("StrategicTheme", Name=seeder.name(), Scope=scope, Level=seeder.choice("StrategicThemeLevel"))
    seeder.make("Roadmap", Name=seeder.name(), Scope=scope, BeginDate=begin)
    seeder.make("Environment", Name=seeder.name(), Scope=scope)
    seeder.make("Snapshot", Scope=scope, Date=begin, Value=seeder.number() or 1)
    seeder.make("Grant", Member=seeder.any("Member"), Scope=scope, Role=seeder.random.randint(1, 11))
    seeder.make("Theme", **_theme(seeder, scope))


def _theme(seeder: Seeder, scope: int | None) -> dict[str, object]:
    return {
        "Name": seeder.name(),
        "Scope": scope,
        "Parent": seeder.any("Theme"),
        "Estimate": seeder.number(),
        "Customer": seeder.any("Member"),
        "Status": seeder.choice("ThemeStatus"),
        "Risk": seeder.choice("WorkitemRisk"),
        "Owners": seeder.some("Member", 2),
        "Goals": seeder.some("Goal", 2),
    }


def _quality(seeder: Seeder) -> None:
    scope = seeder.any("Scope")
    plan = seeder.make("RegressionPlan", Name=seeder.name(), Scope=scope, Owner=seeder.any("Member"))
    for _ in range(2):
        seeder.make(
            "RegressionTest",
            Name=seeder.name(),
            Scope=scope,
            Steps=seeder.text(),
            ExpectedResults=seeder.text(),
            Tags="smoke, night",
            Status=seeder.choice("RegressionTestStatus"),
            Owners=seeder.some("Member", 3),
        )
    tests = seeder.some("RegressionTest", 3)
    seeder.make("RegressionSuite", Name=seeder.name(), RegressionPlan=plan, Estimate=seeder.number(), RegressionTests=tests)
    seeder.make("TestSuite", Name=seeder.name(), Reference="suite-1")


def _builds(seeder: Seeder) -> None:
    project = seeder.make("BuildProject", Name=seeder.name(), Reference=f"ci/{seeder.made}")
    for _ in range(2):
        seeder.make("ChangeSet", Name=seeder.name(), Reference=f"{seeder.random.getrandbits(64):016x}")
    seeder.make(
        "BuildRun",
        Name=f"Build #{seeder.made}",
        BuildProject=project,
        Date=seeder.clock.now(),
        Elapsed=Decimal("83.5"),
        Status=seeder.choice("BuildStatus"),
        Source=seeder.choice("BuildSource"),
        ChangeSets=seeder.some("ChangeSet", 2),
    )
    seeder.make("Bundle", Name=seeder.name(), Phase=seeder.choice("Phase"), ChangeSets=seeder.some("ChangeSet", 3))
