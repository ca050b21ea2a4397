"""The `fetch` parameter, read. rally.md §3."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

SHELL, FULL, LIST = "shell", "full", "list"

_PART = re.compile(r"([\w.]+)(?::summary)?(?:\[([^\]]*)\])?")


@dataclass(frozen=True, slots=True, eq=False)
class Fetch:
    """What to send of each object.

    Attributes:
        mode: SHELL only references, FULL everything one level deep, LIST the names given.
        names: for LIST.
        shallow: the names do not apply to referenced objects, except through `inside`. rally.md §3 D
        inside: names for the objects behind one reference, from `Project[Name;Owner]`.
        summaries: attributes to count inside a collection, from `Tasks:summary[State]`.
        key: equal for equal fetches.
    """

    mode: str
    names: frozenset[str] = frozenset()
    shallow: bool = False
    inside: dict[str, frozenset[str]] = field(default_factory=dict)
    summaries: dict[str, tuple[str, ...]] = field(default_factory=dict)

    key: str = field(init=False, default="")

    def __post_init__(self) -> None:
        # Computed once, because it is looked up for every object rendered.
        key = f"{self.mode}|{sorted(self.names)}|{self.shallow}|{sorted(self.inside)}|{self.summaries}"
        object.__setattr__(self, "key", key)


WHOLE = Fetch(FULL)
REFERENCES = Fetch(SHELL)


@lru_cache(maxsize=256)
def only(names: frozenset[str]) -> Fetch:
    """Return a list fetch that stops at the object itself."""
    return Fetch(LIST, names, shallow=True)


@lru_cache(maxsize=256)
def parse_fetch(text: str | None, shallow_text: str | None, default: Fetch | None = None) -> Fetch:
    """Read `fetch` and `shallowFetch`.

    Args:
        default: what applies when neither is given: shells for queries, everything for read-one and collections.
    """
    given = shallow_text if shallow_text else text
    # One client sends the list inside literal quotes. rally.md Appendix A step 7
    given = given.strip().strip('"') if given else ""
    if not given:
        return default or REFERENCES
    if given.lower() in ("true", "false"):
        return WHOLE if given.lower() == "true" else REFERENCES
    return _parse_list(given, shallow=bool(shallow_text))


def _parse_list(text: str, *, shallow: bool) -> Fetch:
    names: set[str] = set()
    inside: dict[str, frozenset[str]] = {}
    summaries: dict[str, tuple[str, ...]] = {}
    for part in re.split(r",(?![^\[]*\])", text):
        matched = _PART.fullmatch(part.strip())
        if matched is None:
            continue
        name, listed = matched.groups()
        names.add(name)
        wanted = tuple(each.strip() for each in re.split(r"[;,]", listed)) if listed else ()
        if ":summary" in part:
            summaries[name] = wanted
        elif wanted:
            inside[name] = frozenset(wanted)
    if "true" in names:
        return WHOLE
    return Fetch(LIST, frozenset(names), shallow, inside, summaries)
