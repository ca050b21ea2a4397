"""A Rally over three days, mirrored each day: what commands and scripts say of the days that are past."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import mirror
from mirror.cli import cli
from mirror.simulators.rally import RallySimulator
from tests.support.databases import PostgresServer

SECRET = "_hIsToRy0123456789"
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Past:
    """The mirror of a Rally with the defects one and two, which Ann owns.

    The first is Open and tagged on the first day, Fixed on the second, when Ann is called Anna and the other one is gone; on
    the third it is Closed here, and not pushed, and Open again there.
    """

    config: Path
    tracker: RallySimulator
    keys: dict[str, str] = field(default_factory=dict)
    instants: list[datetime] = field(default_factory=list)

    def text(self, number: int) -> str:
        """Return the instant behind a sync, as people type it."""
        return self.instants[number].isoformat(timespec="milliseconds")

    def at(self, number: int) -> datetime:
        """Return the same as scripts say it."""
        return datetime.fromisoformat(self.text(number))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, [arguments[0], "--config", str(self.config), *arguments[1:]])

    def asked(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        if arguments[0] in ("find", "sql"):
            return [json.loads(line) for line in done.stdout.splitlines()]
        return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def past(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch, RallySimulator(records=60, seed=3, api_key=SECRET) as tracker:
        patch.setenv("ACME_KEY", SECRET)
        if request.param == "sqlite":
            yield _lived(folder, tracker)
            return
        server: PostgresServer = request.getfixturevalue("postgres")
        with server.fresh_url() as url:
            patch.setenv("MIRROR_DATABASE", url)
            yield _lived(folder, tracker)


def _lived(folder: Path, tracker: RallySimulator) -> Past:
    past = Past(folder / "mirror.toml", tracker)
    past.config.write_text(
        f"""database = "sqlite:///{folder / "mirror.db"}"
