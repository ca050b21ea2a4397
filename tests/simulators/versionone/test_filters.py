"""The filter notation over real HTTP: pairs of filter and answer in filters.txt, and what pairs cannot say. §4.1"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.versionone import Switches, VersionOneSimulator
from mirror.simulators.versionone.world import World
from tests.simulators.versionone.conftest import Client

LINES = [
    line
    for line in (Path(__file__).parent / "filters.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PLACES = ("Scope", "Timebox")
DAY = 24 * 60 * 60


class Small:
    """A project whose assets are all known."""

    def __init__(self, sim: VersionOneSimulator, clock: ManualClock) -> None:
        self.world: World = sim.world
        self.client = Client(sim)
        self.made: dict[str, int] = {}
        self._scope = self.add("Scope", "Grammar", Parent=0, BeginDate="2025-06-02")
        schedule = self.world.ids("Schedule")[0]
        dates = {"BeginDate": "2025-06-02", "EndDate": "2025-06-16"}
        self.add("Timebox", "sprint", Schedule=schedule, State=101, **dates)
        top = self.add("Epic", "top")
        middle = self.add("Epic", "middle", Super=top)
        self._add_stories(clock, middle)
        self.add("Defect", "bug", Estimate="4")
        self.add("Task", "task", Parent=self.made["alpha"], DetailEstimate="5", ToDo="3")
        self.add("Test", "test", Parent=self.made["alpha"], DetailEstimate="2")
        self.world.operate(self.made["task"], "QuickClose")
        self.world.operate(self.made["delta"], "QuickClose")
        self.world.operate(self.made["epsilon"], "Delete")

    def _add_stories(self, clock: ManualClock, middle: int) -> None:
        second = self.world.ids("Member")[-1]
        status = {name: self.world.find("StoryStatus", Name=name) for name in ("Done", "In Progress")}
        self.add("Story", "alpha", Estimate="1", Status=status["Done"], Owners=[20], Super=middle)
        clock.advance(DAY)
        self.add("Story", "beta", Estimate="2.5", Reference="x")
        clock.advance(DAY)
        self.add("Story", "gamma", Status=status["In Progress"], Owners=[20, second], Reference='say "hi"')
        clock.advance(DAY)
        self.add("Story", "delta", Estimate="8", Reference="O'Brien")
        self.add("Story", "epsilon")

    def add(self, type_name: str, name: str, **values: Any) -> int:
        attributes = self.world.schema.attributes(type_name)
        if type_name not in PLACES and "Scope" in attributes and not attributes["Scope"].read_only:
            values["Scope"] = self._scope
        self.made[name] = self.world.create(type_name, {"Name": name, **values})
        return self.made[name]

    def names(self, type_name: str, where: str, **params: Any) -> list[str]:
        """Names of what a filter finds among the assets made here."""
        ids = self.client.ids(type_name, where, **params)
        known = {asset: name for name, asset in self.made.items()}
        return [known[each] for each in ids if each in known]


@pytest.fixture(scope="module")
def small() -> Iterator[Small]:
    clock = ManualClock()
    with VersionOneSimulator(records=40, seed=5, clock=clock) as running:
        made = Small(running, clock)
        yield made
        made.client.session.close()


@pytest.mark.parametrize("line", LINES)
def test_filter_finds(small: Small, line: str) -> None:
    head, _, wanted = line.partition(" =>")
    type_name, _, where = head.partition(" | ")
    for name in ("alpha", "beta", "delta"):
        where = where.replace(f"{{{name}}}", str(small.made[name]))
    if wanted.startswith(" !"):
        error = small.client.error(f"rest-1.v1/Data/{type_name}", where=where, sel="")
        assert error.startswith(wanted[3:]), error
        return
    assert small.names(type_name, where) == wanted.split()


def test_variables_stand_for_several_values(small: Small) -> None:
    params = {"with": "$names=alpha,beta gamma,delta;$big='8'"}
    assert small.names("Story", "Name=$names", **params) == ["alpha", "delta"]
    assert small.names("Story", "Name=$names;Estimate>=$big", **params) == ["delta"]
    assert small.names("Story", "Name=$names,'beta'", **params) == ["alpha", "beta", "delta"]
    assert small.names("Story", "Name!=$names;Scope.Name='Grammar'", **params) == ["beta", "gamma"]


def test_unencoded_plus_is_a_space_and_no_filter(small: Small) -> None:
    answer = small.client.raw("rest-1.v1/Data/Story?sel=&where=+Estimate")
    assert answer.status_code == 400
    encoded = small.client.raw("rest-1.v1/Data/Story?sel=&where=%2BEstimate")
    assert encoded.status_code == 200


def test_parameter_names_have_no_case(small: Small) -> None:
    answer = small.client.json("Data/Story", WHERE="Name='alpha'", Sel="Name", PAGE="1,0")
    assert [row["Attributes"]["Name"]["value"] for row in answer["Assets"]] == ["alpha"]


def test_sort_orders_by_several_attributes_and_then_by_id(small: Small) -> None:
    scope = "Scope.Name='Grammar'"
    assert small.names("Story", scope, sort="-Estimate") == ["delta", "beta", "alpha", "gamma"]
    assert small.names("Story", scope, sort="Estimate") == ["gamma", "alpha", "beta", "delta"]
    assert small.names("Story", scope, sort="-AssetState,-Name") == ["delta", "gamma", "beta", "alpha"]
    assert small.names("Story", scope, sort="+AssetState,+ID") == ["alpha", "beta", "gamma", "delta"]
    assert small.names("Story", scope, sort="-ChangeDateUTC,ID")[0] == "delta"
    assert small.client.error("rest-1.v1/Data/Story", sort="Nope") == (
        "Invalid SORT parameter: Unknown AttributeDefinition: Story.Nope"
    )


def test_sorting_by_a_relation_uses_its_order_attribute(small: Small) -> None:
    names = small.names("Story", "+Status;Scope.Name='Grammar'", sort="Status")
    order = {name: small.world.value(small.world.value(small.made[name], "Status"), "Order") for name in names}
    assert names == sorted(order, key=lambda name: order[name])


def test_find_looks_for_words_in_text(small: Small) -> None:
    assert small.names("Story", "", find="ALPH") == ["alpha"]
    assert small.names("Story", "", find="brien", findin="Reference") == ["delta"]
    assert small.names("Story", "", find="brien", findin="Name") == []
    assert small.client.error("rest-1.v1/Data/Story", find="x", findin="Nope").endswith("Story.Nope")


def test_newer_releases_understand_names_of_states_only(small: Small) -> None:
    before = small.world.switches
    small.world.switches = Switches.profile("strict26")
    try:
        scope = ";Scope.Name='Grammar'"
        assert small.names("Story", f"AssetState='Closed'{scope}") == ["delta"]
        assert small.names("Story", f"AssetState='128'{scope}") == []
        assert small.names("Story", f"AssetState!='128'{scope}") == []
        assert "64" in small.client.error("rest-1.v1/Data/Story", where="AssetState=64")
    finally:
        small.world.switches = before


@pytest.mark.parametrize(
    ("switch", "where"),
    [
        ("key_filter", "Key>'1000'"),
        ("id_filter", "ID>'Story:1000'"),
        ("moment_filter", "Moment>'5'"),
        ("change_date_filter", "ChangeDateUTC>='2020-01-01'"),
    ],
)
def test_comparisons_that_are_not_sure_can_be_taken_out(small: Small, switch: str, where: str) -> None:
    before = small.world.switches
    assert small.names("Story", f"{where};Name='alpha'") == ["alpha"]
    small.world.switches = before.with_changes({switch: False})
    try:
        assert "Invalid QueryFilter2 token" in small.client.error("rest-1.v1/Data/Story", where=where)
        assert small.names("Story", f"ID='Story:{small.made['alpha']}'") == ["alpha"]
    finally:
        small.world.switches = before


def test_rows_without_a_value_can_count_as_neither_equal_nor_unequal(small: Small) -> None:
    before = small.world.switches
    small.world.switches = before.with_changes({"null_is_unequal": False})
    try:
        assert small.names("Story", "Status.Name!='Done';Scope.Name='Grammar'") == ["gamma"]
    finally:
        small.world.switches = before


def test_dates_are_read_in_the_users_zone_unless_they_are_utc(small: Small) -> None:
    before = small.world.switches
    small.world.switches = before.with_changes({"user_zone_offset_minutes": 330})
    try:
        # Alpha was made at noon UTC, half past five in the afternoon for the user.
        assert small.names("Story", "CreateDate='2025-06-02T17:30:00'") == ["alpha"]
        assert small.names("Story", "CreateDateUTC='2025-06-02T12:00:00'") == ["alpha"]
        values = small.client.values(f"Story/{small.made['alpha']}", "CreateDate,CreateDateUTC")
        assert values == {"CreateDate": "2025-06-02T17:30:00", "CreateDateUTC": "2025-06-02T12:00:00"}
    finally:
        small.world.switches = before


def test_deleted_rows_come_only_when_the_filter_speaks_of_them(small: Small) -> None:
    assert "epsilon" not in small.names("Story", "")
    assert small.names("Story", "IsDeleted='True';ChangeDateUTC>='2025-06-05'") == ["epsilon"]
    assert small.names("Story", "IsDeleted='True';ChangeDateUTC>='2025-06-06'") == []
    assert small.names("Scope", "Workitems:Story[IsDeleted='true'].@Count='1';Name='Grammar'") == ["Grammar"]
