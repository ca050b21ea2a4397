"""One configured place to mirror from, and the credential it is read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mirror.model.change import Side
from mirror.model.work_item import Category


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who we are; never shown by repr, logs or errors.

    Attributes:
        user: only for basic authentication, the secret is then the password; None for keys and tokens.
    """

    secret: str = field(repr=False)
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One configured place: name, tracker kind, address, scope.

    Attributes:
        tracker: a kind in connectors.registry (`rally`, `rt`).
        url: root address without a trailing slash.
        scope: what the tracker's own settings narrow the mirror to (`workspace`; `queues`), as written in the settings file.
        types: allow-list of record type names; `*` stands for all, a leading `-` excludes.
        concurrency: requests in flight at once with this credential.
        states: name of a state, or `Type.State` for one type only -> what it means, over what the tracker's connector says.
        conflicts: `Type.Field`, `*.Field`, `Type` or `*` -> who wins where both sides changed a field; see merge.policy.
        protect: what may not be changed: `Type`, `Type.action`, `Type.Field`, with `*` for any; see engine.protection.
        push_cap: how many changes one push makes without being asked again.
    """

    name: str
    tracker: str
    url: str
    credential: Credential
    scope: Mapping[str, object] = field(default_factory=dict)
    types: tuple[str, ...] = ("*",)
    concurrency: int = 8
    states: Mapping[str, Category] = field(default_factory=dict)
    conflicts: Mapping[str, Side] = field(default_factory=dict)
    protect: tuple[str, ...] = ()
    push_cap: int = 100

    def wants(self, type_name: str) -> bool:
        """Return whether the allow-list lets `type_name` through, in whatever case it is written.

        An exclusion always wins; a list of exclusions alone lets all others through.
        """
        listed = {each.lower() for each in self.types}
        if f"-{type_name}".lower() in listed:
            return False
        return bool({"*", type_name.lower()} & listed) or all(each.startswith("-") for each in listed)
