"""What names in Rally queries stand for: types, abstract ones too, fields by any of their names, and collections.

Source: rally.md §1, §7 (types), §10.2, §10.3 (which reference a collection repeats).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mirror.connectors.rally.catalog import ARTIFACT
from mirror.model.layout import Layout
from mirror.model.schema import Field, Kind
from mirror.query.expr import Step

Layouts = Mapping[str, Layout]

_PORTFOLIO = "PortfolioItem/"
_WORK = ("HierarchicalRequirement", "Defect", "DefectSuite", "TestSet")
_ATTACHED = ("HierarchicalRequirement", "Defect", "Task", "TestCase", "DefectSuite", "Risk", "PortfolioItem")
_ABSTRACT: Mapping[str, tuple[str, ...]] = {
    "schedulableartifact": ("HierarchicalRequirement", "DefectSuite", "TestSet", "Risk"),  # rally.md §7 C
    "requirement": ("HierarchicalRequirement",),
    "userpermission": ("WorkspacePermission", "ProjectPermission"),
}
_ALSO = {"story": "HierarchicalRequirement", "userstory": "HierarchicalRequirement"}
"""What pyral calls stories (rally.md, key PY)."""

_ALIASES = {"Rank": "DragAndDropRank"}  # rally.md §3 C
_FEW = 3


@dataclass(frozen=True, slots=True)
class Inverse:
    """A collection that only repeats a reference of other records.

    Attributes:
        sources: (type, its field that refers here); at least one.
    """

    name: str
    sources: tuple[tuple[str, str], ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        """One step to each type of members."""
        return tuple(Step(field, (source,), backward=True) for source, field in self.sources)


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for.

    Attributes:
        note: a sentence when Rally itself would not have understood the name.
    """

    meaning: Field | Inverse
    note: str | None = None


class UnknownNameError(Exception):
    """A type has nothing of that name.

    Attributes:
        near: what may have been meant.
    """

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        self.name = name
        self.near = near
        super().__init__(name)


class AmbiguousNameError(Exception):
    """A name may be several fields.

    Attributes:
        near: the exact names of all of them.
    """

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        self.name = name
        self.near = near
        super().__init__(name)


def types_called(name: str, layouts: Layouts) -> tuple[str, ...]:
    """Return the types that people mean by a name; several for an abstract one, none when there is no such type.

    Types match in any case (rally.md §1 R); `Feature` and `PortfolioItem-Feature` mean `PortfolioItem/Feature`.
    """
    if name in layouts or not name:
        return (name,) if name else ()
    wanted = _folded(name.replace("-", "/"))
    if wanted == _folded(ARTIFACT):
        return tuple(each for each, layout in layouts.items() if layout.type.family == ARTIFACT)
    if wanted == "portfolioitem":
        return portfolio_types(layouts)
    if wanted in _ABSTRACT:
        return tuple(each for each in _ABSTRACT[wanted] if each in layouts)
    for names in (_paths, _elements, _displays, _others):
        found = tuple(each for each in layouts if wanted in names(layouts[each]))
        if found:
            return found
    return types_called(name[:-1], layouts) if len(name) > 1 and name[-1] in "sS" else ()  # rally.md §1 C: `/defects`


def _paths(layout: Layout) -> set[str]:
    return {_folded(layout.type.name)}


def _elements(layout: Layout) -> set[str]:
    return {_folded(layout.type.name.rpartition("/")[2])}


def _displays(layout: Layout) -> set[str]:
    return {_folded(layout.type.display_name)}


def _others(layout: Layout) -> set[str]:
    return {also for also, name in _ALSO.items() if name == layout.type.name}


def portfolio_types(layouts: Layouts) -> tuple[str, ...]:
    """Return all types of portfolio items."""
    return tuple(each for each in layouts if each.startswith(_PORTFOLIO))


def element_of(type_name: str) -> str:
    """Return the name that messages use: the last part of the path."""
    return type_name.rpartition("/")[2]


def look_up(layout: Layout, name: str, layouts: Layouts) -> Found:
    """Return the field or collection of a type that people mean by a name.

    The exact name always wins; then the name in any case; then custom fields without `c_`, and display names with or without
    blanks.

    Raises:
        UnknownNameError: there is none.
        AmbiguousNameError: several fit equally well.
    """
    exact = layout.type.field(_ALIASES.get(name, name))
    if exact is not None:
        return Found(exact)
    inverse = inverse_of(layout, name, layouts)
    if inverse is not None:
        return Found(inverse)
    wanted = _folded(name)
    named = [each for each in layout.type.fields if _folded(each.name) == wanted]
    collections = [each for each in _INVERSES if _folded(each) == wanted]
    loosely = named or [each for each in layout.type.fields if wanted and wanted in _loose_names(each)]
    if len(loosely) > 1:
        raise AmbiguousNameError(name, tuple(sorted(each.name for each in loosely)))
    if loosely:
        return Found(loosely[0], f'Rally itself knows "{name}" only as {loosely[0].name}.')
    for each in collections:
        if (inverse := inverse_of(layout, each, layouts)) is not None:
            return Found(inverse, f'Rally itself knows "{name}" only as {each}.')
    raise UnknownNameError(name, _nearest(layout, name, layouts))


