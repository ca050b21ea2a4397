"""VersionOne's language offline: the simulator and a mirror of it answer the same queries alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mirror.connectors.versionone.language_kinship import other_side, targets
from mirror.model.part import Part
from mirror.model.schema import Kind
from mirror.query.expr import Aggregate, Query, Term
from mirror.query.expr import Path as QueryPath
from tests.queries.versionone_generator import Generator
from tests.queries.versionone_ground import Ground, Question, ground

PAIRS = Path(__file__).with_name("versionone.txt")
RECORDS = 150

Recorder = Callable[[str, object], None]


class Pair(NamedTuple):
    """One line of the file of pairs."""

    type_name: str
    where: str
    sort: str
    expected: str


def pairs() -> list[Pair]:
    return [pair(line) for line in PAIRS.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def pair(line: str) -> Pair:
    asked, _, expected = line.partition(" =>")
    type_name, _, query = asked.partition(" | ")
    where, _, sort = query.partition(" sort ")
    return Pair(type_name, where, sort, expected.strip())


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(f"sqlite:///{tmp_path_factory.mktemp('versionone') / 'mirror.db'}", records=RECORDS, seed=5) as made:
        yield made


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: f"{pair.type_name}: {pair.where} {pair.sort}".rstrip())
def test_a_query_finds(both: Ground, pair: Pair, record_property: Recorder) -> None:
    question = Question(pair.type_name, both.filled_in(pair.where), pair.sort)
    server, mirror = both.server(question), both.mirror(question)
    mark, _, words = pair.expected.partition(" ")
    match mark:
        case "!":
            assert server.refusal.startswith(words)
            assert mirror.refusal.startswith(words)
            assert mirror.refusal
        case "~":
            assert server.refusal
            assert mirror.notes
            assert not mirror.refusal
            assert " ".join(both.names(mirror)) == words
        case "-":
            assert not server.refusal
            assert mirror.refusal.startswith(words)
        case _:
            assert not server.refusal
            assert mirror.keys == server.keys
            assert " ".join(both.names(mirror)) == pair.expected
    record_property("parity", ("versionone", 1))


def compare(both: Ground, seed: int, count: int) -> int:
    """Put generated questions to both sides; return how many found something."""
    generator = Generator(both.stage.world, seed, frozenset(both.layouts))
    fruitful = 0
    for _ in range(count):
        question = generator.question()
        server, mirror = both.server(question), both.mirror(question)
        assert bool(mirror.refusal) == bool(server.refusal), (question, server.refusal, mirror.refusal)
        assert mirror.keys == server.keys, question
        fruitful += bool(server.keys)
    return fruitful


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 60), *(pytest.param(seed, 400, marks=pytest.mark.slow) for seed in range(2, 11))],
)
def test_generated_queries_find_the_same_on_both_sides(
    both: Ground, seed: int, count: int, record_property: Recorder
) -> None:
    assert compare(both, seed, count) > count / 3
    record_property("parity", ("versionone", count))


@pytest.mark.slow
def test_generated_queries_find_the_same_on_postgres(postgres: Any, record_property: Recorder) -> None:
    with postgres.fresh_url() as url, ground(url, records=RECORDS, seed=6) as made:
        compare(made, 11, 400)
    record_property("parity", ("versionone", 400))


@pytest.mark.parametrize(
    "question",
    [
        Question("Story", find="jetty"),
        Question("Story", find="NORTH repair"),
        Question("Story", find="größe"),
        Question("Story", find="a*pha", findin="Name,Description"),
        Question("Story", find="ann", findin="Owners.Name,Scope.Name"),
        Question("Story", find="harbour", findin="Scope.Name,Scope.Parent.Name", sort="-Name"),
        Question("Story", where="+Super", find="e", findin="Name"),
        Question("Defect", find="watch", findin="FoundBy"),
        Question("Story", find="red", findin="TaggedWith"),
        Question("Workitem", find="plank"),
        Question("Story", find="x", findin="Nope"),
    ],
    ids=lambda each: f"{each.type_name}: {each.find} in {each.findin or 'all'}",
)
def test_words_are_found_where_the_server_finds_them(both: Ground, question: Question) -> None:
    server, mirror = both.server(question), both.mirror(question)
    assert mirror.keys == server.keys
    assert bool(mirror.refusal) == bool(server.refusal)
    assert mirror.keys or mirror.refusal


@pytest.mark.parametrize(
    "question",
    [
        Question("Story", "Estimate=$known", variables="$known=1,2.5"),
        Question("Story", "Name!=$names;Owners.Name='Ann'", variables="$names=alpha,no such name;$more='x'"),
        Question("Story", "Owners=$ann;Status=$done", variables="$ann=Member:{Ann};$done=StoryStatus:135"),
        Question("Story", "ID=$;TaggedWith='red'"),
    ],
    ids=lambda each: each.where,
)
def test_variables_stand_for_their_values(both: Ground, question: Question) -> None:
    asked = Question("Story", question.where, variables=both.filled_in(question.variables))
    server, mirror = both.server(asked), both.mirror(asked)
    assert not server.refusal
    assert mirror.keys == server.keys
    assert mirror.keys


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("CreateDate>='2025-06-02T17:30:00';CreateDate<'2025-06-02T17:30:01'", "alpha"),
        ("CreateDate>='2025-06-02T12:00:00';CreateDate<'2025-06-02T12:00:01'", ""),
        ("CreateDateUTC='2025-06-02T12:00:00'", "alpha"),
        ("CreateDate='2025-06-02T12:00:00Z'", "alpha"),
        ("Custom_PromisedDate='2025-05-19T20:00:00Z'", "alpha"),
        ("Custom_PromisedDate>='2025-05-20T23:00:00'", "alpha"),
    ],
)
def test_dates_are_meant_in_the_zone_of_the_user(both: Ground, where: str, names: str) -> None:
    question = Question("Story", f"{where};Owners.Name='Ann'")
    both.stage.switch(user_zone_offset_minutes=330)
    try:
        server, mirror = both.server(question), both.mirror(question)
    finally:
        both.stage.switch(user_zone_offset_minutes=0)
    assert mirror.keys == server.keys
    assert " ".join(both.names(mirror)) == names


TOKENS = """Name Estimate IsClosed AssetState ChangeDateUTC Scope.ID Scope.Name Super.ID Super.Super.Name Owners Owners.Name
Children Children.Name Children:Task.ToDo Owners.@Count Children.@Count Children.ToDo.@Sum
Children:Task[AssetState='Active'].ToDo.@Max
Children.IsClosed.@Or TaggedWith Custom_Votes Custom_Confidence Custom_Compliance Custom_PromisedDate Dependants
Timebox.BeginDate Children.ChangeDateUTC.@MaxDate AssetType Key Scope.Parent.ID Children.Owners.@Count""".split()


@pytest.mark.parametrize("token", TOKENS)
def test_a_select_token_shows_the_same(both: Ground, token: str) -> None:
    layout = both.layouts["Story"]
    term = both.language.term(token, layout, both.asked)
    with_terms = both.store.search(both.layouts).rows([Query("Story")], {"Story": [term]})
    shown = {row.id: plain(row.values[0]) for row in with_terms}
    expected = {number: plain(_served(value)) for number, value in both.shown("Story", token).items()}
    assert shown == expected
    assert any(value not in (None, [], "0") for value in shown.values())


def _served(value: Any) -> Any:
    """Return a value of typed JSON with ids in the place of oids."""
    if isinstance(value, dict):
        return int(value["idref"].split(":")[1])
    return [_served(each) for each in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return a value in one form: numbers as text without trailing zeros, flags as words, lists without nulls and order."""
    if isinstance(value, (list, tuple)):
        return sorted((plain(each) for each in value if each is not None), key=str)
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).removesuffix("Z")
    if text.replace(".", "", 1).lstrip("-").isdigit() and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.removesuffix(".000") if "T" in text else text


