"""What scripts see is what the tables hold, and what they edit is what the command line's editor makes of the same edits."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

import mirror
from mirror.connectors.registry import TRACKERS
from mirror.model.layout import Column, Layout
from mirror.model.part import Part
from mirror.model.schema import Field, Kind
from mirror.script import Null, Record
from tests.script.conftest import NOBODY, settings

STEPS = 60


def shown(kind: Kind, cell: Any) -> Any:
    """Return what a script is to see of a cell of SQLite; worked out here, from the words of the documentation alone."""
    if cell is None:
        return None
    match kind:
        case Kind.BOOLEAN:
            return bool(cell)
        case Kind.TIMESTAMP:
            return datetime.strptime(cell, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        case Kind.DATE:
            return date(*map(int, cell.split("-")))
        case Kind.JSON:
            return json.loads(cell)
    return cell


def rows(database: Path, query: str) -> Iterator[dict[str, Any]]:
    """Yield rows by column name, read by nothing of ours."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    try:
        yield from map(dict, connection.execute(query))
    finally:
        connection.close()


def by_field(layout: Layout) -> dict[str, dict[Part, Column]]:
    """Return field -> part -> column."""
    found: dict[str, dict[Part, Column]] = {}
    for each in layout.columns:
        found.setdefault(each.field, {})[each.part] = each
    return found


def check_reference(record: Record, field: Field, parts: dict[Part, Column], row: dict[str, Any]) -> None:
    """Compare a reference with its columns."""
    found, number = record[field.name], row[parts[Part.ID].name]
    assert (number is None) is isinstance(found, Null), (record, field.name)
    if number is not None:
        assert found.id == number
        if Part.TYPE in parts and row[parts[Part.TYPE].name]:
            assert found.type_name == row[parts[Part.TYPE].name]


@pytest.mark.parametrize("kind", TRACKERS)
def test_what_scripts_see_is_what_the_tables_hold(m: mirror.Mirror, tmp_path: Path, kind: str) -> None:
    database, source = tmp_path / "mirror.db", m[kind]
    seen = 0
    for name in source.types():
        layout = source[name].layouts[0]
        stored = {each["id"]: each for each in rows(database, f"SELECT * FROM {layout.table} WHERE source = '{kind}'")}
        records = source[name].all()
        assert {each.id for each in records} == stored.keys()
        for record in records:
            row = stored[record.id]
            for field_name, parts in by_field(layout).items():
                field = layout.type.field(field_name)
                assert field is not None
                if field.kind is Kind.REFERENCE:
                    check_reference(record, field, parts, row)
                else:
                    column = parts[Part.VALUE]
                    assert record[field.name] == shown(column.kind, row[column.name]), (record, field.name)
                seen += 1
        for link in layout.links:
            held: dict[int, list[Any]] = {}
            for row in rows(database, f"SELECT * FROM {link.name} WHERE source = '{kind}' ORDER BY id, position"):
                held.setdefault(row["id"], []).append(row["value"] if "value" in row else row["target_id"])
            for record in records:
                items = [each if isinstance(each, str) else each.id for each in record[link.field]]
                assert items == held.get(record.id, []), (record, link.field)
                seen += 1
    assert seen > 1000


