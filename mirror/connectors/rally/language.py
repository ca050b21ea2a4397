"""Rally's query language, offline: query strings, orders and dotted names, as rally.md §4 has them.

Where the contract records no answer, docs/queries-rally.md tells ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from mirror.connectors.language import Asked, Criteria
from mirror.connectors.rally.language_build import Builder
from mirror.connectors.rally.language_names import types_called
from mirror.connectors.rally.language_parse import Comparison, Node, parse
from mirror.connectors.rally.language_paths import read_order, read_term
from mirror.connectors.rally.language_pyral import from_dict, from_list
from mirror.model.layout import Layout
from mirror.model.schema import Field
from mirror.query.expr import All, Compare, Not, Op, Order, Path, Query, Term

_HIDDEN = "Disabled"
_HIDDEN_NOTE = "Disabled users are left out, as Rally does where a query does not speak of Disabled."


class RallyLanguage:
    """The query language of Rally; see Language for its methods."""

    def types(self, name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
        """Return the types that people mean by a name: `Defect`, `story`, `Feature`, `Artifact`, `PortfolioItem`."""
        return types_called(name.strip(), layouts)

    def written(self, criteria: Criteria) -> str:
        """Return the query text of what pyral takes beside text: a mapping of equal values, or a list of conditions."""
        return from_dict(criteria) if isinstance(criteria, Mapping) else from_list(criteria)

    def query(self, text: str, layout: Layout, asked: Asked) -> Query:
        """Return the query that a text is; it has no order of its own."""
        if not text.strip():
            return Query(layout.type.name)
        parsed = parse(text)
        builder = Builder(text, asked, list(parsed.notes))
        where = builder.build(parsed.node, layout)
        if layout.type.name == "User" and not any(_HIDDEN.lower() in each.path.lower() for each in _conditions(parsed.node)):
            # rally.md §10.2 C: the default user query hides disabled users
            where = All((where, Not(Compare(Path(_HIDDEN), Op.EQ, True))))
            builder.notes.append(_HIDDEN_NOTE)
        return Query(layout.type.name, where, notes=tuple(dict.fromkeys(builder.notes)))

    def order(self, text: str, layout: Layout, asked: Asked) -> tuple[Order, ...]:
        """Return the keys of an order: `Priority,-LastUpdateDate`, `FormattedID desc`, `Owner.LastName`, `Rank ASC`."""
        return read_order(text, layout, asked)

    def term(self, text: str, layout: Layout, asked: Asked) -> Term:
        """Return what a name stands for: `Owner` is the owner's name, `Tasks` the tasks' ids, `Tasks.Count` their number."""
        return read_term(text, layout, asked)

    def written_in(self, field: Field, asked: Asked) -> tzinfo:
        """Return the user's own zone: rally.md §5 D (support article KB000047866)."""
        return asked.time_zone


def _conditions(node: Node) -> Iterator[Comparison]:
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, Comparison):
            yield each
        else:
            pending += each.items
