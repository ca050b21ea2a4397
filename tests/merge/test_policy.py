"""Who wins a conflict, as the settings say."""

from __future__ import annotations

import pytest

from mirror.merge.policy import winner
from mirror.model.change import Side

L, R = Side.LOCAL, Side.REMOTE


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, None),
        ({"Task": L, "Defect.Name": L, "*.Name": R}, None),
        ({"*": R}, R),
        ({"*": R, "Defect": L}, L),
        ({"*": R, "Defect": R, "*.State": L}, L),
        ({"*": R, "Defect": R, "*.State": R, "Defect.State": L}, L),
        ({"defect.STATE": L, "*": R}, L),
    ],
)
def test_the_most_exact_line_wins(policies: dict[str, Side], expected: Side | None) -> None:
    assert winner(policies, "Defect", "State") is expected
