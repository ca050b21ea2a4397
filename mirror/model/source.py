"""One configured place to mirror from, and the credential it is read with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mirror.model.change import Side
from mirror.model.work_item import Category

Signer = Callable[..., object]
"""A `requests` authentication object: called with each request before it is sent, returns that request."""


class Auth(StrEnum):
    """How requests prove who we are."""

    APIKEY = "apikey"  # a key with every request
    TOKEN = "token"  # noqa: S105 - a word; an access token with every request
    BASIC = "basic"  # user and password with every request
    SESSION = "session"  # shown once, for a cookie that stands for it from then on
    KERBEROS = "kerberos"  # a ticket of the system, by SPNEGO (RFC 4559)
    NTLM = "ntlm"  # the handshake of Windows, with user and password
    PYTHON = "python"  # an object that a script or a package gives

    @property
    def words(self) -> str:
        """The same for people."""
        return _WORDS[self]


_WORDS = {
    Auth.APIKEY: "an API key",
    Auth.TOKEN: "a token with every request",
    Auth.BASIC: "user and password with every request",
    Auth.SESSION: "a session cookie",
    Auth.KERBEROS: "a Kerberos ticket",
    Auth.NTLM: "NTLM",
    Auth.PYTHON: "an authentication object of Python",
}


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves who we are; never shown by repr, logs or errors.

    Attributes:
        secret: empty where the system or an object has it.
        user: whose password the secret is; None for keys and tokens.
        auth: None for what is usual with this tracker.
        signer: the object for Auth.PYTHON.
    """

    secret: str = field(repr=False)
    user: str | None = None
    auth: Auth | None = None
    signer: Signer | None = field(default=None, repr=False)


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
        history: names of record types whose replaced versions are kept, in the form of `types`; empty for none.
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
    history: tuple[str, ...] = ()

    def wants(self, type_name: str) -> bool:
        """Return whether the allow-list lets `type_name` through, in whatever case it is written.

        An exclusion always wins; a list of exclusions alone lets all others through.
        """
        return _lets_through(self.types, type_name)

    def keeps(self, type_name: str) -> bool:
        """Return whether replaced versions of the records of a type are kept, in whatever case it is written."""
        return bool(self.history) and _lets_through(self.history, type_name)


def _lets_through(names: tuple[str, ...], type_name: str) -> bool:
    listed = {each.lower() for each in names}
    if f"-{type_name}".lower() in listed:
        return False
    return bool({"*", type_name.lower()} & listed) or all(each.startswith("-") for each in listed)
