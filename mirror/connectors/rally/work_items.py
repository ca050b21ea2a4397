"""How Rally's records show in the view `work_item`: which types are work, the roles of their fields, what states mean.

Decided by what a type offers, so that custom states and portfolio levels of any name fall into place.

Source: rally.md §10.2 (fields), §10.3 (parents), §10.4 (order of the states), §11 (when dates are set). The addresses of
detail pages are in no contract; public integrations link to `/#/detail/userstory/<ObjectID>` and
`/#/detail/portfolioitem/feature/<ObjectID>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mirror.model.schema import Field, Kind
from mirror.model.work_item import Category, Rule, WorkItem

_STORY = "HierarchicalRequirement"
_BEGUN, _FINISHED = "In-Progress", ("Accepted", "Completed", "Closed")
_PARENTS = ("Parent", "PortfolioItem", "Feature", "WorkProduct", "Requirement")


def work_item(path: str, fields: Sequence[Field]) -> WorkItem | None:
    """Return the roles of an artifact type; None when it has no state that tells work begun from work to be done.

    So there are none for test cases, which have no state, nor for risks, whose states are others.

    Args:
        path: of the type, `Defect`, `PortfolioItem/Feature`.
    """
    offered = {each.name: each for each in fields}
    state, rules = _states(offered)
    if not state or "FormattedID" not in offered:
        return None
    return WorkItem(
        title=("Name",),
        key="FormattedID",
        state=(state,),
        owner=("Owner",),
        project=("Project",),
        iteration=("Iteration",),
        release=("Release",),
        estimate=("PlanEstimate", "Estimate", "RefinedEstimate"),
        parent=_PARENTS,
        created=("CreationDate",),
        closed=("ClosedDate", "AcceptedDate", "ActualEndDate"),
        rules=rules,
        address=f"/#/detail/{'userstory' if path == _STORY else path.lower()}/{{id}}",
    )


def _states(offered: Mapping[str, Field]) -> tuple[str, tuple[Rule, ...]]:
    """Return the field that is shown as the state, and what its values mean; an empty name when there is none."""
    own, schedule = offered.get("State"), offered.get("ScheduleState")
    if own is not None and own.kind is Kind.REFERENCE:
        return "State", _of_portfolio_item(offered)
    if own is not None and schedule is not None:
        return "State", _of_defect(own, schedule)
    found = own or schedule
    if found is None or (found is not schedule and _BEGUN not in found.allowed_values):
        return "", ()
    return found.name, _by_order(found)


def _of_portfolio_item(offered: Mapping[str, Field]) -> tuple[Rule, ...]:
    """A portfolio item's states are records, whose markers say which of them end and begin the work (rally.md §10.2 S).

    The server's own dates of the real start and end, which follow the stories below, tell as well.
    """
    rules = (
        Rule("ActualEndDate", Category.DONE),
        Rule("State", Category.DONE, (True,), of="AcceptedMarker"),
        Rule("ActualStartDate", Category.DOING),
        Rule("State", Category.DOING, (True,), of="InProgressMarker"),
    )
    return tuple(each for each in rules if each.field in offered)


def _by_order(field: Field) -> tuple[Rule, ...]:
    """What stands from Accepted on is done, what stands from In-Progress on is being done.

    A task's last state is Completed; a story's comes before Accepted.
    """
    last = next((each for each in _FINISHED if each in field.allowed_values), _FINISHED[0])
    done = _since(field, last)
    doing = tuple(each for each in _since(field, _BEGUN) if each not in done)
    return Rule(field.name, Category.DONE, done), Rule(field.name, Category.DOING, doing)


def _of_defect(state: Field, schedule: Field) -> tuple[Rule, ...]:
    """A defect has two states, independent of each other (rally.md §11 D): the one that is further tells.

    It is done from Closed on, or when it is accepted; being done behind Open, which says that it is to be done (Fixed waits
    for its test), or when its schedule says so.
    """
    closed = _since(state, "Closed")
    behind_open = tuple(each for each in _since(state, "Open")[1:] if each not in closed) or ("Fixed",)
    done, doing = _by_order(schedule)
    return Rule(state.name, Category.DONE, closed), done, Rule(state.name, Category.DOING, behind_open), doing


def _since(field: Field, first: str) -> tuple[str, ...]:
    """Return the allowed values from `first` on, in the tracker's order; `first` alone when it is not among them."""
    values = field.allowed_values
    return values[values.index(first) :] if first in values else (first,)
