"""The triggers of SQLite: each names the columns of its table, so they are made anew when it gets more.

They use nothing that SQLite 3.37 or a program without functions of its own lacks. A client that has switched trusted_schema
off is refused by SQLite itself where that holds the functions of JSON for unsafe (3.40 does). Numbers go through quote(),
which writes as many digits as bring the number back, where json_object would write fifteen.
VALUES begins with nulls: its columns take their names from the first row, and would not be column1, column2 after OLD.name.
What inserts is refused before constraints are checked, whose words would tell nobody what to do instead.
The triggers' own writes to our columns and link tables pass under mirror_writing, which is unset again at once.
"""

# ruff: noqa: S608 - all that goes into these texts is quoted here

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from mirror.model.layout import BOOKKEEPING, LinkTable
from mirror.model.schema import Kind
from mirror.store.capture_words import Watched, binary_refusal, link_refusal, new_refusal, own_refusal

_FOREIGN = "(SELECT active FROM mirror_writing) IS NOT 1"
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"  # as column_types.instant_text
_BEGIN = "UPDATE mirror_writing SET active = 1"
_END = "UPDATE mirror_writing SET active = 0"
_COLUMNS = "source, type, record_id, action, base, value, base_revision, state, made_at, via"
_LINK_COLUMNS = {Kind.LINKS: "position, target_id, target_name, target_type", Kind.VALUES: "position, value"}
_MOST_PAIRS = 60  # in one json_object, which takes up to 127 arguments
_MAX_REAL = "1.7976931348623157e308"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a record table.

    Attributes:
        quoted: its name as an identifier.
        holds_reals: numbers of seventeen digits may stand in it.
    """

    quoted: str
    holds_reals: bool


def clear(connection: Connection) -> None:
    """Drop all our triggers."""
    query = r"SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'mirror\_%' ESCAPE '\'"
    for row in connection.exec_driver_sql(query).all():
        connection.exec_driver_sql(f"DROP TRIGGER {_quoted(connection, row[0])}")


def watch(connection: Connection, tables: Iterable[Watched]) -> None:
    """Put the triggers on record tables and their link tables, in the place of earlier ones."""
    for when, table, rest in (each for watched in tables for each in _triggers(connection, watched)):
        name = _quoted(connection, f"mirror_{when.replace(' ', '_').lower()}_{table}")
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        target = _quoted(connection, table)
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {when} ON {target} WHEN {_FOREIGN} {rest}; END")


def _triggers(connection: Connection, watched: Watched) -> Iterable[tuple[str, str, str]]:
    """Yield when each fires, on which table, and the rest of its definition."""
    table = _quoted(connection, watched.table)
    stored = connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
    columns = {row.name: _Column(_quoted(connection, row.name), row.type == "NUMERIC") for row in stored}
    links = {each: _quoted(connection, each.name) for each in watched.links}
    yield "BEFORE INSERT", watched.table, _refuse(new_refusal(watched))
    yield "BEFORE UPDATE", watched.table, _capture_update(watched, table, columns)
    yield "AFTER UPDATE", watched.table, _mark(watched, table)
    yield "AFTER DELETE", watched.table, _capture_delete(watched, columns, links)
    for each in watched.links:
        for event in ("BEFORE INSERT", "AFTER UPDATE", "AFTER DELETE"):
            yield event, each.name, _refuse(link_refusal(each))


def _capture_update(watched: Watched, table: str, columns: Mapping[str, _Column]) -> str:
    """Return the body that makes a change, or refuses it.

    It reads the old values from the table instead of OLD: SQLite fetches every column that a trigger calls by that name
    before it asks WHEN, which cost our own updates of 150 columns a quarter of their time. And a bare name is quicker to
    parse, which every program that opens the file does for all triggers.
    """
    old = f"FROM {table} AS stored WHERE stored.source = OLD.source AND stored.id = OLD.id"
    own = " OR ".join(f"stored.{each} IS NOT NEW.{each}" for each in BOOKKEEPING)
    refusal = f"BEGIN SELECT {_raise(own_refusal(watched))} {old} AND ({own})"
    free = [(name, each.quoted) for name, each in columns.items() if name not in BOOKKEEPING]
    if not free:
        return refusal
    cells = ",".join(f"({_text(name)},{each},NEW.{each})" for name, each in free)
    base, value = (f"'{{' || {_members(_json(each, watched))} || '}}'" for each in ("column2", "column3"))
    pair = f"SELECT json_array({base}, {value}) FROM (VALUES (NULL,NULL,NULL),{cells}) WHERE column2 IS NOT column3"
    found = f"SELECT stored._revision AS revision, ({pair} GROUP BY NULL) AS pair {old}"
    return (
        f"{refusal}; INSERT INTO mirror_change ({_COLUMNS}) "
        f"SELECT OLD.source, {_text(watched.type_name)}, OLD.id, 'update', json_extract(pair, '$[0]'), "
        f"json_extract(pair, '$[1]'), revision, 'captured', {_NOW}, 'sql' FROM ({found}) WHERE pair IS NOT NULL"
    )


def _mark(watched: Watched, table: str) -> str:
    this = f"source = NEW.source AND type = {_text(watched.type_name)} AND record_id = NEW.id"
    captured = f"EXISTS (SELECT 1 FROM mirror_change WHERE {this} AND state = 'captured')"
    mark = f"UPDATE {table} SET _dirty = 1 WHERE source = NEW.source AND id = NEW.id"
    return f"AND NOT NEW._dirty AND {captured} BEGIN {_BEGIN}; {mark}; {_END}"


def _capture_delete(watched: Watched, columns: Mapping[str, _Column], links: Mapping[LinkTable, str]) -> str:
    base = f"'{{\"row\":{{' || {_row(watched, columns)} || '}},\"links\":{{' || {_all_links(links)} || '}}}}'"
    change = (
        f"INSERT INTO mirror_change ({_COLUMNS}) VALUES (OLD.source, {_text(watched.type_name)}, OLD.id, 'delete', "
        f"{base}, NULL, OLD._revision, 'captured', {_NOW}, 'sql')"
    )
    removals = (f"DELETE FROM {each} WHERE source = OLD.source AND id = OLD.id" for each in links.values())
    return f"BEGIN {'; '.join((change, _BEGIN, *removals, _END))}"


def _row(watched: Watched, columns: Mapping[str, _Column]) -> str:
    """Return the expression for the members of the object of a row; json_object is quicker to parse than VALUES."""
    others = [f"{_text(name)},OLD.{each.quoted}" for name, each in columns.items() if not each.holds_reals]
    groups = (others[start : start + _MOST_PAIRS] for start in range(0, len(others), _MOST_PAIRS))
    parts = [f"trim(json_object({','.join(each)}), '{{}}')" for each in groups]
    reals = [f"({_text(name)},OLD.{each.quoted})" for name, each in columns.items() if each.holds_reals]
    if reals:
        values = f"(VALUES (NULL,NULL),{','.join(reals)}) WHERE column1 IS NOT NULL"
        parts.append(f"(SELECT {_members(_json('column2', watched))} FROM {values})")
    return " || ',' || ".join(parts)


def _all_links(links: Mapping[LinkTable, str]) -> str:
    """Return the expression for the members of the object of links, without tables that have none of this record."""
    if not links:
        return "''"
    each = ",".join(f"({_text(link.name)},{_links(link, table)})" for link, table in links.items())
    return (
        "(SELECT coalesce(group_concat(json_quote(column1) || ':' || column2), '') "
        f"FROM (VALUES (NULL,NULL),{each}) WHERE column2 IS NOT NULL)"
    )


def _links(link: LinkTable, table: str) -> str:
    """Return the expression for the list of a record's rows in a link table; null when there are none."""
    names = ", ".join(f"{each} AS {each}" for each in _LINK_COLUMNS[link.kind].split(", "))  # whatever PRAGMA calls columns
    rows = f"SELECT {names} FROM {table} WHERE source = OLD.source AND id = OLD.id ORDER BY position"
    return f"(SELECT '[' || group_concat(json_array({_LINK_COLUMNS[link.kind]})) || ']' FROM ({rows}))"


def _members(value: str) -> str:
    return f"group_concat(json_quote(column1) || ':' || {value})"


def _json(value: str, watched: Watched) -> str:
    """Return the expression for a value as JSON; infinities, which JSON lacks, become text, as on Postgres."""
    return (
        f"CASE typeof({value}) WHEN 'blob' THEN {_raise(binary_refusal(watched))} WHEN 'real' THEN "
        f"CASE WHEN {value} > {_MAX_REAL} THEN '\"Infinity\"' WHEN {value} < -{_MAX_REAL} THEN '\"-Infinity\"' "
        f"ELSE quote({value}) END ELSE json_quote({value}) END"
    )


def _refuse(sentence: str) -> str:
    return f"BEGIN SELECT {_raise(sentence)}"


def _raise(sentence: str) -> str:
    return f"RAISE(ABORT, {_text(sentence)})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
