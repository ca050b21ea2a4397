"""The command that shows one record for people to read: show."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from mirror import Record, Remark
from mirror.cli.history import as_of_option
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, readable, say
from mirror.cli.portrait import MOST, Known, Portrait, key_of, name_of, portrait
from mirror.cli.wording import document, outline, verb

_LONG = 100  # characters of a text that does not stand in one line with its name any more
_RICH = ("TEXT", "LongText")
"""Types of fields that hold markup: Rally's (rally.md §7) and VersionOne's (versionone.md §5.2)."""
_LINE_ENDS = re.compile(r"<(?:br|/p|/div|/li|/tr|/h\d)\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-zA-Z][^>]*>")


@click.command()
@click.argument("key", metavar="KEY")
@as_of_option
@json_option
@settings_options
@pass_invocation
def show(invocation: Invocation, key: str, as_of: str | None, as_json: bool) -> None:
    """Show a record: its fields, what it refers to, its children, discussion and files. Asks only the database.

    KEY is what people call it: US123, S-01005, ticket/17, User:Ann, NEW-3, each also as SOURCE:KEY. Fields that are empty
    are left out; a * marks those with changes that wait to be pushed, which are listed at the end. Markup is left out of
    texts; --json has them as they are. Instants are UTC.

    With --as-of the record is as it was, and so is what belongs to it, as far as a history of its type is kept.

    \b
    Examples:
      mirror show DE17
      mirror show DE17 --as-of 2026-03-01T09:30Z
      mirror show ticket/17
      mirror show acme:S-01005 --json
    """
    with invocation.open() as mirror:
        seen = portrait(mirror, key, as_of)
        if as_json:
            print_json(_document(seen))
            return
        for line in _lines(seen):
            print_line(line)
        if seen.changes:
            say(f"* waits to be pushed; see: mirror diff {seen.record.key}")


# for people


def _lines(seen: Portrait) -> Iterator[str]:
    """Yield a record as lines: a heading, then blocks with a blank line before each."""
    record = seen.record
    yield "  ".join(filter(None, (record.key, name_of(record))))
    yield f"{record.layout.type.display_name or record.type_name} in {record.source}{f', {seen.url}' if seen.url else ''}"
    marked = {each.change.field for each in seen.changes}
    work, texts, custom, plain = _grouped(seen)
    yield from _block("", work, marked)
    yield from _block("Fields", plain, marked)
    yield from _block("Custom fields", custom, marked)
    for name, text in texts.items():
        yield from _paragraph(f"{name}{' *' if name in marked else ''}", text)
    yield from _family(seen)
    yield from _discussion(seen.remarks)
    if seen.files:
        yield from ("", f"Files ({len(seen.files)})")
        yield from (f"  {each.name}{f'  {each.content_type}' if each.content_type else ''}" for each in seen.files)
    yield from _waiting(seen)


def _grouped(seen: Portrait) -> tuple[dict[str, str], dict[str, str], dict[str, str], dict[str, str]]:
    """Return name -> text of the fields that say how the work stands, of long texts, of custom fields, and of the rest."""
    about = seen.record.layout.type
    heading = (about.key_field, about.name_field, *(about.work_item.title if about.work_item else ()))
    texts: dict[str, str] = {}
    groups: tuple[dict[str, str], dict[str, str], dict[str, str]] = ({}, {}, {})
    shown = _shown_values(seen)
    first = [name for name in _roles(seen.record) if name in shown]
    for name in dict.fromkeys([*first, *shown]):
        field, text = about.field(name), shown[name]
        if name in heading:
            continue
        if len(text) > _LONG or "\n" in text.strip():
            texts[name] = text
        else:
            groups[0 if name in first else 1 if field is not None and field.custom else 2][name] = text
    work, custom, plain = groups
    return work, texts, custom, plain


def _shown_values(seen: Portrait) -> dict[str, str]:
    """Return name -> text of all fields with a value, in the tracker's order."""
    found: dict[str, str] = {}
    for field in seen.record.layout.type.fields:
        name = field.name
        if name in seen.references:
            found[name] = _called(seen.references[name])
        elif name in seen.lists:
            found[name] = ", ".join(_called(each) for each in seen.lists[name])
        elif name in seen.values:
            value = seen.values[name]
            found[name] = _field_text(value, is_rich=field.native_type in _RICH)
    return {name: text for name, text in found.items() if text.strip()}


