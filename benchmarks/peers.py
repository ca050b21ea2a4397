"""The same load with dlt, a widely used loader: the three ways its documentation offers to get records in.

flat: dictionaries of one level, yielded page by page. arrow: the same as Arrow tables. rest_api: its declarative REST
source, which flattens the documents itself. All merge by ObjectID into the same kind of database.

    python -m benchmarks.peers flat http://127.0.0.1:PORT sqlite:///PATH
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
import orjson
import pyarrow as pa  # type: ignore[import-untyped]
import requests
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator
from dlt.sources.rest_api import rest_api_source

from benchmarks.floor import flatten, links
from benchmarks.loading import PAGE_SIZE, fetch
from benchmarks.shape import TYPE_PATH, columns, snake_case, tag_attributes

TABLE = "story"
_TAGGED = [each.name for each in tag_attributes()]
_LINK = {
    "source": pa.string(),
    "id": pa.int64(),
    "position": pa.int64(),
    "target_id": pa.int64(),
    "target_name": pa.string(),
    "target_type": pa.string(),
}
_ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.float64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("ms", tz="UTC"),
}


def flat(url: str) -> Any:
    """Return a resource of flat dictionaries, for the stories and for the links to their tags."""

    def pages() -> Iterator[Any]:
        for records in _documents(url):
            yield [flatten(each) for each in records]
            for name in _TAGGED:
                yield _as_links([dict(zip(_LINK, each, strict=True)) for each in links(records, name)], name)

    return dlt.resource(pages, name=TABLE, write_disposition="merge", primary_key="id")


def arrow(url: str) -> Any:
    """Return a resource of Arrow tables with the same content."""
    stories, tags = _story_schema(), pa.schema(list(_LINK.items()))

    def pages() -> Iterator[Any]:
        for records in _documents(url):
            yield _with_instants(pa.Table.from_pylist([flatten(each) for each in records], schema=stories))
            for name in _TAGGED:
                rows = [dict(zip(_LINK, each, strict=True)) for each in links(records, name)]
                yield _as_links(pa.Table.from_pylist(rows, schema=tags), name)

    return dlt.resource(pages, name=TABLE, write_disposition="merge", primary_key="id")


def _as_links(rows: Any, name: str) -> Any:
    """Send rows to the link table of an attribute."""
    key = ["id", "position"]
    table = f"{TABLE}_{snake_case(name)}"
    return dlt.mark.with_hints(
        rows,
        dlt.mark.make_hints(table_name=table, primary_key=key, write_disposition="merge"),
        create_table_variant=True,
    )


def _story_schema() -> pa.Schema:
    """Return the Arrow schema of flat stories, instants still being text."""
    own = [(each.name, _ARROW["text" if each.kind == "instant" else each.kind]) for each in columns()]
    return pa.schema([("id", pa.int64()), ("_revision", pa.string()), ("_changed_at", pa.string()), *own])


def _with_instants(table: pa.Table) -> pa.Table:
    for each in columns():
        if each.kind == "instant":
            place = table.schema.get_field_index(each.name)
            table = table.set_column(place, each.name, table[each.name].cast(_ARROW["instant"]))
    return table


def rest_api(url: str) -> Any:
    """Return the declarative REST source for the type."""
    paginator = OffsetPaginator(
        limit=PAGE_SIZE, offset=1, offset_param="start", limit_param="pagesize", total_path="QueryResult.TotalResultCount"
    )
    return rest_api_source(
        {
            "client": {"base_url": f"{url}/slm/webservice/v2.0/", "paginator": paginator},
            "resource_defaults": {"write_disposition": "merge", "primary_key": "ObjectID"},
            "resources": [
                {
                    "name": TABLE,
                    "endpoint": {
                        "path": TYPE_PATH,
                        "params": {"fetch": "true", "order": "ObjectID"},
                        "data_selector": "QueryResult.Results",
                    },
                }
            ],
        }
    )


WAYS: dict[str, Callable[[str], Any]] = {"flat": flat, "arrow": arrow, "rest_api": rest_api}


def _documents(url: str) -> Iterator[list[dict[str, Any]]]:
    session = requests.Session()
    last, full = 0, True
    while full:
        records = orjson.loads(fetch(session, url, last))["QueryResult"]["Results"]
        full = len(records) == PAGE_SIZE
        if records:
            last = records[-1]["ObjectID"]
            yield records


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("url")
    parser.add_argument("database")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mirror-dlt-") as folder:
        os.environ["DLT_DATA_DIR"] = folder
        run(WAYS[chosen.way](chosen.url), chosen.database, folder)


def run(source: Any, database: str, folder: str) -> None:
    """Load `source` with a new pipeline whose state lives in `folder`."""
    if database.startswith("sqlite"):
        destination: Any = dlt.destinations.sqlalchemy(credentials=database)
        dataset = "main"
    else:
        # A host is demanded; libpq lets the one among the parameters, a socket's folder, win over it.
        destination = dlt.destinations.postgres(credentials=database.replace(":@/", ":none@localhost/"))
        dataset = "peer"
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name=dataset)
    pipeline.run(source).raise_on_failed_jobs()


if __name__ == "__main__":
    main()
