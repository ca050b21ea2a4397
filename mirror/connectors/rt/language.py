"""RT's query languages: TicketSQL for tickets, the same grammar and RT's JSON for all types. See docs/queries-rt.md.

Source: rt.md §4.3 and §5; what it leaves open was tried on RT 5.0.3, on SQLite.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from decimal import Decimal

from mirror.connectors.language import Asked, Criteria, Plain
from mirror.connectors.rt import language_names
from mirror.connectors.rt.language_columns import records
from mirror.connectors.rt.language_json import is_json, listed
from mirror.connectors.rt.language_syntax import Place, parsed
from mirror.connectors.rt.language_tickets import tickets
from mirror.connectors.rt.language_values import Question
from mirror.connectors.rt.naming import is_custom_field
from mirror.model.layout import Layout
from mirror.model.schema import Field
from mirror.query.expr import Order, Query, Term


class RTLanguage:
    """Reads RT's queries; see Language."""

    def types(self, name: str, layouts: Mapping[str, Layout]) -> tuple[str, ...]:
        """Return the one type that a name means, `ticket` and `Tickets` alike; () when it is none."""
        return language_names.types(name, layouts)

    def written(self, criteria: Criteria) -> str:
        """Return the query for records that have these values, or meet these conditions."""
        if isinstance(criteria, Mapping):
            return " AND ".join(_equal(name, value) for name, value in criteria.items())
        return " AND ".join(f"({each})" for each in criteria if each.strip())

    def query(self, text: str, layout: Layout, asked: Asked) -> Query:
        """Return the query that a text is; "" is about all records, where RT would find none (rt.md §5.2)."""
        question = Question(layout, asked)
        if is_json(text):
            where = listed(text, question)
        else:
            read = tickets if layout.type.name == "ticket" else records
            where = read(parsed(text), question)
        return Query(layout.type.name, where, notes=tuple(question.notes))

    def order(self, text: str, layout: Layout, asked: Asked) -> tuple[Order, ...]:
        """Return an order: names behind `-` or in front of DESC are descending; `,` and `|` stand between them."""
        return tuple(language_names.orders(text, Question(layout, asked)))

    def term(self, text: str, layout: Layout, asked: Asked) -> Term:
        """Return what a name stands for: `Owner.Name`, `CF.{Notes}`, `Notes`, `Children.@Count`."""
        return language_names.term(text.strip(), Place(text, 0, len(text)), Question(layout, asked))

    def written_in(self, field: Field, asked: Asked) -> tzinfo:
        """Return UTC, and for custom fields the zone of our profile: rt.md §6.3."""
        return asked.time_zone if is_custom_field(field) else UTC


def _equal(name: str, value: Plain) -> str:
    """Return the comparison of a field with a value; a quote has a backslash before it (rt.md §5.1)."""
    if value is None:
        return f"{name} IS NULL"
    if isinstance(value, int | float | Decimal):
        return f"{name} = {int(value) if isinstance(value, bool) else value}"
    quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"{name} = '{quoted}'"
