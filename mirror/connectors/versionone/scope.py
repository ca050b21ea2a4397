"""Which projects a source means: the whole instance, or one project with all below it.

Source: versionone.md §5.4 (closures), §7.2 (Scope), §7.3 (hierarchy).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from mirror.connectors.versionone.paging import Pager
from mirror.connectors.versionone.question import Pick, Question, flat, quoted
from mirror.connectors.versionone.refusals import RefusedError
from mirror.connectors.versionone.server import Server
from mirror.errors import ConfigError
from mirror.model.page import KeyRange
from mirror.model.schema import RecordType

SCOPE = "Scope"
_OID = re.compile(r"Scope:\d+")
_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Project:
    """A project that the mirror is narrowed to."""

    oid: str
    name: str

    def terms(self, record_type: RecordType) -> tuple[str, ...]:
        """Return the filter that keeps a type to this project's tree; types without a project stay whole."""
        if record_type.name == SCOPE:
            return (f"ParentMeAndUp='{self.oid}'",)
        return (f"Scope.ParentMeAndUp='{self.oid}'",) if record_type.field(SCOPE) else ()


def find_project(server: Server, pager: Pager, wanted: str) -> Project:
    """Return the project with that oid or name.

    Raises:
        ConfigError: there is none, or several have the name.
    """
    term = f"ID='{wanted}'" if _OID.fullmatch(wanted) else f"Name={quoted(wanted)}"
    try:
        found = list(_projects(server, pager, (term,)))
    except RefusedError:
        found = []
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(each.oid for each in found)
        raise ConfigError(f"VersionOne has several projects called {wanted!r}; name one by its number: {listed}")
    names = {each.name: each.oid for each in _projects(server, pager, ())}
    near = get_close_matches(wanted, names, n=3) or sorted(names)[:_NAMES_SHOWN]
    there = ", ".join(f"{each} ({names[each]})" for each in near) or "none that this credential may see"
    raise ConfigError(f"VersionOne has no project called {wanted!r}; there is: {there}")


def _projects(server: Server, pager: Pager, terms: tuple[str, ...]) -> Iterator[Project]:
    question = Question(SCOPE, (Pick("Name"),), terms, 1000)
    first = server.form.send(question)()
    for reply in pager.replies(question, KeyRange(), first):
        for row in map(flat, reply.documents):
            yield Project(str(row["_oid"]), str(row.get("Name") or ""))
