"""Rally's language offline: the simulator and a mirror of it answer the same queries alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.queries.rally_generator import Generator
from tests.queries.rally_ground import Answer, Ground, ground

PAIRS = Path(__file__).with_name("rally.txt")


class Pair(NamedTuple):
    """One line of the file of pairs."""

    type_name: str
    query: str
    order: str
    expected: str


def pairs() -> list[Pair]:
    lines = (line.strip() for line in PAIRS.read_text(encoding="utf-8").splitlines())
    return [Pair(*(part.strip() for part in line.split("|"))) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("rally"), records=400, seed=5) as made:
        yield made


@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: f"{pair.type_name}: {pair.query} {pair.order}".rstrip())
def test_a_query_finds(both: Ground, pair: Pair, record_property: Callable[[str, object], None]) -> None:
    server, mirror = both.server(*pair[:3]), both.mirror(*pair[:3])
    if pair.expected.startswith("!"):
        words = pair.expected[1:].strip()
        assert words in mirror.refusal
        assert mirror.refusal
        assert server.refusal
    elif pair.expected.startswith("~"):
        assert names(both, mirror) == pair.expected[1:].strip()
        assert mirror.notes or pair.order or pair.type_name not in both.layouts
        assert server.refusal or server.keys != mirror.keys
    else:
        assert names(both, mirror) == pair.expected
        assert server == Answer(mirror.keys)
        record_property("parity", ("rally", 1))


def names(both: Ground, answer: Answer) -> str:
    assert not answer.refusal
    return ", ".join(both.scene[key] for _, key in answer.keys if key in both.scene) or "-"


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 150), *(pytest.param(seed, 600, marks=pytest.mark.slow) for seed in range(2, 9))],
)
def test_generated_queries_find_the_same_on_both_sides(
    both: Ground, seed: int, count: int, record_property: Callable[[str, object], None]
) -> None:
    found = 0
    for asked in Generator(both.stage.world, seed).questions(count):
        server, mirror = both.server(*asked), both.mirror(*asked)
        assert bool(mirror.refusal) == bool(server.refusal), (asked, server, mirror)
        assert mirror.keys == server.keys, asked
        found += bool(server.keys)
    assert found > count / 3
    record_property("parity", ("rally", count))
