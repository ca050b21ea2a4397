"""Names and texts of the seeded world, and what they are made of."""

from __future__ import annotations

import random

STAFF = (
    ("amara.okafor", "Amara Okafor", "Africa/Lagos"),
    ("bjorn.hansson", "Björn Hansson", "Europe/Stockholm"),
    ("chen.li", "陈丽", "Asia/Shanghai"),
    ("dolores.o'brien", "Dolores O'Brien", "America/New_York"),
    ("eszter.szabo", "Eszter Szabó", None),
    ("farid.haddad", "Farid Haddad", None),
)
REQUESTORS = (
    "Zoë Müller",
    "Jean-Luc Picard",
    'Robert "Bob" Tables',
    "Søren Å. Kjær",
    "Ольга Иванова",
    "Aiko 田中",
    "Pat <Admin>",
)
COMPANIES = ("Users & Sons", "Måne AS", "Acme Corp.", "100% Ltd")
THINGS = (
    "printer",
    "VPN",
    "mail server",
    "laptop",
    "licence",
    "badge",
    "café till",
    "backup",
    "router",
    "invoice #42",
    "shared_drive",
)
TROUBLES = (
    "is on fire",
    "has stopped",
    "wants a password",
    "shows 日本語 as ???",
    'says "error"',
    "is slow — again",
    "won't start",
)
PLACES = (
    "in Köln",
    "on floor 3",
    "at home",
    "since Monday",
    "for everybody",
    "",
    "",
    "(urgent!)",
    "<br>",
    "& elsewhere",
    "100%",
)
SENTENCES = (
    "It worked yesterday.",
    "I have restarted it twice.",
    "Dear all, please have a look — naïve as I am, I can't.",
    "See https://wiki.example.com/a?b=c&d=e for the log.",
    "It's the customer's \"most important\" machine.",
    "Path: C:\\temp\\new\\file.txt",
    "Über allen Gipfeln ist Ruh.",
    "私のパソコンは動きません。",
    "100% of users, 0% of patience.",
)
HTML = "<p>Hello,</p><ul><li>first &amp; <b>last</b></li><li>naïve café</li></ul>"
TAGS = ("red", "green", "with,comma", "ä ö", "日本語", 'quo"te')


def subject(chance: random.Random) -> str:
    """Return a subject."""
    words = f"{chance.choice(THINGS)} {chance.choice(TROUBLES)} {chance.choice(PLACES)}".strip()
    return words[0].upper() + words[1:]


def paragraph(chance: random.Random) -> str:
    """Return some plain text of a few lines."""
    return "\n\n".join(" ".join(chance.sample(SENTENCES, chance.randint(1, 3))) for _ in range(chance.randint(1, 3)))
