"""Values are folded, written as text and compared in one way, whatever database they are in."""

from __future__ import annotations

import sys
import unicodedata
from decimal import Decimal

import pytest

from mirror.model.schema import Kind
from mirror.query.expr import Scalar
from mirror.query.values import average, fits, fold, like_pattern, numbered, text_of, total


@pytest.mark.parametrize(
    ("some", "other"),
    [("Straße", "STRAßE"), ("ΟΔΟΣ", "οδος"), ("İzmir", "izmir"), ("ЖУК", "жук"), ("\u212a", "k"), ("É", "é"), ("", "")],
)
def test_upper_and_lower_case_fold_to_the_same(some: str, other: str) -> None:
    assert fold(some) == fold(other)


def test_every_letter_folds_to_what_its_lower_case_folds_to() -> None:
    letters = [chr(each) for each in range(sys.maxunicode + 1) if unicodedata.category(chr(each)) == "Lu"]
    assert len(letters) > 1500
    assert [each for each in letters if fold(each) != fold(each.lower())] == []


def test_accents_and_different_letters_stay_apart() -> None:
    assert len({fold(each) for each in ("e", "é", "ss", "ß", "ı", "i")}) == 6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (1e22, "1" + "0" * 22),
        ("x", "x"),
    ],
)
def test_a_value_as_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("kind", "value", "does"),
    [
        (Kind.INTEGER, 3, True),
        (Kind.INTEGER, Decimal("3.5"), True),
        (Kind.INTEGER, True, False),
        (Kind.INTEGER, "3", False),
        (Kind.BOOLEAN, True, True),
        (Kind.BOOLEAN, 1, False),
        (Kind.TEXT, "", True),
        (Kind.DATE, "2026-03-01", True),
        (Kind.DATE, "2026-03-01T00:00:00.000Z", False),
        (Kind.TIMESTAMP, "2026-03-01T00:00:00.000Z", True),
        (Kind.TIMESTAMP, "2026-03-01", False),
        (Kind.TIMESTAMP, "2026-03-01T01:00:00.000+01:00", False),
    ],
)
def test_a_value_fits_a_kind_in_the_form_of_its_columns_alone(kind: Kind, value: Scalar, does: bool) -> None:
    assert fits(kind, value) is does


def test_sums_are_exact_and_averages_have_twelve_decimals() -> None:
    assert total([Decimal("0.1"), Decimal("0.2")]) == Decimal("0.3")
    assert average([Decimal(1), Decimal(0), Decimal(0)]) == Decimal("0.333333333333")
    assert average([Decimal(10**20), Decimal(1)]) == Decimal("50000000000000000000.5")
    assert total([]) is None
    assert average([]) is None


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("US12", ("US", 12)),
        ("S-01005", ("S-", 1005)),
        ("US", ("US", 0)),
        ("12", ("", 12)),
        ("US12\n", ("US12\n", 0)),
        ("A٣", ("A٣", 0)),
    ],
)
def test_a_key_is_letters_and_a_number(key: str, parts: tuple[str, int]) -> None:
    assert numbered(key) == parts


@pytest.mark.parametrize(
    ("pattern", "text", "does"),
    [
        ("a%", "a\nb", True),
        ("a_", "a\n", True),
        ("a\\%", "a%", False),
        ("a\\%", "a\\x", True),
        ("[ab]", "a", False),
        ("%", "", True),
    ],
)
def test_a_pattern_has_two_wildcards_and_no_escape(pattern: str, text: str, does: bool) -> None:
    assert (like_pattern(pattern).fullmatch(text) is not None) is does
