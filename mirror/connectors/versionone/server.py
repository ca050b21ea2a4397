"""What this server answers, found out once and remembered: its form, and what it lets a filter compare.

Source: versionone.md §4.1 (comparing Opaque), §4.2.5 (Moment as watermark, to be probed), §8.1.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from mirror.connectors.http import Answer
from mirror.connectors.versionone.meta import MOMENT
from mirror.connectors.versionone.paging import ID, KEY, OFFSET
from mirror.connectors.versionone.query_v1 import NAME as QUERY_V1
from mirror.connectors.versionone.query_v1 import QueryV1
from mirror.connectors.versionone.question import Form, Pick, Question, Reply, flat, id_in
from mirror.connectors.versionone.refusals import RefusedError
from mirror.connectors.versionone.rest import NAME as REST
from mirror.connectors.versionone.rest import Rest
from mirror.connectors.versionone.wire import Wire
from mirror.errors import ProtocolError, RetryableError

log = logging.getLogger(__name__)

_FORM, _IDS, _MOMENTS, _BULK, _LAG = "form", "ids", "moments", "bulk", "lag"
_LEAST_LAG = timedelta(seconds=2)
_YES, _NO = "yes", "no"
_PROBED = "Member"  # there is always the one who asks, and Member:20 (versionone.md §7.2 R)
_PROBE_SIZE = 100


class Server:
    """One instance, as far as it is known.

    Attributes:
        learned: what is remembered between runs: the form, how ids are compared, whether moments are.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.learned: dict[str, str] = {}
        self._lock = threading.RLock()
        self._for_now: Form | None = None
        self._bulk_fails = False
        self._forms: Mapping[str, Form] = {QUERY_V1: QueryV1(wire), REST: Rest(wire)}

    @property
    def rest(self) -> Form:
        """The form every instance has."""
        return self._forms[REST]

    @property
    def form(self) -> Form:
        """The form to ask in; found out by asking when it is not known."""
        with self._lock:
            if self._for_now is not None:
                return self._for_now
            if self.learned.get(_FORM) not in self._forms:
                found, certain = self._probed_form()
                if not certain:
                    self._for_now = self._forms[found]
                    return self._for_now
                self.learned[_FORM] = found
            return self._forms[self.learned[_FORM]]

    def forget_form(self) -> None:
        """Find out anew what the server answers."""
        with self._lock:
            for name in (_FORM, _IDS, _MOMENTS, _BULK):
                self.learned.pop(name, None)

    def _probed_form(self) -> tuple[str, bool]:
        """Return the form, and whether that holds for later runs too; a fault of the moment does not."""
        question = Question(_PROBED, (Pick(MOMENT),), size=1)
        certain = True
        try:
            if self._forms[QUERY_V1].send(question)().last_id is not None:
                return QUERY_V1, True
        except (ProtocolError, RetryableError) as error:
            log.info("query.v1 is not used reason=%s", error)
            certain = not isinstance(error, RetryableError)
        self._forms[REST].send(question)()
        return REST, certain

    @property
    def ids_by(self) -> str:
        """`Key` or `ID`, whichever a filter may compare with `>`; else `offset`."""
        with self._lock:
            if _IDS not in self.learned:
                found = {KEY: self._compares(KEY, "{}"), ID: None}
                if not found[KEY]:
                    found[ID] = self._compares(ID, _PROBED + ":{}")
                chosen = next((name for name, answer in found.items() if answer), OFFSET)
                if chosen == OFFSET and None in found.values():
                    return OFFSET  # nothing was found out; another time there may be more to try on
                self.learned[_IDS] = chosen
            return self.learned[_IDS]

    @property
    def compares_moments(self) -> bool:
        """Whether a filter may compare moments with `>`."""
        with self._lock:
            if _MOMENTS not in self.learned:
                answer = self._compares(MOMENT, "{}")
                if answer is None:
                    return False
                self.learned[_MOMENTS] = _YES if answer else _NO
            return self.learned[_MOMENTS] == _YES

    @property
    def has_bulk(self) -> bool:
        """Whether api/asset is there; asked by a query, which only reads, and as a preview on top of that (§8.2)."""
        with self._lock:
            if _BULK not in self.learned and not self._bulk_fails:
                command = {"from": _PROBED, "select": [MOMENT], "page": {"start": 0, "size": 1}}
                try:
                    self.wire.ask_bulk(msgspec.json.encode(command), _looks_like_bulk)
                    self.learned[_BULK] = _YES
                except RetryableError as error:
                    log.info("api/asset does not answer reason=%s", error)
                    self._bulk_fails = True
                except ProtocolError as error:
                    log.info("api/asset is not used reason=%s", error)
                    self.learned[_BULK] = _NO
            return self.learned.get(_BULK) == _YES

    @property
    def writes_together(self) -> bool:
        """Whether several writes go in one request, each on condition that its record is as it was read."""
        return self.has_bulk and self.compares_moments

    @property
    def is_known_to_write_together(self) -> bool:
        """The same as far as it has been found out; asks nothing of the network."""
        return self.learned.get(_BULK) == _YES and self.learned.get(_MOMENTS) == _YES

    @property
    def lag(self) -> timedelta:
        """How long after a write reads have been seen to show what was there before, doubled to be safe.

        At least a little: that reads have always shown our writes at once does not tell that they will.
        """
        return max(_LEAST_LAG, timedelta(seconds=2 * float(self.learned.get(_LAG, "0"))))

    def forget_bulk(self) -> None:
        """Write one by one for now; what is there is found out anew by the next run."""
        with self._lock:
            self.learned.pop(_BULK, None)
            self._bulk_fails = True

    def saw_lag(self, seconds: float) -> None:
        """Remember that a read came so long behind a write; nothing when it came at once."""
        with self._lock:
            if seconds:
                self.learned[_LAG] = f"{max(seconds, float(self.learned.get(_LAG, '0'))):.1f}"

    def _compares(self, name: str, literal: str) -> bool | None:
        """Return whether `name > value` selects as numbers compare; None when that cannot be told from what is there.

        Compared as text, 100 would come before 20, and records would be lost in silence.
        """
        picks = (Pick(MOMENT),)
        known = _numbers(self.form.send(Question(_PROBED, picks, size=_PROBE_SIZE, proof=False))(), name)
        value = _telling_value(list(known.values()))
        if value is None:
            return None
        term = f"{name}>'{literal.format(value)}'"
        try:
            reply = self.form.send(Question(_PROBED, picks, (term,), _PROBE_SIZE, proof=False))()
        except (RefusedError, ProtocolError) as error:
            log.info("comparing is refused attribute=%s reason=%s", name, error)
            return False
        return _is_numeric(value, known, _numbers(reply, name))


