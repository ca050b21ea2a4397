"""SQLAlchemy's dialect of Postgres, equal for servers of one version; see `dialects.sharing`."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg


class PostgresDialect(PGDialect_psycopg):
    """Those of servers of one version say the same."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PostgresDialect) and self._server == other._server

    def __hash__(self) -> int:
        return hash(PostgresDialect)

    @property
    def _server(self) -> tuple[object, ...]:
        """What a compiler looks at; None before the first connection."""
        return getattr(self, "server_version_info", None), self._backslash_escapes
