"""Bodies of answers to writes that have the shape of an answer and something odd in a place of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import strategies as st

PLACE = '"?"'

_ODD_TEXTS = [
    "",
    "x",
    "-1",
    "0",
    "1.5",
    "٣",
    "1_0",
    " 7 ",
    "9" * 30,
    "Story",
    "Story:",
    "Story:x",
    "Story:-1",
    "Story:5:y",
    ":5",
]
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1.5, 2**63, 10**40]),
    st.sampled_from(_ODD_TEXTS),
    st.sampled_from([[], {}, [None], [[]], {"id": None}, [{}]]),
)


def odd_bodies(templates: Sequence[str]) -> st.SearchStrategy[str]:
    """Return bodies made of templates, each PLACE in them odd in its own way; what is no JSON has the odd texts there."""

    def fill(template: str, values: Sequence[object]) -> str:
        for value in values:
            filled = json.dumps(value) if template.startswith(("{", "[", '"')) else f'"{value}"'.replace("<", "")
            template = template.replace(PLACE, filled, 1)
        return template

    return st.builds(fill, st.sampled_from(templates), st.lists(_ODD, min_size=4, max_size=4))
