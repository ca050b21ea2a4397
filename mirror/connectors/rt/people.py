"""Who is who: RT names users where a number is wanted, and no listing tells who is disabled or privileged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from mirror.connectors.http import Answer, Request
from mirror.connectors.rt.login import quoted
from mirror.connectors.rt.paging import Pager
from mirror.connectors.rt.search import PER_PAGE, Condition, Rows, Search, Tongue, decoded, id_of

_FEW = 25  # names that are looked up one by one before a listing of all users is thought of
_PRIVILEGED_FOR_SECONDS = 2.0  # shorter than a change takes to settle (dates.revision), so that none is lost to it


class People:
    """Numbers of users by name, and what only superusers may know of them."""

    def __init__(self, send: Callable[[Request], Answer], pager: Pager, clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._pager = pager
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers: dict[str, int | None] = {}
        self._privileged: tuple[float, frozenset[str]] | None = None

    def forget(self) -> None:
        """Look every name up again; users may have been renamed."""
        with self._lock:
            self._numbers.clear()

    def known(self, name: str) -> int | None:
        """Return the number of the user called `name`; None when it was not looked up or cannot be learnt."""
        with self._lock:
            return self._numbers.get(name)

    def learn(self, names: Iterable[str]) -> None:
        """Look `names` up; many unknown ones are cheaper from a listing of all users than one by one."""
        with self._lock:
            unknown = [each for each in sorted(set(names)) if each not in self._numbers]
        if len(unknown) > _FEW:
            self._learn_everybody(len(unknown))
        for each in unknown:
            with self._lock:
                is_known = each in self._numbers
            if not is_known:
                self._learn_one(each)

    def _learn_everybody(self, unknown_count: int) -> None:
        """List all users, unless that takes more requests than there are unknown ones."""
        wanted = Search("/users", Tongue.NONE, fields={"fields": "id,Name"}, disabled_too=True)
        total, _ = self._pager.count(wanted)
        if total is None or total > unknown_count * PER_PAGE:
            return
        for stretch in self._pager.all(wanted):
            with self._lock:
                self._numbers.update((str(item["Name"]), id_of(item)) for item in stretch.items)

    def _learn_one(self, name: str) -> None:
        answer = self._send(Request("GET", f"/REST/2.0/user/{quoted(name)}"))
        found = number_in(decoded(answer, "user")) if answer.status == 200 else None
        with self._lock:
            self._numbers[name] = found

    def enabled(self, names: Sequence[str], ask: Callable[[Request], Rows]) -> frozenset[str]:
        """Return those of `names`, at most a page of them, that are enabled; only for administrators of users.

        A search by name is refused to others, who are then shown everybody (seen on 5.0.3).
        """
        conditions = tuple(Condition("Name", "=", each) for each in names)
        search = Search("/users", Tongue.JSON, conditions, {"fields": "Name"})
        return frozenset(str(item["Name"]) for item in ask(search.request()).items)

    def privileged(self) -> frozenset[str]:
        """Return the names of all privileged users; only for administrators of users."""
        with self._lock:
            known = self._privileged
        if known is not None and self._clock() - known[0] < _PRIVILEGED_FOR_SECONDS:
            return known[1]
        began = self._clock()
        conditions = (Condition("Domain", "=", "SystemInternal"), Condition("Name", "=", "Privileged"))
        group = self._pager.stretch(Search("/groups", Tongue.JSON, conditions)).items[0]
        members = decoded(self._send(Request("GET", f"/REST/2.0/group/{id_of(group)}")), "group")["Members"]
        names = frozenset(str(each["id"]) for each in members)
        with self._lock:
            self._privileged = (began, names)
        return names


def number_in(user: Mapping[str, Any]) -> int | None:
    """Return the number in a user's record; non-administrators find it only in the link to itself (seen on 5.0.3)."""
    if "id" in user:
        return int(user["id"])
    own = (link for link in user.get("_hyperlinks") or () if link.get("ref") == "self")
    return next((int(link["id"]) for link in islice(own, 1)), None)
