"""SQLAlchemy's dialect of SQLite, equal for all databases of a process; see `dialects.sharing`."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class SqliteDialect(SQLiteDialect_pysqlite):
    """All say the same: the library is one for the whole process."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SqliteDialect)

    def __hash__(self) -> int:
        return hash(SqliteDialect)
