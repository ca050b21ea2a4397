"""Every error mirror raises, and the exit code each family ends a command with.

MirrorError                         1   a bug, or nothing more exact is known
  UsageError                        2   fix the call
    ConfigError                         the settings file or a secret cannot be used
    UnknownSourceError                  no such source in the settings
    UnknownTypeError                    the tracker offers no such type
    UnknownRecordError                  no record is called that, or several are
    InvalidEditError                    an edit does not fit the catalogue; nothing was queued
    QueryError                          a query cannot be understood; points at the place
    DatabaseBusyError                   another process is syncing this database
  RemoteError                       3   the tracker said no, or cannot be reached
    AuthError                           credentials are missing, wrong or too weak
    RetryableError                      may work later; carries the wait the server asked for
    ProtocolError                       the answer is not what the contract says
    IncompleteError                     a listing ended short of what it announced
    RefusedError                        it refused what we wanted to write, in its own words
    StaleError                          the record has changed since we read it; nothing was written
  ConflictError                     4   a person must choose
  StoreError                        5   the database failed
    SchemaVersionError                  the database is from a newer mirror
  SafetyError                       6   refused to destroy
    MassDeleteError                     too large a share of a type vanished at once
"""

from __future__ import annotations

from unicodedata import combining, east_asian_width


class MirrorError(Exception):
    """Root of all errors raised on purpose."""

    exit_code = 1


class UsageError(MirrorError):
    """The call, the settings or the circumstances must be changed by the caller."""

    exit_code = 2


class ConfigError(UsageError):
    """The settings file, or a secret that it names, cannot be used."""


class UnknownSourceError(UsageError):
    """No source of that name is configured."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        there = ", ".join(known) if known else "none yet; add one with: mirror add"
        super().__init__(f"no source called {name!r}; configured: {there}")


class UnknownTypeError(UsageError):
    """The source offers no record type of that name."""

    def __init__(self, name: str, near: tuple[str, ...] = ()) -> None:
        self.name = name
        self.near = near
        hint = f"; did you mean {', '.join(near)}?" if near else "; see: mirror types"
        super().__init__(f"no record type called {name!r}{hint}")


class UnknownRecordError(UsageError):
    """A key leads to no record, or to several.

    Attributes:
        near: what to say instead.
    """

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        self.near = near
        super().__init__(message)


class InvalidEditError(UsageError):
    """An edit does not fit the mirrored catalogue, so nothing of it was queued.

    Attributes:
        problems: a sentence for each thing that is wrong.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class QueryError(UsageError):
    """A query, an order or a name in one cannot be understood. The message ends in two lines that underline the place.

    Attributes:
        text: the whole query.
        position: offset of the place in `text`, from 0 to its length.
        length: of the place, in characters.
        problem: a sentence without the text.
        near: what may have been meant instead.
    """

    def __init__(self, text: str, position: int, problem: str, *, length: int = 1, near: tuple[str, ...] = ()) -> None:
        self.text = text
        self.position = max(0, min(position, len(text)))
        self.length = max(1, length)
        self.problem = problem
        self.near = near
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        place = f"\n{_underlined(text, self.position, self.length)}" if text.strip() else ""
        super().__init__(f"{problem}{hint}{place}")


class DatabaseBusyError(UsageError):
    """Another run holds the lease of this database."""

    def __init__(self, holder: str, since: str) -> None:
        self.holder = holder
        self.since = since
        super().__init__(
            f"this database is being written to by {holder} since {since}; wait for it to end, or stop it and try again"
        )


class RemoteError(MirrorError):
    """The tracker refused, misbehaved or cannot be reached."""

    exit_code = 3


class AuthError(RemoteError):
    """The tracker does not accept the credentials."""


class RetryableError(RemoteError):
    """The request may succeed later.

    Attributes:
        after_seconds: how long the server asked us to wait; None when it did not say.
        is_unsent: of a write: the server surely did nothing with it. Else nobody knows before the tracker is read.
        is_answered: of a write: the tracker itself answered that it failed, with status 500. Waiting may not mend that.
    """

    def __init__(
        self, message: str, after_seconds: float | None = None, *, is_unsent: bool = False, is_answered: bool = False
    ) -> None:
        self.after_seconds = after_seconds
        self.is_unsent = is_unsent
        self.is_answered = is_answered
        super().__init__(message)


class ProtocolError(RemoteError):
    """The answer breaks the contract of the tracker (errors in the body, HTML, a missing key)."""


class IncompleteError(RemoteError):
    """A listing gave fewer records than it announced."""

    def __init__(self, what: str, announced: int, received: int) -> None:
        self.what = what
        self.announced = announced
        self.received = received
        super().__init__(f"{what}: {announced} records announced, {received} received")


class RefusedError(RemoteError):
    """The tracker refused a write; the message is its own words. Part of it may have been applied all the same."""


class StaleError(RemoteError):
    """The record has changed on the tracker since it was read, so nothing was written: read it again."""


class ConflictError(MirrorError):
    """Local and remote edits contradict each other; a person must choose."""

    exit_code = 4


class StoreError(MirrorError):
    """The database refused or failed."""

    exit_code = 5


class SchemaVersionError(StoreError):
    """The database was written by a newer mirror."""


class SafetyError(MirrorError):
    """Going on could destroy data that nobody asked to destroy."""

    exit_code = 6


class MassDeleteError(SafetyError):
    """So many records of a type vanished at once that a fault is likelier than a clean-up."""

    def __init__(self, type_name: str, vanished: int, known: int) -> None:
        self.type_name = type_name
        self.vanished = vanished
        self.known = known
        super().__init__(
            f"{type_name}: {vanished} of {known} records vanished from the tracker at once; nothing was deleted here. "
            "If that is right, run it again with --allow-mass-delete"
        )


_SHOWN_CHARACTERS = 100  # of a long line, around the place


def _underlined(text: str, position: int, length: int) -> str:
    """Return the line of `text` that has the place in it, and carets under the place."""
    begin = text.rfind("\n", 0, position) + 1
    line = text[begin:].partition("\n")[0].rstrip("\r")
    at = min(position - begin, len(line))
    length = max(1, min(length, len(line) - at))
    cut = max(0, min(at - _SHOWN_CHARACTERS // 2, len(line) - _SHOWN_CHARACTERS))
    shown = "".join(each if each.isprintable() else " " for each in line[cut : cut + _SHOWN_CHARACTERS])
    before, after = "…" if cut else "", "…" if cut + _SHOWN_CHARACTERS < len(line) else ""
    indent = len(before) + _columns(shown[: at - cut])
    carets = "^" * max(1, _columns(shown[at - cut : at - cut + length]))
    return f"  {before}{shown}{after}\n  {' ' * indent}{carets}"


def _columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: characters of East Asia two, those put upon others none."""
    wide = sum(east_asian_width(each) in "WF" for each in text)
    return len(text) + wide - sum(combining(each) > 0 for each in text)
