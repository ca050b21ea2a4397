"""Every way to log in works, wrong secrets are told in a sentence, and `check` says what an account can do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from mirror.connectors.base import Account
from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.connector import RTConnector
from mirror.connectors.rt.login import Way, owner_of
from mirror.errors import AuthError, RetryableError
from mirror.model.source import Auth, Credential
from mirror.model.write import Target
from tests.connectors.rt.conftest import Connect, Server
from tests.support.rt.client import Client
from tests.support.rt.reading import every_record
from tests.support.rt.writing import Pen


def without_rest_1(connector: RTConnector, *, form: bool = False) -> RTConnector:
    """Let REST 1.0, and the page to log in unless told, answer as where an administrator has switched them off."""
    send = connector.transport.send
    off = {"/REST/1.0/"} if form else {"/REST/1.0/", "/NoAuth/Login.html"}

    def refusing(request: Request, read: object) -> object:
        if request.path in off:
            request = Request(request.method, "/NoSuchPage/")  # any page of RT logs in who sends user and password
        return send(request, read)  # type: ignore[arg-type]

    connector.transport.send = refusing  # type: ignore[method-assign, assignment]
    return connector


def test_a_password_is_shown_once_and_a_cookie_from_then_on(connect: Connect) -> None:
    connector = connect("agent")
    assert every_record(connector, "queue")[1]
    assert connector._login.way is Way.COOKIE
    assert "Authorization" not in connector.transport.headers


def test_a_token_is_exchanged_for_a_cookie(connect: Connect) -> None:
    connector = connect(token="agent")
    assert every_record(connector, "queue")[1]
    assert connector._login.way is Way.COOKIE


def test_without_rest_1_a_password_goes_with_every_request(connect: Connect) -> None:
    connector = without_rest_1(connect("agent"))
    assert every_record(connector, "queue")[1]
    assert connector._login.way is Way.BASIC


def test_without_rest_1_a_token_goes_with_every_request(connect: Connect) -> None:
    connector = without_rest_1(connect(token="agent"))
    assert every_record(connector, "queue")[1]
    assert connector._login.way is Way.TOKEN


def test_a_wrong_password_is_told_with_the_user(connect: Connect) -> None:
    with pytest.raises(AuthError, match="password of user 'agent'"):
        connect("agent", secret="wrong").discover(None)


def test_a_wrong_password_is_told_without_rest_1_too(connect: Connect) -> None:
    with pytest.raises(AuthError, match="password of user 'agent'"):
        without_rest_1(connect("agent", secret="wrong")).discover(None)


def test_a_wrong_token_is_told_without_showing_it(connect: Connect, rt_server: object) -> None:
    connector = connect(token="agent")
    connector._login._credential = type(connector._login._credential)("1-14-" + "0" * 32)
    with pytest.raises(AuthError, match="does not accept the token") as caught:
        connector.discover(None)
    assert "0000" not in str(caught.value)


def test_check_tells_a_superuser_that_all_is_visible(connect: Connect) -> None:
    findings = {each.subject: each for each in connect().check()}
    assert findings["login"].ok
    assert "superuser" in findings["rights"].detail
    assert findings["version"].detail.startswith("RT 5")
    assert findings["clock"].ok


def test_check_tells_what_an_account_is_not_counted(connect: Connect) -> None:
    findings = {each.subject: each for each in connect("limited").check()}
    assert "not a superuser" in findings["rights"].detail
    assert "does not count" in findings["rights on history"].detail


def test_check_knows_the_zone_of_the_account(connect: Connect) -> None:
    for connector in (connect("agent-ny"), connect(token="agent-ny")):
        zone = next(each for each in connector.check() if each.subject == "time zone")
        assert "America/New_York" in zone.detail


def test_check_tells_a_refused_login_instead_of_failing(connect: Connect) -> None:
    findings = list(connect(secret="wrong").check())
    assert [(each.subject, each.ok) for each in findings] == [("login", False)]
    assert findings[0].advice


def test_check_warns_of_a_login_with_every_request(connect: Connect) -> None:
    login = next(each for each in without_rest_1(connect()).check() if each.subject == "login")
    assert not login.ok
    assert "REST 1.0" in login.advice


def test_check_names_a_queue_that_is_missing(connect: Connect) -> None:
    queues = next(each for each in connect(queues=["Nope"]).check() if each.subject == "queues")
    assert not queues.ok


def test_sessions_that_end_during_a_listing_are_opened_again(connect: Connect, rt_server: Server) -> None:
    connector = connect()
    before = every_record(connector, "ticket")[1].keys()
    rt_server.log_out_everybody()
    assert every_record(connector, "ticket")[1].keys() == before


def test_sessions_that_end_between_two_writes_are_opened_again(connect: Connect, rt_server: Server) -> None:
    pen = Pen(connect())
    number = pen.done(pen.make({"Queue": Target("queue", 1), "Subject": "made by a test"})).record_id
    write = pen.edit(number, {"Subject": "changed"})
    rt_server.log_out_everybody()
    pen.done(write)
    assert pen.value(number, "Subject") == "changed"


def test_an_answer_cut_short_is_asked_for_again(connect: Connect) -> None:
    connector = connect()
    once, cuts = connector.transport._once, [1]

    def cutting(request: Request) -> Answer:
        answer = once(request)
        if "/queues" in request.path and cuts:
            cuts.pop()
            half = answer.body[: len(answer.body) // 2]
            return Answer(answer.status, half, answer.headers, answer.server_time)
        return answer

    connector.transport._once = cutting  # type: ignore[method-assign]
    assert every_record(connector, "queue")[1]
    assert not cuts


def test_the_name_that_rt_knows_is_the_one_behind_the_domain() -> None:
    assert owner_of(Credential("pw", r"OFFICE\ann", Auth.NTLM)) == "ann"
    assert owner_of(Credential("", None, Auth.KERBEROS)) is None


def logins_of(connector: RTConnector) -> list[str]:
    """Return the paths of the requests that log in, as they come from now on."""
    send = connector.transport.send
    seen: list[str] = []

    def noting(request: Request, read: object) -> object:
        if request.path in ("/REST/1.0/", "/NoAuth/Login.html"):
            seen.append(request.path)
        return send(request, read)  # type: ignore[arg-type]

    connector.transport.send = noting  # type: ignore[method-assign, assignment]
    return seen


def test_without_rest_1_the_page_to_log_in_opens_a_session(connect: Connect, rt_server: Server) -> None:
    pen = Pen(without_rest_1(connect("agent"), form=True))
    number = pen.done(pen.make({"Queue": Target("queue", 1), "Subject": "by the form"})).record_id
    assert pen.connector._login.way is Way.COOKIE
    write = pen.edit(number, {"Subject": "by the form again"})
    rt_server.log_out_everybody()
    pen.done(write)
    assert "Authorization" not in pen.connector.transport.headers
    assert pen.value(number, "Subject") == "by the form again"


def test_a_wrong_password_is_told_at_the_page_to_log_in_too(connect: Connect) -> None:
    with pytest.raises(AuthError, match="password of user 'agent'"):
        without_rest_1(connect("agent", secret="wrong"), form=True).discover(None)


def test_what_the_settings_say_is_done_and_nothing_else(connect: Connect) -> None:
    chosen = {Way.BASIC: connect("agent", auth=Auth.BASIC), Way.TOKEN: connect(token="agent", auth=Auth.TOKEN)}
    for way, connector in chosen.items():
        logins = logins_of(connector)
        login = next(each for each in connector.check() if each.subject == "login")
        assert (login.ok, login.detail.startswith(str(way)), logins) == (True, True, [])
    with pytest.raises(AuthError, match=r"REST 1\.0 is off"):
        without_rest_1(connect(token="agent", auth=Auth.SESSION)).discover(None)


def test_threads_that_find_the_session_over_log_in_once_together(connect: Connect, rt_server: Server) -> None:
    connector = connect("agent")
    connector.discover(None)
    logins = logins_of(connector)
    rt_server.log_out_everybody()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: connector._login.send(Request("GET", "/REST/2.0/queues/all")), range(8)))
    assert {each.status for each in answers} == {200}
    assert logins == ["/REST/1.0/"]


def test_a_session_that_cannot_be_opened_again_is_refused_in_a_sentence(connect: Connect, rt_server: Server) -> None:
    connector = connect("agent")
    connector.discover(None)
    connector._login._credential = Credential("changed meanwhile", "agent")
    rt_server.log_out_everybody()
    with pytest.raises(AuthError, match="does not accept the password of user 'agent'"):
        connector.discover(None)


def test_a_page_to_sign_in_ends_a_session_and_of_a_write_tells_nothing(connect: Connect) -> None:
    connector = connect("agent")
    connector.discover(None)
    once, logins, pages = connector.transport._once, logins_of(connector), [1]

    def signing_in(request: Request) -> Answer:
        answer = once(request)
        if request.path.startswith("/REST/2.0") and pages:
            pages.pop()
            page = b'<html><form><input name="pass" type="password"></form></html>'
            return Answer(200, page, {"Content-Type": "text/html; charset=utf-8"}, answer.server_time)
        return answer

    connector.transport._once = signing_in  # type: ignore[method-assign]
    assert connector._login.send(Request("GET", "/REST/2.0/queues/all")).status == 200
    assert len(logins) == 1
    pages.append(1)
    with pytest.raises(RetryableError, match="page to sign in") as caught:
        connector._login.send(Request("PUT", "/REST/2.0/ticket/1", json=b"{}", repeatable=False))
    assert not caught.value.is_unsent
    assert len(logins) == 1


def test_the_account_is_whose_credential_it_is_in_the_zone_of_the_profile(connect: Connect, root: Client) -> None:
    agent = Account(root.user_id("agent"))
    assert connect("agent").account() == connect(token="agent").account() == agent
    assert connect("agent-ny").account().time_zone == "America/New_York"
