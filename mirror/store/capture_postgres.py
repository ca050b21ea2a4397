"""The triggers of Postgres: two functions for each record table, which are replaced when it gets more columns.

Functions that name the columns compare and write each as what it is. One for all tables would have to go through
row_to_json and json_each, and that fails on the escaped NUL that a json column may hold.

They run with the rights of the owner of our tables, so that a user who may only write to a record table makes changes as
well, and with a search path of their own. What refuses works once a statement, whether or not it meets rows: a trigger for
each row would have COPY insert one by one.
"""

# ruff: noqa: S608 - all that goes into these texts is quoted here

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection

from mirror.model.layout import BOOKKEEPING, LinkTable
from mirror.model.schema import Kind
from mirror.store.capture_words import Watched, emptying_refusal, link_refusal, new_refusal, own_refusal
from mirror.store.record_tables import short_digest

_FOREIGN = "WHEN (current_setting('mirror.writing', true) IS DISTINCT FROM 'on')"
_REFUSING = "mirror_refuse"
_NOW = "date_trunc('milliseconds', clock_timestamp())"
_COLUMNS = "source, type, record_id, action, base, value, base_revision, state, made_at, made_by, via"
_LINK_COLUMNS = {Kind.LINKS: "position, target_id, target_name, target_type", Kind.VALUES: "position, value"}


def clear(connection: Connection) -> None:
    """Drop all our functions, and with them the triggers."""
    query = (
        "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = current_schema()::regnamespace "
        "AND prorettype = 'trigger'::regtype AND starts_with(proname, 'mirror_')"
    )
    for row in connection.exec_driver_sql(query).all():
        _run(connection, f"DROP FUNCTION {row[0]} CASCADE")


def prepare(connection: Connection) -> None:
    """Create the function that all tables share: it refuses with the sentence it is given."""
    _create(connection, _REFUSING, f"BEGIN {_raise('TG_ARGV[0]')} END")


def watch(connection: Connection, tables: Iterable[Watched]) -> None:
    """Put the triggers on record tables and their link tables where missing, and have their functions know all columns."""
    present = _present(connection)
    for each in tables:
        columns = _columns(connection, each.table)
        _create(connection, _function("update", each), _capture_update(connection, each, columns))
        _create(connection, _function("delete", each), _capture_delete(connection, each, columns), writes_links=True)
        for name, table, when, function in _triggers(each):
            if (table, name) not in present:
                target = _quoted(connection, table)
                _run(connection, f"CREATE TRIGGER {name} {when.format(target)} {_FOREIGN} EXECUTE FUNCTION {function}")


def _triggers(watched: Watched) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, table, when it fires ({} stands for the table), and what it calls."""
    table, whole, row = watched.table, "ON {} FOR EACH STATEMENT", "ON {} FOR EACH ROW"
    yield "mirror_insert", table, f"BEFORE INSERT {whole}", _refuse(new_refusal(watched))
    yield "mirror_truncate", table, f"BEFORE TRUNCATE {whole}", _refuse(emptying_refusal(table))
    yield "mirror_update", table, f"BEFORE UPDATE {row}", f"{_function('update', watched)}()"
    yield "mirror_delete", table, f"AFTER DELETE {row}", f"{_function('delete', watched)}()"
    for link in watched.links:
        yield (
            "mirror_write",
            link.name,
            f"BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE {whole}",
            _refuse(link_refusal(link)),
        )


def _capture_update(connection: Connection, watched: Watched, columns: Mapping[str, str]) -> str:
    quoted = {name: _quoted(connection, name) for name in columns}
    own = " OR ".join(_differs(quoted[name], columns[name]) for name in BOOKKEEPING)
    captures = (_capture(name, quoted[name], kind) for name, kind in columns.items() if name not in BOOKKEEPING)
    base, value = (f"('{{' || array_to_string({name}, ',') || '}}')::json" for name in ("bases", "wanted"))
    values = f"OLD.source, {_text(watched.type_name)}, OLD.id, 'update', {base}, {value}, OLD._revision"
    return f"""DECLARE
  bases text[];
  wanted text[];
BEGIN
  IF {own} THEN {_raise(_text(own_refusal(watched)))} END IF;
  {"".join(captures)}IF bases IS NOT NULL THEN
    INSERT INTO mirror_change ({_COLUMNS}) VALUES ({values}, 'captured', {_NOW}, session_user, 'sql');
    NEW._dirty := true;
  END IF;
  RETURN NEW;
