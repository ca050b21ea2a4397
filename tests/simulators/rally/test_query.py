"""The query language and its complaints. rally.md §4."""

from __future__ import annotations

import pytest

from mirror.simulators import ManualClock
from mirror.simulators.rally.world import World
from tests.simulators.rally.conftest import Client

FLAT = 'Could not parse: Error parsing expression -- expected ")" but saw "AND" instead.'


@pytest.fixture
def project(world: World) -> int:
    """A project of its own, with three defects."""
    project = world.create("Project", {"Name": "Queries"})
    owner = world.find("User", FirstName="Bo")
    tags = [world.create("Tag", {"Name": name}) for name in ("red", "dark blue")]
    common = {"Project": project}
    world.create(
        "Defect",
        {**common, "Name": "Alpha (one)", "Severity": "Cosmetic", "Owner": owner, "Tags": [{"_ref": f"/tag/{tags[0]}"}]},
    )
    world.create(
        "Defect",
        {
            **common,
            "Name": "beta two",
            "Severity": "Major Problem",
            "PlanEstimate": 5,
            "TargetDate": "2024-03-01",
            "Tags": [{"_ref": f"/tag/{tag}"} for tag in tags],
        },
    )
    world.create(
        "Defect", {**common, "Name": "Gamma", "State": "Open", "PlanEstimate": 8, "TargetDate": "2025-06-01T07:00:00Z"}
    )
    return project


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('(Name = "beta two")', ["beta two"]),
        ("(Name = Gamma)", ["Gamma"]),
        ("(Name = gamma)", []),
        ("(Name contains A)", ["Alpha (one)", "beta two", "Gamma"]),
        ("(Name !contains ALPHA)", ["beta two", "Gamma"]),
        ('(Name != "Gamma")', ["Alpha (one)", "beta two"]),
        ("(Owner = null)", ["beta two", "Gamma"]),
        ("(Owner != null)", ["Alpha (one)"]),
        ('(Owner.FirstName = "Bo")', ["Alpha (one)"]),
        ("(Owner.FirstName != Bo)", ["beta two", "Gamma"]),
        ("(State in Open,Fixed)", ["Gamma"]),
        ('(State in "Open", Submitted)', ["Alpha (one)", "beta two", "Gamma"]),
        ("(PlanEstimate > 5)", ["Gamma"]),
        ("(PlanEstimate >= 5.0)", ["beta two", "Gamma"]),
        ("(PlanEstimate = null)", ["Alpha (one)"]),
        ("(TargetDate < 2025-01-01)", ["beta two"]),
        ("(TargetDate >= today-1)", ["Gamma"]),
        ("(TargetDate > today+1)", []),
        ("(TargetDate = null)", ["Alpha (one)"]),
        ("(Severity < Cosmetic)", ["beta two", "Gamma"]),
        ('(Severity >= "Major Problem")', ["Alpha (one)", "beta two"]),
        ('(Tags.Name contains "BLUE")', ["beta two"]),
        ('((Tags.Name = "red") AND (Tags.Name = "dark blue"))', ["beta two"]),
        ("(Tags = null)", ["Gamma"]),
        ('((Name = "Gamma") OR (Owner.FirstName = Bo))', ["Alpha (one)", "Gamma"]),
        ('(((State = Open) AND (PlanEstimate = 8)) AND (Name contains "gam"))', ["Gamma"]),
        ("((State = Open) AND (PlanEstimate = 8)) OR (PlanEstimate = 5)", ["beta two", "Gamma"]),
        ("(Ready = false)", ["Alpha (one)", "beta two", "Gamma"]),
        ("(Ready = true)", []),
        ("(VersionId = 1)", ["Alpha (one)", "beta two", "Gamma"]),
        ('(Name = "say \\"hi\\"")', []),
    ],
)
def test_a_query_selects(client: Client, project: int, query: str, expected: list[str]) -> None:
    assert client.names("defect", query=query, project=f"/project/{project}", pagesize=200) == expected


def test_references_compare_to_any_form_of_ref(client: Client, world: World, project: int) -> None:
    for text in (f'"/project/{project}"', f"/project/{project}", str(project), f'"{client.base}/project/{project}"'):
        assert len(client.rows("defect", query=f"(Project = {text})")) == 3


def test_formatted_ids_compare_by_number(client: Client, world: World) -> None:
    oid = world.find("Defect")
    formatted = world.item(oid).values["FormattedID"]
    for query in (
        f"(FormattedID = {formatted})",
        f"(FormattedID = {formatted[2:]})",
        f'(FormattedID = "{formatted.lower()}")',
    ):
        assert [row["ObjectID"] for row in client.rows("defect", query=query, fetch="ObjectID")] == [oid]
    assert client.rows("defect", query=f"(FormattedID = US{formatted[2:]})") == []
    assert len(client.rows("defect", query="(FormattedID < 4)")) == 3


def test_object_ids_compare_as_numbers_beyond_floating_point(client: Client, world: World) -> None:
    last = world.ids("PullRequest")[-1]
    assert last > 2**53
    assert [row["ObjectID"] for row in client.rows("pullrequest", query=f"(ObjectID >= {last})", fetch="ObjectID")] == [last]
    assert client.rows("pullrequest", query=f"(ObjectID > {last})") == []
    assert [row["ObjectID"] for row in client.rows("pullrequest", query=f"(ObjectID = {last})", fetch="ObjectID")] == [last]


