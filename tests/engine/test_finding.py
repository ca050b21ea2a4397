"""What people call records and types, over all sources, on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from mirror.connectors.registry import TRACKERS
from mirror.engine.finding import find, find_type
from mirror.errors import UnknownRecordError, UnknownTypeError
from mirror.model.layout import Layout
from mirror.store.store import Store
from tests.store.samples import stored

Layouts = Mapping[str, Mapping[str, Layout]]


@pytest.fixture
def layouts(mirrored: Store) -> Layouts:
    return {kind: mirrored.layouts(kind) for kind in TRACKERS}


def keys_of(store: Store, layout: Layout) -> Iterator[tuple[int, str]]:
    """Yield (id, key) of the stored records of a type that has keys of its own."""
    column = next(each.name for each in layout.columns if each.field == layout.type.key_field)
    yield from stored(store, f"SELECT id, {column} FROM {layout.table}")


def test_every_key_leads_to_its_record(mirrored: Store, layouts: Layouts) -> None:
    defects, stories = layouts["rally"]["Defect"], layouts["versionone"]["Story"]
    for layout in (defects, stories):
        for record_id, key in keys_of(mirrored, layout):
            for spelled in (key, key.lower(), f" {key} ", f"{layout.type.name}:{key}", f"{layout.source}:{key.lower()}"):
                found = find(mirrored.finder, layouts, spelled)
                assert (found.layout, found.record_id, found.label, found.is_here) == (layout, record_id, key, True)


def test_types_and_ids_lead_to_records(mirrored: Store, layouts: Layouts) -> None:
    ticket = layouts["rt"]["ticket"]
    for spelled in ("ticket/3", "ticket:3", "TICKET/3", "rt:ticket/3", "RT:Ticket:3", "rt_ticket/3"):
        found = find(mirrored.finder, layouts, spelled)
        assert (found.layout, found.record_id, found.label) == (ticket, 3, "ticket/3")
    ((feature_id, key),) = stored(mirrored, "SELECT id, formatted_id FROM rally_portfolio_item_feature LIMIT 1")
    for spelled in (f"PortfolioItem/Feature/{feature_id}", f"portfolioitem/feature:{feature_id}", f"Feature/{feature_id}"):
        assert find(mirrored.finder, layouts, spelled).label == key


def test_a_type_and_a_name_lead_to_a_record(mirrored: Store, layouts: Layouts) -> None:
    assert find(mirrored.finder, layouts, "user:chen.li").label == "user/31"
    assert find(mirrored.finder, layouts, "Member:Élodie Eze").layout.source == "versionone"


def test_a_number_alone_is_answered_with_what_it_may_be(mirrored: Store, layouts: Layouts) -> None:
    with pytest.raises(UnknownRecordError, match="does not say of which type it is: say TYPE/14") as caught:
        find(mirrored.finder, layouts, "14")
    assert "user/14" in caught.value.near


def test_what_is_not_there_is_answered_with_the_nearest_and_a_hint(mirrored: Store, layouts: Layouts) -> None:
    with pytest.raises(UnknownRecordError, match=r"no record here is called 'S-0100x'; near to it: .*mirror sync") as caught:
        find(mirrored.finder, layouts, "S-0100x")
    assert set(caught.value.near) <= {f"S-0100{number}" for number in range(10)}
    for unknown in ("ticket/999999", "Zebra", "rt:S-01001", "new-987654", "DE99999999"):
        with pytest.raises(UnknownRecordError):
            find(mirrored.finder, layouts, unknown)


def test_a_key_of_no_source_names_those_there_are(mirrored: Store, layouts: Layouts) -> None:
    with pytest.raises(
        UnknownRecordError, match="no source and no type is called 'nosuch'; there are rally, rt, versionone"
    ):
        find(mirrored.finder, layouts, "nosuch:DE1")
    with pytest.raises(UnknownRecordError, match="did you mean rally"):
        find(mirrored.finder, layouts, "raly:DE1")


def test_what_no_key_can_be_is_refused_in_words(mirrored: Store, layouts: Layouts) -> None:
    for text in ("\udcff", "DE1\0", f"Defect/{'9' * 30}", f"NEW-{'9' * 30}", "9" * 30):
        with pytest.raises(UnknownRecordError):
            find(mirrored.finder, layouts, text)


def test_a_source_may_have_the_name_of_a_type(mirrored: Store, layouts: Layouts) -> None:
    named = {"defect": {name: replace(each, source="rally") for name, each in layouts["rally"].items()}}
    ((record_id,),) = stored(mirrored, "SELECT id FROM rally_defect WHERE formatted_id = 'DE1'")
    for text in (f"Defect:{record_id}", f"defect:Defect:{record_id}", "defect:DE1"):
        assert find(mirrored.finder, named, text).record_id == record_id


def test_an_empty_key_is_no_key(mirrored: Store, layouts: Layouts) -> None:
    with pytest.raises(UnknownRecordError, match="an empty text is no key"):
        find(mirrored.finder, layouts, " ")


def test_a_key_of_two_sources_is_answered_with_what_to_type(mirrored: Store, layouts: Layouts) -> None:
    twice = {"here": layouts["rally"], "there": layouts["rally"]}
    with pytest.raises(UnknownRecordError, match=r"'DE1' may be rally:Defect/.* say which"):
        find(mirrored.finder, twice, "DE1")


def test_a_record_of_two_types_is_told_apart_by_type(mirrored: Store, layouts: Layouts) -> None:
    tickets = layouts["rt"]["ticket"]
    alike = replace(tickets, type=replace(tickets.type, key_field="Subject"))
    users = layouts["rt"]["user"]
    people = replace(users, type=replace(users.type, key_field="Name"))
    catalog = {"rt": {"ticket": alike, "user": people}}
    ((subject, number),) = stored(mirrored, "SELECT subject, id FROM rt_ticket ORDER BY id LIMIT 1")
    assert find(mirrored.finder, catalog, subject.upper()).record_id == number
    assert find(mirrored.finder, catalog, "CHEN.LI").label == "chen.li"


def test_types_are_found_in_any_case(layouts: Layouts) -> None:
    for spelled in ("HierarchicalRequirement", "hierarchicalrequirement", "User Story", "rally_hierarchical_requirement"):
        assert find_type(layouts, spelled).type.name == "HierarchicalRequirement"
    assert find_type(layouts, "PortfolioItem/Feature").type.name == "PortfolioItem/Feature"
    assert find_type(layouts, "rally:defect").source == "rally"


def test_a_type_of_two_sources_is_answered_with_what_to_type(layouts: Layouts) -> None:
    with pytest.raises(UnknownRecordError, match="'Defect' may be rally:Defect or versionone:Defect: say which"):
        find_type(layouts, "Defect")


def test_an_unknown_type_is_answered_with_the_nearest(layouts: Layouts) -> None:
    with pytest.raises(UnknownTypeError, match="Milestone"):
        find_type(layouts, "Milestones")
