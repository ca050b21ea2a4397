"""Behaviour the public material leaves open, each as a switch, with profiles for all of them together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

PROFILES = ("strict", "hostile", "classic", "2022", "strict26", "sso")
"""`strict` and `classic` are the same; the last four are versionone.md §10.4."""


@dataclass(frozen=True, slots=True)
class Switches:
    """How the tracker behaves where its documentation is silent or contested (versionone.md §11).

    Attributes:
        total: lists carry `total` `always`, only when `asked` with needTotal=true, or `never`. C1.
        auth: `basic` accepts Basic and Bearer; `bearer_only` challenges with something else than Basic. §2 D.
        asset_state_filter: `lenient` takes names and quoted numbers; under `strict26` a number without quotes is 400 and
            a number in quotes matches nothing. C2.
        json: `Accept: application/json` is honoured; if not, the answer is always XML. §1 L.
        query_v1: `query.v1` exists; if not, 404. §8.1.
        bulk: `api/asset` exists (since 18.0); if not, 404. §8.2.
        hist: `rest-1.v1/Hist` exists; if not, 404. C9.
        key_filter: `where=Key>'n'` is accepted; if not, 400. §4.1 S.
        id_filter: `where=ID>'Story:n'` is accepted; if not, 400. `ID='Story:n'` always is (R). §4.1.
        moment_filter: `where=Moment>'n'` is accepted; if not, 400. §4.2.5 I.
        change_date_filter: `where=ChangeDateUTC>='..'` is accepted; if not, 400. The vendor's own sync uses it. §4.2.1 S.
        page_size_cap: largest page; 0 none. No maximum is documented, 500 is proven. §9 L.
        page_size_echo: `asked` or `returned`: what `pageSize` says. C6.
        page_shift: so many rows come up in front while somebody pages by offset. §4.2.2.
        short_page_every: each k-th page lacks its last row, which comes with the next; 0 never.
        many_to_many_moves_both_ends: a change in a many-to-many list is a version of the assets at both ends; if not,
            only of the one that was written. C14 I.
        reverse_moves_target: a change of a single relation is a version of its old and its new target, too. C14.
        following_moves_children: tasks and tests that follow their parent's project, sprint, team or portfolio item
            get a version of their own; if not, their values change unseen. §6.4 I.
        relations_keep_deleted: relations go on naming deleted assets (the documented `Children[AssetState!="255"]` has
            no use otherwise); if not, these drop out without a version of anything. §4.1 D.
        zone_suffix_in_rest: what follows an instant in rest-1.v1: nothing, or `Z` on the UTC ones. C8.
        json_numbers_as_strings: numerics are strings in typed JSON, AssetState excepted. §3.3 I.
        user_zone_offset_minutes: the zone that dates other than UTC are rendered and read in, east positive. §9 D.
        clock_offset_seconds: the server's clock is ahead by so much, in stamps and in the Date header.
        replica_lag_seconds: reads see the world as it was so long ago.
        equal_stamps: ChangeDateUTC has whole seconds, so that many versions share one. §10.5.
        meta_open: `meta.v1` answers without credentials. C10.
        query_string_limit: a longer query string is refused with IIS's HTML 404; 0 none, its own default is 2048. §4.2.4 I.
        html_errors: rule violations and bad parameters come with an HTML body. §3.4 S.
        lost_answer_every: each k-th write is applied and its answer lost in a connection reset; 0 never. §10.5.
        undelete_moves_moment: undeleting is a version with a moment of its own. §6.4 R/Q.
        delete_moves_referrers: deleting is a version of every asset that refers to the deleted one, too. C14.
        bulk_updates_deleted: bulk updates reach deleted assets when they ask for them. C4 S.
        bulk_skips_required: bulk creates need no required attributes. C11 S.
        session_tickets: an authenticated answer sets a cookie that stands for a login. §2 D.
        null_is_unequal: `Attr!='x'` matches rows without a value, too. §4.1 I.
        find_lag_seconds: `find` sees the world as it was so long ago. §9 S.
        iscustom_in_meta: meta says `iscustom`; before 16.x it does not. §5.1 R.
        localised_names: names that are localisation keys come as text, `Team Lead` for `Role.Name'Team Lead`. §9 S.
    """

    total: str = "always"
    auth: str = "basic"
    asset_state_filter: str = "lenient"
    json: bool = True
    query_v1: bool = True
    bulk: bool = True
    hist: bool = True
    key_filter: bool = True
    id_filter: bool = True
    moment_filter: bool = True
    change_date_filter: bool = True
    page_size_cap: int = 0
    page_size_echo: str = "asked"
    page_shift: int = 0
    short_page_every: int = 0
    many_to_many_moves_both_ends: bool = True
    reverse_moves_target: bool = False
    following_moves_children: bool = True
    relations_keep_deleted: bool = True
    zone_suffix_in_rest: str = ""
    json_numbers_as_strings: bool = False
    user_zone_offset_minutes: int = 0
    clock_offset_seconds: float = 0.0
    replica_lag_seconds: float = 0.0
    equal_stamps: bool = False
    meta_open: bool = True
    query_string_limit: int = 0
    html_errors: bool = False
    lost_answer_every: int = 0
    undelete_moves_moment: bool = True
    delete_moves_referrers: bool = False
    bulk_updates_deleted: bool = True
    bulk_skips_required: bool = True
    session_tickets: bool = True
    null_is_unequal: bool = True
    find_lag_seconds: float = 0.0
    iscustom_in_meta: bool = True
    localised_names: bool = False

    @classmethod
    def strict(cls) -> Switches:
        """Every open question answered for the client: an instance as most recordings show it."""
        return cls()

    @classmethod
    def hostile(cls) -> Switches:
        """Every open question answered against the client at once, within what the recordings allow."""
        return cls(
            total="never",
            asset_state_filter="strict26",
            json=False,
            query_v1=False,
            bulk=False,
            key_filter=False,
            id_filter=False,
            moment_filter=False,
            page_size_cap=1000,
            page_size_echo="returned",
            page_shift=1,
            many_to_many_moves_both_ends=False,
            following_moves_children=False,
            relations_keep_deleted=False,
            zone_suffix_in_rest="Z",
            json_numbers_as_strings=True,
            user_zone_offset_minutes=330,
            clock_offset_seconds=-37.0,
            replica_lag_seconds=1.0,
            equal_stamps=True,
            meta_open=False,
            query_string_limit=2048,
            html_errors=True,
            lost_answer_every=11,
            bulk_updates_deleted=False,
            bulk_skips_required=False,
            null_is_unequal=False,
            find_lag_seconds=10.0,
            iscustom_in_meta=False,
            localised_names=True,
        )

    @classmethod
    def profile(cls, name: str) -> Switches:
        """Return the profile of that name; ValueError for an unknown one."""
        profiles = {
            "strict": cls(),
            "classic": cls(),
            "hostile": cls.hostile(),
            "2022": cls(total="asked"),
            "strict26": cls(total="never", asset_state_filter="strict26"),
            "sso": cls(total="asked", auth="bearer_only", meta_open=False),
        }
        if name not in profiles:
            raise ValueError(f"unknown profile {name!r}; known: {', '.join(PROFILES)}")
        return profiles[name]

    def with_changes(self, changes: dict[str, Any]) -> Switches:
        """Return a copy with some switches set; ValueError names an unknown one."""
        known = {each.name for each in fields(self)}
        for name in changes:
            if name not in known:
                raise ValueError(f"unknown switch {name!r}")
        return replace(self, **changes)
