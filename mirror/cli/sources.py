"""Commands about what is mirrored from where: add, sources, check."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from mirror.api import TRACKERS, Auth, Besides, Client, Finding, Mirror, NewSource, Place, SourceSettings
from mirror.cli.options import Invocation, json_option, pass_invocation, settings_options
from mirror.cli.output import print_json, print_line, print_table, say
from mirror.errors import ConfigError, MirrorError, RemoteError, UsageError

_TRACKER = {Client.PYRAL: "rally", Client.RTRC: "rt"}
_IN_FILE = ("tracker", "url", "auth", "user", *(f"secret_{place}" for place in Place))
"""What a configuration file of another client says itself."""

SCOPE_KEYS = sorted({key for tracker in TRACKERS.values() for key in tracker.scope})


def _scope_options(command: click.Command) -> click.Command:
    """Give `add` an option for every key that some tracker calls its own."""
    for key in reversed(SCOPE_KEYS):
        kinds = [(kind, tracker.scope[key]) for kind, tracker in TRACKERS.items() if key in tracker.scope]
        many = any(expected is list for _kind, expected in kinds)
        text = f"Mirror only this ({', '.join(kind for kind, _ in kinds)})."
        text += " May be repeated." if many else ""
        command.params.append(click.Option([f"--{key}"], multiple=many, help=text, metavar="NAME"))
    return command


@_scope_options
@click.command()
@click.argument("name")
@click.option("--tracker", type=click.Choice(list(TRACKERS)), help="Kind of tracker.")
@click.option("--url", help="Root address, such as https://rally1.rallydev.com.")
@click.option(
    "--auth",
    metavar="WAY",
    help=f"How to sign in: {', '.join(each for each in Auth if each is not Auth.PYTHON)}, or python:package.module:name. "
    "What is usual with the tracker unless told.",
)
@click.option("--user", help="Whose password the secret is.", metavar="NAME")
@click.option("--secret-env", metavar="VARIABLE", help="The secret is in this environment variable.")
@click.option("--secret-command", metavar="COMMAND", help='The secret is what this prints, such as "pass rally".')
@click.option("--secret-keyring", metavar="SERVICE/USER", help="The secret is in the system's keyring.")
@click.option("--secret-file", metavar="FILE", help="The secret is in this file, which only you can read (0600).")
@click.option(
    "--types", "types", multiple=True, metavar="TYPE", help="Only this type, or with -TYPE all but it. May be repeated."
)
@click.option("--concurrency", type=click.IntRange(1, 64), help="Requests in flight at once; 8 unless told.")
@click.option("--history", is_flag=True, help="Keep what is replaced, for --as-of and mirror history.")
@click.option(
    "--from-pyral",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take address, credentials and scope from a configuration file of pyral.",
)
@click.option(
    "--from-rtrc",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take address and credentials from the file of RT's own command line, ~/.rtrc.",
)
@settings_options
@pass_invocation
def add(invocation: Invocation, /, name: str, from_pyral: Path | None, from_rtrc: Path | None, **given: object) -> None:
    """Add a source to the settings file, which is made when there is none.

    On a terminal, what is missing is asked for. A secret itself is never written into mirror.toml, only where it is: one
    in the file of another client is copied to NAME.secret, which only you can read.

    \b
    Examples:
      mirror add acme --tracker rally --url https://rally1.rallydev.com --workspace Acme --secret-env RALLY_APIKEY
      mirror add help --tracker rt --url https://rt.example.com --queues General --secret-command "pass rt"
      mirror add v1 --tracker versionone --url https://v1.example.com/Team --auth kerberos
      mirror add acme --from-pyral rally.cfg --history
      mirror add help --from-rtrc ~/.rtrc --queues Support
    """
    files = {client: each for client, each in ((Client.PYRAL, from_pyral), (Client.RTRC, from_rtrc)) if each is not None}
    with invocation.open(new=True) as mirror:
        if files:
            _add_from(mirror, name, files, given)
        else:
            new = _new_source(name, given)
            say(f"source {name} added to {mirror.add_source(new)}")
    say(f"next: mirror check {name}")


def _add_from(mirror: Mirror, name: str, files: dict[Client, Path], given: dict[str, object]) -> None:
    (client, file), *more = files.items()
    said = [f"--from-{each}" for each, _file in more] or [f"--{key.replace('_', '-')}" for key in _IN_FILE if given[key]]
    if said:
        raise UsageError(f"{said[0]} and --from-{client} both say where the source is: leave one of them out")
    types, concurrency = given["types"], given["concurrency"]
    besides = Besides(
        types if isinstance(types, tuple) else (),
        concurrency if isinstance(concurrency, int) else None,
        history=bool(given["history"]),
        scope=_scope(_TRACKER[client], given),
    )
    done = mirror.add_from(client, file, name, besides)
    say(f"source {name} added to {done.settings}")
    if done.secret_file is not None:
        say(f"its secret was copied to {done.secret_file}, which only you can read; keep it out of version control")
    elif done.variable:
        say(f"{file} has no secret in it; mirror looks for one in the environment variable {done.variable}")
    for key, value in done.unused.items():
        say(f"{key} {value} is not used: everything is mirrored, and queries narrow it down")


def _new_source(name: str, given: dict[str, object]) -> NewSource:
    tracker = _asked(given["tracker"], "--tracker", "Kind of tracker", click.Choice(list(TRACKERS)))
    url = _asked(given["url"], "--url", "Root address")
    types, concurrency, user, auth = given["types"], given["concurrency"], given["user"], given["auth"]
    return NewSource(
        name,
        tracker,
        url,
        _secret(name, given),
        auth=auth if isinstance(auth, str) else None,
        user=_asked(user, "--user", "User") if auth in (Auth.BASIC, Auth.NTLM) else user if isinstance(user, str) else None,
        scope=_scope(tracker, given),
        types=types if isinstance(types, tuple) else (),
        concurrency=concurrency if isinstance(concurrency, int) else None,
        history=bool(given["history"]),
    )


def _scope(tracker: str, given: dict[str, object]) -> dict[str, object]:
    """Return the scope in the form that this tracker has it in; a key of another tracker's is left for it to refuse."""
    scope: dict[str, object] = {}
    for key in SCOPE_KEYS:
        value = given.get(key)
        if isinstance(value, tuple) and value and TRACKERS[tracker].scope.get(key) is str:
            if len(value) > 1:
                raise UsageError(f"--{key} takes one name for {tracker}, not {len(value)}")
            scope[key] = value[0]
        elif value:
            scope[key] = value
    return scope