def test_keyset_pages_inside_other_conditions_meet_every_row_once(client: Client, world: World) -> None:
    seen: list[int] = []
    last = 0
    while True:
        query = f"((State != Closed) AND ((ObjectID > {last}) AND (ObjectID <= 99999999999999999)))"
        rows = client.rows("defect", query=query, order="ObjectID", pagesize=3, fetch="ObjectID")
        if not rows:
            break
        seen += [row["ObjectID"] for row in rows]
        last = seen[-1]
    assert seen == [oid for oid, row in world.truth("Defect").items() if row["State"] != "Closed"]


def test_last_update_date_has_millisecond_precision(client: Client, world: World, clock: ManualClock) -> None:
    oids = []
    for _ in range(3):
        oids.append(world.create("Defect", {"Name": "tick"}))
        clock.advance(0.001)
    second = world.item(oids[1]).values["LastUpdateDate"]

    def found(operator: str) -> list[int]:
        query = f'(LastUpdateDate {operator} "{second}")'
        return [
            row["ObjectID"] for row in client.rows("defect", query=query, fetch="ObjectID", order="LastUpdateDate,ObjectID")
        ]

    assert found(">") == oids[2:]
    assert found(">=") == oids[1:]
    assert found("=") == oids[1:2]


def test_stamps_are_found_again_after_updates_deletes_and_restores(client: Client, world: World, clock: ManualClock) -> None:
    def since() -> list[int]:
        query = '(LastUpdateDate > "2025-06-02T00:00:00.000Z")'
        return [row["ObjectID"] for row in client.rows("defect", query=query, fetch="ObjectID")]

    first, second = world.ids("Defect")[:2]
    assert since() == []
    clock.advance(1)
    world.update(first, {"Name": "moved"})
    world.update(second, {"Name": "moved"})
    assert since() == [first, second]
    world.delete(first)
    assert since() == [second]
    world.restore(first)
    assert since() == [first, second]


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        (
            "hierarchicalrequirement",
            "(InvalidField = 1)",
            'Could not parse: Could not find attribute "InvalidField" on type HierarchicalRequirement '
            'in the query segment "InvalidField"',
        ),
        (
            "defect",
            "(Owner.Shoe = 1)",
            'Could not parse: Could not find attribute "Shoe" on type User in the query segment "Owner.Shoe"',
        ),
        ("defect", "(Name zobolts 1)", 'Could not parse: Unknown operator "zobolts"'),
        ("defect", "(State !in Open,Fixed)", 'Could not parse: Unknown operator "!in"'),
        ("defect", "(Name = foo(bar))", 'Could not parse: Unknown operator ")"'),
        ("defect", "(Name=foo)", 'Could not parse: Unknown operator ")"'),
        ("defect", "((Name = a) AND (Name = b) AND (Name = c))", FLAT),
        ("defect", "(Name = a) AND (Name = b) AND (Name = c)", FLAT),
        (
            "artifact",
            "(Severity = None)",
            "Could not read: could not read all instances of class com.f4tech.slm.domain.Artifact",
        ),
        (
            "defect",
            '(CreationDate > "2017-04-29 20:23:51.188960")',
            'Could not parse: Cannot convert "2017-04-29 20:23:51.188960" into a date.  '
            "You must use the ISO8601 date+time format.",
        ),
        (
            "defect",
            "(Tags.Nothing = 1)",
            'Could not parse: Could not find attribute "Nothing" on type Tag in the query segment "Tags.Nothing"',
        ),
        ("iamnotarealone", "", 'Requested type name "iamnotarealone" is unknown.'),
    ],
)
def test_a_bad_query_is_refused_with(client: Client, path: str, query: str, message: str) -> None:
    assert client.error(path, query=query) == message


def test_a_bad_order_is_refused(client: Client) -> None:
    assert client.error("defect", order="Invalid") == "Cannot sort using unknown attribute Invalid"


def test_formatted_ids_sort_by_number(client: Client, world: World) -> None:
    found = [
        int(row["FormattedID"][2:]) for row in client.rows("task", order="FormattedID", fetch="FormattedID", pagesize=200)
    ]
    assert found == sorted(found)
    assert found[-1] > 9


def test_orders_combine_with_dotted_paths_and_directions(client: Client, world: World) -> None:
    rows = client.rows(
        "defect", order="Owner.LastName desc,FormattedID desc", fetch="Owner,FormattedID,LastName", pagesize=200
    )
    keys = [((row["Owner"] or {}).get("LastName", ""), int(row["FormattedID"][2:])) for row in rows]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.parametrize("order", ["Rank ASC", "DragAndDropRank", "Rank"])
def test_rank_is_an_order(client: Client, order: str) -> None:
    ranks = [row["DragAndDropRank"] for row in client.rows("defect", order=order, fetch="DragAndDropRank", pagesize=200)]
    assert ranks == sorted(ranks)


def test_without_an_order_rows_come_by_object_id(client: Client, world: World) -> None:
    assert [row["ObjectID"] for row in client.rows("task", fetch="ObjectID", pagesize=200)] == world.ids("Task")
