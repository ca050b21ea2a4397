"""What is told of each change that was pushed."""

from __future__ import annotations

from mirror.engine.outcomes import own_words

SAID = "Ticket 32: Owner changed from 'Nobody' to 'ann'; Ticket 32: Status 'x' isn't a valid status; it shows open"


def test_what_a_tracker_says_about_several_fields_is_told_of_each_alone() -> None:
    fields = {"Owner", "Status"}
    assert own_words(SAID, "Status", fields) == "Ticket 32: Status 'x' isn't a valid status; it shows open"
    assert own_words(SAID, "Owner", fields) == "Ticket 32: Owner changed from 'Nobody' to 'ann'; it shows open"


def test_words_that_name_no_field_are_kept_whole() -> None:
    assert own_words("Berechtigung fehlt; nichts wurde geschrieben", "Status", {"Owner", "Status"}).startswith(
        "Berechtigung"
    )
    assert own_words(SAID, "Subject", {"Owner", "Status", "Subject"}) == SAID
    assert own_words(SAID, "", {"Owner"}) == SAID
