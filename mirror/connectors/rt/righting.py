"""Instants that RT read in another time zone than was guessed, set right once they have been written. See localtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mirror.connectors.rt.drafting import Drafting
from mirror.connectors.rt.localtime import in_local_time
from mirror.connectors.rt.present import Present, Reader
from mirror.errors import RemoteError, StaleError
from mirror.model.change import Action
from mirror.model.write import Receipt, Write


class Righting:
    """Sets instants right.

    Args:
        put: changes a record that has an ETag, and returns what RT says.
    """

    def __init__(
        self, reader: Reader, drafting: Drafting, put: Callable[[Write, Mapping[str, Any], str], tuple[str, ...]]
    ) -> None:
        self._reader = reader
        self._drafting = drafting
        self._put = put

    def right(self, write: Write, receipt: Receipt, before: Present | None) -> Receipt:
        """Return the receipt with what RT said; when it cannot be done, that is said, and reading back shows what is wrong.

        Args:
            before: the record before the write; None when the write created it.
        """
        aim = _local_part(replace(write, action=Action.UPDATE, record_id=receipt.record_id, before={}))
        said = list(receipt.words)
        try:
            for _ in range(2 * _count(aim) + 1):
                present = self._reader.unchecked(aim)
                rest = self._rest(aim, present, before)
                if rest is None:
                    break
                with suppress(StaleError):
                    said += self._put(rest, self._drafting.update(rest, present).body, present.etag)
        except RemoteError as error:
            said.append(f"whether RT read the dates in the right time zone is not known: {error}")
        return replace(receipt, words=tuple(said))

    def _rest(self, aim: Write, present: Present, before: Present | None) -> Write | None:
        """Return the first field to be set right, having learnt from what is wrong; None when there is nothing."""
        for name, value in aim.values.items():
            shown = present.cell(aim.layout, name)
            if shown not in (None, value) and self._drafting.local.learn(str(value), str(shown)):
                return replace(aim, values={name: value}, added={}, removed={})
        for name in aim.added:
            there = {text for text, _ in present.values[name]}
            was = {text for text, _ in before.values[name]} if before is not None else set()
            wanted = was - set(map(str, aim.removed.get(name, ()))) | set(map(str, aim.added[name]))
            missing, extra = sorted(wanted - there), sorted(there - wanted)
            if missing and extra and self._drafting.local.learn(missing[0], extra[0]):
                return replace(aim, values={}, added={name: tuple(missing)}, removed={name: tuple(extra)})
        return None


def _count(aim: Write) -> int:
    """Return how many instants were written; each try sets right at least one, unless others write as well."""
    return len(aim.values) + sum(map(len, aim.added.values()))


def _local_part(write: Write) -> Write:
    layout = write.layout
    return replace(
        write,
        values={each: value for each, value in write.values.items() if value and in_local_time(layout, each)},
        added={each: items for each, items in write.added.items() if in_local_time(layout, each)},
        removed={each: items for each, items in write.removed.items() if in_local_time(layout, each)},
    )
