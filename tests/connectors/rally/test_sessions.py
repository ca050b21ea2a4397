"""Sessions of Rally, which a password opens: renewed when they have ended, and no write done twice for it (rally.md §2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from mirror.errors import AuthError
from mirror.model.source import Auth, Credential
from mirror.model.write import Receipt
from tests.connectors.rally.desk import Desk
from tests.support.stages.rally import TheStage


@pytest.mark.parametrize("refused", [False, True])
def test_a_session_that_has_ended_is_opened_again_once_and_the_write_is_done_once(stage: TheStage, refused: bool) -> None:
    desk = Desk(stage, stage.credentials()["password"])
    first, second = desk.defect(), desk.defect()
    desk.done(desk.update("Defect", first, {"Name": "in a session"}))
    writes = [desk.update("Defect", each, {"Name": "after it"}) for each in (first, second)]
    version = desk.row("Defect", first)["_revision"]
    stage.switch(ended_session_refused=refused)
    stage.tracker.expire_sessions()
    stage.requests.clear()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda each: desk.connector.send([each])[0], writes))
    assert all(isinstance(each, Receipt) for each in done)
    assert int(desk.row("Defect", first)["_revision"]) == int(version) + 1
    assert 1 <= len(stage.requests.select(path="security/authorize")) <= 2


@pytest.mark.parametrize("page", [401, 200])
def test_a_session_that_has_ended_costs_a_read_one_more_request(stage: TheStage, page: int) -> None:
    desk = Desk(stage, stage.credentials()["password"])
    defect = desk.defect()
    fault = {"kind": "body", "status": page, "content_type": "text/html", "body": '<form><input type="password"></form>'}
    stage.faults.add(**fault, method="GET", path="/defect", times=1)
    assert desk.row("Defect", defect)
    stage.faults.add(**fault, method="GET", path="/defect")
    with pytest.raises(AuthError):
        desk.row("Defect", defect)


def test_a_key_that_an_object_shows_is_used_as_a_key(stage: TheStage) -> None:
    key = stage.tracker.api_key

    def show(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["zsessionid"] = key
        return request

    desk = Desk(stage, Credential("", None, Auth.PYTHON, show))
    stage.requests.clear()
    desk.done(desk.update("Defect", desk.defect(), {"Name": "by an object"}))
    assert not stage.requests.select(path="security/authorize")
    detail = next(each.detail for each in desk.connector.check() if each.subject == "authentication")
    assert detail.endswith("by an authentication object of Python")


def test_a_password_that_an_object_shows_opens_a_session(stage: TheStage) -> None:
    user, password = stage.tracker.user, stage.tracker.password
    desk = Desk(stage, Credential("", None, Auth.PYTHON, requests.auth.HTTPBasicAuth(user, password)))
    desk.done(desk.update("Defect", desk.defect(), {"Name": "by an object"}))
    assert len(stage.requests.select(path="security/authorize")) == 1
