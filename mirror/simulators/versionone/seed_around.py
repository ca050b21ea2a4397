"""Sample talk and papers: conversations, notes, links, attachments, messages, effort, retrospectives, allocations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mirror.simulators.versionone.seeding import Seeder

_WORK = ("Story", "Story", "Defect", "Task", "Epic", "Issue", "Request")


def plant_conversation(seeder: Seeder) -> None:
    """Make a thread about an asset; replies hardly ever mention it (versionone.md §6.5 L)."""
    about = seeder.any(*_WORK)
    conversation = seeder.make("Conversation", Participants=seeder.some("Member", 3))
    said = _say(seeder, conversation, Mentions=[about] if about is not None else None)
    for _ in range(seeder.random.choice((0, 1, 2, 5))):
        mentions = [about] if about is not None and seeder.chance(0.01) else None
        said = _say(seeder, conversation, InReplyTo=said, Mentions=mentions)


def _say(seeder: Seeder, conversation: int, **more: Any) -> int:
    return seeder.make("Expression", BelongsTo=conversation, Content=seeder.text() or "Aye", **more)


def plant_attachment(seeder: Seeder) -> None:
    """Make an attachment in the two steps that clients use, and sometimes leave out the second."""
    asset = seeder.any(*_WORK)
    if asset is None:
        return
    made = seeder.make(
        "Attachment",
        Name=seeder.name(),
        Asset=asset,
        Filename=seeder.random.choice(("chart.png", "Seekarte „Süd“.pdf", "notes.txt")),
        ContentType=seeder.random.choice(("image/png", "application/pdf", "text/plain")),
        Content=b"",
        Category=seeder.choice("AttachmentCategory"),
    )
    if seeder.chance(0.9):
        content = bytes(seeder.random.getrandbits(8) for _ in range(seeder.random.choice((0, 1, 50, 3000))))
        seeder.world.set_blob(made, content, by=seeder.author())


def plant_image(seeder: Seeder) -> None:
    """Make an image within rich text, and a picture of a member."""
    asset = seeder.any("Story")
    if asset is not None:
        made = seeder.make("EmbeddedImage", Asset=asset, ContentType="image/gif", Content=b"")
        seeder.world.set_blob(made, b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", by=seeder.author())
    picture = seeder.make("Image", ContentType="image/png", Content=b"\x89PNG\r\n")
    member = seeder.any("Member")
    if member is not None:
        seeder.edit(member, Avatar=picture)


def plant_link(seeder: Seeder) -> None:
    """Make a link."""
    asset = seeder.any(*_WORK)
    if asset is not None:
        seeder.make("Link", Name=seeder.name(), Asset=asset, URL="https://example.com/?a=1&b=<2>", OnMenu=seeder.chance(0.3))


def plant_note(seeder: Seeder) -> None:
    """Make a note, sometimes as an answer."""
    asset = seeder.any(*_WORK)
    if asset is not None:
        seeder.make(
            "Note",
            Name=seeder.name(),
            Asset=asset,
            Content=seeder.text() or "Noted",
            Personal=seeder.chance(0.2),
            Category=seeder.choice("NoteCategory"),
            InResponseTo=seeder.any("Note") if seeder.chance(0.3) else None,
        )


def plant_effort(seeder: Seeder) -> None:
    """Make effort spent on a task, and sometimes plan a capacity."""
    workitem, member = seeder.any("Task", "Test", "Story"), seeder.any("Member")
    if workitem is not None:
        value = seeder.number() or Decimal("0.25")
        seeder.make("Actual", Workitem=workitem, Member=member, Date=seeder.clock.now().date(), Value=value)
    scope, timebox = seeder.any("Scope"), seeder.any("Timebox")
    if seeder.chance(0.2) and scope is not None and timebox is not None:
        seeder.make(
            "Capacity", Scope=scope, Timebox=timebox, Member=member, Value=seeder.number() or 0, Team=seeder.any("Team")
        )


def plant_message(seeder: Seeder) -> None:
    """Make a message and send it."""
    made = seeder.make("Message", Name=seeder.name(), RelatedAsset=seeder.any("Story"), Recipients=seeder.some("Member", 3))
    seeder.operate(made, "Send")
    receipts = seeder.world.ids("MessageReceipt")
    if receipts:
        seeder.operate(receipts[-1], seeder.random.choice(("MarkAsRead", "MarkAsArchived")))


def plant_retrospective(seeder: Seeder) -> None:
    """Make a retrospective."""
    seeder.make(
        "Retrospective",
        Name=seeder.name(),
        Scope=seeder.any("Scope"),
        Date=seeder.day(),
        Summary=seeder.text(),
        FacilitatedBy=seeder.any("Member"),
        Team=seeder.any("Team"),
        Timebox=seeder.any("Timebox"),
        Issues=seeder.some("Issue", 2),
    )


def plant_allocation(seeder: Seeder) -> None:
    """Give part of a budget to a portfolio item."""
    budget = seeder.any("Budget")
    if budget is not None:
        seeder.make("Allocation", Name=seeder.name(), Budget=budget, Epic=seeder.any("Epic"), Amount=Decimal("2500.5"))