def _loose_names(field: Field) -> set[str]:
    return {_folded(field.display_name), _folded(field.name.removeprefix("c_")) if field.custom else ""}


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _nearest(layout: Layout, name: str, layouts: Layouts) -> tuple[str, ...]:
    exact = [each.name for each in layout.type.fields]
    exact += [each for each in _INVERSES if inverse_of(layout, each, layouts) is not None]
    by_word = {_folded(each.display_name): each.name for each in layout.type.fields if each.display_name}
    by_word |= {_folded(each.removeprefix("c_")): each for each in exact}
    close = difflib.get_close_matches(_folded(name), sorted(by_word), n=_FEW, cutoff=0.6)
    return tuple(dict.fromkeys(by_word[each] for each in close))


def targets_of(field: Field, layouts: Layouts) -> tuple[str, ...]:
    """Return the mirrored types that a reference or collection may lead to.

    The catalogue does not tell which abstract type a reference is made for; they are PortfolioItem for the field of that
    name and Artifact for all others (rally.md §10.2).
    """
    if field.targets:
        return tuple(each for each in field.targets if each in layouts)
    if field.name == "PortfolioItem":
        return portfolio_types(layouts)
    return tuple(each for each, layout in layouts.items() if layout.type.family == ARTIFACT)


def inverse_of(layout: Layout, name: str, layouts: Layouts) -> Inverse | None:
    """Return the collection of that name which a type has without the catalogue listing it, or None."""
    found = tuple(
        (source, field)
        for source, field, owners in _INVERSES.get(name, ())
        if source in layouts and _refers(layouts[source], field, layout, owners)
    )
    if name == "Children":
        found = tuple((each, "Parent") for each in layouts if _refers(layouts[each], "Parent", layout, ()))
    if name == "UserStories" and layout.type.name not in _lowest_portfolio_types(layouts):
        found = ()
    return Inverse(name, found) if found else None


def _lowest_portfolio_types(layouts: Layouts) -> tuple[str, ...]:
    """Return the types of portfolio items that stories hang on: those that no other portfolio item has as its parent."""
    every = portfolio_types(layouts)
    parents = [field for each in every if (field := layouts[each].type.field("Parent")) is not None]
    above = {target for each in parents for target in each.targets}
    return tuple(each for each in every if each not in above)


def _refers(source: Layout, name: str, owner: Layout, owners: Iterable[str]) -> bool:
    """Return whether the field `name` of a type may refer to `owner`, and the collection there repeats it."""
    field = source.type.field(name)
    if field is None or field.kind not in (Kind.REFERENCE, Kind.LINKS):
        return False
    if owners:
        is_artifact = ARTIFACT in owners and owner.type.family == ARTIFACT
        return is_artifact or any(owner.type.name == each or owner.type.name.startswith(f"{each}/") for each in owners)
    return owner.type.name in field.targets


_INVERSES: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "Attachments": (("Attachment", "Artifact", _ATTACHED), ("Attachment", "TestCaseResult", ())),
    "BuildDefinitions": (("BuildDefinition", "Project", ()),),
    "Builds": (("Build", "BuildDefinition", ()), ("Build", "Changesets", ())),
    "Changes": (("Change", "Changeset", ()),),
    "Children": (),
    "Connections": (("PullRequest", "Artifact", (ARTIFACT,)),),
    "Defects": (("Defect", "Requirement", ()), ("Defect", "TestCase", ())),
    "Discussion": (("ConversationPost", "Artifact", (ARTIFACT,)),),
    "Iterations": (("Iteration", "Project", ()),),
    "Projects": (("Project", "Workspace", ()),),
    "Releases": (("Release", "Project", ()),),
    "Results": (("TestCaseResult", "TestCase", ()),),
    "Steps": (("TestCaseStep", "TestCase", ()),),
    "Tags": (("Tag", "Workspace", ()),),
    "Tasks": (("Task", "WorkProduct", _WORK),),
    "TeamMembers": (("User", "TeamMemberships", ()),),
    "TestCases": (("TestCase", "WorkProduct", ("HierarchicalRequirement", "Defect")), ("TestCase", "TestFolder", ())),
    "TypeDefinitions": (("TypeDefinition", "Workspace", ()),),
    "UserIterationCapacities": (("UserIterationCapacity", "Iteration", ()),),
    "UserPermissions": (("WorkspacePermission", "User", ()), ("ProjectPermission", "User", ())),
    "UserStories": (("HierarchicalRequirement", "PortfolioItem", ("PortfolioItem",)),),
    "Values": (("TimeEntryValue", "TimeEntryItem", ()),),
    "WorkProducts": tuple((each, "Iteration", ()) for each in _WORK),
    "Workspaces": (("Workspace", "Subscription", ()),),
}
"""Collection -> the references that it repeats: type, field, and the types that have the collection where the field does not
tell them. Source: rally.md §10.2, §10.3."""
