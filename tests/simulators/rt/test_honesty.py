"""The simulator is held honest by a real RT: the same random requests, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rt.packages import HOW_TO_INSTALL, installed
from tests.support.rt.provision import SEEDED_TICKETS, provide
from tests.support.rt.server import RTServer
from tests.support.rt_calls import Calls
from tests.support.rt_simulated import seeded_state, thawed
from tests.support.rt_twins import Twins

WALKS = [(1, 40), *(pytest.param(seed, 90, marks=pytest.mark.slow) for seed in range(1, 13))]

_EVERYTHING = {
    "transactions": "id,ObjectType,ObjectId,Type,Field,OldValue,NewValue,ReferenceType,Data,TimeTaken,Creator,_hyperlinks",
    "attachments": "id,Subject,Filename,ContentType,ContentLength,ContentEncoding,TransactionId,Creator,Content",
    "groups": "id,Name,Description,Domain,Creator",
    "queues": "id,Name,Description,Lifecycle,SortOrder,SLADisabled,Disabled,CommentAddress,SubjectTag,CustomFields",
    "customfields": "id,Name,Type,MaxValues,LookupType,Description,Disabled,EntryHint,RenderType,ValuesClass,BasedOn",
    "customroles": "id,Name,Description,EntryHint,MaxValues,Disabled",
    "assets": "id,Name,Status,Catalog,Owner,HeldBy,Contact,_hyperlinks",
    "articles": "id,Name,Summary,Class,CustomFields,_hyperlinks",
}


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RTServer, Path]]:
    """A real server, not yet started, and the database that it starts from."""
    if not installed():
        pytest.skip(HOW_TO_INSTALL)
    server, seeded = provide(tmp_path_factory.mktemp("rt"))
    yield server, seeded
    server.stop()


@pytest.fixture(scope="session")
def state() -> bytes:
    """What the same seed makes of the simulator."""
    return seeded_state(SEEDED_TICKETS)


@pytest.fixture
def twins(real: tuple[RTServer, Path], state: bytes) -> Iterator[Twins]:
    """Both servers with the same data, running."""
    server, seeded = real
    server.serve(seeded)
    simulated = thawed(state)
    simulated.start()
    made = Twins(server.url, simulated.url)
    yield made
    made.close()
    simulated.stop()


def expect_none(twins: Twins) -> None:
    """Fail with the answers that differed."""
    assert not twins.differences, "\n".join([f"{len(twins.differences)} of {twins.sent} differ", *twins.differences[:8]])


def read_all(twins: Twins, path: str, fields: str) -> None:
    """Read a listing to its end on both servers."""
    query = [{"field": "id", "operator": ">", "value": 0}]
    page, pages = 1, 1.0
    while page <= pages:
        params = {"fields": fields, "per_page": 100, "orderby": "id", "find_disabled_rows": 1, "page": page}
        found = twins.send("POST", path, json=query, params=params)
        page, pages = page + 1, found["pages"]


def test_the_seed_makes_the_same_of_both(twins: Twins) -> None:
    for number in range(1, SEEDED_TICKETS + 1):
        twins.send("GET", f"/ticket/{number}")
    twins.send(
        "GET", "/users", params={"fields": "id,Name,EmailAddress,RealName,Organization,Timezone,Comments", "per_page": 100}
    )
    for name, fields in _EVERYTHING.items():
        read_all(twins, f"/{name}", fields)
    expect_none(twins)


@pytest.mark.parametrize(("seed", "steps"), WALKS)
def test_random_requests_get_the_same_answers(twins: Twins, seed: int, steps: int) -> None:
    Calls(twins, SEEDED_TICKETS, seed).steps(steps)
    assert twins.sent > steps
    expect_none(twins)


def test_a_name_or_an_address_that_another_has_is_refused_alike(twins: Twins) -> None:
    for change in (
        {"Name": "user02"},
        {"Name": "USER02"},
        {"Name": "User01"},
        {"Name": ""},
        {"EmailAddress": "user02@example.com"},
        {"EmailAddress": "User02@Example.com"},
        {"Name": "someone", "EmailAddress": "user03@example.com", "NickName": "also set"},
        {"EmailAddress": ""},
    ):
        twins.send("PUT", "/user/user01", json=change)
        twins.send("GET", "/user/37")
    twins.send("PUT", "/queue/1", json={"Name": "Support"})
    twins.send("PUT", "/queue/1", json={"Name": ""})
    twins.send("GET", "/queue/1")
    twins.send("PUT", "/group/28", json={"Name": "Staff"})
    twins.send("GET", "/group/28")
    expect_none(twins)
