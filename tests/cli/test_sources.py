"""add, sources and check."""

from __future__ import annotations

import json
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import SECRET, Run, Terminal

RT = ("add", "help", "--tracker", "rt", "--url", "https://rt.example.com/", "--secret-command", "pass 'my rt'")


def written(folder: Path, name: str = "mirror.toml") -> dict[str, object]:
    return dict(tomllib.loads((folder / name).read_text()))


def test_add_writes_what_the_flags_say(run: Run, folder: Path) -> None:
    result = run(
        *RT, "--queues", "General", "--queues", "Support", "--types", "-Ticket", "--concurrency", "3", "--user", "me"
    )
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"source help added to {folder}/mirror.toml" in result.stderr
    assert written(folder)["sources"] == {
        "help": {
            "tracker": "rt",
            "url": "https://rt.example.com/",
            "queues": ["General", "Support"],
            "types": ["-Ticket"],
            "concurrency": 3,
            "user": "me",
            "secret": {"command": ["pass", "my rt"]},
        }
    }


def test_add_can_make_the_file_that_is_named(run: Run, folder: Path) -> None:
    assert run("--config", "new.toml", *RT).exit_code == 0
    assert "help" in str(written(folder, "new.toml"))


def test_add_refuses_a_name_that_is_taken(run: Run, folder: Path) -> None:
    run(*RT)
    before = (folder / "mirror.toml").read_text()
    result = run(*RT)
    assert result.exit_code == 2
    assert "sources.help is there already" in result.stderr
    assert (folder / "mirror.toml").read_text() == before


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--secret-env", "A"), "one place of the secret is enough: --secret-env, --secret-command"),
        (("--workspace", "W"), "workspace is not a known key"),
        (("--concurrency", "99"), "1<=x<=64"),
    ],
)
def test_add_refuses_what_does_not_fit_and_writes_nothing(
    run: Run, folder: Path, flags: tuple[str, ...], words: str
) -> None:
    result = run(*RT, *flags)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (folder / "mirror.toml").exists()


def test_add_takes_a_way_to_sign_in(run: Run, folder: Path) -> None:
    place = ("--tracker", "versionone", "--url", "https://v1.example.com/Team")
    assert run("add", "v1", *place, "--auth", "ntlm", "--user", r"OFFICE\me", "--secret-env", "PW").exit_code == 0
    assert run("add", "v2", *place, "--auth", "kerberos").exit_code == 0
    assert run("add", "v3", *place, "--auth", "python:company.sign:In").exit_code == 0
    found = {name: (each["auth"], each.get("secret")) for name, each in written(folder)["sources"].items()}  # type: ignore[attr-defined]
    assert found == {"v1": ("ntlm", {"env": "PW"}), "v2": ("kerberos", None), "v3": ("python:company.sign:In", None)}
    shown = json.loads(run("sources", "--json").stdout)["sources"]
    assert [(each["auth"], each["secret"]) for each in shown] == [
        ("ntlm", "env PW"),
        ("kerberos", None),
        ("python:company.sign:In", None),
    ]


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("tokn", "'tokn' is no way to sign in; did you mean token?"),
        ("apikey", 'rt does not take auth = "apikey"; it takes token, basic, session, kerberos, ntlm, python'),
        ("basic", "missing: --user"),
    ],
)
def test_add_refuses_a_way_to_sign_in_that_does_not_fit(run: Run, folder: Path, auth: str, words: str) -> None:
    result = run(*RT, "--auth", auth)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not (folder / "mirror.toml").exists()


def test_a_way_to_sign_in_that_the_tracker_has_not_is_told_with_its_place(run: Run, folder: Path) -> None:
    run("add", "acme", "--tracker", "rally", "--url", "https://rally.example.com", "--secret-env", "A")
    with (folder / "mirror.toml").open("a") as file:
        file.write('auth = "session"\n')
    result = run("sources")
    assert result.exit_code == 2
    assert 'sources.acme.auth: rally does not take auth = "session"; it takes apikey, basic' in result.stderr


def test_check_tells_what_to_install(run: Run, folder: Path) -> None:
    if find_spec("requests_gssapi"):
        pytest.skip("what is to be installed is installed")
    run("add", "v1", "--tracker", "versionone", "--url", "http://127.0.0.1:9/V1", "--auth", "kerberos")
    result = run("check")
    assert result.exit_code == 2
    assert "pip install 'mirror-tracker[kerberos]'" in result.stdout


def test_add_from_pyral_keeps_the_secret_out_of_the_settings(run: Run, folder: Path) -> None:
    (folder / "rally.cfg").write_text(f"SERVER=rally.example.com\nAPIKEY={SECRET}\nWORKSPACE=Acme\nPROJECT=Blue\n")
    result = run("add", "acme", "--from-pyral", "rally.cfg")
    assert result.exit_code == 0, result.stderr
    assert SECRET not in (folder / "mirror.toml").read_text() + result.output
    assert written(folder)["sources"] == {
        "acme": {
            "tracker": "rally",
            "url": "https://rally.example.com",
            "workspace": "Acme",
            "secret": {"file": "acme.secret"},
        }
    }
    assert (folder / "acme.secret").stat().st_mode & 0o777 == 0o600
    assert (folder / "acme.secret").read_text().strip() == SECRET
    assert "acme.secret, which only you can read" in result.stderr
    assert "project Blue is not used" in result.stderr


