"""Conversations, notes and attachments in VersionOne. Source: versionone.md §6.5 (replies name no asset), §7.2."""

from __future__ import annotations

from mirror.connectors.belongings import Attached, Belongings, Said

BELONGINGS = Belongings(
    (
        Said("Expression", "Mentions", "Author", "CreateDateUTC", "Content", thread="BelongsTo"),
        Said("Note", "Asset", "CreatedBy", "CreateDateUTC", "Content"),
    ),
    (Attached("Attachment", "Asset", "Filename"),),
)
