"""Which side of a relation is stored: one of the two, so that no table only repeats another.

Source: versionone.md §7.3, its table and the join tables of storage (Q).
"""

from __future__ import annotations

from mirror.connectors.versionone.meta import Meta, MetaAttribute, MetaType

_PREFERRED = frozenset(
    """Workitem.Owners Workitem.Goals PrimaryWorkitem.Dependencies Epic.Dependencies
    Issue.PrimaryWorkitems Issue.BlockedPrimaryWorkitems Issue.Epics Issue.BlockedEpics
    Request.PrimaryWorkitems Request.Epics Request.Issues Retrospective.Issues
    Defect.AffectedPrimaryWorkitems Defect.Versions ChangeSet.PrimaryWorkitems
    BuildRun.ChangeSets BuildRun.FoundDefects BuildRun.CompletesPrimaryWorkitems BuildProject.Scopes Bundle.ChangeSets
    Expression.Mentions Conversation.Participants Message.Recipients
    RegressionSuite.RegressionTests RegressionTest.Owners Goal.TargetedBy StrategicTheme.Epics
    Scope.Members Scope.ScopeLabels Member.MemberLabels Team.CapacityExcludedMembers""".split()
)
"""The sides that storage's join tables are named after (§7.3 Q)."""


def is_stored(meta: Meta, owner: MetaType, attribute: MetaAttribute) -> bool:
    """Return whether a relation is mirrored on this side.

    A single relation is. Of a many-to-many one the preferred side is, else the one that can be written, else the first by
    name. A multi relation that is not the other side of anything is mirrored when it can be written; else it is derived.
    """
    if not attribute.multi:
        return True
    other = meta.attribute(attribute.reciprocal) if attribute.reciprocal else None
    if other is None:
        return not attribute.read_only
    if not other.multi:
        return False
    here, there = _is_preferred(meta, owner.name, attribute.name), _is_preferred(meta, *_parts(attribute.reciprocal))
    if here != there:
        return here
    if attribute.read_only != other.read_only:
        return not attribute.read_only
    return (attribute.inherited or f"{owner.name}.{attribute.name}") <= attribute.reciprocal


def _is_preferred(meta: Meta, owner: str, name: str) -> bool:
    return any(f"{step}.{name}" in _PREFERRED for step in meta.lineage(owner))


def _parts(token: str) -> tuple[str, str]:
    owner, _, name = token.partition(".")
    return owner, name