def test_add_from_pyral_takes_the_other_flags_as_well(run: Run, folder: Path) -> None:
    (folder / "rally.cfg").write_text(f"SERVER=rally.example.com\nAPIKEY={SECRET}\nWORKSPACE=Acme\n")
    flags = ("--types", "Defect", "--types", "Task", "--concurrency", "2", "--history", "--workspace", "Other")
    assert run("add", "acme", "--from-pyral", "rally.cfg", *flags).exit_code == 0
    assert written(folder)["sources"] == {
        "acme": {
            "tracker": "rally",
            "url": "https://rally.example.com",
            "workspace": "Other",
            "types": ["Defect", "Task"],
            "concurrency": 2,
            "history": True,
            "secret": {"file": "acme.secret"},
        }
    }


@pytest.mark.parametrize("flags", [("--url", "https://x.example"), ("--secret-env", "A"), ("--from-rtrc", "rc")])
def test_what_a_file_of_another_client_says_is_not_said_twice(run: Run, folder: Path, flags: tuple[str, str]) -> None:
    (folder / "rally.cfg").write_text("APIKEY=new\n")
    result = run("add", "acme", "--from-pyral", "rally.cfg", *flags)
    assert result.exit_code == 2
    assert f"{flags[0]} and --from-pyral both say where the source is" in result.stderr
    assert not (folder / "mirror.toml").exists()


def test_add_from_rtrc_keeps_the_password_out_of_the_settings(run: Run, folder: Path) -> None:
    lines = ("# RT", "server https://rt.example.com/rt/", f"user   ann\npasswd {SECRET} ", "queue General", "externalauth 0")
    (folder / ".rtrc").write_text("\n".join(lines))
    result = run("add", "help", "--from-rtrc", ".rtrc", "--queues", "Support", "--history")
    assert result.exit_code == 0, result.stderr
    assert SECRET not in (folder / "mirror.toml").read_text() + result.output
    assert written(folder)["sources"] == {
        "help": {
            "tracker": "rt",
            "url": "https://rt.example.com/rt",
            "queues": ["Support"],
            "history": True,
            "user": "ann",
            "secret": {"file": "help.secret"},
        }
    }
    assert (folder / "help.secret").read_text().strip() == SECRET
    assert (folder / "help.secret").stat().st_mode & 0o777 == 0o600
    assert "queue General is not used" in result.stderr


def test_add_works_while_only_a_part_of_a_source_is_in_the_environment(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RALLY_PASSWORD", SECRET)
    result = run(
        *("add", "acme", "--tracker", "rally", "--url", "https://rally.example.com"),
        *("--user", "me@example.com", "--secret-env", "RALLY_PASSWORD"),
    )
    assert result.exit_code == 0, result.stderr
    assert "acme" in str(written(folder))
    (folder / "mirror.toml").unlink()
    result = run("sources")
    assert (result.exit_code, "mirror add" in result.stderr) == (2, True)


def test_add_from_pyral_never_overwrites_a_secret(run: Run, folder: Path) -> None:
    (folder / "rally.cfg").write_text("APIKEY=new\n")
    (folder / "acme.secret").write_text("old")
    assert run("add", "acme", "--from-pyral", "rally.cfg").exit_code == 2
    assert (folder / "acme.secret").read_text() == "old"


def test_add_asks_at_a_terminal_for_what_is_missing(terminal: Terminal, folder: Path) -> None:
    code, screen = terminal("add", "acme", typed="rally\nhttps://rally.example.com\nMY_KEY\n")
    assert code == 0, screen
    assert "Environment variable that holds the secret [ACME_SECRET]: " in screen
    source = {"tracker": "rally", "url": "https://rally.example.com", "secret": {"env": "MY_KEY"}}
    assert written(folder)["sources"] == {"acme": source}


def test_sources_lists_them_without_looking_secrets_up(
    run: Run, acme: RallySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ACME_KEY")
    table = run("sources")
    assert table.exit_code == 0
    assert acme.url in table.stdout
    (source,) = json.loads(run("sources", "--json").stdout)["sources"]
    assert (source["name"], source["tracker"], source["secret"]) == ("acme", "rally", "env ACME_KEY")


def test_sources_shows_no_password_of_the_database(run: Run) -> None:
    result = run("sources", "--database", "postgresql://me:hunter2@127.0.0.1/d")
    assert "127.0.0.1/d" in result.stderr
    assert "hunter2" not in result.output


def test_check_has_a_line_for_each_finding(run: Run, acme: RallySimulator) -> None:
    result = run("check")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith("acme: ok ") for line in lines)
    for subject in ("authentication", "workspace", "clock", "page size"):
        assert any(f" {subject}: " in line for line in lines), subject


def test_check_says_what_to_do_about_a_wrong_key(run: Run, acme: RallySimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "_wrong")
    result = run("check", "acme")
    assert result.exit_code == 3
    assert result.stdout.startswith("acme: NOT OK authentication: ")
    assert " -> " in result.stdout
    assert "_wrong" not in result.output


def test_check_reports_a_missing_secret_and_goes_on(run: Run, folder: Path, acme: RallySimulator) -> None:
    with (folder / "mirror.toml").open("a") as file:
        file.write('[sources.other]\ntracker = "rally"\nurl = "http://127.0.0.1:1"\nsecret = { env = "NOT_SET" }\n')
    result = run("check", "other", "acme", "--json")
    assert result.exit_code == 2
    findings = json.loads(result.stdout)
    assert findings[0]["source"] == "other"
    assert "NOT_SET is not set" in findings[0]["detail"]
    assert [each["ok"] for each in findings if each["source"] == "acme"].count(False) == 0


def test_check_survives_a_server_that_forbids_everything(run: Run, acme: RallySimulator) -> None:
    acme.faults.add(Fault("status", status=403))
    result = run("check")
    assert result.exit_code == 3
    assert "NOT OK" in result.stdout
