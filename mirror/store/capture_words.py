"""What the triggers of both databases share: what they are put on, and the sentences with which they refuse."""

from __future__ import annotations

from dataclasses import dataclass

from mirror.model.layout import LinkTable


@dataclass(frozen=True, slots=True)
class Watched:
    """A record table whose writers are watched.

    Attributes:
        links: its link tables, those of vanished fields and of other sources included.
    """

    table: str
    type_name: str
    links: tuple[LinkTable, ...]


def new_refusal(watched: Watched) -> str:
    """Return what to do instead of an INSERT."""
    return (
        f"{watched.table} takes no new rows by SQL, since the tracker gives out the ids; "
        f"make the record with: mirror new {_word(watched.type_name)} Field=Value"
    )


def own_refusal(watched: Watched) -> str:
    """Return what to do instead of writing to the columns that are ours."""
    return (
        f"the columns source, id and those that start with an underscore are mirror's own in {watched.table}; "
        "change the others only, by SQL or with: mirror set KEY Field=Value"
    )


def binary_refusal(watched: Watched) -> str:
    """Return why a value of bytes is not taken (SQLite alone would store one in any column)."""
    return f"a column of {watched.table} cannot hold bytes; write text"


def link_refusal(link: LinkTable) -> str:
    """Return what to do instead of writing to a link table."""
    return (
        f"{link.name} is not changed by SQL; add to it with: mirror link KEY {_word(link.field)}=ITEM, "
        f"take from it with: mirror unlink KEY {_word(link.field)}=ITEM"
    )


def emptying_refusal(table: str) -> str:
    """Return what to do instead of TRUNCATE."""
    return f"{table} cannot be emptied with TRUNCATE; use DELETE, which mirror notices for each record"


def _word(name: str) -> str:
    return name if name.isascii() and name.replace("/", "").replace("_", "").isalnum() else f"'{name}'"
