"""An error in a query underlines the place."""

from __future__ import annotations

import pytest

from mirror.errors import QueryError


@pytest.mark.parametrize("position", [0, 9, 13, 20, 99])
@pytest.mark.parametrize("length", [0, 1, 3, 99])
def test_the_carets_stand_under_the_place(position: int, length: int) -> None:
    text = "(State = Opn) AND foo"
    error = QueryError(text, position, "nothing is called so", length=length)
    problem, shown, carets = str(error).splitlines()
    assert (problem, shown) == ("nothing is called so", f"  {text}")
    at = min(position, len(text))
    assert carets == " " * (2 + at) + "^" * max(1, min(length, len(text) - at))
    assert error.position == at


def test_near_names_are_in_the_sentence() -> None:
    error = QueryError("Nmae", 0, "there is no field Nmae", length=4, near=("Name",))
    assert str(error) == "there is no field Nmae; did you mean Name?\n  Nmae\n  ^^^^"


def test_only_the_line_of_the_place_is_shown() -> None:
    assert str(QueryError("a = 1\nAND b ~ 2\nAND c", 12, "no", length=1)).splitlines()[1:] == ["  AND b ~ 2", "        ^"]


def test_of_a_long_line_the_surroundings_are_shown() -> None:
    text = "x" * 300 + "HERE" + "y" * 300
    _, shown, carets = str(QueryError(text, 300, "no", length=4)).splitlines()
    assert len(shown) < 110
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "HERE"


def test_an_empty_text_has_no_lines_under_it() -> None:
    assert str(QueryError("", 0, "a query is needed")) == "a query is needed"


def test_the_carets_stand_under_wide_and_combined_characters_too() -> None:
    for before, columns in (("\u6f22\u5b57", 4), ("u\u0308", 1), ("\uff21\x1b\u0000", 4)):
        text = f"{before} x \u6f22 y"
        _, shown, carets = str(QueryError(text, len(before) + 3, "no", length=1)).splitlines()
        assert carets == " " * (2 + columns + 3) + "^^"
        assert shown.isprintable()
