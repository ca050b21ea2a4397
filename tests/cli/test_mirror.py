"""sync, status, types, schema and sql, on a simulated Rally."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mirror.simulators import Fault
from mirror.simulators.rally import RallySimulator
from tests.cli.conftest import SECRET, Run

REFUSING_DEFECTS = Fault("status", path=r"(?i)/defect\b", status=403)


def one(run: Run, query: str) -> dict[str, object]:
    """Return the only row of a query's answer."""
    (line,) = run("sql", query, "--json").stdout.splitlines()
    return dict(json.loads(line))


def test_sync_ends_in_a_summary_of_rows_requests_and_time(run: Run, acme: RallySimulator) -> None:
    result = run("sync")
    assert result.exit_code == 0, result.output
    header, _line, summary = result.stdout.splitlines()
    assert header.split() == "source inserted updated unchanged tombstoned quarantined requests time".split()
    source, inserted, updated, _unchanged, tombstoned, quarantined, requests = summary.split()[:7]
    assert (source, updated, tombstoned, quarantined) == ("acme", "0", "0", "0")
    assert int(inserted) > 50
    assert int(requests) == len(acme.requests)
    assert "acme: loading: Defect done, " in result.stderr
    assert "acme: done in " in result.stderr


def test_sync_as_json_is_one_document_with_the_same_figures(run: Run, acme: RallySimulator) -> None:
    (report,) = json.loads(run("sync", "--json").stdout)
    assert report["inserted"] > 50
    assert (report["source"], report["exit_code"], report["incomplete"], report["refused"]) == ("acme", 0, [], [])
    (again,) = json.loads(run("sync", "--json").stdout)
    assert (again["inserted"], again["updated"], again["tombstoned"]) == (0, 0, 0)


def test_sync_of_one_type_leaves_the_others_alone(run: Run, acme: RallySimulator) -> None:
    assert run("sync", "acme", "--type", "defect").exit_code == 0
    rows = {each["type"]: each["rows"] for each in json.loads(run("types", "--json").stdout)}
    assert rows["Defect"] > 0
    assert not rows["Task"]


def test_sync_of_an_unknown_type_is_a_usage_error(run: Run, acme: RallySimulator) -> None:
    result = run("sync", "--type", "Defcet")
    assert result.exit_code == 2
    assert "no record type called 'Defcet'" in result.stderr


def test_incomplete_sync_lists_what_is_missing_and_status_leads_with_it(run: Run, acme: RallySimulator) -> None:
    acme.faults.add(REFUSING_DEFECTS)
    result = run("sync", "--type", "Defect", "--type", "Task")
    assert result.exit_code == 3
    assert re.search(r"^acme: incomplete: Defect \(\w+\): .+$", result.stderr, re.MULTILINE)
    status = run("status")
    assert status.exit_code == 0
    assert status.stdout.startswith("acme: STUCK: Defect (")
    (source,) = json.loads(run("status", "--json").stdout)
    assert [each["type"] for each in source["stuck"]] == ["Defect"]
    acme.faults.clear()
    assert run("sync").exit_code == 0
    assert "STUCK" not in run("status").stdout


def test_a_source_that_fails_does_not_stop_the_others(run: Run, folder: Path, acme: RallySimulator) -> None:
    settings = folder / "mirror.toml"
    settings.write_text(
        '[sources.gone]\ntracker = "rally"\nurl = "http://127.0.0.1:1"\nsecret = { env = "NOT_SET" }\n'
        + settings.read_text()
    )
    result = run("sync", "--json")
    gone, there = json.loads(result.stdout)
    assert result.exit_code == 2
    assert "NOT_SET is not set" in gone["error"]
    assert (there["exit_code"], there["inserted"] > 0) == (0, True)


def test_too_many_deletions_at_once_are_refused(run: Run, acme: RallySimulator) -> None:
    assert run("sync").exit_code == 0
    acme.switches = replace(acme.switches, bin_for_all=False)
    for oid in acme.world.ids("Tag"):
        acme.world.delete(oid)
    before = one(run, "SELECT count(*) AS n FROM rally_tag")
    result = run("sync")
    assert result.exit_code == 6
    assert "run it again with --allow-mass-delete" in result.stderr
    assert one(run, "SELECT count(*) AS n FROM rally_tag") == before
    assert run("sync", "--allow-mass-delete").exit_code == 0
    assert one(run, "SELECT count(*) AS n FROM rally_tag") == {"n": 0}


def test_status_before_the_first_sync_says_so(run: Run, folder: Path, acme: RallySimulator) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (0, "acme: never synced; run: mirror sync acme\n")
    assert not (folder / "mirror.db").exists()


def test_status_tells_freshness_and_counts_by_type(run: Run, synced: RallySimulator) -> None:
    (source,) = json.loads(run("status", "acme", "--json").stdout)
    defect = next(each for each in source["types"] if each["type"] == "Defect")
    assert defect["table"] == "rally_defect"
    assert defect["rows"] == len(synced.world.ids("Defect", workspace=synced.world.landmarks.workspace))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", defect["watermark"])
    assert re.search(r"^Defect +rally_defect +\d+ ", run("status").stdout, re.MULTILINE)


def test_types_before_the_first_sync_come_from_the_tracker(run: Run, folder: Path, acme: RallySimulator) -> None:
    found = {each["type"]: each for each in json.loads(run("types", "acme", "--json").stdout)}
    assert (found["Defect"]["table"], found["Defect"]["rows"]) == ("rally_defect", None)
    assert not (folder / "mirror.db").exists()


