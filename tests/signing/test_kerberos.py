"""Kerberos: tickets of a real realm, shown by SPNEGO to a web server that checks them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from mirror.errors import AuthError
from mirror.model.source import Auth, Credential
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.guarded import Guarded
from tests.support.kerberos import HOW_TO_INSTALL, Realm, installed
from tests.support.versionone import connector_to
from tests.support.versionone_desk import Desk

gssapi = pytest.importorskip("gssapi", reason=HOW_TO_INSTALL)
pytest.importorskip("requests_gssapi", reason=HOW_TO_INSTALL)
if not installed():
    pytest.skip(HOW_TO_INSTALL, allow_module_level=True)

ANN = Credential("", None, Auth.KERBEROS)


class Handshake:
    """The server's side of SPNEGO, of one request."""

    def __init__(self) -> None:
        self._context = gssapi.SecurityContext(creds=gssapi.Credentials(usage="accept"), usage="accept")

    @property
    def complete(self) -> bool:
        return bool(self._context.complete)

    def step(self, token: bytes) -> bytes | None:
        answer: bytes | None = self._context.step(token)
        assert not self.complete or str(self._context.initiator_name).startswith("ann@")
        return answer


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with pytest.MonkeyPatch.context() as patch, Realm(tmp_path_factory.mktemp("realm")) as made:
        for name, value in made.environ.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def sim() -> Iterator[VersionOneSimulator]:
    with VersionOneSimulator() as made:
        yield made


@pytest.fixture(scope="module")
def guard(realm: Realm, sim: VersionOneSimulator) -> Iterator[Guarded]:
    root = sim.url.removesuffix(urlsplit(sim.url).path)
    headers = {"Authorization": f"Bearer {sim.token}"}
    with Guarded(root, "Negotiate", Handshake, headers=headers, each_request=True) as made:
        yield made


def test_a_ticket_is_shown_unasked_so_that_each_request_is_sent_once(
    realm: Realm, guard: Guarded, sim: VersionOneSimulator
) -> None:
    realm.kinit()
    desk = Desk(sim, url=guard.url + urlsplit(sim.url).path, credential=ANN)
    story = sim.world.ids("Story")[0]
    write = desk.update("Story", story, {"Name": "by a ticket"})
    versions = len(sim.world.moments(story))
    guard.seen.clear()
    guard.passed.clear()
    desk.done(write)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: desk.connector.identity(), range(8)))) == 1
    assert sim.world.value(story, "Name") == "by a ticket"
    assert len(sim.world.moments(story)) == versions + 1
    assert {scheme for _method, _path, scheme in guard.seen} == {"Negotiate"}
    assert len(guard.passed) == len(guard.seen)


def test_without_a_ticket_the_way_to_one_is_told_and_nothing_is_asked(
    realm: Realm, guard: Guarded, sim: VersionOneSimulator
) -> None:
    realm.kinit()
    path = urlsplit(sim.url).path
    guard.seen.clear()
    stranger = connector_to(sim, url=guard.url.replace("localhost", "127.0.0.1") + path, credential=ANN)
    with pytest.raises(AuthError, match=r"no Kerberos ticket for HTTP/127\.0\.0\.1"):
        stranger.identity()
    known = connector_to(sim, url=guard.url + path, credential=ANN)
    known.identity()
    assert guard.seen
    guard.seen.clear()
    realm.kdestroy()
    finding = next(known.check())
    assert (finding.ok, "kinit" in finding.detail) == (False, True)
    assert guard.seen == []
