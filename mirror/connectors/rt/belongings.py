"""Correspondence and files in Request Tracker: both hang on transactions. Source: rt.md §6.5, §6.6."""

from __future__ import annotations

from mirror.connectors.belongings import Attached, Belongings, Said

BELONGINGS = Belongings(
    (Said("transaction", "Object", "Creator", "Created", kind="Type", kinds=("Correspond", "Comment")),),
    (Attached("attachment", "TransactionId", "Filename", via=("transaction", "Object")),),
)
