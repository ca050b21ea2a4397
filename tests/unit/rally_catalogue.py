"""A small catalogue like Rally's, to ask its language about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mirror.connectors.language import Asked
from mirror.connectors.rally.language import RallyLanguage
from mirror.model.layout import Layout, arrange, table_name
from mirror.model.schema import Field, Kind, RecordType, Tracking

RALLY = RallyLanguage()
NOW = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


def text(name: str, **more: object) -> Field:
    return replace(Field(name, Kind.TEXT, display_name=name), **more)


def reference(name: str, *targets: str) -> Field:
    return Field(name, Kind.REFERENCE, targets=targets, polymorphic=not targets)


ARTIFACT = (
    Field("ObjectID", Kind.INTEGER),
    text("ObjectUUID"),
    text("VersionId"),
    text("FormattedID"),
    text("Name"),
    reference("Owner", "User"),
    reference("RevisionHistory", "RevisionHistory"),
    Field("Tags", Kind.LINKS, targets=("Tag",)),
    Field("LastUpdateDate", Kind.TIMESTAMP),
    text("DragAndDropRank"),
    Field("Ready", Kind.BOOLEAN),
)
STATE = text("State", native_type="STATE", allowed_values=("Submitted", "Open", "Fixed", "Closed"))
SEVERITY = text("Severity", native_type="RATING", allowed_values=("", "None", "Crash", "Minor"))


def layouts() -> Mapping[str, Layout]:
    types = [
        RecordType("Tag", (Field("ObjectID", Kind.INTEGER), text("Name")), Tracking.SWEEP, name_field="Name"),
        RecordType(
            "User",
            (text("UserName"), text("DisplayName"), Field("Disabled", Kind.BOOLEAN)),
            Tracking.SWEEP,
            name_field="DisplayName",
        ),
        RecordType(
            "HierarchicalRequirement",
            (
                *ARTIFACT,
                Field("PlanEstimate", Kind.NUMERIC),
                Field("c_Votes", Kind.INTEGER, display_name="Customer Votes", custom=True),
                Field("c_Owner", Kind.TEXT, display_name="Business Owner", custom=True),
                Field("c_Twin", Kind.TEXT, display_name="Look alike", custom=True),
                Field("c_LookAlike", Kind.TEXT, display_name="Other", custom=True),
                Field("c_Wiki", Kind.JSON, custom=True),
                Field("c_Platforms", Kind.LINKS, targets=("AllowedAttributeValue",), custom=True),
            ),
            Tracking.STAMP,
            display_name="User Story",
            name_field="Name",
            key_field="FormattedID",
            family="Artifact",
        ),
        RecordType(
            "Defect", (*ARTIFACT, STATE, SEVERITY, reference("Requirement", "HierarchicalRequirement")), Tracking.STAMP,
            name_field="Name", key_field="FormattedID", family="Artifact",
        ),
        RecordType("Task", (*ARTIFACT, STATE, reference("WorkProduct")), Tracking.STAMP, family="Artifact"),
        RecordType(
            "PortfolioItem/Feature", (*ARTIFACT, Field("Blocked", Kind.BOOLEAN)), Tracking.STAMP, family="Artifact"
        ),
    ]  # fmt: skip
    return {each.name: arrange("acme", "rally", each, table=table_name("rally", each.name)) for each in types}


ASKED = Asked(layouts(), NOW)