def _roles(record: Record) -> list[str]:
    """Return the fields that say how the work stands; none for records that are no work."""
    about = record.layout.type
    work = about.work_item
    if work is None:
        return []
    roles = (work.state, work.owner, work.project, work.iteration, work.release, work.estimate, work.parent, work.created)
    changed = (about.stamp_field,) if about.stamp_field else ()
    return [name for role in (*roles, changed, work.closed) for name in role]


def _block(title: str, fields: Mapping[str, str], marked: Iterable[str]) -> Iterator[str]:
    if not fields:
        return
    yield ""
    if title:
        yield title
    width = max(map(len, fields))
    for name, text in fields.items():
        yield f"{'*' if name in marked else ' '} {name.ljust(width)}  {text}"


def _paragraph(title: str, text: str) -> Iterator[str]:
    yield from ("", title)
    yield from (f"  {line}" for line in text.strip().split("\n"))


def _family(seen: Portrait) -> Iterator[str]:
    by_field: dict[tuple[str, str], list[Record]] = {}
    for field, each in seen.children:
        by_field.setdefault((each.type_name, field), []).append(each)
    for (type_name, field), records in by_field.items():
        many = f"{MOST} or more" if len(records) == MOST else str(len(records))
        yield from ("", f"{type_name} ({many}), by its {field}")
        for each in records:
            yield "  " + "  ".join(filter(None, (each.key, name_of(each), _state(each))))


def _state(record: Record) -> str:
    work = record.layout.type.work_item
    states = [record[name] for name in (work.state if work else ())]
    return f"[{name_of(states[0]) if isinstance(states[0], Record) else states[0]}]" if states and states[0] else ""


def _discussion(remarks: Sequence[Remark]) -> Iterator[str]:
    if remarks:
        yield from ("", f"Discussion ({len(remarks)})")
    for each in remarks:
        said = f", {each.kind}" if each.kind else ""
        yield f"  {readable(each.at)}  {each.by}{said}{':' if each.text else ''}"
        if each.text:
            yield from (f"    {line}" for line in _plain_text(each.text).split("\n"))


def _waiting(seen: Portrait) -> Iterator[str]:
    if seen.changes:
        yield from ("", f"Waits to be pushed ({len(seen.changes)})")
    for each in seen.changes:
        reason = f": {each.change.reason}" if each.change.reason else ""
        subject = " ".join(filter(None, (each.change.field or verb(each), outline(each))))
        yield f"  {subject}  ({each.change.state}{reason})"


def _called(item: object) -> str:
    """Return an item of a list, or what a reference leads to: a record by name and key, anything else as it reads."""
    if not isinstance(item, Record):
        return readable(str(item))
    name = name_of(item)
    return f"{name} ({item.key})" if name and item.layout.type.key_field else name or item.key


def _field_text(value: object, *, is_rich: bool) -> str:
    if isinstance(value, str) and (is_rich or "\n" in value):
        return _plain_text(value) if is_rich else value.strip()
    return readable(value)


def _plain_text(text: str) -> str:
    """Return a text without markup, its paragraphs on lines of their own; other texts as they are."""
    if not _MARKUP.search(text):
        return text.strip()
    lines = html.unescape(_MARKUP.sub("", _LINE_ENDS.sub("\n", text))).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


# for programs


def _document(seen: Portrait) -> dict[str, object]:
    record = seen.record
    return {
        "source": record.source,
        "tracker": record.layout.tracker,
        **_reference(record),
        "url": seen.url or None,
        "fields": seen.values,
        "references": {name: _reference(each) for name, each in seen.references.items()},
        "lists": {
            name: [each if isinstance(each, str) else _reference(each) for each in items]
            for name, items in seen.lists.items()
        },
        "children": [{"field": field, **_reference(each)} for field, each in seen.children],
        "discussion": [
            {"at": each.at, "by": each.by, "kind": each.kind or None, "text": each.text} for each in seen.remarks
        ],
        "files": [
            {"id": each.record.id, "name": each.name, "content_type": each.content_type or None} for each in seen.files
        ],
        "changes": [document(each) for each in seen.changes],
    }


def _reference(known: Known) -> dict[str, object]:
    return {"type": known.type_name or None, "id": known.id, "key": key_of(known), "name": name_of(known) or None}
