"""What the contract tests ask of every tracker: a simulated one, ready to be mirrored, that things can be done to.

A new tracker needs one file, `tests/support/stages/<kind>.py`, with a class called `TheStage` below `Stage`; the tests
find it by the kind under which the tracker is registered. Everything in `tests/contract` then runs on it as it stands.

A stage speaks of its tracker in the tracker's own terms and goes through the simulator, never through the connector: what it
says is what the connector is held against. What a tracker cannot do, its connector says in `Capabilities` and its catalog
in `RecordType.tracking`; there is nothing to skip in here.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self, cast

from mirror.connectors.base import Capabilities, Connector
from mirror.connectors.http import Patience, Transport
from mirror.connectors.registry import connect
from mirror.engine.sync import SyncOptions, SyncReport, sync_source
from mirror.model.event import Event
from mirror.model.layout import Layout, arrange, table_name
from mirror.model.source import Credential, Source
from mirror.simulators.base import Simulator
from mirror.simulators.clock import Clock
from mirror.simulators.faults import FaultPlan
from mirror.simulators.traffic import Hook, RequestLog
from mirror.store.store import Store

IMPATIENT = Patience(attempts=6, first_wait_seconds=0.01, timeout_seconds=(5.0, 20.0))

_FEW_KEYS = 3
"""A page of so many keys makes a type of a dozen records a large one in the engine's eyes."""


class Walk(Protocol):
    """Random things that people do on the tracker; the same seed on the same data does the same.

    Attributes:
        done: a line for each step, for the message of a failing test.
    """

    done: list[str]
    random: random.Random

    def steps(self, count: int) -> None:
        """Do `count` random things; those that the tracker's rules refuse count as well."""


