"""The plain clients: what one writes first to get one type of records out of a tracker and into a table.

requests, the JSON parser of the standard library, dictionaries flattened, `executemany` into one SQLite table, one
transaction a page. They know their type and its fields beforehand, trust every answer, cannot be resumed and keep no
progress.

    python -m benchmarks.plain rally http://127.0.0.1:PORT SECRET /tmp/plain.db
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import requests

TABLE = "records"
TIMEOUT_SECONDS = 300

Items = Sequence[Mapping[str, Any]]
Pages = Callable[[requests.Session, str, str], Iterator[Items]]
"""Session, root address and secret -> pages of flat records; each record has an `id`."""


def rally(session: requests.Session, url: str, secret: str) -> Iterator[Items]:
    """Read all stories, 2,000 a page by ascending ObjectID, with all fields (rally.md section 3)."""
    session.headers["ZSESSIONID"] = secret
    root, last = f"{url}/slm/webservice/v2.0", 0
    found = _json(session.get(f"{root}/workspace", params={"query": '(Name = "Acme")'}, timeout=TIMEOUT_SECONDS))
    workspace = found["QueryResult"]["Results"][0]["_ref"]
    while True:
        params = {"workspace": workspace, "query": f"(ObjectID > {last})", "order": "ObjectID", "pagesize": 2000}
        answer = session.get(f"{root}/hierarchicalrequirement", params={**params, "fetch": "true"}, timeout=TIMEOUT_SECONDS)
        rows = [_rally_row(each) for each in _json(answer)["QueryResult"]["Results"]]
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows


def _rally_row(record: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": record["ObjectID"]}
    for name, value in record.items():
        if isinstance(value, dict) and "_refObjectName" in value:
            row[f"{name}_id"], row[f"{name}_name"] = value["_ref"].rsplit("/", 1)[1], value["_refObjectName"]
        else:
            row[name] = _cell(value)
    return row


_STORY_VALUES = """
Name Description CreateDateUTC CreateReason CreateComment ChangeDateUTC ChangeReason ChangeComment RetireDateUTC RetireReason
RetireComment AssetState SubState Inactive IsInactive IsClosed IsDead Number Order Reference DetailEstimate ToDo
ClosedDateUTC Custom_CostCentre Estimate EstimatedDone LastVersion RequestedBy Value OriginalEstimate Benefits
Custom_CustomerReference Custom_BusinessCase Custom_Confidence Custom_Compliance Custom_PromisedDate Custom_ReviewedAt
Custom_LeadTime Custom_Votes
Custom_ExternalId Custom_CustomRank Custom_Phase Custom_Legacy Custom_Tag Custom_Kind TaggedWith Ideas Custom_Labels Moment
""".split()
_STORY_REFERENCES = """
CreatedBy ChangedBy RetiredBy Scope Super Parent Team Timebox ClosedBy Status Priority Source ClassOfService DeliveryCategory
Release SplitFrom Custom_Team2 Category Risk Customer IdentifiedIn Custom_Region Custom_Reviewer
""".split()
_STORY_LINKS = "Owners Goals Dependencies Custom_Platforms Custom_RelatedEpics".split()


def versionone(session: requests.Session, url: str, secret: str) -> Iterator[Items]:
    """Read all stories through query.v1, 1,000 a page by ascending key, with names (versionone.md section 8.1)."""
    session.headers["Authorization"] = f"Bearer {secret}"
    names = [f"{each}.Name" for each in _STORY_REFERENCES]
    links = [{"from": each, "select": ["Name"]} for each in _STORY_LINKS]
    select = [*_STORY_VALUES, *_STORY_REFERENCES, *names, *links]
    last = 0
    while True:
        page = {"start": 0, "size": 1000}
        query = [{"from": "Story", "select": select, "filter": [f"Key>'{last}'"], "page": page}]
        found = _json(session.post(f"{url}/query.v1", json=query, timeout=TIMEOUT_SECONDS))[0]
        rows = [_versionone_row(each) for each in found]
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows


def _versionone_row(record: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": int(record["_oid"].split(":")[1])}
    for name, value in record.items():
        row[name] = value["_oid"] if isinstance(value, dict) else _cell(value)
    return row


_RT_FIELDS = (
    "Subject,Status,Queue,Owner,Creator,LastUpdatedBy,Requestor,Cc,AdminCc,CustomFields,CustomRoles,Priority,"
    "InitialPriority,FinalPriority,Created,LastUpdated,Due,Starts,Started,Resolved,Told,TimeWorked,TimeLeft,"
    "TimeEstimated,Type,SLA,_hyperlinks"
)
_RT_EXPANDED = ("Owner", "Creator", "LastUpdatedBy", "Requestor", "Cc", "AdminCc", "Queue", "CustomRoles")


def rt(session: requests.Session, url: str, secret: str) -> Iterator[Items]:
    """Read all tickets, 100 a page by ascending id, with people, custom fields and links (rt.md sections 4 and 5)."""
    session.headers["Authorization"] = f"token {secret}"
    wanted = {"fields": _RT_FIELDS, **{f"fields[{name}]": "id,Name" for name in _RT_EXPANDED}}
    last = 0
    while True:
        form = {"query": f"Type != '' AND id > {last}", "orderby": "id", "per_page": "100", **wanted}
        rows = [
            _rt_row(each)
            for each in _json(session.post(f"{url}/REST/2.0/tickets", data=form, timeout=TIMEOUT_SECONDS))["items"]
        ]
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows


def _rt_row(record: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and "id" in value:
            row[f"{name}_id"], row[f"{name}_name"] = value["id"], value.get("Name")
        elif name == "CustomFields":
            row |= {f"cf_{each['name']}": ", ".join(map(str, each["values"])) for each in value or ()}
        else:
            row[name] = _cell(value)
    return {**row, "id": int(record["id"])}


CLIENTS: Mapping[str, Pages] = {"rally": rally, "versionone": versionone, "rt": rt}


def _cell(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _json(answer: requests.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def load(pages: Iterator[Items], path: str) -> None:
    """Write the pages into a new table; its columns are those of the first page."""
    columns: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        for rows in pages:
            if not columns:
                columns = _columns(rows)
                database.execute(f'CREATE TABLE {TABLE} ({", ".join(columns)}, PRIMARY KEY ("id"))')
            marks = ", ".join("?" * len(columns))
            names = [each.strip('"') for each in columns]
            database.execute("BEGIN")
            database.executemany(
                f"INSERT OR REPLACE INTO {TABLE} VALUES ({marks})", [[row.get(name) for name in names] for row in rows]
            )
            database.execute("COMMIT")


def _columns(rows: Items) -> list[str]:
    """Return the quoted names of all values; SQLite takes names that differ in case alone for one."""
    found: dict[str, str] = {}
    for row in rows:
        for name in row:
            found.setdefault(name.lower(), name)
    return [f'"{name}"' for name in found.values()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker", choices=list(CLIENTS))
    parser.add_argument("url")
    parser.add_argument("secret")
    parser.add_argument("database")
    chosen = parser.parse_args()
    with requests.Session() as session:
        load(CLIENTS[chosen.tracker](session, chosen.url, chosen.secret), chosen.database)


if __name__ == "__main__":
    main()
