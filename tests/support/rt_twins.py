"""One request to two servers, a real RT and a simulated one, and their answers made comparable."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.support.rt.client import Client

_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d:\d\dZ?")
_MAIL = re.compile(r"<?rt-5[^>\s\"]*@rt\.test\.example>?")
_LABEL = re.compile(r"^(Queue|Asset|Article|Class|Catalog|Group|User|CustomField) [^:]+: ")
_VALUE = re.compile(r"/(download/cf|objectcustomfieldvalue)/\d+")
_UNORDERED = ("CustomFields", "_hyperlinks", "Memberships", "TicketCustomFields")
_NUMBERED_FREELY = (
    "OldReference",
    "NewReference",
)  # values of custom fields are numbered in the random order of Perl's hashes


class Twins:
    """Sends every request to both servers.

    Attributes:
        differences: a sentence for each answer that differed.
        sent: how many requests each server got.
    """

    def __init__(self, real_url: str, simulated_url: str) -> None:
        self.differences: list[str] = []
        self.sent = 0
        self._urls = (real_url, simulated_url)
        self._clients: dict[str, tuple[Client, Client]] = {}

    def close(self) -> None:
        """End all sessions."""
        for pair in self._clients.values():
            for client in pair:
                client.close()

    def send(self, method: str, path: str, *, user: str = "root", **more: Any) -> Any:
        """Send a request to both, note whether the answers differ, and return the real one's document."""
        if user not in self._clients:
            self._clients[user] = (Client(self._urls[0], user), Client(self._urls[1], user))
        answers = [client.raw(method, path, **more) for client in self._clients[user]]
        real, simulated = (self._comparable(answer, url) for answer, url in zip(answers, self._urls, strict=True))
        self.sent += 1
        if real != simulated:
            request = f"{user}: {method} {path} {json.dumps(more, ensure_ascii=False, default=str)[:400]}"
            self.differences.append("\n".join([request, *_parts(real, simulated)]))
        return real[1]

    def etag(self, path: str, *, user: str = "root") -> str:
        """Return the real server's ETag of a record, which is the simulator's as well."""
        self.send("GET", path, user=user)
        return str(self._clients[user][0].raw("GET", path).headers.get("ETag", ""))

    def _comparable(self, answer: requests.Response, url: str) -> tuple[Any, ...]:
        headers = {name: answer.headers.get(name) for name in ("ETag", "Location", "Allow", "Last-Modified")}
        try:
            document = answer.json() if answer.content else None
        except ValueError:
            document = answer.text
        if answer.status_code == 400 and isinstance(document, dict) and " line " in str(document.get("message")):
            document = "refused by the query parser"  # the words name lines of Perl files
        if answer.status_code == 400 and "JSON parse error" in str(document):
            document = "refused by the JSON parser"
        return answer.status_code, _plain(document, url), _plain(headers, url)


def _plain(value: Any, url: str) -> Any:
    if isinstance(value, dict):
        value = _without_mail(value)
        return {name: _ordered(name, _plain(each, url)) for name, each in value.items()}
    if isinstance(value, list):
        found = [_plain(each, url) for each in value]
        return sorted(found, key=str) if all(isinstance(each, str | None) for each in found) else found
    if isinstance(value, str):
        # a record is called by its number or its name, whichever Perl has in its cache
        text = _LABEL.sub(r"\1: ", value)
        text = _MAIL.sub("MAIL", _VALUE.sub(r"/\1/N", text.replace(url, "")))
        return _STAMP.sub(_recent, text)
    return value


def _without_mail(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is in outgoing mails, whose wording is RT's templates', and headers, whose order is random."""
    kept = {name: each for name, each in value.items() if name != "Headers"}
    for name in _NUMBERED_FREELY:
        if kept.get(name) not in (None, ""):
            kept[name] = "N"
    creator = kept.get("Creator")
    if "TransactionId" in value and isinstance(creator, dict) and creator.get("id") == "RT_System":
        kept = {
            name: each
            for name, each in kept.items()
            if name not in ("Content", "ContentLength", "Subject", "ContentEncoding")
        }
    if kept.get("ObjectType") == "RT::Attribute":
        kept = {name: each for name, each in kept.items() if name not in ("OldValue", "NewValue")}
    return kept


def _ordered(name: str, value: Any) -> Any:
    if name in _UNORDERED and isinstance(value, list):
        return sorted(value, key=lambda each: json.dumps(each, sort_keys=True))
    return value


def _recent(found: re.Match[str]) -> str:
    """Return a stamp as it is, or only that it is one of these days: the two servers were seeded at different times."""
    try:
        day = datetime.strptime(found[1], "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return found[0]
    return "NOW" if abs(datetime.now(UTC) - day) < timedelta(days=4) else found[0]


def _parts(real: tuple[Any, ...], simulated: tuple[Any, ...]) -> list[str]:
    return [
        f"  {where or 'answer'}: real {one!r:.300} simulated {other!r:.300}"
        for where, one, other in _unlike("", list(real), list(simulated))
    ][:8]


def _unlike(where: str, one: Any, other: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted({*one, *other})
        return [each for name in names for each in _unlike(f"{where}.{name}", one.get(name), other.get(name))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [each for at, (a, b) in pairs for each in _unlike(f"{where}[{at}]", a, b)]
    if isinstance(one, list) and isinstance(other, list):
        return [(where, [each for each in one if each not in other], [each for each in other if each not in one])]
    return [] if one == other else [(where, one, other)]
