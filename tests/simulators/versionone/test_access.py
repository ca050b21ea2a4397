"""Who gets in and what they see; sessions, faults, controls, profiles. versionone.md §2, §10"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests

from mirror.simulators import ManualClock
from mirror.simulators.versionone import Switches, VersionOneSimulator, World
from mirror.simulators.versionone.switches import PROFILES
from tests.simulators.versionone.conftest import Client

DATA = "rest-1.v1/Data/Member/20"


@pytest.fixture
def stranger(sim: VersionOneSimulator) -> Iterator[Client]:
    made = Client(sim)
    del made.session.headers["Authorization"]
    yield made
    made.session.close()


def test_nobody_is_challenged(stranger: Client) -> None:
    answer = stranger.raw(DATA)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="VersionOne"')


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic bm86bm8=", "Basic nonsense", "Bearer", "Digest x"])
def test_wrong_credentials_are_refused(stranger: Client, header: str) -> None:
    stranger.session.headers["Authorization"] = header
    assert stranger.raw(DATA).status_code == 401


def test_password_and_token_are_the_same_member(stranger: Client, sim: VersionOneSimulator) -> None:
    stranger.session.auth = (sim.user, sim.password)
    where = {"where": "IsSelf='true'", "sel": "Username"}
    [row] = stranger.json("Data/Member", **where)["Assets"]
    assert row["Attributes"]["Username"]["value"] == "admin"
    stranger.session.auth = None
    stranger.session.cookies.clear()
    stranger.session.headers["Authorization"] = f"Bearer {sim.token}"
    assert stranger.json("Data/Member", **where)["Assets"] == [row]


def test_single_sign_on_takes_tokens_only(client: Client, stranger: Client, sim: VersionOneSimulator) -> None:
    sim.switches = Switches.profile("sso")
    stranger.session.auth = (sim.user, sim.password)
    answer = stranger.raw(DATA)
    assert answer.status_code == 401
    assert not answer.headers["WWW-Authenticate"].startswith("Basic")
    assert client.raw(DATA).status_code == 200


def test_meta_is_open_unless_a_profile_says_otherwise(stranger: Client, sim: VersionOneSimulator) -> None:
    assert stranger.raw("meta.v1/Story").status_code == 200
    sim.switches = sim.switches.with_changes({"meta_open": False})
    assert stranger.raw("meta.v1/Story").status_code == 401


def test_cookie_stands_for_a_login(client: Client, stranger: Client, sim: VersionOneSimulator) -> None:
    for _ in range(3):
        assert client.raw(DATA).status_code == 200
    assert sim.logins_without_cookie == 1
    stranger.session.cookies.update(client.session.cookies)
    assert stranger.raw(DATA).status_code == 200
    client.session.cookies.clear()
    assert client.raw(DATA).status_code == 200
    assert sim.logins_without_cookie == 2
    sim.expire_sessions()
    assert stranger.raw(DATA).status_code == 401


def test_limited_member_does_not_see_everything(stranger: Client, client: Client, sim: VersionOneSimulator) -> None:
    world, hidden = sim.world, sim.world.landmarks.hidden_project
    stranger.session.headers["Authorization"] = f"Bearer {sim.limited_token}"
    [row] = stranger.json("Data/Member", where="IsSelf='true'", sel="Name")["Assets"]
    assert row["id"] == f"Member:{world.landmarks.limited}"
    unseen = set(client.ids("Story")) - set(stranger.ids("Story"))
    assert unseen
    assert all(world.value(each, "Scope") in {hidden, *world.value(hidden, "ChildrenMeAndDown")} for each in unseen)
    one = min(unseen)
    assert stranger.raw(f"rest-1.v1/Data/Story/{one}").status_code == 404
    assert stranger.raw(f"rest-1.v1/Hist/Story/{one}").status_code == 404
    body = '<Asset><Attribute name="Name" act="set">x</Attribute></Asset>'
    assert stranger.raw(f"rest-1.v1/Data/Story/{one}", "POST", body).status_code == 404
    assert client.raw(f"rest-1.v1/Data/Story/{one}").status_code == 200


def test_writes_are_signed_by_who_asks(stranger: Client, sim: VersionOneSimulator, world: World) -> None:
    stranger.session.headers["Authorization"] = f"Bearer {sim.limited_token}"
    body = (
        '<Asset><Attribute name="Name" act="set">mine</Attribute>'
        f'<Relation name="Scope" act="set"><Asset idref="Scope:{world.landmarks.project}"/></Relation></Asset>'
    )
    made = int(stranger.post("Data/Story", body).get("id").split(":")[1])
    assert world.value(made, "CreatedBy") == world.landmarks.limited


def test_project_can_be_hidden_from_everybody(client: Client, world: World) -> None:
    before = client.ids("Story")
    world.hide(world.landmarks.project)
    after = client.ids("Story")
    assert set(after) < set(before)
    world.show(world.landmarks.project)
    assert client.ids("Story") == before


# Faults and controls


def test_faults_spoil_requests_and_are_logged(client: Client, sim: VersionOneSimulator) -> None:
    sim.faults.add(kind="status", path="Data/Member", status=503, times=1)
    sim.faults.add(kind="truncate", path="Data/Story", times=1)
    assert client.raw(DATA).status_code == 503
    with pytest.raises(requests.RequestException):
        client.raw("rest-1.v1/Data/Story")
    assert client.raw(DATA).status_code == 200
    assert [each.status for each in sim.requests] == [503, 0, 200]


def test_controls_show_and_change_what_runs(sim: VersionOneSimulator, client: Client) -> None:
    control = sim.url.removesuffix("/Acme") + "/simulator"
    get, post, delete = client.session.get, client.session.post, client.session.delete
    assert get(f"{control}/health", timeout=10).json()["status"] == "ok"
    assert post(f"{control}/switches", json={"total": "never"}, timeout=10).json()["total"] == "never"
    assert post(f"{control}/switches", json={"nonsense": 1}, timeout=10).status_code == 400
    assert "total" not in client.json("Data/Story", sel="", page="1")
    assert post(f"{control}/faults", json={"kind": "status", "times": 1}, timeout=10).json()["faults"][0]["hits"] == 0
    assert client.raw(DATA).status_code == 503
    assert delete(f"{control}/faults", timeout=10).json() == {"faults": []}
    assert post(f"{control}/fields/Story/Tide", json={"kind": "Numeric"}, timeout=10).json() == {
        "added": "Story.Custom_Tide"
    }
    assert client.raw("meta.v1/Story/Custom_Tide").status_code == 200
    assert delete(f"{control}/fields/Story/Tide", timeout=10).status_code == 200
    assert delete(f"{control}/fields/Story/Tide", timeout=10).status_code == 400
    project = sim.world.landmarks.project
    assert post(f"{control}/projects/{project}", timeout=10).json() == {"project": project, "hidden": True}
    assert delete(f"{control}/projects/{project}", timeout=10).json() == {"project": project, "hidden": False}
    assert delete(f"{control}/sessions", timeout=10).status_code == 200
    assert get(f"{control}/requests", timeout=10).json()["count"] == len(sim.requests) == 3
    assert delete(f"{control}/requests", timeout=10).json() == {"count": 0}


def test_date_header_is_the_trackers_time(client: Client, sim: VersionOneSimulator) -> None:
    assert client.raw(DATA).headers["Date"] == "Mon, 02 Jun 2025 12:00:00 GMT"
    sim.switches = sim.switches.with_changes({"clock_offset_seconds": 90.0})
    assert client.raw(DATA).headers["Date"] == "Mon, 02 Jun 2025 12:01:30 GMT"


def test_hooks_run_before_the_answer(client: Client, sim: VersionOneSimulator, world: World) -> None:
    stop = sim.on_request(lambda _request: world.update(20, {"Nickname": "meanwhile"}))
    assert client.values("Member/20", "Nickname") == {"Nickname": "meanwhile"}
    stop()


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_answers(profile: str) -> None:
    with VersionOneSimulator(records=40, clock=ManualClock(), profile=profile) as running:
        client = Client(running)
        page = client.xml("Data/Story", sel="Name", where="AssetState='Active'", page="3,0")
        assert len(page) == 3
        assert ("total" in page.attrib) == (profile in ("strict", "classic"))
        assert running.settings == {"tracker": "versionone", "url": running.url}
        assert running.secret == running.token
        assert bool(running.faults.rules()) == (profile == "hostile")
        client.session.close()


def test_several_clients_write_at_once(sim: VersionOneSimulator) -> None:
    problems: list[object] = []

    def work() -> None:
        client = Client(sim)
        body = '<Asset><Attribute name="Name" act="set">t</Attribute><Relation name="Scope" act="set">'
        for _ in range(5):
            answer = client.raw("rest-1.v1/Data/Story", "POST", f'{body}<Asset idref="Scope:0" /></Relation></Asset>')
            if answer.status_code != 200:
                problems.append(answer.text)
        client.session.close()

    before = len(sim.world.ids("Story"))
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(sim.world.ids("Story")) == before + 30
    assert len({sim.world.value(each, "Moment") for each in sim.world.ids("Story")[-30:]}) == 30
