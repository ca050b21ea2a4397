"""Discussions and attachments in Rally. Source: rally.md §10.3."""

from __future__ import annotations

from mirror.connectors.belongings import Attached, Belongings, Said

BELONGINGS = Belongings(
    (Said("ConversationPost", "Artifact", "User", "CreationDate", "Text"),),
    (Attached("Attachment", "Artifact", "Name"),),
)
