"""What the benchmark's records look like: the fields of one Rally story type, as the schema would list them.

Everything else is derived from here: the pages that are served, the schema that is served, and the columns of
the hand-written loaders. Nothing is imported from mirror, so that one mistake is not made twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TYPE_NAME = "HierarchicalRequirement"
TYPE_PATH = "hierarchicalrequirement"

# One name per shape of value (contracts: Rally's AttributeType, folded to what the JSON holds).
Shape = Literal[
    "text", "html", "integer", "decimal", "boolean", "instant", "link", "reference", "tags", "collection", "inverse"
]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of the type.

    Fields of the shape `inverse` are in the schema, but no reader asks for them, so they are in no record.

    Attributes:
        name: as it stands in the JSON.
        native: Rally's AttributeType.
        target: the SchemaType of references and collections; empty for scalars.
        required: the field is never null, so a hand-written decoder may rely on it.
    """

    name: str
    shape: Shape
    native: str
    target: str = ""
    required: bool = False

    @property
    def custom(self) -> bool:
        return self.name.startswith("c_")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the loaded table: its SQL name, its kind and the attribute it comes from."""

    name: str
    kind: Literal["text", "integer", "decimal", "boolean", "instant"]
    attribute: Attribute
    part: Literal["value", "id", "name"] = "value"


def _scalars(shape: Shape, native: str, names: str, *, required: bool = False) -> list[Attribute]:
    return [Attribute(name, shape, native, required=required) for name in names.split()]


def _pointing(shape: Shape, native: str, pairs: str, *, required: bool = False) -> list[Attribute]:
    """Return attributes from words of the form Name or Name:Target."""
    found = []
    for word in pairs.split():
        name, _, target = word.partition(":")
        found.append(Attribute(name, shape, native, target or name, required=required))
    return found


ATTRIBUTES: tuple[Attribute, ...] = (
    *_scalars("integer", "INTEGER", "ObjectID", required=True),
    *_scalars("text", "STRING", "ObjectUUID VersionId FormattedID Name", required=True),
    *_scalars("instant", "DATE", "CreationDate LastUpdateDate", required=True),
    *_scalars("html", "TEXT", "Description Notes"),
    *_scalars("text", "STRING", "DisplayColor DragAndDropRank BlockedReason Package LastBuild"),
    *_scalars("text", "STATE", "ScheduleState"),
    *_scalars("text", "STRING", "ScheduleStatePrefix TaskStatus DefectStatus TestCaseStatus"),
    *_scalars("boolean", "BOOLEAN", "Ready Expedite Recycled Blocked HasParent"),
    *_scalars("integer", "INTEGER", "DirectChildrenCount TestCaseCount PassingTestCaseCount"),
    *_scalars("decimal", "QUANTITY", "PlanEstimate"),
    *_scalars("decimal", "DECIMAL", "TaskEstimateTotal TaskRemainingTotal TaskActualTotal"),
    *_scalars("instant", "DATE", "AcceptedDate InProgressDate FlowStateChangedDate LastRun"),
    *_pointing("reference", "OBJECT", "Subscription Workspace Project FlowState RevisionHistory", required=True),
    *_pointing("reference", "OBJECT", "Owner:User CreatedBy:User Iteration Release Blocker"),
    *_pointing("reference", "OBJECT", "Parent:HierarchicalRequirement"),
    *_pointing("reference", "OBJECT", "PortfolioItem:PortfolioItem-Feature Feature:PortfolioItem-Feature"),
    *_pointing("reference", "OBJECT", "c_TechnicalLead:User c_Approver:User"),
    *_pointing("tags", "COLLECTION", "Tags:Tag Milestones:Milestone"),
    *_pointing("collection", "COLLECTION", "Predecessors:HierarchicalRequirement Successors:HierarchicalRequirement"),
    *_pointing("collection", "COLLECTION", "Changesets:Changeset Risks:Risk"),
    *_pointing("inverse", "COLLECTION", "Discussion:ConversationPost Attachments:Attachment Tasks:Task"),
    *_pointing("inverse", "COLLECTION", "Children:HierarchicalRequirement Defects:Defect TestCases:TestCase"),
    *_scalars("text", "STRING", "c_KanbanState c_Team c_Theme c_CustomerSegment c_ReleaseTrain c_RiskLevel"),
    *_scalars("text", "STRING", "c_Region c_Channel c_BudgetCode c_SourceSystem c_ExternalKey c_Class c_Lane"),
    *_scalars("html", "TEXT", "c_AcceptanceCriteria"),
    *_scalars("decimal", "DECIMAL", "c_BusinessValue c_TimeCriticality c_JobSize c_Confidence"),
    *_scalars("integer", "INTEGER", "c_Votes c_ReopenCount"),
    *_scalars("boolean", "BOOLEAN", "c_Regulatory c_Migrated"),
    *_scalars("instant", "DATE", "c_TargetDate c_ReviewedOn"),
    *_scalars("link", "WEB_LINK", "c_DesignPage"),
)

SERVED = tuple(each for each in ATTRIBUTES if each.shape != "inverse")
"""The attributes that stand in a record."""

COLUMN_KINDS: dict[Shape, Literal["text", "integer", "decimal", "boolean", "instant"]] = {
    "text": "text",
    "html": "text",
    "link": "text",
    "integer": "integer",
    "decimal": "decimal",
    "boolean": "boolean",
    "instant": "instant",
}


def snake_case(name: str) -> str:
    """Return the SQL name of an attribute: `FormattedID` gives formatted_id."""
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text).lower()


def columns() -> tuple[Column, ...]:
    """Return the columns behind the bookkeeping ones, built-in fields before custom ones, by name."""
    found: list[Column] = []
    for each in sorted(ATTRIBUTES, key=lambda a: (a.custom, a.name)):
        name = snake_case(each.name)
        if each.shape in COLUMN_KINDS:
            found.append(Column(name, COLUMN_KINDS[each.shape], each))
        elif each.shape == "reference":
            found.append(Column(f"{name}_id", "integer", each, "id"))
            found.append(Column(f"{name}_name", "text", each, "name"))
    return tuple(found)


def tag_attributes() -> tuple[Attribute, ...]:
    """Return the many-to-many fields whose targets come along with the record; each has a link table."""
    return tuple(each for each in ATTRIBUTES if each.shape == "tags")
