"""RT's query languages on the mirror against an RT that holds the same: a simulated one; among the slow tests a real one.

The real one is the judge: the ids in rt.txt are its answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.connectors.rt.conftest import Machines
from tests.queries.rt_generator import Generator
from tests.queries.rt_ground import Ground, ground
from tests.support.databases import PostgresServer
from tests.support.rt.packages import HOW_TO_INSTALL, installed

_PAIRS = Path(__file__).with_name("rt.txt")
_QUICK = 150
_MANY = 500  # six times
_BY_THE_REAL_ONE = 200  # twice

Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Pair:
    """One line of the file.

    Attributes:
        ids: what the mirror finds; None when it refuses.
        problem: why.
        rt_ids: what RT finds; None when it refuses.
    """

    type_name: str
    query: str
    order: str
    ids: list[int] | None
    problem: str
    rt_ids: list[int] | None


def pairs() -> list[Pair]:
    """Return all pairs of the file."""
    lines = _PAIRS.read_text(encoding="utf-8").splitlines()
    return [_pair(line.split(" | ")) for line in lines if line and not line.startswith("#")]


def _pair(parts: list[str]) -> Pair:
    type_name, query, *rest = (each.strip() for each in parts)
    order = rest.pop(0).removeprefix("by ") if rest[0].startswith("by ") else ""
    ours = rest[0]
    theirs = rest[1].removeprefix("rt: ") if len(rest) > 1 else ours
    return Pair(type_name, query, order, _ids(ours), ours.removeprefix("! ") if ours.startswith("!") else "", _ids(theirs))


def _ids(text: str) -> list[int] | None:
    if text.startswith("!"):
        return None
    found: list[int] = []
    for each in text.split() if text != "nothing" else ():
        first, _, last = each.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """The servers of this module, not yet started."""
    made = Machines(tmp_path_factory.mktemp("rt"))
    yield made
    made.close()


def _file(folders: pytest.TempPathFactory) -> str:
    return f"sqlite:///{folders.mktemp('mirror') / 'mirror.db'}"


@pytest.fixture(scope="module")
def simulated(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A simulated RT with the scene, and its mirror."""
    server = machines.simulated()
    with ground(server, _file(tmp_path_factory)) as made:
        yield made
    server.stop()


@pytest.fixture(scope="module")
def on_postgres(machines: Machines, postgres: PostgresServer) -> Iterator[Ground]:
    """A simulated RT with the scene, and its mirror on Postgres."""
    server = machines.simulated()
    with postgres.fresh_url() as url, ground(server, url) as made:
        yield made
    server.stop()


@pytest.fixture(scope="module")
def real(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A real RT with the scene, and its mirror."""
    if not installed():
        pytest.skip(HOW_TO_INSTALL)
    with ground(machines.real(), _file(tmp_path_factory)) as made:
        yield made


def _check_pairs(there: Ground, *, words: bool) -> int:
    found, wrong = pairs(), []
    for each in found:
        ours, theirs = (ask(each.type_name, each.query, each.order) for ask in (there.mirror, there.server))
        if (None if ours.refusal else ours.ids) != each.ids or (words and ours.refusal != each.problem):
            wrong.append(f"{each.query} {each.order}: the mirror says {ours}")
        if (None if theirs.refusal else theirs.ids) != each.rt_ids:
            wrong.append(f"{each.query} {each.order}: RT says {theirs}")
    assert not wrong, "\n".join(wrong)
    return len(found)


def _check_generated(there: Ground, seed: int, count: int) -> int:
    generator, wrong = Generator(there.store, seed), []
    for _ in range(count):
        question = generator.question()
        ours, theirs = there.mirror(*question), there.server(*question)
        if ours.ids != theirs.ids or bool(ours.refusal) is not bool(theirs.refusal):
            wrong.append(f"{question}\n    mirror: {ours}\n    RT:     {theirs}")
    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    return count


def test_pairs_are_answered_alike_by_the_mirror_and_a_simulated_rt(simulated: Ground, record_property: Record) -> None:
    record_property("parity", ("rt", _check_pairs(simulated, words=True)))


def test_random_queries_find_the_same_on_the_mirror_and_on_a_simulated_rt(
    simulated: Ground, record_property: Record
) -> None:
    record_property("parity", ("rt", _check_generated(simulated, 1, _QUICK)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
def test_thousands_of_random_queries_find_the_same_on_the_mirror_and_on_a_simulated_rt(
    simulated: Ground, record_property: Record, seed: int
) -> None:
    record_property("parity", ("rt", _check_generated(simulated, seed, _MANY)))


@pytest.mark.slow
def test_a_mirror_on_postgres_answers_no_differently(on_postgres: Ground, record_property: Record) -> None:
    record_property("parity", ("rt", _check_pairs(on_postgres, words=True) + _check_generated(on_postgres, 17, _MANY)))


@pytest.mark.slow
def test_pairs_are_answered_alike_by_the_mirror_and_a_real_rt(real: Ground, record_property: Record) -> None:
    record_property("parity", ("a real rt", _check_pairs(real, words=True)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", (20, 21))
def test_hundreds_of_random_queries_find_the_same_on_the_mirror_and_on_a_real_rt(
    real: Ground, record_property: Record, seed: int
) -> None:
    record_property("parity", ("a real rt", _check_generated(real, seed, _BY_THE_REAL_ONE)))
