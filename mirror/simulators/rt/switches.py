"""The open questions about the tracker, as switches: answered for the client (strict) or against it (hostile)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

PROFILES = ("strict", "hostile")


@dataclass(frozen=True, slots=True)
class Switches:
    """How the simulator behaves where installations differ. The defaults are those of the real server of our tests.

    Attributes:
        page_size_cap: largest page; more is silently cut down to it. Every RT has 100 (rt.md §4.1).
        last_page_again: a page beyond the end is the last page again, as from 5.0.6 (rt.md §4.1 V).
        look_ahead: accounts that rows are not counted for get `next_page`, as from 5.0.6 (rt.md §12).
        roles_by_name: custom roles go by their names, as from 5.0.4 (rt.md §12).
        shuffled_order: rows that the order leaves equal come in changing order, as on PostgreSQL (rt.md §1.5).
        default_timezone: zone of users without one of their own (rt.md §5.3).
        lag_seconds: reads see the state of so long ago, as behind a replica; writes see the present.
        late_transactions: each k-th transaction is committed only as the next one is, so that a lower number appears
            after a higher one, as on PostgreSQL (rt.md §7.2 B); 0 never.
        mail: creating and answering records outgoing mail (rt.md §6.2).
        rest1: REST 1.0 is there; without it nobody gets a session cookie for a token (rt.md §2.2).
        login_form: the page for people to log in is there, and takes passwords (seen on 5.0.3).
        session_seconds: a session ends after so many seconds; 0 never.
        lost_answer_every: each k-th write is applied and its answer lost in a connection reset; 0 never.
        error_every: each k-th read is `500` with an empty body, as from a locked database; 0 never.
        racing_edit_every: just before each k-th write with If-Match is applied, somebody else edits the same ticket,
            behind the check (rt.md §1.3); 0 never.
        clock_offset_seconds: the server's clock is ahead by so much, in stamps and in the Date header.
    """

    page_size_cap: int = 100
    last_page_again: bool = False
    look_ahead: bool = False
    roles_by_name: bool = False
    shuffled_order: bool = False
    default_timezone: str = "UTC"
    lag_seconds: float = 0.0
    late_transactions: int = 0
    mail: bool = True
    rest1: bool = True
    login_form: bool = True
    session_seconds: float = 0.0
    lost_answer_every: int = 0
    error_every: int = 0
    racing_edit_every: int = 0
    clock_offset_seconds: float = 0.0

    @classmethod
    def strict(cls) -> Switches:
        """Everything as on the real server of our tests."""
        return cls()

    @classmethod
    def hostile(cls) -> Switches:
        """Every open question answered against the client."""
        return cls(
            last_page_again=True,
            shuffled_order=True,
            roles_by_name=True,
            default_timezone="Asia/Kolkata",
            lag_seconds=1.0,
            late_transactions=5,
            session_seconds=2.0,
            lost_answer_every=11,
            error_every=37,
            racing_edit_every=7,
            clock_offset_seconds=-37.0,
        )

    @classmethod
    def profile(cls, name: str) -> Switches:
        """Return the profile of that name; ValueError for an unknown one."""
        if name not in PROFILES:
            raise ValueError(f"unknown profile {name!r}; known: {', '.join(PROFILES)}")
        return cls.hostile() if name == "hostile" else cls.strict()

    def with_changes(self, changes: dict[str, Any]) -> Switches:
        """Return a copy with some switches set; ValueError names an unknown one."""
        known = {each.name for each in fields(self)}
        for name in changes:
            if name not in known:
                raise ValueError(f"unknown switch {name!r}")
        return replace(self, **changes)
