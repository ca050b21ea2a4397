"""Texts for sample data: ordinary ones, and some that break careless programs."""

from __future__ import annotations

from random import Random

_VERBS = (
    "Add Remove Rename Export Import Validate Cache Retry Show Hide Sort Merge Archive Encrypt Throttle Paginate".split()
)
_NOUNS = (
    "invoice customer session report dashboard token order shipment calendar search audit payment profile webhook".split()
)
_PLACES = "on mobile,in the admin console,for guests,after login,at month end,behind a proxy,with old data,in bulk".split(
    ","
)
_FIRST = "Ann Bo Chidi Dana Emil Fatima Goran Hana Ines Jamal Katya Liang Mona Noor".split()
_LAST = "Adler Berg Castillo Dogan Eriksson Fischer Gupta Haddad Ito Jansen Kaya Lopez Meyer Novak".split()

NASTY_NAMES = (
    'He said "no" and left',
    "It's O'Brien's \\ back\\slash",
    "Emoji 🚀🐛 and a family 👩‍👩‍👧",
    "Tab\there and newline\nthere",
    "Control \u0001 and \u001f characters",
    "null",
    "None",
    "0123",
    "=1+1 (formula)",
    "Zero\u200bwidth and right-to-left \u202etxet\u202c",
    "<b>bold</b> &amp; ampersand & more",
    "Ünïcödé ÆØÅ 中文 العربية",
    " leading and trailing ",
    "'; DROP TABLE defects; --",
    "x" * 256,
)

OLD_DATES = ("1969-12-31T23:59:59.999Z", "1901-12-13T20:45:51.000Z", "1583-01-01T00:00:00.000Z", "1970-01-01T00:00:00.000Z")
FAR_DATES = ("2038-01-19T03:14:08.000Z", "2999-12-31T06:59:59.000Z")


def sentence(random: Random) -> str:
    """Return the title of some work."""
    return f"{random.choice(_VERBS)} {random.choice(_NOUNS)} {random.choice(_PLACES)}"


def name_pool(random: Random, count: int = 400) -> list[str]:
    """Return titles to draw from; about one in twenty is nasty."""
    plain = [sentence(random) for _ in range(count)]
    return plain + list(NASTY_NAMES) * max(1, count // 300)


def text_pool(random: Random, count: int = 60) -> list[str]:
    """Return rich texts to draw from: mostly short, some long, one of 30 KB."""
    texts = [f"<p>{' '.join(sentence(random) for _ in range(random.randint(1, 8)))}</p>" for _ in range(count)]
    texts += [
        "",
        "",
        "<div><br/></div>",
        "line one\r\nline two",
        "<p>&nbsp;&lt;escaped&gt; “quotes” – dashes</p>",
        "\u0001\t\n",
    ]
    paragraph = "<p>Lorem <b>ipsum</b> 🎉 “dolor” <a href='https://example.com/?a=1&amp;b=2'>sit</a></p>\n"
    return [*texts, paragraph * (30_000 // len(paragraph))]


def people(count: int) -> list[tuple[str, str]]:
    """Return (first name, last name), all different for up to some two hundred."""
    return [(_FIRST[index % len(_FIRST)], _LAST[(index + index // len(_FIRST)) % len(_LAST)]) for index in range(count)]
