"""A simulated VersionOne, a mirror of it, and the same question put to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

import requests

from mirror.connectors.language import Asked
from mirror.connectors.versionone.language import VersionOneLanguage
from mirror.errors import QueryError
from mirror.model.layout import Layout
from mirror.query.expr import Query
from mirror.simulators import ManualClock
from mirror.store.store import Store
from tests.queries.versionone_scene import make_scene
from tests.support.stages.versionone import TheStage

Keys = list[tuple[str, int]]

TYPES = tuple(
    """Story Defect Epic Theme Task Test TestSet Request Issue Goal Scope Timebox Schedule Team Member Retrospective
    Attachment Link Note Actual Conversation Expression StoryStatus TaskStatus TestStatus EpicStatus StoryCategory
    TaskCategory WorkitemPriority WorkitemRisk IssuePriority StorySource DefectType Custom_Region Custom_Platform
    ChangeSet BuildRun BuildProject VersionLabel RegressionSuite""".split()
)
"""Enough for every kind of relation; a mirror of all types takes three times as long."""


@dataclass(frozen=True)
class Question:
    """What is asked about the assets of a type: filter, order, words to find and where, values of variables."""

    type_name: str
    where: str = ""
    sort: str = ""
    find: str = ""
    findin: str = ""
    variables: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of rest-1 that are given."""
        every = {"where": self.where, "sort": self.sort, "find": self.find, "findin": self.findin, "with": self.variables}
        return {name: text for name, text in every.items() if text}


@dataclass(frozen=True)
class Answer:
    """What one side says.

    Attributes:
        keys: type and id, in order.
        refusal: why not; empty when the question was understood.
        notes: what the mirror understood otherwise than the server would have.
    """

    keys: Keys
    refusal: str = ""
    notes: tuple[str, ...] = ()


class Ground:
    """Both sides."""

    def __init__(self, stage: TheStage, store: Store, scene: dict[int, str]) -> None:
        self.stage = stage
        self.store = store
        self.scene = scene
        self.language = VersionOneLanguage()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Authorization": f"Bearer {stage.tracker.token}", "Accept": "application/json"})

    @cached_property
    def layouts(self) -> dict[str, Layout]:
        """Type name -> layout."""
        return dict(self.store.layouts("acme"))

    @property
    def asked(self) -> Asked:
        """What a query means here."""
        zone = timezone(timedelta(minutes=self.stage.tracker.switches.user_zone_offset_minutes))
        return Asked(self.layouts, datetime.now(UTC), me=self.stage.world.landmarks.admin, time_zone=zone)

    def get(self, type_name: str, **parameters: str) -> requests.Response:
        """Ask the simulator, over HTTP."""
        address = f"{self.stage.url}/rest-1.v1/Data/{type_name}"
        return self._session.get(address, params={"sel": "", **parameters}, timeout=30)

    def server(self, question: Question) -> Answer:
        """Ask the simulator a question; assets of types that are not mirrored do not count."""
        answer = self.get(question.type_name, **question.parameters)
        if answer.status_code == 400:
            return Answer([], answer.json()["exceptions"][0]["message"])
        assert answer.status_code == 200, answer.text
        oids = (row["id"].split(":") for row in answer.json()["Assets"])
        return Answer([(name, int(number)) for name, number in oids if name in self.layouts])

    def mirror(self, question: Question) -> Answer:
        """Ask the mirror a question."""
        try:
            queries = self.queries(question)
        except QueryError as error:
            return Answer([], str(error))
        notes = tuple(dict.fromkeys(note for each in queries for note in each.notes))
        return Answer(list(self.store.search(self.layouts).ids(queries)), notes=notes)

    def queries(self, question: Question) -> list[Query]:
        """Return the queries that a question is, one for each concrete type."""
        given = replace(question, sort="").parameters
        text = "&".join(f"{name}={value}" for name, value in given.items())
        return [self._query(each, text, question) for each in self.language.types(question.type_name, self.layouts)]

    def _query(self, type_name: str, text: str, question: Question) -> Query:
        layout = self.layouts[type_name]
        made = self.language.query(text, layout, self.asked)
        return replace(made, order=self.language.order(question.sort, layout, self.asked))

    def filled_in(self, text: str) -> str:
        """Return a text with the ids of assets of the scene in the place of their names in braces."""
        for number, name in self.scene.items():
            text = text.replace(f"{{{name}}}", str(number))
        return text

    def names(self, answer: Answer) -> list[str]:
        """Return the names of those assets of the scene that an answer has."""
        return [self.scene[number] for _type, number in answer.keys if number in self.scene]

    def shown(self, type_name: str, token: str) -> dict[int, Any]:
        """Return what the simulator shows for a select token, by id."""
        rows = self.get(type_name, sel=token).json()["Assets"]
        found = {}
        for row in rows:
            [[_name, attribute]] = row["Attributes"].items()
            found[int(row["id"].split(":")[1])] = attribute["value"]
        return found

    def close(self) -> None:
        """Close the connection to the simulator."""
        self._session.close()


@contextmanager
def ground(url: str, *, records: int, seed: int, types: tuple[str, ...] = TYPES) -> Iterator[Ground]:
    """Run a simulated VersionOne with a scene in it, and a mirror of it in a database.

    What was deleted drops out of relations: the other way a server may have it, which no mirror without deleted assets can
    follow, is told in docs/queries-versionone.md.
    """
    clock = ManualClock()
    stage = TheStage(records=records, seed=seed, clock=clock)
    stage.allowed = types
    stage.switch(relations_keep_deleted=False)
    with stage, Store.open(url) as store:
        scene = make_scene(stage.world, clock)
        report = stage.sync(store)
        assert report.exit_code == 0, report
        made = Ground(stage, store, scene)
        try:
            yield made
        finally:
            made.close()
