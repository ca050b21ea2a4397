"""NTLM: a real handshake about the requests that a connector makes, reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mirror.connectors.http import basic
from mirror.connectors.registry import connect
from mirror.errors import AuthError
from mirror.model.source import Auth, Credential, Source
from mirror.simulators.rally import RallySimulator
from mirror.simulators.rt import RTSimulator
from mirror.simulators.versionone import VersionOneSimulator
from tests.support.guarded import Guarded
from tests.support.versionone import connector_to
from tests.support.versionone_desk import Desk

HOW_TO_INSTALL = "needs the extra: pip install 'mirror-tracker[ntlm]'"
spnego = pytest.importorskip("spnego", reason=HOW_TO_INSTALL)
pytest.importorskip("requests_ntlm", reason=HOW_TO_INSTALL)

USER, PASSWORD = r"OFFICE\ann", "a päss of Ann"
ANN = Credential(PASSWORD, USER, Auth.NTLM)


class Handshake:
    """The server's side of NTLM, of one connection."""

    def __init__(self) -> None:
        self._context = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)

    @property
    def complete(self) -> bool:
        return bool(self._context.complete)

    def step(self, token: bytes) -> bytes | None:
        found: bytes | None = self._context.step(token)
        return found


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Guarded]]:
    """What guards a tracker for the people of an office, of whom there is one."""
    people: Path = tmp_path_factory.mktemp("office") / "people"
    people.write_text(f"{USER.replace(chr(92), ':')}:{PASSWORD}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NTLM_USER_FILE", str(people))
        yield lambda sim, shown="": Guarded(
            _root(sim.url),
            "NTLM",
            Handshake,
            headers={"Authorization": shown or f"Bearer {sim.token}"},
            each_request=False,
        )


@pytest.fixture(scope="module")
def sim() -> Iterator[VersionOneSimulator]:
    with VersionOneSimulator() as made:
        yield made


def test_it_reads_and_writes_each_once(office: Callable[..., Guarded], sim: VersionOneSimulator) -> None:
    story = sim.world.ids("Story")[0]
    sim.requests.clear()
    with office(sim) as guard:
        desk = Desk(sim, url=guard.url + urlsplit(sim.url).path, credential=ANN, concurrency=1)
        write = desk.update("Story", story, {"Name": "by Windows"})
        versions = len(sim.world.moments(story))
        desk.done(write)
    assert sim.world.value(story, "Name") == "by Windows"
    assert len(sim.world.moments(story)) == versions + 1
    assert {scheme for _method, _path, scheme in guard.seen} == {"", "NTLM"}
    assert len(guard.passed) == len(sim.requests)


def test_threads_sign_in_each_for_itself(office: Callable[..., Guarded], sim: VersionOneSimulator) -> None:
    with office(sim) as guard:
        connector = connector_to(sim, url=guard.url + urlsplit(sim.url).path, credential=ANN, concurrency=4)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: connector.identity(), range(12)))
        findings = {each.subject: each for each in connector.check()}
    assert len(set(found)) == 1
    assert findings["authentication"].detail == "signed in as admin, by NTLM"


def test_the_other_trackers_take_it_as_well(office: Callable[..., Guarded]) -> None:
    with RTSimulator() as rt, office(rt, f"token {rt.token}") as guard:
        findings = {each.subject: each for each in connect(Source("acme", "rt", guard.url, ANN)).check()}
        assert (findings["login"].ok, findings["login"].detail) == (True, "by NTLM")
    with RallySimulator() as rally, office(rally, basic(rally.user, rally.password)) as guard:
        source = Source("acme", "rally", guard.url, ANN, {"workspace": "Acme"})
        findings = {each.subject: each for each in connect(source).check()}
        assert findings["authentication"].detail == f"signed in as {rally.user}, by NTLM"
        assert findings["batches"].detail == "many queries go in one request"


@pytest.mark.parametrize("credential", [Credential("wrong", USER, Auth.NTLM), Credential(PASSWORD, "nobody", Auth.NTLM)])
def test_a_wrong_password_is_told_as_one(
    office: Callable[..., Guarded], sim: VersionOneSimulator, credential: Credential
) -> None:
    with office(sim) as guard:
        connector = connector_to(sim, url=guard.url + urlsplit(sim.url).path, credential=credential)
        with pytest.raises(AuthError, match="does not accept the credential") as caught:
            connector.identity()
    assert guard.passed == []
    assert credential.secret not in str(caught.value)


def _root(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
