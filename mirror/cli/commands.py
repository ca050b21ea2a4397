"""Which commands there are: where each one is, and how its help begins. One is loaded when it is run or asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

import click

from mirror.named import named

COMMANDS: Mapping[str, tuple[str, str]] = {
    "add": ("mirror.cli.sources:add", "Add a source to the settings file, which is made when there is none."),
    "sources": ("mirror.cli.sources:sources", "List the configured sources."),
    "check": (
        "mirror.cli.sources:check",
        "See whether each source can be reached and mirrored: credentials, scope, clock, page cap.",
    ),
    "types": ("mirror.cli.types:types", "List the record types of each source, with their tables and rows."),
    "schema": ("mirror.cli.types:schema", "Show the columns and link tables of a type, with the tracker's names and rules."),
    "sync": ("mirror.cli.sync:sync", "Copy what the trackers hold into the database; the next time only what changed."),
    "status": (
        "mirror.cli.status:status",
        "Say what is stuck, what waits to be pushed or told, and of each type how fresh it is, its rows, and if it drifts.",
    ),
    "watchers": (
        "mirror.cli.watchers:watchers",
        "List who is to be told what happens on the trackers: scripts that watch, and `mirror sync --watch --as NAME`.",
    ),
    "verify": (
        "mirror.cli.verify:verify",
        "Compare the mirror with the trackers, and print the drift: as numbers by type and as a list of records.",
    ),
    "sql": ("mirror.cli.sql:sql", "Answer a SQL query from the mirror."),
    "stubs": (
        "mirror.cli.stubs:stubs",
        "Print a Python module that tells editors and type checkers of the types of a source, their fields and references.",
    ),
    "find": ("mirror.cli.find:find", "Find records with a query in the tracker's own language."),
    "show": ("mirror.cli.show:show", "Show a record: its fields, what it refers to, its children, discussion and files."),
    "history": (
        "mirror.cli.history:history",
        "Tell what a record was: its versions, oldest first, each with what it changed.",
    ),
    "set": ("mirror.cli.edit:set_", "Change fields of a record, or the same fields of several records."),
    "new": ("mirror.cli.edit:new", "Create a record, and print its temporary key."),
    "delete": ("mirror.cli.edit:delete", "Delete records: all of those named, or none when one of them cannot be."),
    "comment": ("mirror.cli.edit:comment", "Add a comment to a record; `-` reads the text from standard input."),
    "attach": ("mirror.cli.edit:attach", "Attach a file to a record."),
    "link": ("mirror.cli.edit:link", "Add items to a field that holds many: records by name, key or id, or plain values."),
    "unlink": ("mirror.cli.edit:unlink", "Take items out of a field that holds many."),
    "rank": (
        "mirror.cli.edit:rank",
        "Move a record in the order of its list: above or below another one, to the top or to the bottom.",
    ),
    "do": ("mirror.cli.edit:do", "Have the tracker do one of its own operations with a record, at the next `mirror push`."),
    "changes": (
        "mirror.cli.changes:changes",
        "List what was changed here and waits to be pushed: since when, in which state, and why it waits.",
    ),
    "diff": (
        "mirror.cli.changes:diff",
        "Show what was changed here, value by value: what was there, what is here now, and what the tracker has "
        "if it differs.",
    ),
    "discard": (
        "mirror.cli.changes:discard",
        "Take back changes: what was there before is shown again, and nothing of them is pushed.",
    ),
    "push": (
        "mirror.cli.push:push",
        "Write to the trackers what was changed here: everything that waits, or the changes of the records named.",
    ),
    "conflicts": (
        "mirror.cli.conflicts:conflicts",
        "List what was changed both here and on the tracker, with what was there before, what is here and what is there.",
    ),
    "resolve": ("mirror.cli.conflicts:resolve", "Answer conflicts, and whatever else waits for a person."),
    "log": (
        "mirror.cli.changes:log",
        "List what became of changes, newest first: who changed what to what, when, and how it ended.",
    ),
    "simulate": (
        "mirror.cli.simulate:simulate",
        "Serve a simulated tracker on this machine, to try mirror and your own scripts on.",
    ),
    "demo": ("mirror.cli.demo:demo", "Mirror a simulated tracker, change something there, sync again, and ask in SQL."),
}
"""In the order of the reference: `module:name`, and the first sentence of the help; the list of all shows no more."""


class Later(MutableMapping[str, click.Command]):
    """The commands by name, each imported when it is first looked at; those of others can be put to them."""

    def __init__(self, places: Mapping[str, tuple[str, str]]) -> None:
        self._places = dict(places)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            self._loaded[name] = named(self._places[name][0])
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command
        self._places[name] = "", command.help or ""

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
