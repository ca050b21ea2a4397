"""The bytes of files: asked of the tracker once, and kept in the database under their digest."""

from __future__ import annotations

from collections.abc import Callable

from mirror.connectors.contents import Contents
from mirror.errors import StoreError, UsageError
from mirror.model.schema import Kind
from mirror.script.held import Held
from mirror.store.store import Store

_NOTE = "content"


def content_of(held: Held, store: Store, reader: Callable[[], Contents]) -> bytes:
    """Return the bytes of a file, from the database when they were read before.

    Args:
        reader: makes what asks the tracker; only called when that must be asked.

    Raises:
        RemoteError: the tracker does not give them.
    """
    key = f"{_NOTE}:{held.type_name}:{held.id}"
    digest = store.notes(held.source).get(key)
    if digest:
        try:
            return store.queue.blob(digest)
        except StoreError:  # a file with the same bytes was attached, and went with that change
            pass
    found = reader().read(held.id, _references(held))
    store.note(held.source, key, store.queue.put_blob(found))
    return found


def check_file(held: Held, type_name: str) -> None:
    """Refuse a record that is no file.

    Raises:
        UsageError: it is none.
    """
    if held.type_name != type_name:
        raise UsageError(f"{held.type_name} {held.id} is no file: only records of the type {type_name} have contents")


def _references(held: Held) -> dict[str, int]:
    fields = [each.name for each in held.shape.layout.type.fields if each.kind is Kind.REFERENCE]
    targets = {name: held.target(held.shape.place(name)) for name in fields}
    return {name: each.id for name, each in targets.items() if each is not None}
