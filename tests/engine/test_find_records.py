"""What people type about a type, concrete or abstract, becomes records of the mirror."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mirror.engine.find_records import Found, find_records
from mirror.errors import QueryError, UnknownTypeError
from mirror.model.schema import Field, Kind
from mirror.store.store import Store
from tests.store.samples import DEFECT, NOW, USER, adopt, page, row

BUG = replace(DEFECT, family="Artifact")
STORY = replace(BUG, name="HierarchicalRequirement", fields=(*DEFECT.fields, Field("PlanEstimate", Kind.NUMERIC)))


class Asking:
    """A store with a defect and two stories, to ask."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.layouts = adopt(store, BUG, STORY, USER)
        defect, story = self.layouts["Defect"], self.layouts["HierarchicalRequirement"]
        store.apply(page(defect, row(defect, 5, name="b", formatted_id="DE5")), now=NOW)
        stories = [row(story, 3, name="c", plan_estimate=8), row(story, 4, name="a", plan_estimate=2)]
        store.apply(page(story, *stories), now=NOW)

    def find(self, name: str, text: str = "", order: str = "", *terms: str) -> Found:
        """Return what is found."""
        return find_records(self.store, self.layouts, "rally", name, text, now=NOW, order=order, terms=terms)

    def ids(self, *words: str) -> list[int]:
        """Return the ids of what is found."""
        found = self.find(*words)
        return [each for _type, each in found.searching.ids(found.queries)]


@pytest.fixture
def asking(store: Store) -> Asking:
    return Asking(store)


def test_a_type_is_found_by_a_query_in_the_order_asked_for(asking: Asking) -> None:
    assert asking.ids("Defect", '(Name = "b")') == [5]
    assert asking.ids("hierarchicalrequirement", "", "Name") == [4, 3]
    assert asking.ids("HierarchicalRequirement", "(PlanEstimate > 3)") == [3]


def test_an_abstract_type_is_all_its_types_ordered_together(asking: Asking) -> None:
    assert asking.ids("Artifact", '(Name >= "a")', "Name") == [4, 5, 3]


def test_a_type_that_lacks_a_field_is_left_out_with_a_note(asking: Asking) -> None:
    assert asking.ids("Artifact", "(PlanEstimate > 0)", "Name") == [4, 3]
    assert [note for note in asking.find("Artifact", "(PlanEstimate > 0)").notes if "Defect" in note]


def test_terms_are_read_where_a_type_has_them(asking: Asking) -> None:
    found = asking.find("Artifact", "", "Name", "Name", "PlanEstimate")
    rows = [(row.id, row.values) for row in found.searching.rows(found.queries, found.terms)]
    assert rows == [(4, ("a", 2)), (5, ("b", None)), (3, ("c", 8))]


def test_a_field_that_no_type_has_is_an_error_that_points_at_it(asking: Asking) -> None:
    with pytest.raises(QueryError) as raised:
        asking.find("Artifact", '(Nmae = "b")')
    assert raised.value.text[raised.value.position :].startswith("Nmae")


def test_an_unknown_type_is_an_error_that_names_the_nearest(asking: Asking) -> None:
    with pytest.raises(UnknownTypeError) as raised:
        asking.find("Defcet")
    assert raised.value.near == ("Defect",)