[sources.acme]
tracker = "rally"
url = "{tracker.url}"
workspace = "Acme"
types = ["Defect", "HierarchicalRequirement", "Tag", "User", "Project"]
secret = {{ env = "ACME_KEY" }}
history = ["Defect", "Tag", "User"]
"""
    )
    world = tracker.world
    ann, tag = world.ids("User")[0], world.ids("Tag", workspace=world.landmarks.workspace)[0]
    world.update(ann, {"DisplayName": "Ann"})
    world.update(tag, {"Name": "red"})
    one, two = (world.create("Defect", {"Name": name, "State": "Open", "Owner": ann}) for name in ("one", "two"))
    world.add(one, "Tags", [tag])
    changes: list[Callable[[], None]] = [
        lambda: None,
        lambda: _change(tracker, one, two, ann),
        lambda: world.update(one, {"State": "Open"}),
    ]
    for change in changes:
        change()
        assert past.run("sync").exit_code == 0
        past.instants.append(datetime.now(UTC))
        while datetime.now(UTC) - past.instants[-1] < 2 * MILLISECOND:
            pass  # so that the next change comes later, as the tracker and people tell time
    for name in ("one", "two"):
        (found,) = past.asked("find", "Defect", f"(Name = {name})", "--as-of", past.text(0))
        past.keys[name] = found["FormattedID"]
    assert past.run("set", past.keys["one"], "State=Closed").exit_code == 0
    return past


def _change(tracker: RallySimulator, one: int, two: int, ann: int) -> None:
    tracker.world.update(one, {"State": "Fixed", "Priority": "High Attention"})
    tracker.world.remove(one, "Tags", tracker.world.members(one, "Tags"))
    tracker.world.update(ann, {"DisplayName": "Anna"})
    tracker.world.delete(two)


def test_find_answers_as_of_an_instant(past: Past) -> None:
    query = ("find", "Defect", '(Owner.DisplayName contains "Ann")', "--fields", "Name,State,Tags.Name")
    days = [[tuple(each.values()) for each in past.asked(*query, "--as-of", past.text(day))] for day in range(3)]
    owned = [[each for each in day if each[0] in ("one", "two")] for day in days]
    assert owned == [[("one", "Open", ["red"]), ("two", "Open", [])], [("one", "Fixed", [])], [("one", "Open", [])]]
    assert [each["State"] for each in past.asked("find", "Defect", "(Name = one)")] == ["Closed"]


def test_a_record_is_shown_with_what_it_referred_to_then(past: Past) -> None:
    first, second = (past.asked("show", past.keys["one"], "--as-of", past.text(day)) for day in (0, 1))
    assert [each["references"]["Owner"]["name"] for each in (first, second)] == ["Ann", "Anna"]
    assert [each["fields"]["State"] for each in (first, second)] == ["Open", "Fixed"]
    assert first["lists"]["Tags"][0]["name"] == "red"
    assert "Tags" not in second["lists"]
    assert second["changes"] == []
    assert past.asked("show", past.keys["two"], "--as-of", past.text(0))["fields"]["Name"] == "two"
    gone = past.run("show", past.keys["two"], "--as-of", past.text(1))
    assert (gone.exit_code, f"the mirror knows no {past.keys['two']} in acme" in gone.stderr) == (2, True)


def test_sql_answers_as_of_an_instant(past: Past) -> None:
    query = (
        "SELECT d.name, d.state, d.owner_name, (SELECT count(*) FROM rally_defect__tags t WHERE t.id = d.id) AS tags, "
        "u.display_name FROM rally_defect d JOIN rally_user u ON u.id = d.owner_id WHERE d.name IN ('one', 'two') ORDER BY 1"
    )
    days = [[tuple(each.values()) for each in past.asked("sql", query, "--as-of", past.text(day))] for day in range(3)]
    assert days == [
        [("one", "Open", "Ann", 1, "Ann"), ("two", "Open", "Ann", 0, "Ann")],
        [("one", "Fixed", "Anna", 0, "Anna")],
        [("one", "Open", "Anna", 0, "Anna")],
    ]
    work = "SELECT title, state_category FROM work_item WHERE title IN ('one', 'two') ORDER BY 1"
    asked = past.run("sql", work, "--as-of", past.text(1), "--csv")
    assert asked.stdout.split() == ["title,state_category", "one,doing"]
    assert "work_item is without HierarchicalRequirement of acme: no history is kept of it" in asked.stderr
    refused = past.run("sql", "SELECT * FROM rally_project", "--as-of", past.text(1))
    assert (refused.exit_code, "no history is kept of Project in acme" in refused.stderr) == (2, True)


def test_history_tells_what_became_of_a_record(past: Past) -> None:
    told = past.run("history", past.keys["one"])
    assert told.exit_code == 0, told.output
    lines = [" ".join(each.split()) for each in told.stdout.splitlines()]
    assert "State Open -> Fixed" in lines
    assert "Priority" in told.stdout
    assert "Tags - red" in lines
    assert "Owner Ann -> Anna" in lines
    assert not any("Closed" in each for each in lines)
    versions = past.asked("history", past.keys["one"])
    assert versions[0]["changes"] == []
    assert [each["to"] for each in versions[:-1]] == [each["from"] for each in versions[1:]]
    (state,) = (each for each in versions[-1]["changes"] if each["field"] == "State")
    assert (state["before"], state["after"], versions[-1]["to"]) == ("Fixed", "Open", None)
    assert past.asked("history", past.keys["two"])[-1]["to"] is not None  # by the key that it had
    assert past.run("history", past.keys["two"]).stdout.splitlines()[-1].endswith("  gone")
    off = past.run("history", past.asked("find", "HierarchicalRequirement")[0]["FormattedID"])
    assert (off.exit_code, "no history is kept of HierarchicalRequirement in acme" in off.stderr) == (2, True)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2999-01-01", "2999-01-01 is yet to come"),
        ("2026-03-01T10:00", "says no time zone"),
        ("yesterday", "'yesterday' is no instant"),
    ],
)
def test_what_is_no_past_instant_is_refused(past: Past, instant: str, words: str) -> None:
    for command in (("find", "Defect"), ("sql", "SELECT 1"), ("show", past.keys["one"])):
        done = past.run(*command, "--as-of", instant)
        assert (done.exit_code, words in done.stderr) == (2, True)


def test_before_the_history_began_a_note_says_what_is_known(past: Past) -> None:
    done = past.run("find", "Defect", "(Name = one)", "--as-of", "2001-01-01", "--json")
    assert "history of Defect is kept since" in done.stderr
    assert (done.exit_code, done.stdout) == (0, "")


# in Python


@pytest.fixture
def m(past: Past) -> Iterator[mirror.Mirror]:
    opened = mirror.open(past.config)
    yield opened
    opened.close()


def test_a_record_as_of_an_instant_is_another_object_and_read_only(past: Past, m: mirror.Mirror) -> None:
    now = m.get(past.keys["one"])
    then = m["acme"].Defect.as_of(past.at(0)).where(Name="one").first()
    assert then is not None
    assert (then.State, now.State, then.as_of, now.as_of) == ("Open", "Closed", past.at(0), None)
    assert then is not now
    assert m["acme"].Defect.as_of(past.at(0).isoformat())(past.keys["one"]) is then
    assert m.get(past.keys["one"], as_of=past.at(0)) is then
    assert m["acme"].as_of(past.at(0)).get(f"Defect/{then.id}") is then
    for write in (lambda: setattr(then, "State", "Fixed"), then.delete, then.refresh, lambda: then.Tags.drop(then.Tags[0])):
        with pytest.raises(mirror.UsageError, match="without as_of"):
            write()
    with pytest.raises(mirror.UsageError, match="cannot be changed"):
        m["acme"].Defect.as_of(past.at(0)).create(Name="x")
    assert [each.change.field for each in m.changes()] == ["State"]


def test_what_a_past_record_leads_to_is_as_of_the_same_instant(past: Past, m: mirror.Mirror) -> None:
    for day, name, tags in ((0, "Ann", ["red"]), (1, "Anna", [])):
        (defect,) = m["acme"].Defect.as_of(past.at(day)).find("(Name = one)")
        assert (defect.Owner.DisplayName, [each.Name for each in defect.Tags], defect.Owner.as_of) == (
            name,
            tags,
            past.at(day),
        )
        assert defect["Owner.DisplayName"] == name
        assert defect.Project.Name == m["acme"].Defect.where(Name="one")[0].Project.Name  # as the defect showed it
        assert not defect.Project.is_here


def test_what_was_long_ago_is_forgotten_when_told_to(past: Past) -> None:
    assert past.asked("history", "--prune", "2001-01-01", "--source", "acme") == []
    assert "0 versions are forgotten" in past.run("history", "--prune", "2001-01-01").stderr
    for arguments in ([], ["DE1", "--prune", "2001-01-01"], ["--prune", "9999-01-01"], ["DE1", "--source", "acme"]):
        assert past.run("history", *arguments).exit_code == 2


def test_what_was_cannot_be_watched(past: Past, m: mirror.Mirror) -> None:
    defects = m["acme"].Defect
    for each in (defects.as_of(past.at(0)), defects.as_of([past.at(0)])):
        with pytest.raises(mirror.UsageError, match="what was does not change any more"):
            m.watch(each, created=print)  # type: ignore[arg-type] # the second is none of what types allow
    with pytest.raises(mirror.UsageError, match="what was does not change any more"):
        defects.as_of(past.at(0)).watch(created=print)
    with pytest.raises(mirror.UsageError, match="17 is neither"):
        m.watch(17, created=print)  # type: ignore[arg-type]


def test_several_instants_are_one_iterable(past: Past, m: mirror.Mirror) -> None:
    found = m["acme"].Defect.as_of([past.at(each) for each in range(3)]).where(Name=["one", "two"]).order("Name")
    assert [(each.as_of, each.Name, each.State) for each in found] == [
        (past.at(0), "one", "Open"),
        (past.at(0), "two", "Open"),
        (past.at(1), "one", "Fixed"),
        (past.at(2), "one", "Open"),
    ]
    assert (found.count(), len(found.limit(1)), found.instants) == (4, 3, tuple(past.at(each) for each in range(3)))
    assert [*found.select("Name").rows()][1] == (past.at(0), "two")
    assert [*found.values("State")] == ["Open", "Open", "Fixed", "Open"]
    assert [*found.select("State").dicts()][2] == {"as_of": past.at(1), "State": "Fixed"}
    frame = found.select("Name").to_arrow()
    assert (frame.column_names, frame.num_rows) == (["as_of", "Name"], 4)


def test_types_without_history_are_refused_and_a_day_is_its_beginning(past: Past, m: mirror.Mirror) -> None:
    with pytest.raises(mirror.UsageError, match="no history is kept of HierarchicalRequirement in acme"):
        m["acme"].HierarchicalRequirement.as_of(past.at(0))
    with pytest.raises(mirror.UsageError, match="no history is kept of Project in acme"):
        m["acme"].Defect.as_of(past.at(0)).find('(Project.Name = "x")').count()
    with pytest.raises(mirror.UsageError, match="says no time zone"):
        m["acme"].Defect.as_of(datetime(2026, 3, 1))  # noqa: DTZ001
    assert m["acme"].Defect.as_of(date(2001, 1, 1)).count() == 0
    assert m["acme"].as_of(past.at(0)).types() == ["Defect", "Tag", "User"]
    assert m.sql("SELECT state FROM rally_defect WHERE name = 'one'", as_of=past.at(1)).all() == [("Fixed",)]