class Both:
    """The same edits through records and through the command line's door, each in a database of its own."""

    def __init__(self, kind: str, by_record: mirror.Mirror, by_command: mirror.Mirror, seed: int) -> None:
        self.kind = kind
        self.by_record, self.by_command = by_record, by_command
        self.random = random.Random(seed)
        self.records = {name: by_record[kind][name].all() for name in by_record[kind].types()}
        self.done: list[str] = []

    def step(self) -> None:
        """Do one random thing on both sides; both refuse it in the same words, or none does."""
        record = self.random.choice([each for own in self.records.values() for each in own])
        act = self.random.choice([self._set, self._set, self._set, self._link, self._link, self._delete])
        act(record)

    def _set(self, record: Record) -> None:
        fields = [each for each in record.layout.type.fields if each.kind not in (Kind.LINKS, Kind.VALUES)]
        field = self.random.choice([each for each in fields if not each.read_only] or fields)
        value = self._value(record, field)
        given = value.oid if isinstance(value, Record) else value
        self._same(
            f"{record.oid}.{field.name} = {given!r}",
            lambda: record.update({field.name: value}),
            lambda: self.by_command.set(self._key(record), {field.name: given}),
        )

    def _link(self, record: Record) -> None:
        fields = [each for each in record.layout.type.fields if each.kind in (Kind.LINKS, Kind.VALUES)]
        if not fields:
            return
        field = self.random.choice(fields)
        held = list(record[field.name])
        if held and self.random.random() < 0.5:
            item = self.random.choice(held)
            given = item if isinstance(item, str) else f"{item.type_name}:{item.id}"
            self._same(
                f"{record.oid}.{field.name} -= {given}",
                lambda: record[field.name].drop(item),
                lambda: self.by_command.unlink(self._key(record), field.name, given),
            )
            return
        value = self._value(record, field)
        given = value.oid if isinstance(value, Record) else value
        self._same(
            f"{record.oid}.{field.name} += {given}",
            lambda: record[field.name].add(value),
            lambda: self.by_command.link(self._key(record), field.name, given),
        )

    def _delete(self, record: Record) -> None:
        if self.random.random() < 0.8:
            return
        self._same(f"delete {record.oid}", record.delete, lambda: self.by_command.delete(self._key(record)))

    def _value(self, record: Record, field: Field) -> Any:
        """Return a value that may be possible: of another record, from the list, or nothing."""
        if self.random.random() < 0.1:
            return None
        if field.allowed_values and self.random.random() < 0.8 and field.kind is not Kind.REFERENCE:
            return self.random.choice(field.allowed_values)
        if field.kind in (Kind.REFERENCE, Kind.LINKS):
            kinds = [each for each in field.targets if self.records.get(each)] or [record.type_name]
            return self.random.choice(self.records[self.random.choice(kinds)])
        if field.kind is Kind.VALUES:
            return self.random.choice(["red", "green"])
        found = self.random.choice(self.records[record.type_name])[field.name]
        return "a text" if found is None else found

    def _same(self, what: str, here: Any, there: Any) -> None:
        told = [_words(here), _words(there)]
        self.done.append(f"{what}: {told[0] or 'done'}")
        assert told[0] == told[1], self.done

    def _key(self, record: Record) -> str:
        return f"{self.kind}:{record.type_name}/{record.id}"

    def queued(self, m: mirror.Mirror) -> list[tuple[Any, ...]]:
        """Return what is in a queue, without what tells one process from another."""
        found = [each.change for each in m.changes([self.kind])]
        return sorted(
            (
                each.type_name,
                each.record_id,
                each.action.value,
                each.field,
                each.item,
                json.dumps(each.value, sort_keys=True),
            )
            for each in found
        )


def _words(act: Any) -> str:
    try:
        act()
    except mirror.UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 2))])
@pytest.mark.parametrize("kind", TRACKERS)
def test_random_edits_come_to_the_same_as_the_editors(
    trackers_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seed: int
) -> None:
    files = []
    for name in ("records", "commands"):
        (tmp_path / name).mkdir()
        copyfile(trackers_file, tmp_path / name / "mirror.db")
        files.append(settings(tmp_path / name, {kind: NOBODY}, monkeypatch))
    with mirror.open(files[0]) as by_record, mirror.open(files[1]) as by_command:
        both = Both(kind, by_record, by_command, seed)
        for _step in range(STEPS):
            both.step()
            if both.random.random() < 0.1:
                by_record.queue()
        by_record.queue()
        assert both.queued(by_record) == both.queued(by_command), both.done
        assert both.queued(by_record), both.done
    tables = [each.layouts[0] for each in map(by_record[kind].__getitem__, by_record[kind].types())]
    for layout in tables:
        for table in (layout.table, *(each.name for each in layout.links)):
            found = [list(rows(each.parent / "mirror.db", f"SELECT * FROM {table} ORDER BY 1, 2, 3")) for each in files]
            assert found[0] == found[1], (table, both.done)


@pytest.mark.parametrize("kind", TRACKERS)
def test_both_databases_show_the_same(
    trackers_file: Path, postgres_copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    file = settings(tmp_path, {kind: NOBODY}, monkeypatch)
    told = []
    for url in (f"sqlite:///{trackers_file}", postgres_copy):
        with mirror.open(file, database=url) as m:
            told.append({name: [all_of(each) for each in m[kind][name]] for name in m[kind].types()})
    assert told[0] == told[1]


def all_of(record: Record) -> dict[str, Any]:
    """Return everything that a script sees of a record, with types told apart."""
    values = {name: (type(each), each) for name, each in record.data().items()}
    lists = {each.field: [str(one) for one in record[each.field]] for each in record.layout.links}
    return {"oid": record.oid, **values, **lists}


def test_a_query_may_be_a_mapping_or_a_list_of_conditions_as_pyral_takes_them(m: mirror.Mirror) -> None:
    defects, stories, tickets = m["rally"].Defect, m["versionone"].Story, m["rt"].ticket
    expected = defects.where(State="Open", Owner=None).all()
    assert defects.find({"State": "Open", "Owner": None}).all() == expected
    assert defects.find(["State = Open", "(Owner = null)"]).all() == expected
    assert expected
    named = stories.first()
    assert named is not None
    assert stories.find({"Name": named.Name, "Number": named.Number, "Super": None}).all() in ([], [named])
    assert stories.find([f"Number='{named.Number}'", "Name!='x'|-Name"]).all() == [named]
    assert tickets.find({"id": 1, "Subject": tickets(1).Subject, "SLA": None}).all() == [tickets(1)]
    assert tickets.find(["id = 1 OR id = 2", "id < 2"]).all() == [tickets(1)]