def _secret(name: str, given: dict[str, object]) -> dict[str, str | tuple[str, ...]]:
    found = {place: str(given[f"secret_{place}"]) for place in Place if given.get(f"secret_{place}")}
    if len(found) > 1:
        raise UsageError(f"one place of the secret is enough: {', '.join(f'--secret-{place}' for place in found)}")
    if not found and _needs_no_secret(given["auth"]):
        return {}
    if not found:
        flags = ", ".join(f"--secret-{place}" for place in Place)
        variable = f"{name.upper().replace('-', '_')}_SECRET"
        asked = _asked(None, f"one of {flags}", "Environment variable that holds the secret", default=variable)
        return {Place.ENV.value: asked}
    place, value = found.popitem()
    return {place.value: tuple(shlex.split(value)) if place is Place.COMMAND else value}


def _needs_no_secret(auth: object) -> bool:
    return isinstance(auth, str) and auth.partition(":")[0] in (Auth.KERBEROS, Auth.PYTHON)


def _asked(
    given: object, flag: str, question: str, kind: click.Choice[str] | None = None, default: str | None = None
) -> str:
    """Return what was given, else the answer of a person at a terminal."""
    if isinstance(given, str) and given:
        return given
    if not sys.stdin.isatty():
        raise UsageError(f"missing: {flag}")
    return str(click.prompt(question, type=kind, default=default, err=True))


@click.command()
@json_option
@settings_options
@pass_invocation
def sources(invocation: Invocation, as_json: bool) -> None:
    """List the configured sources. No secret is looked up.

    \b
    Examples:
      mirror sources
      mirror sources --json
    """
    with invocation.open() as mirror:
        found = [_described(each) for each in mirror.sources]
        if as_json:
            print_json({"settings": mirror.settings_path, "database": mirror.database_label, "sources": found})
            return
        say(f"settings: {mirror.settings_path or 'none found'}; database: {mirror.database_label}")
        columns = ("name", "tracker", "url", "scope", "types", "concurrency", "auth", "secret")
        print_table(columns, [[each[column] for column in columns] for each in found])
        if not found:
            say("no source is configured yet; see: mirror add --help")


def _described(source: SourceSettings) -> dict[str, object]:
    return {
        "name": source.name,
        "tracker": source.tracker,
        "url": source.url,
        "scope": ", ".join(f"{key} {value}" for key, value in source.scope.items()),
        "types": " ".join(source.types),
        "concurrency": source.concurrency,
        "user": source.user,
        "auth": str(source.auth) if source.auth is not None else None,
        "secret": f"{source.secret.place} {source.secret.shown}" if source.secret is not None else None,
    }


@click.command()
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@json_option
@settings_options
@pass_invocation
@click.pass_context
def check(context: click.Context, invocation: Invocation, names: tuple[str, ...], as_json: bool) -> None:
    """See whether each source can be reached and mirrored: credentials, scope, clock, page cap.

    A line for each: ok, or what to do. Exit code 3 when something is not ok.

    \b
    Examples:
      mirror check
      mirror check acme --json
    """
    found: list[tuple[str, Finding]] = []
    worst = 0
    with invocation.open() as mirror:
        for source in mirror.chosen(names):
            try:
                for finding in mirror.check(source.name):
                    found.append((source.name, finding))
                    worst = max(worst, 0 if finding.ok else RemoteError.exit_code)
                    if not as_json:
                        _print_finding(source.name, finding)
            except MirrorError as error:
                subject = "settings" if isinstance(error, ConfigError) else "connection"
                found.append((source.name, Finding(subject, ok=False, detail=str(error))))
                worst = max(worst, error.exit_code)
                if not as_json:
                    _print_finding(*found[-1])
    if as_json:
        print_json([{"source": name, **_finding_document(finding)} for name, finding in found])
    context.exit(worst)


def _print_finding(source: str, finding: Finding) -> None:
    mark = "ok " if finding.ok else "NOT OK"
    advice = f" -> {finding.advice}" if finding.advice else ""
    print_line(f"{source}: {mark} {finding.subject}: {finding.detail}{advice}")


def _finding_document(finding: Finding) -> dict[str, object]:
    return {"subject": finding.subject, "ok": finding.ok, "detail": finding.detail, "advice": finding.advice}
