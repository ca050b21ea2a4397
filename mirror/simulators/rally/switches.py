"""The open questions about the tracker, as switches: answered for the client (strict) or against it (hostile)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

PROFILES = ("strict", "hostile")


@dataclass(frozen=True, slots=True)
class Switches:
    """How the simulator behaves where the contract leaves room. The defaults are the strict profile.

    Attributes:
        replica_lag_seconds: reads see the state of so long ago; answers to writes do not lag. rally.md §6 C.
        page_shift: pages with `start` above 1 begin this many rows too late (or too early, when negative). rally.md §0.7 I.
        shuffled_order: rows that the order leaves equal, or all rows without an order, come in changing order. rally.md §3.
        short_page_every: each k-th page of more than one row gives only half of its rows; 0 never.
        errors_on_page_every: each k-th page with `start` above 1 is HTTP 200 with `Errors`; 0 never. rally.md §0.1 R.
        page_size_cap: largest page; the server clamps silently. rally.md §3 D.
        workspace_scope_dropped: the `workspace` parameter is ignored, the user's default workspace rules. rally.md §0.8 D.
        discussion_moves_artifact: a new post counts as a change of its artifact. rally.md §11 I.
        attachment_moves_artifact: likewise for attachments.
        result_moves_test_case: likewise for test case results.
        links_move_both_ends: adding to a collection counts as a change of the other end, too.
        restore_moves_stamp: restoring counts as a change; if not, version and stamp are those of before the deletion.
        delete_moves_referrers: losing a reference to a deleted object counts as a change.
        bin_for_all: deleting something that cannot be restored leaves a recycle bin entry. rally.md §9.1 I.
        late_roll_up: roll-ups of portfolio items wait for `World.roll_up`, and then move neither version nor stamp. §11 I.
        schema_change_moves_stamps: a new digest counts as a change of the workspace and its projects.
        conflict_every: each k-th write is refused with a concurrency conflict; 0 never. rally.md §6 R.
        lost_answer_every: each k-th write is applied and its answer lost in a connection reset; 0 never.
        clock_offset_seconds: the server's clock is ahead by so much, in stamps and in the Date header.
        batch_refused: "" or one of "401", "405", "errors": what `POST /batch` answers instead of working.
        batch_get_refused: batch entries with Method GET are answered with an error.
        fetch_depth: how many levels of references a fetch list fills. rally.md §3 D says "recursively", no limit is known.
        ended_session_refused: cookies of a session that has ended are answered with 401, even beside a good password. §6 I
        shallow_fetch_ignored: `shallowFetch` is taken for an unknown parameter, as if nothing had been asked for.
    """

    replica_lag_seconds: float = 0.0
    page_shift: int = 0
    shuffled_order: bool = False
    short_page_every: int = 0
    errors_on_page_every: int = 0
    page_size_cap: int = 2000
    workspace_scope_dropped: bool = False
    discussion_moves_artifact: bool = True
    attachment_moves_artifact: bool = True
    result_moves_test_case: bool = True
    links_move_both_ends: bool = True
    restore_moves_stamp: bool = True
    delete_moves_referrers: bool = True
    bin_for_all: bool = True
    late_roll_up: bool = False
    schema_change_moves_stamps: bool = True
    conflict_every: int = 0
    lost_answer_every: int = 0
    clock_offset_seconds: float = 0.0
    batch_refused: str = ""
    batch_get_refused: bool = False
    fetch_depth: int = 2
    ended_session_refused: bool = False
    shallow_fetch_ignored: bool = False

    @classmethod
    def strict(cls) -> Switches:
        """Every open question answered for the client."""
        return cls()

    @classmethod
    def hostile(cls) -> Switches:
        """Every open question answered against the client."""
        return cls(
            replica_lag_seconds=1.0,
            page_shift=1,
            shuffled_order=True,
            short_page_every=5,
            page_size_cap=200,
            discussion_moves_artifact=False,
            attachment_moves_artifact=False,
            result_moves_test_case=False,
            links_move_both_ends=False,
            restore_moves_stamp=False,
            delete_moves_referrers=False,
            bin_for_all=False,
            late_roll_up=True,
            schema_change_moves_stamps=False,
            conflict_every=7,
            lost_answer_every=11,
            clock_offset_seconds=-37.0,
            batch_get_refused=True,
            ended_session_refused=True,
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
