"""How the fields of a record type lie in columns and link tables, and what those are called.

The same fields always get the same names: a name that is already taken in the database is kept, and every new
one is decided in a fixed order. Nothing in here talks to a database.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from mirror.model.part import Part
from mirror.model.schema import Field, Kind, RecordType

MAX_IDENTIFIER_BYTES = 63  # PostgreSQL documentation, "Identifiers and Key Words": NAMEDATALEN - 1
HEAD = ("source", "id", "_revision", "_changed_at", "_extra")  # leads every row handed to the store
BOOKKEEPING = ("source", "id", "_revision", "_changed_at", "_synced_at", "_dirty", "_extra")

_RESERVED = frozenset(
    """all analyse analyze and any array as asc asymmetric authorization between binary both by case cast check
    collate collation column commit concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable delete desc distinct do drop else
    end escape except exists explain false fetch for foreign freeze from full grant group having if ilike in index
    initially inner insert intersect into is isnull join lateral leading left like limit localtime localtimestamp
    natural not notnull null offset on only or order outer overlaps placing primary references returning right
    rollback rowid select session_user set similar some symmetric system_user table tablesample then to trailing
    transaction true union unique update user using values variadic verbose view when where window with
    cmax cmin ctid tableoid xmax xmin""".split()  # the last line: PostgreSQL documentation, "System Columns"
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a record table.

    Attributes:
        name: the SQL name, safe without quotes.
        kind: a scalar kind (never REFERENCE, LINKS or VALUES).
        field: the tracker's name of the field it belongs to.
    """

    name: str
    kind: Kind
    field: str
    part: Part = Part.VALUE


@dataclass(frozen=True, slots=True)
class LinkTable:
    """One link table: the targets or values of a many-valued field.

    Its columns are source, id (the owner), position (from 0), then target_id, target_name, target_type for Kind.LINKS,
    or value for Kind.VALUES.
    """

    name: str
    kind: Kind
    field: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Table, columns and link tables of one record type of one source.

    A row is a tuple of the HEAD columns followed by `columns`, in that order. Layouts are the keys of caches, so their hash
    is that of a few words: no two types of a source share a table.
    """

    source: str
    tracker: str
    type: RecordType = field(hash=False)
    table: str
    columns: tuple[Column, ...] = field(hash=False)
    links: tuple[LinkTable, ...] = field(hash=False)


@lru_cache(maxsize=16_384)
def snake_case(name: str) -> str:
    """Return `name` in lower snake_case of ASCII letters, digits and underscores; empty when nothing is left.

    `FormattedID` gives formatted_id, `c_KanbanState` c_kanban_state, `PortfolioItem/Feature` portfolio_item_feature.
    """
    text = re.sub(r"[^0-9A-Za-z]+", "_", name)
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return re.sub(r"_+", "_", text).strip("_").lower()


def safe_identifier(name: str, *, suffix: str = "") -> str:
    """Return a SQL identifier for the tracker's `name`: legal without quotes and at most 63 bytes long.

    Reserved words, `id` and `source` get a trailing underscore; a name that starts with a digit, or has no letter left, a
    leading `f_`; a long one is cut and ends in a digest of the whole name.
    """
    base = snake_case(name) or "f_" + _digest(name)
    if base[0].isdigit():
        base = "f_" + base
    if not suffix and (base in _RESERVED or base in BOOKKEEPING):
        base += "_"
    return _shorten(base + suffix, name)


def table_name(tracker: str, type_name: str) -> str:
    """Return the name of the table of a record type: `rally_defect`, `rally_portfolio_item_feature`."""
    return _shorten(f"{tracker}_{snake_case(type_name) or _digest(type_name)}", type_name)


def arrange(
    source: str,
    tracker: str,
    record_type: RecordType,
    *,
    table: str,
    taken: Iterable[Column | LinkTable] = (),
) -> Layout:
    """Return the layout of `record_type`, keeping every name in `taken` and adding names for what is new.

    Args:
        table: the table's name, decided once and kept.
        taken: columns and link tables that the database has already, those of vanished fields included.

    A field whose kind differs from the taken one (re-typed on the tracker) gets a new column; the old one stays in the
    database and no longer appears in the layout.
    """
    used = _Used(taken)
    columns: list[Column] = []
    links: list[LinkTable] = []
    for each in sorted(record_type.fields, key=lambda f: (f.custom, f.name)):
        if each.kind in (Kind.LINKS, Kind.VALUES):
            links.append(_link_table(each, table, used))
        else:
            columns.extend(_column(each, part, kind, used) for part, kind in _parts(each).items())
    return Layout(source, tracker, record_type, table, tuple(columns), tuple(links))


def _parts(field: Field) -> Mapping[Part, Kind]:
    if field.kind is not Kind.REFERENCE:
        return {Part.VALUE: field.kind}
    parts = {Part.ID: Kind.INTEGER, Part.NAME: Kind.TEXT}
    return parts | {Part.TYPE: Kind.TEXT} if field.polymorphic else parts


class _Used:
    """The names given so far, by name and by what they stand for."""

    def __init__(self, taken: Iterable[Column | LinkTable]) -> None:
        self._names: set[str] = set()
        self._known: dict[object, Column | LinkTable] = {}
        for each in taken:
            self.add(each)

    def add(self, each: Column | LinkTable) -> None:
        self._names.add(each.name)
        self._known.setdefault(_identity(each), each)

    def same(self, each: Column | LinkTable) -> Column | LinkTable | None:
        """Return what stands for the same as `each`, under whatever name."""
        return self._known.get(_identity(each))

    def free(self, wanted: str, identity: str) -> str:
        """Return `wanted`, or when something else has it, `wanted` with a digest of `identity`."""
        return wanted if wanted not in self._names else _shorten(f"{wanted}_{_digest(identity)}", identity)


def _identity(each: Column | LinkTable) -> object:
    return (each.field, each.kind, each.part if isinstance(each, Column) else None)


def _column(field: Field, part: Part, kind: Kind, used: _Used) -> Column:
    wanted = safe_identifier(field.name, suffix="" if part is Part.VALUE else f"_{part}")
    column = Column(wanted, kind, field.name, part)
    known = used.same(column)
    if isinstance(known, Column):
        return known
    column = Column(used.free(wanted, f"{field.name}/{part}/{kind}"), kind, field.name, part)
    used.add(column)
    return column


def _link_table(field: Field, table: str, used: _Used) -> LinkTable:
    wanted = _shorten(f"{table}__{snake_case(field.name) or _digest(field.name)}", f"{table}/{field.name}")
    link = LinkTable(wanted, field.kind, field.name)
    known = used.same(link)
    if isinstance(known, LinkTable):
        return known
    link = replace(link, name=used.free(wanted, f"{field.name}/{field.kind}"))
    used.add(link)
    return link


def _shorten(name: str, whole: str) -> str:
    if len(name) <= MAX_IDENTIFIER_BYTES:
        return name
    return f"{name[: MAX_IDENTIFIER_BYTES - 7].rstrip('_')}_{_digest(whole)}"


def _digest(text: str) -> str:
    return hashlib.blake2s(text.encode(), digest_size=3).hexdigest()
