"""The settings file: what is understood, what is refused, and in which words."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from requests.auth import HTTPBasicAuth, HTTPDigestAuth

from mirror.config import Settings, find, load, parse
from mirror.config_edit import NewSource, append_source, as_toml
from mirror.config_import import read_pyral, read_rtrc
from mirror.credentials import Place, SecretReference
from mirror.errors import ConfigError, UnknownSourceError
from mirror.model.change import Side
from mirror.model.source import Auth, Credential
from mirror.model.work_item import Category

TRACKERS = {"rally": {"workspace": str}, "rt": {"queues": list}}
GOOD = """
database = "sqlite:///work.db"

[sources.acme]
tracker = "rally"
url = "https://rally1.rallydev.com/"
workspace = "Acme"
types = ["*", "-Revision"]
concurrency = 4
secret = { env = "RALLY_APIKEY" }

[sources.help]
tracker = "rt"
url = "http://127.0.0.1:8080"
queues = ["General", 7]
user = "root"
secret = { file = "rt.secret" }
"""


def read(text: str, folder: Path = Path("/there")) -> Settings:
    return parse(text, TRACKERS, where="mirror.toml", folder=folder)


def with_source(**lines: str | None) -> str:
    """The settings of one good source, with keys replaced, or left out when given as None."""
    good = {"tracker": '"rally"', "url": '"https://example.com"', "secret": '{ env = "KEY" }'}
    kept = {key: value for key, value in (good | lines).items() if value is not None}
    return "[sources.acme]\n" + "\n".join(f"{key} = {value}" for key, value in kept.items())


def test_every_key_of_the_design_is_understood() -> None:
    settings = read(GOOD)
    acme, helpdesk = settings["acme"], settings["help"]
    assert settings.database == "sqlite:////there/work.db"
    assert (acme.tracker, acme.url, acme.scope) == (
        "rally",
        "https://rally1.rallydev.com",
        {"workspace": "Acme"},
    )
    assert (acme.types, acme.concurrency, acme.user) == (("*", "-Revision"), 4, None)
    assert acme.secret == SecretReference(Place.ENV, ("RALLY_APIKEY",), Path("/there"))
    assert (helpdesk.user, helpdesk.scope, helpdesk.types) == ("root", {"queues": ("General", 7)}, ("*",))


def test_states_are_told_by_name_for_all_types_or_for_one() -> None:
    told = with_source() + '\n[sources.acme.states]\n"Ready for QA" = "doing"\n"Defect.Fixed" = "done"\nOpen = "todo"\n'
    found = read(told)["acme"].source({"KEY": "k"}).states
    assert found == {"Ready for QA": Category.DOING, "Defect.Fixed": Category.DONE, "Open": Category.TODO}
    assert read(with_source())["acme"].states == {}


def test_source_carries_the_secret_that_the_reference_names() -> None:
    source = read(GOOD)["acme"].source({"RALLY_APIKEY": "_key"})
    assert source.credential.secret == "_key"
    assert "_key" not in repr(source)


def test_protection_adds_up_and_the_nearer_cap_counts() -> None:
    general = 'protect = ["Project", "*.delete"]\npush_cap = 7\n'
    source = read(general + with_source(protect='["Story.Estimate"]'))["acme"].source({"KEY": "k"})
    assert source.protect == ("Project", "*.delete", "Story.Estimate")
    assert source.push_cap == 7
    assert read(general + with_source(push_cap="3"))["acme"].source({"KEY": "k"}).push_cap == 3
    assert read(with_source())["acme"].source({"KEY": "k"}).push_cap == 100


def test_protection_holds_for_a_source_from_the_environment_too(tmp_path: Path) -> None:
    (tmp_path / "mirror.toml").write_text('protect = ["*"]\npush_cap = 0\n')
    settings = load(tmp_path / "mirror.toml", TRACKERS, {"RALLY_APIKEY": "k"})
    source = settings["rally"].source({"RALLY_APIKEY": "k"})
    assert (source.protect, source.push_cap) == (("*",), 0)


def test_policies_for_conflicts_are_told_by_type_field_or_both() -> None:
    told = with_source() + '\n[sources.acme.conflicts]\n"Defect.State" = "remote"\n"*.Notes" = "local"\n"*" = "remote"\n'
    found = read(told)["acme"].source({"KEY": "k"}).conflicts
    assert found == {"Defect.State": Side.REMOTE, "*.Notes": Side.LOCAL, "*": Side.REMOTE}
    assert read(with_source())["acme"].conflicts == {}


def test_without_a_database_key_the_file_mirror_db_beside_the_settings_is_used() -> None:
    assert read("").database == "sqlite:////there/mirror.db"


@pytest.mark.parametrize("given", ["postgresql://h/d", "postgres://h/d", "postgresql+psycopg://h/d"])
def test_postgres_addresses_get_the_driver_that_is_installed(given: str) -> None:
    assert read(f'database = "{given}"').database == "postgresql+psycopg://h/d"


def test_only_exclusions_mean_everything_but_those() -> None:
    assert read(with_source(types='["-Revision"]'))["acme"].types == ("*", "-Revision")


REFUSED = {
    "a misspelt key at the top": ('databse = "x"', "databse is not a known key; did you mean database?"),
    "a misspelt key of a source": (
        with_source(workspce='"A"'),
        "sources.acme.workspce is not a known key; did you mean workspace?",
    ),
    "another tracker's key": (with_source(queues='["A"]'), "sources.acme.queues is not a known key"),
    "an unknown tracker": (
        with_source(tracker='"raly"'),
        "sources.acme.tracker: 'raly' is not known; did you mean rally?",
    ),
    "a far unknown tracker": (with_source(tracker='"jira"'), "'jira' is not known; one of: rally, rt"),
    "no tracker": (with_source(tracker=None), "sources.acme.tracker is missing"),
    "no url": (with_source(url=None), "sources.acme.url is missing"),
    "no secret": (with_source(secret=None), "sources.acme.secret is missing; name where it is instead"),
    "a number as url": (with_source(url="7"), "sources.acme.url: expected a text"),
    "a url without scheme": (
        with_source(url='"example.com"'),
        "sources.acme.url: expected an address that starts with",
    ),
    "a url with a query": (with_source(url='"https://h/?a=b"'), "without ? or #"),
    "a broken url": (with_source(url='"https://[::1"'), "sources.acme.url: this is not an address"),
    "no known secret place": (
        with_source(secret='{ envv = "K" }'),
        "sources.acme.secret.envv is not a known key; did you mean env?",
    ),
    "two secret places": (
        with_source(secret='{ env = "K", file = "f" }'),
        "expected exactly one of env, command, keyring, file",
    ),
    "a command as text": (
        with_source(secret='{ command = "pass rally" }'),
        "sources.acme.secret.command: expected a list of words",
    ),
    "an empty variable name": (
        with_source(secret='{ env = "" }'),
        "sources.acme.secret.env: expected a text",
    ),
    "types as text": (with_source(types='"Defect"'), "sources.acme.types: expected a list of type names"),
    "concurrency as text": (
        with_source(concurrency='"8"'),
        "sources.acme.concurrency: expected a whole number from 1 to 64",
    ),
    "history as text": (
        with_source(history='"Defect"'),
        "sources.acme.history: expected a list of type names",
    ),
    "concurrency zero": (with_source(concurrency="0"), "from 1 to 64"),
    "concurrency true": (with_source(concurrency="true"), "from 1 to 64"),
    "workspace as a table": (
        with_source(workspace="{ a = 1 }"),
        "sources.acme.workspace: expected a name or a number",
    ),
    "a list as workspace": (
        with_source(workspace='["A"]'),
        "sources.acme.workspace: expected a name or a number",
    ),
    "one name as queues": (
        with_source(tracker='"rt"', queues='"A"'),
        "sources.acme.queues: expected a list of names or numbers",
    ),
    "protection of half a word": (
        with_source(protect='["Story."]'),
        'sources.acme.protect: expected a list such as ["Project", "*.delete", "Story.Estimate"]',
    ),
    "a cap in words": (
        with_source(push_cap='"many"'),
        "sources.acme.push_cap: expected a whole number of changes; more of them need --yes",
    ),
    "a policy for nobody": (
        with_source(conflicts='{ Defect = "mine" }'),
        "sources.acme.conflicts: 'Defect' is expected to be one of local, remote",
    ),
    "a policy with a dot": (
        with_source(conflicts='{ Defect.State = "remote" }'),
        'sources.acme.conflicts.Defect: a name with a dot in it stands in quotes, such as "Defect.State" = "remote"',
    ),
    "states as a list": (with_source(states='["Open"]'), "sources.acme.states: expected a table"),
    "a state of no category": (
        with_source(states='{ "Ready for QA" = "ready" }'),
        "sources.acme.states: 'Ready for QA' is expected to be one of todo, doing, done",
    ),
    "a state with a number": (with_source(states="{ Open = 1 }"), "'Open' is expected to be one of todo, doing, done"),
    "a state in capitals": (with_source(states='{ Open = "TODO" }'), "'Open' is expected to be one of todo, doing, done"),
    "a type and state without quotes": (
        with_source(states='{ Defect.Fixed = "done" }'),
        'sources.acme.states.Defect: a name with a dot in it stands in quotes, such as "Defect.Fixed" = "done"',
    ),
    "a source that is no table": ('sources = { acme = "x" }', "sources.acme: expected a table"),
    "sources that are no table": ("sources = 3", "sources: expected a table"),
    "a source name with a space": ('[sources."a b"]', "a source's name is made of letters, digits"),
    "no TOML": ("database = ", "this is not valid TOML"),
    "a database in memory": ('database = "sqlite:///:memory:"', "expected a file name"),
    "a database of another make": (
        'database = "mysql://h/d"',
        "expected sqlite:///FILE or postgresql+psycopg://",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_with_file_key_and_nearest_name(case: str) -> None:
    text, words = REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith("mirror.toml: ")
    assert words in str(caught.value)


LITERALS = {
    "as the secret": with_source(secret='"hunter2"'),
    "in the address": with_source(url='"https://me:hunter2@example.com"'),
    "in the database's address": 'database = "postgresql://me:hunter2@h/d"',
    "in the database's options": 'database = "postgresql://h/d?password=hunter2"',
    "as a list": with_source(secret='["hunter2"]'),
    "under a key of its own": with_source(password='"hunter2"'),
}


@pytest.mark.parametrize("case", LITERALS)
def test_a_literal_secret_is_refused_and_not_repeated(case: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(LITERALS[case])
    assert "hunter2" not in str(caught.value)


def test_refusing_a_literal_secret_names_every_alternative() -> None:
    with pytest.raises(ConfigError) as caught:
        read(with_source(secret='"hunter2"'))
    for word in ("env", "command", "keyring", "file", "0600"):
        assert word in str(caught.value)


def test_an_unknown_source_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownSourceError, match="configured: acme, help"):
        read(GOOD)["acne"]


# Signing in

AUTH_REFUSED = {
    "an unknown word": (
        {"auth": '"kerebros"'},
        "sources.acme.auth: 'kerebros' is no way to sign in; did you mean kerberos?",
    ),
    "something else": (
        {"auth": '"xyz"'},
        'one of: apikey, token, basic, session, kerberos, ntlm, python, or "python:package',
    ),
    "no text": ({"auth": "1"}, "sources.acme.auth: expected a text"),
    "half a place": ({"auth": '"python:here"'}, 'expected "python:package.module:name"'),
    "no user": ({"auth": '"basic"'}, 'sources.acme.user: auth = "basic" needs user = "me" as well'),
    "no Windows user": ({"auth": '"ntlm"'}, r'needs user = "DOMAIN\\me" as well'),
    "a user too many": ({"auth": '"apikey"', "user": '"me"'}, 'user does not go with auth = "apikey"'),
    "no secret": ({"auth": '"session"', "secret": None}, "sources.acme.secret is missing"),
}


@pytest.mark.parametrize("case", AUTH_REFUSED)
def test_a_way_to_sign_in_that_cannot_be_is_refused(case: str) -> None:
    lines, words = AUTH_REFUSED[case]
    with pytest.raises(ConfigError) as caught:
        read(with_source(**lines))
    assert words in str(caught.value)


def credential(*, environ: dict[str, str] | None = None, **lines: str | None) -> Credential:
    return read(with_source(**lines))["acme"].source({"KEY": "the secret"} if environ is None else environ).credential


def test_each_way_to_sign_in_becomes_a_credential() -> None:
    assert credential() == Credential("the secret")
    assert credential(auth='"session"', user='"me"') == Credential("the secret", "me", Auth.SESSION)
    assert credential(auth='"kerberos"', secret=None, environ={}) == Credential("", None, Auth.KERBEROS)


def test_an_object_of_python_is_imported_and_given_user_and_secret() -> None:
    made = credential(auth='"python:requests.auth:HTTPDigestAuth"', user='"me"')
    assert (made.auth, made.signer) == (Auth.PYTHON, HTTPDigestAuth("me", "the secret"))
    assert "the secret" not in repr(made)
    as_it_is = credential(auth=f'"python:{__name__}:AN_OBJECT"', secret=None)
    assert as_it_is.signer is AN_OBJECT


AN_OBJECT = HTTPBasicAuth("me", "pw")
NO_OBJECT = "a text"


def failing(secret: str) -> None:
    raise ValueError(secret)


def forgetful(secret: str) -> None:
    """Return nothing."""


NO_OBJECTS = {
    "no_such_module:name": "the module 'no_such_module' cannot be imported; install it, or set PYTHONPATH",
    f"{__name__}:nowhere": f"'{__name__}' has no 'nowhere'",
    f"{__name__}:NO_OBJECT": "is no authentication object of requests",
    f"{__name__}:failing": "failed when it was called (ValueError)",
    f"{__name__}:forgetful": "forgetful returns is no authentication object",
}


@pytest.mark.parametrize("place", NO_OBJECTS)
def test_an_object_of_python_that_cannot_be_had_says_why(place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        credential(auth=f'"python:{place}"')
    assert NO_OBJECTS[place] in str(caught.value)
    assert "the secret" not in str(caught.value)


def test_an_object_that_only_a_script_can_give_is_asked_for() -> None:
    with pytest.raises(ConfigError, match=r"mirror\.open\(auth="):
        credential(auth='"python"', secret=None)
    settings = read(with_source(auth='"python"', secret=None)).signed_by({"acme": AN_OBJECT})
    assert settings["acme"].source({}).credential == Credential("", None, Auth.PYTHON, AN_OBJECT)


def test_an_object_of_a_script_goes_before_what_the_settings_say() -> None:
    signed = read(with_source()).signed_by({"acme": AN_OBJECT})["acme"]
    assert signed.source({}).credential.signer is AN_OBJECT
    with pytest.raises(UnknownSourceError):
        read(with_source()).signed_by({"acne": AN_OBJECT})
    for wrong, words in ((("me", "pw"), "not tuple"), (HTTPBasicAuth, "not the class HTTPBasicAuth")):
        with pytest.raises(ConfigError, match=words):
            read(with_source()).signed_by({"acme": wrong})  # type: ignore[dict-item]


# Secrets


def reference(place: Place, *value: str, folder: Path = Path("/there")) -> SecretReference:
    return SecretReference(place, value, folder)


def test_secret_file_of_mine_alone_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    (tmp_path / "key").chmod(0o600)
    assert reference(Place.FILE, "key", folder=tmp_path).resolve("w", {}) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o666])
def test_secret_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text("s3cret")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(ConfigError, match=r"can be read by others.*chmod 600"):
        reference(Place.FILE, "key", folder=tmp_path).resolve("w", {})


def test_secret_from_a_command_is_its_first_line() -> None:
    words = (sys.executable, "-c", "print('s3cret'); print('more')")
    assert reference(Place.COMMAND, *words).resolve("w", {}) == "s3cret"


UNRESOLVED = {
    "an unset variable": (
        (Place.ENV, "RALLY_APIKEY"),
        "w: the environment variable RALLY_APIKEY is not set",
    ),
    "a key in place of a variable": (
        (Place.ENV, "_abc9xyz"),
        "w: the environment variable \\(not a variable's name\\) is not set",
    ),
    "a missing file": ((Place.FILE, "nothing-here"), r"nothing-here cannot be read \(No such file"),
    "a missing command": ((Place.COMMAND, "no-such-command-here"), "'no-such-command-here' cannot be found"),
    "a failing command": (
        (Place.COMMAND, sys.executable, "-c", "raise SystemExit(7)"),
        "ended with exit code 7",
    ),
    "a command that says more on its line": (
        (Place.COMMAND, sys.executable, "-c", r"print('a\x1bb')"),
        "w: the secret found there has a control character in it",
    ),
    "a silent command": ((Place.COMMAND, sys.executable, "-c", "pass"), "w: the secret found there is empty"),
    "half a keyring entry": ((Place.KEYRING, "service"), 'expected "service/user"'),
}


@pytest.mark.parametrize("case", UNRESOLVED)
def test_a_secret_that_cannot_be_had_says_why(case: str) -> None:
    place_and_value, words = UNRESOLVED[case]
    with pytest.raises(ConfigError, match=words):
        reference(*place_and_value).resolve("w", {})


# Finding the file


def test_the_nearest_settings_file_above_is_found(tmp_path: Path) -> None:
    (tmp_path / "mirror.toml").write_text("")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find(None, below) == tmp_path / "mirror.toml"


def test_a_named_file_goes_before_all_others(tmp_path: Path) -> None:
    for name in ("mirror.toml", "other.toml"):
        (tmp_path / name).write_text("")
    assert find(tmp_path / "other.toml", tmp_path) == tmp_path / "other.toml"


def test_the_users_own_folder_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "own"))
    (tmp_path / "own" / "mirror").mkdir(parents=True)
    (tmp_path / "own" / "mirror" / "mirror.toml").write_text("")
    (tmp_path / "work").mkdir()
    assert find(None, tmp_path / "work") == tmp_path / "own" / "mirror" / "mirror.toml"


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: there is no such settings file"):
        find(tmp_path / "gone.toml", tmp_path)


def test_mirror_database_goes_before_the_file_and_the_argument_before_both(tmp_path: Path) -> None:
    path = tmp_path / "mirror.toml"
    path.write_text(GOOD)
    environ = {"MIRROR_DATABASE": "sqlite:////else/where.db"}
    assert load(path, TRACKERS, {}).database == f"sqlite:///{tmp_path}/work.db"
    assert load(path, TRACKERS, environ).database == "sqlite:////else/where.db"
    assert load(path, TRACKERS, environ, "postgresql://h/d").database == "postgresql+psycopg://h/d"


# Rally's own variables


def test_rally_variables_alone_make_a_source() -> None:
    environ = {
        "RALLY_SERVER": "rally.example.com",
        "RALLY_APIKEY": "_k",
        "RALLY_WORKSPACE": "W",
    }
    source = load(None, TRACKERS, environ)["rally"].source(environ)
    assert (source.tracker, source.url) == ("rally", "https://rally.example.com")
    assert source.scope == {"workspace": "W"}
    assert (source.credential.secret, source.credential.user) == ("_k", None)


@pytest.mark.parametrize("name", ["RALLY_USER", "RALLY_USERNAME"])
def test_rally_user_and_password_are_basic_authentication(name: str) -> None:
    environ = {name: "me@example.com", "RALLY_PASSWORD": "pw"}
    source = load(None, TRACKERS, environ)["rally"].source(environ)
    assert (source.url, source.credential.user) == ("https://rally1.rallydev.com", "me@example.com")


def test_rally_password_without_user_is_refused() -> None:
    with pytest.raises(ConfigError, match="RALLY_USER is not"):
        load(None, TRACKERS, {"RALLY_PASSWORD": "pw"})


def test_rally_variables_do_not_join_the_sources_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "mirror.toml").write_text(GOOD)
    assert tuple(load(tmp_path / "mirror.toml", TRACKERS, {"RALLY_APIKEY": "_k"}).sources) == ("acme", "help")


# Adding


NEW = NewSource(
    "new",
    "rt",
    "https://rt.example.com",
    {"command": ("pass", 'r"t')},
    "me",
    {"queues": ("A\\B", 7)},
    ("Ticket",),
    3,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("true", {"Defect", "Story", "Task"}),
        ("false", set()),
        ('["defect", "Story"]', {"Defect", "Story"}),
        ('["-Task"]', {"Defect", "Story"}),
    ],
)
def test_history_is_kept_of_the_types_that_are_named(given: str, kept: set[str]) -> None:
    source = read(with_source(history=given))["acme"].source({"KEY": "secret"})
    assert {each for each in ("Defect", "Story", "Task") if source.keeps(each)} == kept
    assert not any(read(with_source())["acme"].source({"KEY": "secret"}).keeps(each) for each in ("Defect", "Story"))


def test_a_written_source_is_read_back_as_it_was_meant() -> None:
    source = read(as_toml(NEW))["new"]
    assert source.secret.value == ("pass", 'r"t')
    assert (source.user, source.scope, source.types, source.concurrency) == (
        "me",
        {"queues": ("A\\B", 7)},
        ("Ticket",),
        3,
    )


def test_adding_leaves_comments_and_all_else_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "mirror.toml"
    path.write_text("# mine\n" + GOOD)
    append_source(path, NEW, TRACKERS)
    assert path.read_text().startswith("# mine\n" + GOOD.rstrip())
    assert tuple(load(path, TRACKERS, {}).sources) == ("acme", "help", "new")


def test_adding_a_source_leaves_the_states_of_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "mirror.toml"
    path.write_text(GOOD + '\n[sources.help.states]\nwaiting = "doing"\n')
    append_source(path, NEW, TRACKERS)
    sources = load(path, TRACKERS, {}).sources
    assert {name: dict(each.states) for name, each in sources.items()} == {
        "acme": {},
        "help": {"waiting": "doing"},
        "new": {},
    }


def test_adding_makes_the_file_when_there_is_none(tmp_path: Path) -> None:
    append_source(tmp_path / "mirror.toml", NEW, TRACKERS)
    assert load(tmp_path / "mirror.toml", TRACKERS, {}).database == f"sqlite:///{tmp_path}/mirror.db"


@pytest.mark.parametrize("before", [as_toml(NEW), "sources = {}\n"])
def test_adding_what_would_not_be_valid_changes_nothing(tmp_path: Path, before: str) -> None:
    path = tmp_path / "mirror.toml"
    path.write_text(before)
    with pytest.raises(ConfigError):
        append_source(path, NEW, TRACKERS)
    assert path.read_text() == before


# pyral's files


def test_pyral_file_gives_server_key_and_scope(tmp_path: Path) -> None:
    path = tmp_path / "acme.cfg"
    path.write_text("# comment\nSERVER = rally.example.com\nAPIKEY   = _k\nWORKSPACE = My Work Space \nPROJECT=default\n")
    found = read_pyral(tmp_path / "acme")
    assert (found.url, found.secret, found.user) == ("https://rally.example.com", "_k", None)
    assert found.scope == {"workspace": "My Work Space"}
    assert "_k" not in repr(found)


def test_pyral_file_with_user_and_password_gives_both(tmp_path: Path) -> None:
    (tmp_path / "p.cfg").write_text("USER=me@example.com\nPASSWORD=pw\n")
    found = read_pyral(tmp_path / "p.cfg")
    assert (found.url, found.secret, found.user) == ("https://rally1.rallydev.com", "pw", "me@example.com")


def test_pyral_reads_the_same_file_the_same_way(tmp_path: Path) -> None:
    config = pytest.importorskip("pyral.config", reason="pyral is not installed: pip install 'mirror-tracker[test]'")
    path = tmp_path / "both.cfg"
    path.write_text("SERVER=s.example.com\nUSER=u\nPASSWORD=p\nAPIKEY=k\nWORKSPACE=W S\nPROJECT=P\n")
    server, _user, _password, key, workspace, project = config.rallyWorkset([f"--cfg={path}"])
    found = read_pyral(path)
    assert (found.url, found.secret) == (f"https://{server}", key)
    assert found.scope == {"workspace": workspace, "project": project}


def test_a_file_that_is_not_pyrals_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.cfg").write_text("[section]\nname: value\n")
    with pytest.raises(ConfigError, match="no setting of pyral"):
        read_pyral(tmp_path / "x.cfg")


# RT's own file


def test_rtrc_gives_server_user_and_password(tmp_path: Path) -> None:
    path = tmp_path / ".rtrc"
    path.write_text("# mine\n\nserver  https://rt.example.com/\n  user ann\npasswd two words\nauth basic\norderby -id\n")
    found = read_rtrc(path)
    assert (found.url, found.secret, found.user, found.auth) == ("https://rt.example.com", "two words", "ann", "basic")
    assert found.scope == {"orderby": "-id"}
    assert "two words" not in repr(found)


def test_rtrc_without_a_password_leaves_it_to_the_environment_or_to_kerberos(tmp_path: Path) -> None:
    path = tmp_path / ".rtrc"
    path.write_text("server https://rt.example.com\nuser ann\n")
    assert (read_rtrc(path).secret, read_rtrc(path).variable) == (None, "RTPASSWD")
    path.write_text("server https://rt.example.com\nuser ann\npasswd old\nauth gssapi\n")
    found = read_rtrc(path)
    assert (found.secret, found.user, found.auth, found.variable) == (None, None, "kerberos", "")


def test_a_file_that_is_not_rts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("user=ann\n")
    with pytest.raises(ConfigError, match="server https://"):
        read_rtrc(tmp_path / "x")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rtrc(tmp_path / "missing")