END"""


def _capture(name: str, column: str, kind: str) -> str:
    head = f"{_text(name)}::text"
    return (
        f"IF {_differs(column, kind)} THEN\n"
        f"    bases := bases || (to_json({head}) || ':' || {_json(f'OLD.{column}', kind)});\n"
        f"    wanted := wanted || (to_json({head}) || ':' || {_json(f'NEW.{column}', kind)});\n"
        "  END IF;\n  "
    )


def _capture_delete(connection: Connection, watched: Watched, columns: Mapping[str, str]) -> str:
    names = ((name, f"OLD.{_quoted(connection, name)}", kind) for name, kind in columns.items())
    row = ", ".join(f"({_text(name)}, ({_json(column, kind)})::json)" for name, column, kind in names)
    takes = "".join(_take_links(link, _quoted(connection, link.name)) for link in watched.links)
    base = "json_build_object('row', cells, 'links', coalesce(('{' || array_to_string(links, ',') || '}'), '{}')::json)"
    values = f"OLD.source, {_text(watched.type_name)}, OLD.id, 'delete', {base}, NULL, OLD._revision"
    return f"""DECLARE
  cells json;
  links text[];
  taken json;
BEGIN
  SELECT json_object_agg(cell.name, cell.value) INTO cells FROM (VALUES {row}) AS cell (name, value);
  {takes}INSERT INTO mirror_change ({_COLUMNS}) VALUES ({values}, 'captured', {_NOW}, session_user, 'sql');
  RETURN NULL;
END"""


def _take_links(link: LinkTable, table: str) -> str:
    return (
        f"WITH gone AS (DELETE FROM {table} WHERE source = OLD.source AND id = OLD.id RETURNING *)\n"
        f"    SELECT json_agg(json_build_array({_LINK_COLUMNS[link.kind]}) ORDER BY position) INTO taken FROM gone;\n"
        f"  IF taken IS NOT NULL THEN links := links || (to_json({_text(link.name)}::text) || ':' || taken); END IF;\n  "
    )


def _differs(column: str, kind: str) -> str:
    as_text = "::text" if kind == "json" else ""  # json has no equality
    return f"OLD.{column}{as_text} IS DISTINCT FROM NEW.{column}{as_text}"


def _json(value: str, kind: str) -> str:
    """Return the expression for a value as the text of JSON; of type json as its text, which says whether it is null.

    A number with more digits than a double surely holds goes as text as well: what reads it back would take it for one.
    """
    shown = f"to_json({value}::text)" if kind == "json" else f"to_json({value})"
    if kind == "numeric":
        long = f"length({value}::text) > 15 AND {value}::text LIKE '%.%'"
        shown = f"CASE WHEN {long} THEN to_json({value}::text) ELSE {shown} END"
    return f"coalesce(({shown})::text, 'null')"


def _create(connection: Connection, name: str, body: str, *, writes_links: bool = False) -> None:
    """Create or replace a function for triggers; while one that `writes_links` runs, the triggers on link tables rest."""
    schema = _quoted(connection, str(connection.exec_driver_sql("SELECT current_schema()").scalar_one()))
    settings = " SET mirror.writing = 'on'" if writes_links else ""
    _run(
        connection,
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
        f"SET search_path = pg_catalog, {schema}, pg_temp{settings} AS {_text(body)}",
    )
    _run(connection, f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC")


def _columns(connection: Connection, table: str) -> dict[str, str]:
    """Return name -> type of the columns of a table."""
    query = (
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
        f"WHERE attrelid = {_text(_quoted(connection, table))}::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return {row[0]: row[1] for row in connection.exec_driver_sql(query)}


def _present(connection: Connection) -> set[tuple[str, str]]:
    """Return table and name of the triggers there are."""
    query = (
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND NOT t.tgisinternal"
    )
    return {(row[0], row[1]) for row in connection.exec_driver_sql(query)}


def _function(event: str, watched: Watched) -> str:
    return f"mirror_{event}_{watched.table[:40].rstrip('_')}_{short_digest(watched.table)}"


def _refuse(sentence: str) -> str:
    return f"{_REFUSING}({_text(sentence)})"


def _raise(sentence: str) -> str:
    return f"RAISE EXCEPTION USING MESSAGE = {sentence}, ERRCODE = 'restrict_violation';"


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)


def _text(value: str) -> str:
    escapes = "E" if "\\" in value else ""  # as with standard_conforming_strings either on or off
    return escapes + "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement.replace("%", "%%"))  # the driver takes a single one for a placeholder