def test_the_other_sides_of_relations_are_those_of_the_server(both: Ground) -> None:
    """Two accounts of one contract: ours in tables, the simulator's in its schema."""
    schema, layouts = both.stage.world.schema, both.layouts
    checked = 0
    for type_name in sorted(layouts):
        for name, attribute in schema.attributes(type_name).items():
            if attribute.forward is None or attribute.closure is not None or layouts[type_name].type.field(name):
                continue
            having = [each for each in schema.concrete(attribute.related or "") if each in layouts]
            if having:
                side = other_side(type_name, name, layouts)
                assert side is not None, f"{type_name}.{name}"
                assert side.field == attribute.forward
                assert set(side.types) <= set(having)
                checked += 1
    assert checked > 100


def test_relations_lead_where_the_server_says(both: Ground) -> None:
    schema, layouts = both.stage.world.schema, both.layouts
    for type_name, layout in layouts.items():
        for field in layout.type.fields:
            if field.kind in (Kind.REFERENCE, Kind.LINKS):
                known = targets(type_name, field.name, layouts)
                attribute = schema.attribute(type_name, field.name)
                assert attribute is not None
                there = {each for each in schema.concrete(attribute.related or "") if each in layouts}
                assert {each for each in known if each in layouts} == there, f"{type_name}.{field.name}"


def test_terms_of_relations_are_names_or_ids_of_what_they_lead_to(both: Ground) -> None:
    def term(token: str) -> Term:
        return both.language.term(token, both.layouts["Story"], both.asked)

    assert term("Scope") == term("Scope.Name") == QueryPath("Scope", part=Part.NAME)
    assert term("Scope.ID") == QueryPath("Scope", part=Part.ID)
    assert term("Owners") == QueryPath("Owners")
    assert isinstance(term("Owners.@Count"), Aggregate)
