"""A look at the connection to one source: what is right and wrong with it, and who we are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from mirror.connectors.base import Connector, Finding
from mirror.engine.account import learn_account
from mirror.engine.run import Run
from mirror.engine.sync import same_place
from mirror.errors import ConfigError, RemoteError
from mirror.model.source import Source
from mirror.store.store import Store


def check_source(
    source: Source, connector: Connector, opened: Callable[[], Store | None], *, clock: Callable[[], datetime]
) -> Iterator[Finding]:
    """Yield what is right and wrong; once signed in, learn who we are, as a sync does, and the time zone of our days.

    Args:
        opened: returns the store, None when there is no database; called only once signed in.
        clock: our own time, UTC, aware.
    """
    found: list[Finding] = []
    for each in connector.check():
        found.append(each)
        yield each
    # whoever is not let in finds out nothing else; asking again might lock an account
    is_in = any(each.ok for each in found)
    store = opened() if is_in else None
    if store is None:
        return
    run = Run(source, connector, store, clock, lambda _event: None)
    try:
        same_place(run)
        learn_account(run, anew=True)
    except ConfigError as error:
        if all(each.ok for each in found):  # else it is one of these
            yield Finding("place", ok=False, detail=str(error))
    except RemoteError:  # it has just answered all that was asked; the next sync learns the rest
        return