def test_types_after_it_are_offline_and_have_rows(run: Run, synced: RallySimulator) -> None:
    synced.requests.clear()
    table = run("types").stdout
    assert len(synced.requests) == 0
    assert re.search(r"^acme +Defect +Defect +rally_defect +stamp +\d+ +\d+$", table, re.MULTILINE)


@pytest.mark.parametrize("name", ["Defect", "defect", "acme:Defect", "rally_defect"])
def test_schema_knows_a_type_by_each_of_its_names(run: Run, synced: RallySimulator, name: str) -> None:
    table = run("schema", name).stdout
    assert table.startswith("acme: Defect is table rally_defect")
    assert re.search(r"^formatted_id +text +FormattedID ", table, re.MULTILINE)
    assert re.search(r"^owner_id +integer \(id of a reference\) +Owner ", table, re.MULTILINE)
    assert re.search(r"^rally_defect__tags +links +Tags ", table, re.MULTILINE)
    assert re.search(r"^c_root_cause +text +c_RootCause +Root Cause .*Code, Design, ", table, re.MULTILINE)


def test_schema_as_json_has_every_rule(run: Run, synced: RallySimulator) -> None:
    (layout,) = json.loads(run("schema", "Defect", "--json").stdout)
    state = next(each for each in layout["columns"] if each["name"] == "state")
    assert (state["field"], state["required"], state["read_only"]) == ("State", True, False)
    cause = next(each for each in layout["columns"] if each["name"] == "c_root_cause")
    assert (cause["custom"], cause["allowed_values"][:2]) == (True, ["Code", "Design"])
    assert "rally_defect__tags" in [each["name"] for each in layout["link_tables"]]


def test_schema_of_a_misspelt_type_suggests_the_nearest(run: Run, synced: RallySimulator) -> None:
    result = run("schema", "Defcet")
    assert result.exit_code == 2
    assert "did you mean Defect" in result.stderr


QUERY = "SELECT formatted_id, name, owner_id FROM rally_defect ORDER BY id"


def test_sql_answers_as_table_json_and_csv_alike(run: Run, synced: RallySimulator) -> None:
    table = run("sql", QUERY).stdout.splitlines()[2:]
    lines = [json.loads(line) for line in run("sql", QUERY, "--json").stdout.splitlines()]
    # CliRunner reads the output as text and so turns the CR LF of RFC 4180 into LF.
    rows = list(csv.DictReader(io.StringIO(run("sql", QUERY, "--csv").stdout)))
    assert len(table) == len(lines) == len(rows) > 5
    assert [each["formatted_id"] for each in lines] == [each["formatted_id"] for each in rows]
    assert [line.split()[0] for line in table] == [each["formatted_id"] for each in rows]


def test_sql_reads_the_query_from_standard_input(run: Run, synced: RallySimulator) -> None:
    assert run("sql", "-", "--csv", given="SELECT 7 AS seven").stdout.split() == ["seven", "7"]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_sql_limit_holds_in_every_form(run: Run, synced: RallySimulator, form: str) -> None:
    header = 1 if form == "--csv" else 0
    assert len(run("sql", QUERY, form, "--limit", "3").stdout.splitlines()) == 3 + header
    assert len(run("sql", QUERY, "--limit", "3").stdout.splitlines()) == 5


def test_sql_table_says_when_it_does_not_show_all(run: Run, synced: RallySimulator) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) SELECT i FROM n"
    result = run("sql", many)
    assert len(result.stdout.splitlines()) == 502
    assert "only the first 500 rows are shown" in result.stderr


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM rally_defect", "UPDATE rally_defect SET name = 'x'", "DROP TABLE rally_defect", "CREATE TABLE t (a int)"],
)
def test_sql_cannot_write(run: Run, synced: RallySimulator, query: str) -> None:
    before = one(run, "SELECT count(*) AS n, count(DISTINCT name) AS names FROM rally_defect")
    result = run("sql", query)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    assert one(run, "SELECT count(*) AS n, count(DISTINCT name) AS names FROM rally_defect") == before


def test_sql_mistake_is_the_databases_own_sentence(run: Run, synced: RallySimulator) -> None:
    result = run("sql", "SELECT nmae FROM rally_defect")
    assert result.exit_code == 2
    assert "nmae" in result.stderr


def test_rally_variables_alone_are_enough(
    run: Run, folder: Path, tracker: RallySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RALLY_SERVER", tracker.url)
    monkeypatch.setenv("RALLY_APIKEY", SECRET)
    monkeypatch.setenv("RALLY_WORKSPACE", "Acme")
    assert run("sync", "--type", "Tag").exit_code == 0
    assert one(run, "SELECT DISTINCT source FROM rally_tag") == {"source": "rally"}


def everything_under(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


@pytest.mark.parametrize(
    "fault", [None, Fault("html", times=1), Fault("reset_after", times=1), Fault("status", status=401)], ids=str
)
def test_no_secret_is_in_any_file_output_or_database(
    run: Run, folder: Path, acme: RallySimulator, fault: Fault | None
) -> None:
    if fault is not None:
        acme.faults.add(fault)
    spoken = "".join(
        run(*call).output
        for call in (
            ["sync", "--type", "Tag", "--debug"],
            ["sync", "--json", "--debug"],
            ["check"],
            ["sources", "--json"],
            ["status"],
        )
    )
    assert spoken
    assert SECRET not in spoken
    assert not any(SECRET.encode() in content for content in everything_under(folder))
