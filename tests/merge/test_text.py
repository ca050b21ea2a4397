"""Merging two edits of a text: nothing is lost, nothing is guessed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mirror.merge.text import _TOKEN, applied, edits, merge_text

WORDS = st.sampled_from(["red", "green", "blue", "fox", "<p>", "</p>", "\n", ".", "é", "&amp;", "x1"])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
ANY = st.one_of(TEXTS, st.text(max_size=30))
BASE = [f"w{number}" for number in range(40)]
PLACES = st.sets(st.integers(0, 39), min_size=1, max_size=6)


def test_edits_of_different_places_merge() -> None:
    base = "<p>The cat sat.</p><p>The dog ran off quickly.</p>"
    local = "<p>The black cat sat.</p><p>The dog ran off quickly.</p>"
    remote = "<p>The cat sat.</p><p>The dog ran off slowly.</p>"
    assert merge_text(base, local, remote) == "<p>The black cat sat.</p><p>The dog ran off slowly.</p>"


def test_edits_of_the_same_word_do_not() -> None:
    assert merge_text("one two three", "one 2 three", "one zwei three") is None


def test_edits_of_neighbouring_words_do_not() -> None:
    assert merge_text("one two three", "1 two three", "one 2 three") is None


def test_two_texts_put_in_at_the_same_place_do_not() -> None:
    assert merge_text("one\n", "one\ntwo\n", "one\nthree\n") is None


def test_the_same_edit_on_both_sides_is_made_once() -> None:
    assert merge_text("a b c d e", "X b c d e", "X b c d Y") == "X b c d Y"


def test_what_one_deletes_and_the_other_edits_does_not() -> None:
    assert merge_text("a b c d e f g", "a g", "a b c X e f g") is None


def test_a_long_text_that_was_written_anew_does_not() -> None:
    base = " ".join(f"w{number}" for number in range(3000))
    assert merge_text(base, base + " end", " ".join(f"v{number}" for number in range(3000))) is None


@given(ANY, ANY)
def test_one_edit_alone_is_the_result(base: str, edited: str) -> None:
    assert merge_text(base, edited, base) == edited
    assert merge_text(base, base, edited) == edited
    assert merge_text(base, edited, edited) == edited


@given(ANY, ANY)
def test_edits_make_one_text_of_the_other(base: str, edited: str) -> None:
    tokens = _TOKEN.findall(base)
    made = edits(tokens, _TOKEN.findall(edited))
    assert applied(tokens, made) == edited
    assert all(before.end < after.start for before, after in pairwise(made))


@given(TEXTS, TEXTS, TEXTS)
def test_sides_do_not_matter(base: str, some: str, other: str) -> None:
    assert merge_text(base, some, other) == merge_text(base, other, some)


@given(PLACES, PLACES, st.booleans())
def test_a_merge_has_both_edits_and_nothing_else(here: set[int], there: set[int], deleting: bool) -> None:
    words = [*BASE]
    local = ["" if deleting and at in here else f"here{at}" if at in here else each for at, each in enumerate(words)]
    remote = [f"there{at}" if at in there else each for at, each in enumerate(words)]
    merged = merge_text(" ".join(words), " ".join(local), " ".join(remote))
    nearest = min(abs(some - other) for some in here for other in there)
    if merged is None:
        assert nearest <= 8  # edits around a short rest count as one
    else:
        assert nearest > 1
        assert merged.split(" ") == [remote[at] if at in there else local[at] for at in range(len(words))]
