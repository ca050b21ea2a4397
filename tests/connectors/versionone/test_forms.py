"""query.v1, typed JSON and XML tell the same: rows, links, keys and totals."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mirror.connectors.versionone.connector import VersionOneConnector
from mirror.model.layout import HEAD, Layout, arrange, table_name
from mirror.model.page import KeyRange, Page
from mirror.model.schema import Kind
from mirror.simulators.traffic import Request
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.versionone import connector_to, world_of

FORMS = {
    "query.v1": {},
    "typed JSON": {"query_v1": False},
    "typed JSON, numbers as text": {"query_v1": False, "json_numbers_as_strings": True, "zone_suffix_in_rest": "Z"},
    "XML": {"query_v1": False, "json": False},
    "XML in small parts": {
        "query_v1": False,
        "json": False,
        "page_size_cap": 7,
        "total": "never",
        "zone_suffix_in_rest": "Z",
    },
}


@pytest.fixture(params=[1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
def tracker(request: pytest.FixtureRequest) -> Iterator[VersionOneSimulator]:
    with VersionOneSimulator(world=world_of(200, request.param)) as simulator:
        yield simulator


def layouts_of(connector: VersionOneConnector) -> dict[str, Layout]:
    """Return a layout of every type."""
    catalog = connector.discover(None)
    assert catalog is not None
    return {
        name: arrange("acme", "versionone", each, table=table_name("versionone", name))
        for name, each in catalog.types.items()
    }


def pages_of(connector: VersionOneConnector, layout: Layout) -> Iterator[Page]:
    """Yield all pages of a type."""
    after: int | None = 0
    while after is not None:
        page = connector.fetch(layout, KeyRange(after))()
        yield page
        after = page.after


def contents(connector: VersionOneConnector, layout: Layout) -> tuple[object, ...]:
    """Return everything that was read of a type."""
    pages = list(pages_of(connector, layout))
    numbers = {at for at, each in enumerate(layout.columns, len(HEAD)) if each.kind is Kind.NUMERIC}
    # In typed JSON a number is floating point on the server's side already.
    rows = [
        tuple(float(value) if at in numbers and value is not None else value for at, value in enumerate(row))
        for page in pages
        for row in page.rows
    ]
    links = {each.field: sorted(row for page in pages for row in page.links[each.field]) for each in layout.links}
    return rows, links, [each for page in pages for each in page.bad]


def switched(tracker: VersionOneSimulator, form: str) -> VersionOneConnector:
    """Return a connector to a tracker that answers in that form."""
    tracker.switches = tracker.switches.profile("strict").with_changes(FORMS[form])
    return connector_to(tracker)


def test_all_forms_give_the_same_rows_of_every_type(tracker: VersionOneSimulator) -> None:
    connectors = {form: switched(tracker, form) for form in FORMS}
    layouts = layouts_of(connectors["query.v1"])
    expected = {name: contents(switched(tracker, "query.v1"), layout) for name, layout in layouts.items()}
    assert sum(len(rows) for rows, _, _ in expected.values()) > 300  # type: ignore[misc,arg-type]
    for form in FORMS:
        connector = switched(tracker, form)
        for name, layout in layouts.items():
            assert contents(connector, layout) == expected[name], f"{form}: {name}"


@pytest.mark.parametrize("form", FORMS)
def test_rows_read_by_id_are_those_of_the_listing(form: str) -> None:
    with VersionOneSimulator(world=world_of(200, 4)) as tracker:
        connector = switched(tracker, form)
        layout = layouts_of(connector)["Story"]
        listed = [row for page in pages_of(connector, layout) for row in page.rows]
        by_id = connector.records(layout, [row[1] for row in listed] + [999_999])
        assert list(by_id.rows) == listed


def test_a_selection_too_long_for_an_address_is_split_and_no_row_is_put_together_of_two_versions() -> None:
    with VersionOneSimulator(world=world_of(200, 4)) as tracker:
        tracker.switches = tracker.switches.with_changes({"query_v1": False, "query_string_limit": 2048})
        for number in range(40):
            tracker.world.add_field("Story", f"A_field_with_a_long_name_{number}", "Text")
        connector = connector_to(tracker)
        layout = layouts_of(connector)["Story"]
        first = tracker.world.ids("Story")[0]
        asked: list[str] = []

        def edit(request: Request) -> None:
            if request.path.endswith("/Story"):
                asked.append(request.query)
                if len(asked) == 2:
                    tracker.world.update(first, {"Name": "edited", "Custom_A_field_with_a_long_name_39": "edited"})

        stop = tracker.on_request(edit)
        page = connector.fetch(layout, KeyRange())()
        stop()
        assert len(asked) >= 4  # the parts, and once more those of the record that was edited in between
        assert max(map(len, asked)) <= 2048
        names = {each.name: at for at, each in enumerate(layout.columns, len(HEAD))}
        row = next(row for row in page.rows if row[1] == first)
        assert (row[names["name"]], row[names["custom_a_field_with_a_long_name_39"]]) == ("edited", "edited")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Estimate", "a lot", True),
        ("AssetState", "3.5", True),
        ("IsClosed", "perhaps", True),
        ("CreateDateUTC", "yesterday", True),
        ("Scope", {"_oid": "nowhere"}, True),
        ("Name", 17, False),
        ("Name", {"de": "Eins", "en": "One"}, True),
    ],
)
def test_a_value_that_fits_no_column_is_kept_beside_and_spoils_no_other(name: str, value: object, *, kept: bool) -> None:
    with VersionOneSimulator(world=world_of(100, 4)) as tracker:
        connector = connector_to(tracker)
        layout = layouts_of(connector)["Story"]
        good = connector.fetch(layout, KeyRange())()
        keys = [row[1] for row in good.rows]
        rows: list[dict[str, object]] = [{"_oid": f"Story:{key}", "Moment": "5", "Reference": "r"} for key in keys]
        rows[0][name] = value
        tracker.faults.add(kind="body", status=200, body=json.dumps([rows, [{"_oid": f"Story:{keys[-1]}"}]]), path="/query")
        page = connector.fetch(layout, KeyRange())()
        assert [row[1] for row in page.rows] == keys
        at = {each.name: place for place, each in enumerate(layout.columns, len(HEAD))}
        assert {row[at["reference"]] for row in page.rows} == {"r"}
        extra = json.loads(page.rows[0][4] or "{}")
        assert (extra.get(name) == value) is kept
        assert page.bad == []


def test_a_row_without_an_id_is_set_aside_with_its_document() -> None:
    with VersionOneSimulator(world=world_of(100, 4)) as tracker:
        connector = connector_to(tracker)
        layout = layouts_of(connector)["Story"]
        connector.fetch(layout, KeyRange())()
        rows = [{"_oid": "Story", "Moment": "5", "Name": "lost"}, {"_oid": "Story:7", "Moment": "5"}]
        tracker.faults.add(kind="body", status=200, body=json.dumps([rows, [{"_oid": "Story:7"}]]), path="/query")
        page = connector.fetch(layout, KeyRange())()
        assert [row[1] for row in page.rows] == [7]
        assert [("lost" in each.document, each.id) for each in page.bad] == [(True, None)]


def test_the_kinds_of_every_attribute_type_are_mirrored(tracker: VersionOneSimulator) -> None:
    story = layouts_of(connector_to(tracker))["Story"].type
    kinds = {each.name: each.kind for each in story.fields if each.custom}
    assert kinds["Custom_Confidence"] is Kind.NUMERIC
    assert kinds["Custom_Compliance"] is Kind.BOOLEAN
    assert kinds["Custom_PromisedDate"] is Kind.DATE
    assert kinds["Custom_Labels"] is Kind.VALUES
    assert kinds["Custom_Platforms"] is Kind.LINKS
    assert kinds["Custom_Votes"] is Kind.INTEGER
    assert kinds["Custom_LeadTime"] is Kind.TEXT
    assert not {"Custom_Secret", "Custom_Sketch"} & kinds.keys()