class _FewKeys:
    """A connector whose listings of keys are said to be short."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self._connector.capabilities, page_size=_FEW_KEYS)


class Stage(ABC):
    """One simulated tracker with data. Use it as a context manager.

    Args:
        records: about how many records of all types there are to begin with.
        seed: equal numbers give equal data.
        clock: the tracker's time; the machine's own if None.

    Attributes:
        kind: as registered in mirror/connectors/registry.py.
        busy: a type whose records carry a stamp, of which there are many, and which people may create, edit and delete.
        text_field: a field of `busy` for text of any length.
        title_field: a field of `busy` for one line of text; every record has one.
        writes: an expression for the paths, with the query, of requests that write and of no others; with `POST|PUT|DELETE`.
        few: types that are enough where a test is not about all of them: `busy`, all that its records refer to, and all that
            `rename` and `edit` touch. Most of a sync's time goes by the number of types.
        allowed: the allow-list of `source`; all types unless a test sets it to `few`.
    """

    kind: ClassVar[str]
    busy: ClassVar[str]
    text_field: ClassVar[str]
    title_field: ClassVar[str]
    writes: ClassVar[str]
    few: ClassVar[tuple[str, ...]]
    tracker: Simulator
    allowed: tuple[str, ...] = ("*",)

    @abstractmethod
    def __init__(self, *, records: int, seed: int, clock: Clock | None) -> None: ...

    # How to get at it

    @abstractmethod
    def source(self, **changes: Any) -> Source:
        """Return a source called acme, of the types in `allowed`, that sees all there is; `changes` replace attributes."""

    @abstractmethod
    def narrow_scope(self) -> dict[str, object]:
        """Return a `Source.scope` that holds some, but not all, of the records of `busy` that `source` sees, or others."""

    @abstractmethod
    def wrong_credential(self) -> Credential:
        """Return what the tracker does not accept."""

    @abstractmethod
    def credentials(self) -> dict[str, Credential]:
        """Return every way to sign in as somebody who sees all that `source` sees, by a word for it."""

    # What is there

    @abstractmethod
    def types(self) -> set[str]:
        """Return the names of the types that must be offered."""

    @abstractmethod
    def ids(self, type_name: str) -> list[int]:
        """Return the ids of a type that a listing shows now, ascending."""

    @abstractmethod
    def compare(self, store: Store, source: str) -> list[str]:
        """Compare every table, column and link of the mirror with the tracker; return a sentence for each difference.

        The expectation comes from the simulator's own data, never from the connector's code. A type that has no table is
        told as `<type>: not mirrored`.
        """

    def texts(self) -> dict[int, str]:
        """Return `text_field` of all records of `busy` that a listing shows; "" where there is none."""
        found: dict[int, str] = {}
        for each in self.ids(self.busy):
            try:
                found[each] = self.text_of(each)
            except (KeyError, IndexError, StopIteration):
                found[each] = ""
        return found

    @abstractmethod
    def titles(self) -> list[str]:
        """Return `title_field` of all records of `busy` that a listing shows."""

    @abstractmethod
    def comments(self) -> list[str]:
        """Return the texts of all comments on records of `busy`."""

    @abstractmethod
    def walk(self, seed: int, *, access: bool = True) -> Walk:
        """Return somebody who does random things.

        Args:
            access: what our account may see changes as well.
        """

    # What may be done to it

    @abstractmethod
    def create(self, text: str = "new") -> int:
        """Create a record of `busy` with `text` in `text_field`; return its id."""

    @abstractmethod
    def text_of(self, record_id: int) -> str:
        """Return what the tracker holds in `text_field` of a record, which need not be all that it was given."""

    @abstractmethod
    def edit(self, record_id: int, text: str = "edited") -> None:
        """Change `text_field` of a record of `busy`."""

    @abstractmethod
    def delete(self, record_id: int) -> None:
        """Delete a record of `busy`, as people do it."""

    @abstractmethod
    def restore(self, record_id: int) -> None:
        """Bring back a record that `delete` took away."""

    @abstractmethod
    def rename(self) -> None:
        """Give another name to every record of at least two types that others show by name, people and places say."""

    @abstractmethod
    def hide(self) -> None:
        """Take away our account's sight of all records of `busy`, without a trace of why."""

    @abstractmethod
    def show(self) -> None:
        """Undo `hide`."""

    @abstractmethod
    def add_field(self) -> str:
        """Add a custom field to `busy`; return its name as the catalog must show it."""

    @abstractmethod
    def fill_field(self, name: str, record_id: int) -> None:
        """Give a value to such a field of one record."""

    @abstractmethod
    def retype_field(self, name: str) -> None:
        """Make such a field one of another kind; what becomes of its values is the tracker's affair."""

    @abstractmethod
    def remove_field(self, name: str) -> None:
        """Remove such a field with its values."""

    # How it behaves

    @abstractmethod
    def small_pages(self) -> None:
        """Have at most ten records come in an answer of a listing."""

    @abstractmethod
    def spoil(self, **fault: Any) -> None:
        """Have every request for whole records of `busy` run into a fault, and none that a load needs for other types alone.

        Args:
            fault: a `Fault` without method and path.
        """

    @abstractmethod
    def move_clock(self, seconds: float) -> None:
        """Have the server's clock differ from its true time by so much, in stamps and in the Date header."""

    @abstractmethod
    def lag(self, seconds: float) -> None:
        """Have all reads show the state of so long ago."""

    @abstractmethod
    def answer_against_us(self) -> None:
        """Answer every open question about the tracker against the client at once, as far as one further sync can still
        make the mirror equal: nothing that loses requests, and no lag."""

    # The same for all

    def differences(self, store: Store, source: str = "acme") -> list[str]:
        """Return what `compare` finds in types that are allowed."""
        left_out = {f"{name}: not mirrored" for name in self.types() if not self.source().wants(name)}
        return [each for each in self.compare(store, source) if each not in left_out]

    @property
    def url(self) -> str:
        """Root address of the simulator."""
        return self.tracker.url

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong on the way."""
        return self.tracker.faults

    @property
    def requests(self) -> RequestLog:
        """What was asked so far."""
        return self.tracker.requests

    def on_request(self, hook: Hook) -> Callable[[], None]:
        """Call `hook` with each request before it is answered; return what ends this."""
        return self.tracker.on_request(hook)

    def connector(self, source: Source | None = None, *, patience: Patience = IMPATIENT) -> Connector:
        """Return a new connector that knows nothing yet."""
        chosen = source or self.source()
        return connect(chosen, Transport(chosen.url, concurrency=chosen.concurrency, patience=patience))

    def layouts(self, connector: Connector) -> dict[str, Layout]:
        """Return a layout of every type, as an empty database would arrange it."""
        catalog = connector.discover(None)
        assert catalog is not None
        return {
            name: arrange("acme", self.kind, each, table=table_name(self.kind, name)) for name, each in catalog.types.items()
        }

    def sync(
        self,
        store: Store,
        *,
        source: Source | None = None,
        events: list[Event] | None = None,
        few_keys: bool = False,
        patience: Patience = IMPATIENT,
        **options: Any,
    ) -> SyncReport:
        """Sync once, as a new process would: with a new connector.

        Args:
            few_keys: treat types of a dozen records as too large to be compared key by key, so that what changed must be
                learnt from the listing of changes.
        """
        chosen = source or self.source()
        connector = self.connector(chosen, patience=patience)
        emit: Callable[[Event], object] = events.append if events is not None else lambda _event: None
        return sync_source(
            chosen,
            cast("Connector", _FewKeys(connector)) if few_keys else connector,
            store,
            SyncOptions(**options),
            clock=lambda: datetime.now(UTC),
            emit=lambda each: emit(each) and None,
        )

    def __enter__(self) -> Self:
        self.tracker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.tracker.stop()


def stage_class(kind: str) -> type[Stage]:
    """Return the stage of a registered tracker.

    Raises:
        ModuleNotFoundError: nobody has written `tests/support/stages/<kind>.py`.
    """
    found: type[Stage] = import_module(f"tests.support.stages.{kind}").TheStage
    return found


def rows_of(store: Store, type_name: str, source: str = "acme") -> dict[int, dict[str, Any]]:
    """Return all rows of one type of one source by id, each by column name."""
    layout = store.layouts(source)[type_name]
    with store.read(f"SELECT * FROM {layout.table} WHERE source = '{source}'") as result:
        listed = [dict(zip(result.columns, row, strict=True)) for row in result.rows]
    return {row["id"]: row for row in listed}
