"""Answers that no contract knows: each ends as one of our errors or as a told failure, never as an empty listing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from mirror.connectors.base import Connector, Window
from mirror.connectors.http import Patience
from mirror.connectors.registry import TRACKERS
from mirror.errors import MirrorError, RemoteError
from mirror.model.layout import Layout
from mirror.model.page import Fate, KeyRange
from mirror.model.progress import Watermark
from tests.contract.conftest import RECORDS
from tests.support.stage import Stage, stage_class

BODIES = {
    "nothing": (200, "", "application/json"),
    "no content": (204, "", "text/plain"),
    "an empty object": (200, "{}", "application/json"),
    "an empty list": (200, "[]", "application/json"),
    "null": (200, "null", "application/json"),
    "a number": (200, "7", "application/json"),
    "a word": (200, '"ok"', "application/json"),
    "half an object": (200, '{"items": [', "application/json"),
    "another object": (200, '{"error": {"message": "maintenance"}}', "application/json"),
    "another document": (200, "<Maintenance><Until/></Maintenance>", "text/xml"),
    "half a document": (200, '<Assets total="3"><Asset', "text/xml"),
    "no unicode": (200, "\udcff\udcfe", "application/json"),
    "a page": (200, "<!DOCTYPE html><html><body>Please sign in</body></html>", "text/html"),
    "a refusal": (400, '{"message": "no"}', "application/json"),
    "not found": (404, "", "text/html"),
    "conflict": (409, "", "text/plain"),
    "teapot": (418, "short and stout", "text/plain"),
    "a crash": (500, "<html><body>NullReferenceException</body></html>", "text/html"),
}

_BAD_PATIENCE = Patience(attempts=1, timeout_seconds=(5.0, 5.0))


@pytest.fixture(scope="module", params=TRACKERS)
def shared(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, dict[str, Layout]]]:
    """A stage for all tests of this file, which only break answers, and the layouts of its types."""
    with stage_class(request.param)(records=RECORDS, seed=1, clock=None) as stage:
        yield stage, stage.layouts(stage.connector())


def _listed(connector: Connector, layout: Layout) -> Any:
    page = connector.fetch(layout, KeyRange())()
    return page if page.rest is None else page.rest()


CALLS: dict[str, Callable[[Connector, Layout], Any]] = {
    "discover": lambda connector, _: connector.discover(None),
    "fetch": _listed,
    "records": lambda connector, layout: connector.records(layout, [1, 2]),
    "changes": lambda connector, layout: list(
        connector.changes([layout.type], {layout.type.name: Watermark(datetime(2020, 1, 1, tzinfo=UTC))})
    ),
    "census": lambda connector, layout: list(connector.census([Window(layout.type, KeyRange())])),
    "counts": lambda connector, layout: list(connector.census([Window(layout.type, KeyRange(), count_only=True)])),
    "deletions": lambda connector, _: list(connector.deletions(None)) if connector.capabilities.deletion_feed else None,
    "fate": lambda connector, layout: connector.fate(layout.type, 1),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_makes_no_sense_is_an_error_of_ours_and_never_an_empty_listing(
    shared: tuple[Stage, dict[str, Layout]], body: str, call: str
) -> None:
    stage, layouts = shared
    status, text, content_type = BODIES[body]
    connector = stage.connector(patience=_BAD_PATIENCE)
    connector.discover(None)
    stage.faults.add(kind="body", status=status, body=text, content_type=content_type)
    try:
        answer = CALLS[call](connector, layouts[stage.busy])
    except MirrorError as error:
        assert isinstance(error, RemoteError), repr(error)
        assert str(error)
        return
    finally:
        stage.faults.clear()
    _expect_no_claim(call, answer)


def _expect_no_claim(call: str, answer: Any) -> None:
    """A method that returns all the same must say that it learnt nothing."""
    if call in ("changes", "census"):
        assert [each for each in answer if each.complete and not each.failure] == []
    elif call == "counts":
        assert [each for each in answer if each.total is not None and not each.failure] == []
    elif call == "fate":
        assert answer is not Fate.PRESENT
    else:
        assert answer is None, answer