def _is_numeric(value: int, known: Mapping[int, int], found: Mapping[int, int]) -> bool | None:
    """Return whether the rows that came are those above a value as numbers compare; None when they are those by text, too.

    Args:
        known: id -> number of rows without the condition.
        found: id -> number of those that came, by id; the last ones may be missing (§4.2.3: a short page proves nothing).
    """
    if any(each <= value for each in found.values()):
        return False
    last = max(found, default=max(known))
    expected = {key for key, each in known.items() if each > value and key <= last}
    by_text = {key for key, each in known.items() if str(each) > str(value) and key <= last}
    if not expected <= found.keys():
        return False
    return None if expected == by_text else True


def _numbers(reply: Reply, name: str) -> dict[int, int]:
    """Return id -> id, or id -> moment, of the rows of a reply."""
    rows = [flat(each) for each in reply.documents]
    try:
        ids = [id_in(str(each["_oid"])) for each in rows]
        if name != MOMENT:
            return {each: each for each in ids}
        return {key: int(each[MOMENT]) for key, each in zip(ids, rows, strict=True)}
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"rows of {_PROBED} have an unexpected shape: {error}") from error


def _looks_like_bulk(answer: Answer) -> None:
    try:
        found = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise RetryableError(f"api/asset answered something else than JSON ({error})") from error
    if not {"commandFailures", "queryResult"} <= found.keys():
        raise ProtocolError("api/asset answers in another shape")


def _telling_value(known: Sequence[int]) -> int | None:
    """Return a number above which other ones lie than above its text; None when there is none."""
    for value in (9, 99, 999, 9999, 99_999, 999_999, 9_999_999):
        above = {each for each in known if each > value}
        if above and above != {each for each in known if str(each) > str(value)}:
            return value
    return None
