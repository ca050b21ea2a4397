"""SQL column types, chosen so that values pass as they come: text stays text, nothing is parsed on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from mirror.model.schema import Kind


def instant_text(at: datetime) -> str:
    """Return aware `at` as `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC; parts of a millisecond are dropped, never rounded up."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class StampText(TypeDecorator[str]):
    """An instant as text `YYYY-MM-DDTHH:MM:SS.mmmZ`; timestamptz on Postgres, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return timestamptz for Postgres, text for SQLite."""
        return DateTime(timezone=True) if dialect.name == "postgresql" else Text()


class Instant(StampText):
    """As StampText, but an aware UTC datetime in Python; only for bookkeeping, where speed does not matter."""

    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> Any:
        """Accept aware datetimes."""
        return None if value is None else instant_text(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """Return aware datetimes."""
        return None if value is None else datetime.fromisoformat(value)


class DayText(TypeDecorator[str]):
    """A calendar day as text `YYYY-MM-DD`; date on Postgres, text on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return date for Postgres, text for SQLite."""
        return Date() if dialect.name == "postgresql" else Text()


class JsonText(TypeDecorator[str]):
    """JSON as text on both; on Postgres of type json, because jsonb refuses the escape of NUL that trackers may send."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return json for Postgres, text for SQLite."""
        return _PostgresJson() if dialect.name == "postgresql" else Text()


class _PostgresJson(UserDefinedType[str]):
    """`json` without SQLAlchemy's own encoding and decoding."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "JSON"


class PlainNumeric(UserDefinedType[Any]):
    """NUMERIC of any size on both, without conversion to or from Decimal on SQLite."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        """Return the type's name in SQL."""
        return "NUMERIC"


_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.INTEGER: BigInteger(),
    Kind.NUMERIC: PlainNumeric(),
    Kind.BOOLEAN: Boolean(),
    Kind.TIMESTAMP: StampText(),
    Kind.DATE: DayText(),
    Kind.TEXT: Text(),
    Kind.JSON: JsonText(),
}


def column_type(kind: Kind) -> TypeEngine[Any]:
    """Return the SQL type of a scalar kind (never REFERENCE, LINKS or VALUES)."""
    return _TYPES[kind]
