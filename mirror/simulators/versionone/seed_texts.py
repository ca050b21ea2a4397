"""Texts for sample data: ordinary ones, and some that break careless programs."""

from __future__ import annotations

from random import Random

_VERBS = "Book Cancel Price Route Track Insure Weigh Label Reserve Refund Notify Archive Replan Merge Split Reprint".split()
_NOUNS = (
    "berth cargo container crane crew customs-form ferry invoice lighthouse locker manifest pilot quay ticket tug".split()
)
_PLACES = "from a phone,at low tide,for groups,after midnight,in the harbour office,without a network,abroad,twice".split(
    ","
)
_FIRST = "Asta Björn Chiara Dmitri Élodie Farid Gülşen Håkon Ifeoma Jiří Kim Łucja María Nguyễn Oisín Petra".split()
_LAST = "Ahlgren Bianchi Çelik Dvořák Eze Fjord Gómez Hansen Iwata Jovanović Kowalski Lindqvist Müller Nakamura".split()

NASTY_NAMES = (
    'Say "ahoy" & wave',
    "Harbour's master's key",
    "First line\nsecond line\n\nand a paragraph",
    "Anchor ⚓ whale 🐋 family 👨‍👩‍👧‍👦",
    "<b>bold</b> &amp; already escaped &lt;tag&gt;",
    "]]> and <![CDATA[ in a name",
    "null",
    "NULL",
    "Scope:0",
    "0042",
    "=2+3*cmd",
    "Comma, semicolon; pipe | colon: dollar $x plus + minus - hash # percent % 100",
    "Brackets [Name='x'].@Count",
    "Back\\slash and 'single' and ''doubled''",
    "Ünïcödé ÆØÅ 日本語 العربية עברית",
    "Zero\u200bwidth, \u202eright-to-left\u202c, combining e\u0301",
    " leading and trailing ",
    "'; DELETE FROM story; --",
    "Tab\there",
    "y" * 4000,
)

NASTY_TEXTS = (
    "",
    "",
    "<p></p>",
    "<div>line one<br />line two</div>\r\n<div>line three</div>",
    "<p>&nbsp;&lt;escaped&gt; “quotes” – dashes &amp;amp; ampersands & bare ones</p>",
    "<script>//<![CDATA[\nif (a < b && c > d) { alert(']]'); }\n//]]></script>",
    "]]>",
    "<!-- a comment --> <?xml version='1.0'?> <unclosed",
    "<p>Emoji 🎉 and <a href='https://example.com/?a=1&amp;b=2#c'>a link</a></p>",
)

TAGS = "urgent harbour night-shift ünïcode r&d q1 it's spare".split()
ROLE_NAMES = (
    "System Admin,Member Admin,Project Admin,Team Lead,Project Lead,Developer,Tester,Customer,Inheritor,Observer,Visitor"
).split(",")


def sentence(random: Random) -> str:
    """Return the title of some work."""
    return f"{random.choice(_VERBS)} {random.choice(_NOUNS)} {random.choice(_PLACES)}"


def name(random: Random) -> str:
    """Return a title; about one in twenty is nasty."""
    return random.choice(NASTY_NAMES) if random.random() < 0.05 else sentence(random)


def rich_text(random: Random) -> str | None:
    """Return a description: often none, mostly short HTML, sometimes nasty, rarely tens of kilobytes."""
    drawn = random.random()
    if drawn < 0.25:
        return None
    if drawn < 0.4:
        return random.choice(NASTY_TEXTS)
    if drawn < 0.41:
        return "<p>The tide <b>tables</b> of “Nordhavn” 🌊 are &gt; 100 pages</p>\n" * 400
    return "".join(f"<p>{sentence(random)}.</p>" for _ in range(random.randint(1, 6)))


def person(place: int) -> tuple[str, str]:
    """Return (first name, last name), all different for up to some two hundred people."""
    return _FIRST[place % len(_FIRST)], _LAST[(place + place // len(_FIRST)) % len(_LAST)]
