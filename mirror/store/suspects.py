"""Records that may differ from the tracker without their revision saying so, kept until they were read again.

They are stored before whatever makes them suspect, so a crash in between costs a needless read and never a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Connection, delete, literal, select

from mirror.model.layout import HEAD, Layout
from mirror.model.page import Echo, Page
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.store import lookups
from mirror.store.chunks import chunked
from mirror.store.dialects import insert_new
from mirror.store.lookups import LinkEnd
from mirror.store.references import places, stated
from mirror.store.tables import referrer, suspect

RECORD = "record"  # read it again
NAME = "name"  # others may show it under an older name

_REMEMBER = """
    INSERT INTO mirror_referrer (source, type, id, referrer_type, referrer_id)
    SELECT DISTINCT CAST(:source AS TEXT), CAST(:type AS TEXT), {table}.{target}, CAST(:owner AS TEXT), {table}.id
    FROM {table} WHERE {table}.source = :source AND {table}.id >= 0 AND {leads} AND {table}.{target} IN :ids
    ON CONFLICT DO NOTHING"""


def add(connection: Connection, source: str, kind: str, ids: Mapping[str, Collection[int]]) -> None:
    """Suspect records, by type; those suspected already stay so. One that only is here cannot be read again."""
    found = [(name, each) for name, some in ids.items() for each in some if each >= 0]
    rows = [{"source": source, "kind": kind, "type": name, "id": each} for name, each in found]
    if rows:
        connection.execute(insert_new(connection, suspect), rows)


def listed(connection: Connection, source: str, kind: str) -> dict[str, set[int]]:
    """Return type name -> ids of all suspects of that kind."""
    found: dict[str, set[int]] = {}
    query = select(suspect.c.type, suspect.c.id).where(suspect.c.source == source, suspect.c.kind == kind)
    for name, each in connection.execute(query):
        found.setdefault(name, set()).add(each)
    return found


def clear(connection: Connection, source: str, kind: str, ids: Mapping[str, Collection[int]]) -> None:
    """Suspect these records no longer."""
    for name, some in ids.items():
        here = (suspect.c.source == source, suspect.c.kind == kind, suspect.c.type == name)
        for chunk in chunked(some):
            connection.execute(delete(suspect).where(*here, suspect.c.id.in_(chunk)))


def suspect_referrers(connection: Connection, layouts: Mapping[str, Layout], type_name: str, ids: Collection[int]) -> None:
    """Suspect whatever refers to these records, and remember it for the case that they come back.

    What they refer to is remembered as well: it may have vanished together with them and come back later.
    """
    source = layouts[type_name].source
    remember_dropped(connection, layouts[type_name], ids)
    for place in places(layouts, type_name):
        values = {"source": source, "type": type_name, "owner": place.owner}
        for chunk in chunked(ids):
            connection.execute(stated(_REMEMBER, place.words(connection), chunk), values | {"ids": chunk})
    _suspect_remembered(connection, source, type_name, ids)


def recall(connection: Connection, page: Page) -> None:
    """Before `page` is stored, suspect whatever referred to those of its records that had vanished, and forget about it.

    What its records refer to no more is remembered.
    """
    source, type_name, ids = page.layout.source, page.layout.type.name, [row[1] for row in page.rows]
    _suspect_remembered(connection, source, type_name, ids)
    for chunk in chunked(ids):
        connection.execute(delete(referrer).where(*_remembered(source, type_name, chunk)))
    remember_dropped(connection, page.layout, ids, page)


def remember_dropped(connection: Connection, layout: Layout, ids: Collection[int], page: Page | None = None) -> None:
    """Remember what these records refer to but will not once `page` is stored (None: they are gone), in case it comes back.

    A tracker may leave a record that was deleted or hidden out of the references to it without a version of their owners.
    Whether that is why a reference went shows only later.
    """
    before = lookups.link_targets(connection, layout, ids) | lookups.reference_targets(connection, layout, ids)
    now = {} if page is None else _ends(page)
    rows = [
        {"source": layout.source, "type": kind, "id": target, "referrer_type": layout.type.name, "referrer_id": owner}
        for name, ends in before.items()
        for owner, target, of_type in ends - now.get(name, set())
        if target is not None and target >= 0 and (kind := of_type or _only_target(layout, name))
    ]
    if rows:
        connection.execute(insert_new(connection, referrer), rows)


def _ends(page: Page) -> dict[str, set[LinkEnd]]:
    """Return field -> what the records of a page refer to, as the lookups return it."""
    found: dict[str, set[LinkEnd]] = {
        name: {(row[0], row[2], row[4]) for row in page.links.get(name, ())}
        for name in (each.field for each in page.layout.links if each.kind is Kind.LINKS)
    }
    place = {each.name: at + len(HEAD) for at, each in enumerate(page.layout.columns)}
    for name, parts in lookups.reference_columns(page.layout).items():
        at, of_type = place[parts[Part.ID].name], place[parts[Part.TYPE].name] if Part.TYPE in parts else None
        found[name] = {(row[1], row[at], None if of_type is None else row[of_type]) for row in page.rows}
    return found


def _only_target(layout: Layout, name: str) -> str:
    field = layout.type.field(name)
    return field.targets[0] if field and len(field.targets) == 1 else ""


def suspect_echoes(connection: Connection, layouts: Mapping[str, Layout], page: Page, echoes: Collection[Echo]) -> None:
    """Suspect owners whose stored links to the records of `page` differ from those in `echoes`."""
    ids = [row[1] for row in page.rows]
    found: dict[str, set[int]] = {}
    for echo in echoes:
        for owner in echo.owners:
            layout = layouts.get(owner)
            if layout is None or not any(each.field == echo.field for each in layout.links):
                continue
            stored = lookups.link_owners(connection, layout, echo.field, page.layout.type.name, ids)
            now = {(each, target) for of_type, each, target in echo.links if of_type == owner}
            found.setdefault(owner, set()).update(each for each, _ in stored ^ now)
    add(connection, page.layout.source, RECORD, found)


def _suspect_remembered(connection: Connection, source: str, type_name: str, ids: Collection[int]) -> None:
    for chunk in chunked(ids):
        found = select(referrer.c.source, literal(RECORD), referrer.c.referrer_type, referrer.c.referrer_id)
        found = found.where(*_remembered(source, type_name, chunk)).distinct()
        connection.execute(insert_new(connection, suspect).from_select(["source", "kind", "type", "id"], found))


def _remembered(source: str, type_name: str, ids: list[int]) -> tuple[ColumnElement[bool], ...]:
    return (referrer.c.source == source, referrer.c.type == type_name, referrer.c.id.in_(ids))
