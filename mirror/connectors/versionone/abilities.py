"""What can be done to the assets of a type besides changing attributes, as far as meta tells.

Source: versionone.md §6.2 (operations), §6.5 (attachments and comments), §5.2 (Rank, Blob).
"""

from __future__ import annotations

from mirror.connectors.versionone.meta import Meta, MetaType
from mirror.model.change import Action

CONVERSATION, EXPRESSION, NOTE, ATTACHMENT = "Conversation", "Expression", "Note", "Attachment"
RANK = "Order"
DELETE, UNDELETE = "Delete", "Undelete"


def actions(meta: Meta, each: MetaType) -> tuple[str, ...]:
    """Return words of Action."""
    possible = {
        Action.CREATE: _can_be_made(each),
        Action.DELETE: DELETE in each.operations,
        Action.COMMENT: speaks_by(meta, each.name) != "",
        Action.ATTACH: _leads_to(meta, f"{ATTACHMENT}.Asset", each.name),
        Action.RANK: _has_rank(each),
    }
    return tuple(action.value for action, is_possible in possible.items() if is_possible)


def operations(each: MetaType) -> tuple[str, ...]:
    """Return the operations; Delete is an action, and Undelete works where Delete does though meta omits it (§6.2 R)."""
    listed = [name for name in each.operations if name != DELETE]
    return (*listed, UNDELETE) if DELETE in each.operations and UNDELETE not in listed else tuple(listed)


def speaks_by(meta: Meta, type_name: str) -> str:
    """Return the type that comments on assets of a type are: Expression, else the older Note; empty when there is none."""
    if CONVERSATION in meta.types and _leads_to(meta, f"{EXPRESSION}.Mentions", type_name):
        return EXPRESSION
    return NOTE if _leads_to(meta, f"{NOTE}.Asset", type_name) else ""


def _can_be_made(each: MetaType) -> bool:
    """Types that come with the product have nothing to write; of those with a body, the body is uploaded apart (§6.5)."""
    has_body = any(it.kind == "Blob" and it.required for it in each.attributes.values())
    return not has_body and any(not it.read_only for it in each.attributes.values())


def _has_rank(each: MetaType) -> bool:
    found = each.attributes.get(RANK)
    return found is not None and found.kind == "Rank" and not found.read_only


def _leads_to(meta: Meta, token: str, type_name: str) -> bool:
    """Return whether a relation exists, can be written, and may lead to assets of a type."""
    relation = meta.attribute(token)
    return relation is not None and not relation.read_only and meta.is_a(type_name, relation.related)
