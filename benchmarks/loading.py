"""The loop the hand-written loaders share: page by key, read, write."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests

from benchmarks.records import WORKSPACE_ID
from benchmarks.shape import TYPE_PATH
from benchmarks.tables import Row, open_writer

PAGE_SIZE = 2000

Reader = Callable[[bytes], tuple[Sequence[Row], Mapping[str, Sequence[Row]]]]


def load(read: Reader) -> None:
    """Run a loader as a command: the feed's address and the database are its arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("database")
    parser.add_argument("--page-size", type=int, default=PAGE_SIZE)
    chosen = parser.parse_args()
    writer = open_writer(chosen.database)
    try:
        for rows, links in _pages(chosen.url, chosen.page_size, read):
            writer.write(rows, links)
    finally:
        writer.close()


def _pages(url: str, page_size: int, read: Reader) -> Iterator[tuple[Sequence[Row], Mapping[str, Sequence[Row]]]]:
    session = requests.Session()
    last, full = 0, True
    while full:
        body = fetch(session, url, last, page_size)
        rows, links = read(body)
        full = len(rows) == page_size
        if rows:
            last = rows[-1][1]
            yield rows, links


def fetch(session: requests.Session, url: str, after: int, page_size: int = PAGE_SIZE) -> bytes:
    """Return the body of the page behind the id `after`."""
    params = {
        "query": f"(ObjectID > {after})",
        "order": "ObjectID",
        "pagesize": str(page_size),
        "start": "1",
        "fetch": "true",
        "workspace": f"workspace/{WORKSPACE_ID}",
    }
    answer = session.get(f"{url}/slm/webservice/v2.0/{TYPE_PATH}", params=params, timeout=60)
    answer.raise_for_status()
    return answer.content
