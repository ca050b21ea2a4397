"""Does one write after the other through rest-1.v1, and several at once through api/asset where that is there.

Source: versionone.md §6 (writes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mirror.connectors.chunk import stoppable
from mirror.connectors.versionone import attaching, bulk, discussing, history, ranking
from mirror.connectors.versionone.abilities import DELETE, UNDELETE
from mirror.connectors.versionone.history import moments_of, versions_since, wait_for, wait_until
from mirror.connectors.versionone.instants import instant_of
from mirror.connectors.versionone.payload import Payload, payload_of
from mirror.connectors.versionone.posting import before_writing, create, operate, outcome, save
from mirror.connectors.versionone.writers import Place, oid
from mirror.errors import RefusedError, RemoteError
from mirror.model.change import Action
from mirror.model.write import Receipt, Write


def send(place: Place, writes: Sequence[Write]) -> list[Receipt | RemoteError]:
    """Do each write once and return what came of it, in the same order."""
    found: dict[int, Receipt | RemoteError] = bulk.send(place, writes)
    left = [at for at in range(len(writes)) if at not in found]
    found |= zip(left, _attempts(place, [writes[at] for at in left]), strict=True)
    return [found[at] for at in range(len(writes))]


def _attempts(place: Place, writes: Sequence[Write]) -> list[Receipt | RemoteError]:
    """Do writes by requests of their own, several at a time."""
    attempt = stoppable(partial(_attempt, place))
    if len(writes) <= 1:
        return [attempt(each) for each in writes]
    with ThreadPoolExecutor(min(len(writes), place.wire.transport.concurrency)) as pool:
        return list(pool.map(attempt, writes))


def _attempt(place: Place, write: Write) -> Receipt | RemoteError:
    try:
        return _DOERS[write.action](place, write)
    except RemoteError as error:
        return outcome(error)


def _payload(place: Place, write: Write) -> Payload:
    with before_writing():
        return payload_of(write, instant_of(place, write.layout.type.name))


def _create(place: Place, write: Write) -> Receipt:
    payload = _payload(place, write)
    made = create(place.wire, write.layout.type.name, payload)
    wait_for(place, made.type_name, made.id, made.moment)
    return Receipt(made.id)


def _update(place: Place, write: Write) -> Receipt:
    payload = _payload(place, write)
    if payload.is_empty:
        return Receipt(_id(write), ("nothing differs, so nothing was sent",))
    written = save(place.wire, f"/{write.layout.type.name}/{_id(write)}", payload)
    return history.receipt(write, versions_since(place, [write], [written.moment])[0], written.moment)


def _delete(place: Place, write: Write) -> Receipt:
    operate(place.wire, oid(write), DELETE)
    wait_until(place, lambda: _id(write) not in moments_of(place, write.layout.type.name, [_id(write)]))
    return Receipt(_id(write))


def _operate(place: Place, write: Write) -> Receipt:
    if write.operation not in (*write.layout.type.operations, UNDELETE):
        raise RefusedError(f"{write.layout.type.name} has no operation {write.operation!r}")
    if write.arguments:
        return bulk.execute(place, write)
    named = operate(place.wire, oid(write), write.operation)
    wait_for(place, named.type_name, named.id, named.moment)
    if named.id == write.record_id:
        return Receipt(named.id)
    return Receipt(_id(write), (f"{write.operation} made {named.type_name}:{named.id}",))


def _id(write: Write) -> int:
    return write.record_id or 0


_DOERS: Mapping[Action, Callable[[Place, Write], Receipt]] = {
    Action.CREATE: _create,
    Action.UPDATE: _update,
    Action.DELETE: _delete,
    Action.OPERATE: _operate,
    Action.RANK: ranking.rank,
    Action.COMMENT: discussing.comment,
    Action.ATTACH: attaching.attach,
}
