"""The service api/asset: many commands in one body and one transaction. versionone.md §8.2."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mirror.simulators.versionone.bulk_values import Created, Values
from mirror.simulators.versionone.documents import DocumentError, read_documents
from mirror.simulators.versionone.evaluate import Binder
from mirror.simulators.versionone.query import Query, select
from mirror.simulators.versionone.query_v1 import Json, answer_query, read_command
from mirror.simulators.versionone.requests import Call
from mirror.simulators.versionone.rules_input import Changed
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View


class _PreviewOverError(Exception):
    """Takes back everything that a preview did."""


@dataclass(slots=True)
class Outcome:
    """What the commands did so far, ids in the order of their commands."""

    created: list[int] = field(default_factory=list)
    modified: list[int] = field(default_factory=list)
    operated: list[int] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    results: list[list[Json]] = field(default_factory=list)

    @property
    def wrote(self) -> bool:
        """True if anything was changed."""
        return bool(self.created or self.modified or self.operated)


class Bulk:
    """Carries out the commands of one request.

    Args:
        view: what the caller sees, at present.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self._world = view.world
        self._outcome = Outcome()
        self._aliases: dict[str, list[int]] = {}
        self._failed: set[str] = set()
        self._values = Values(view, self._aliases, self._by_query)

    def answer(self, call: Call) -> tuple[Json, bool]:
        """Carry out everything; return the answer, which is HTTP 200 whatever failed, and whether anything was written.

        Raises:
            RefusedError: the body cannot be read.
        """
        try:
            documents = read_documents(call.body)
        except DocumentError as problem:
            raise RefusedError(400, f"Invalid payload: {problem}") from None
        started = self._world.now()
        preview = call.args.get("previewonly", "").lower() == "true"
        try:
            with self._world.transaction(by=self._view.member, comment=call.comment):
                for index, document in enumerate(documents):
                    self._try(index, document)
                answer = self._summary(started)
                if preview:
                    raise _PreviewOverError
        except _PreviewOverError:
            return answer, False
        return answer, self._outcome.wrote

    def _try(self, index: int, document: Any) -> None:
        """Carry out one command; if it fails it leaves nothing behind, and the others go on. §8.2 S"""
        alias, command = unwrap(document)
        lists = (self._outcome.created, self._outcome.modified, self._outcome.operated)
        done = [len(ids) for ids in lists]
        try:
            self._refuse_dependants(command)
            with self._world.transaction():
                found = self._carry_out(command)
        except RefusedError as refusal:
            for ids, count in zip(
                (self._outcome.created, self._outcome.modified, self._outcome.operated), done, strict=True
            ):
                del ids[count:]
            self._failed.add(alias)
            error = {"message": refusal.message, "sourceCommandIndex": index}
            self._outcome.failures.append({alias or f"@{index}": command, "error": error})
            return
        if alias:
            self._aliases[alias] = found

    def _refuse_dependants(self, command: Any) -> None:
        """Refuse a command that speaks of one that failed. §8.2 S"""
        for text in _texts(command):
            if text.startswith("@") and text in self._failed:
                raise RefusedError(400, f"Depends on a failed command: {text}")

    def _carry_out(self, command: Any) -> list[int]:
        """Carry out one command and return the assets an alias for it stands for."""
        if not isinstance(command, dict):
            raise RefusedError(400, "Invalid command")
        if "AssetType" in command:
            return [self._create(command)]
        if "from" not in command:
            raise RefusedError(400, "Invalid command: it has neither AssetType nor from")
        if "update" in command:
            return self._update(command)
        if "execute" in command:
            return self._execute(command)
        rows = answer_query(self._view, self._values.resolved(command), named_states=True)
        self._outcome.results.append(rows)
        return [int(row["_oid"].split(":")[1]) for row in rows if row.get("_oid")]

    # Creating

    def _create(self, command: Mapping[str, Any], link: tuple[str, int] | None = None) -> int:
        """Create an asset, then those nested in it; their tokens follow its own.

        Args:
            link: the attribute that leads to the asset it is nested in, and that asset.
        """
        type_name = str(command["AssetType"])
        if self._view.schema.get(type_name) is None:
            # The literal is versionone.md §3.4 S.
            raise RefusedError(400, f"Unknown AssetType: {type_name}")
        given = {name: value for name, value in command.items() if name != "AssetType"}
        written = self._values.of_new(type_name, given)
        first = {**written.own, **({link[0]: link[1]} if link else {})}
        lenient = self._view.switches.bulk_skips_required
        asset = self._world.create(type_name, first, by=self._view.member, lenient=lenient)
        self._outcome.created.append(asset)
        if written.others:
            self._world.update(asset, written.others, by=self._view.member, lenient=True)
        self._create_nested(asset, written.nested)
        return asset

    def _create_nested(self, asset: int, nested: Mapping[str, list[Created]]) -> None:
        for name, children in nested.items():
            attribute = self._view.schema.attributes(self._view.type_of(asset))[name]
            for child in children:
                link = (attribute.forward, asset) if attribute.forward and not self._many(attribute.forward, child) else None
                made = self._create(child.command, link)
                if child.alias:
                    self._aliases[child.alias] = [made]
                if link is None:
                    self._world.update(asset, {name: Changed(add=(made,))}, by=self._view.member, lenient=True)

    def _many(self, name: str, child: Created) -> bool:
        attribute = self._view.schema.attribute(str(child.command.get("AssetType")), name)
        return attribute is not None and attribute.multi

    # Updating, executing

    def _update(self, command: Mapping[str, Any]) -> list[int]:
        changes = command["update"]
        if not isinstance(changes, dict):
            raise RefusedError(400, "Invalid update")
        found = self._matching(command)
        for asset in found:
            written = self._values.of_known(asset, changes)
            self._world.update(
                asset,
                {**written.own, **written.others},
                by=self._view.member,
                allow_deleted=self._view.switches.bulk_updates_deleted,
                lenient=True,
            )
            _note(self._outcome.modified, asset)
            self._create_nested(asset, written.nested)
        return found

    def _execute(self, command: Mapping[str, Any]) -> list[int]:
        found: list[int] = []
        operations = command["execute"] if isinstance(command["execute"], list) else [command["execute"]]
        for given in operations:
            name = str(given.get("op")) if isinstance(given, dict) else str(given)
            arguments = self._values.arguments(given.get("args") if isinstance(given, dict) else None)
            found = self._matching(command, with_deleted=name == "Undelete")
            for asset in found:
                self._world.operate(asset, name, by=self._view.member, arguments=arguments)
                _note(self._outcome.operated, asset)
        return found

    def _matching(self, command: Mapping[str, Any], *, with_deleted: bool = False) -> list[int]:
        """Return the assets a command is about; deleted ones if its filter speaks of IsDeleted. C4 S"""
        query = read_command(self._view, self._values.resolved(command)).query
        if with_deleted and query.asset is not None:
            there = self._world.visible(query.asset, viewer=self._view.viewer)
            return [query.asset] if there else []
        return self._by_query(query)

    def _by_query(self, query: Query) -> list[int]:
        return [asset for asset, _, _ in select(Binder(self._view, query.variables), query)]

    # Answering

    def _summary(self, started: datetime) -> Json:
        outcome, finished = self._outcome, self._world.now()
        seconds = (finished - started).total_seconds()
        return {
            "requestId": str(uuid.uuid4()),
            "createdDate": _stamp(started),
            "completedDate": _stamp(finished),
            "duration": f"00:00:{seconds:010.7f}",
            "durationSeconds": seconds,
            "complete": True,
            "processing": False,
            "assetsCreated": self._tokens(outcome.created),
            "assetsModified": self._tokens(outcome.modified),
            "assetsOperatedOn": self._tokens(outcome.operated),
            "commandFailures": {"commands": outcome.failures, "count": len(outcome.failures)},
            # Without any query the count is -1, in an answer of 2020.
            "queryResult": {"results": outcome.results, "count": len(outcome.results) or -1},
        }

    def _tokens(self, assets: list[int]) -> Json:
        return {"oidTokens": [self._view.oid(asset) for asset in assets], "count": len(assets)}


def unwrap(document: Any) -> tuple[str, Any]:
    """Return alias and command: `{"@x": command}` names the command, so that later ones can refer to it. §8.2 S"""
    if isinstance(document, dict) and len(document) == 1:
        name, command = next(iter(document.items()))
        if name.startswith("@") and isinstance(command, dict):
            return name, command
    return "", document


def _texts(value: Any) -> Iterator[str]:
    children: Callable[[], Any] = value.values if isinstance(value, dict) else lambda: value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in children():
            yield from _texts(each)


def _note(ids: list[int], asset: int) -> None:
    if asset not in ids:
        ids.append(asset)


def _stamp(instant: datetime) -> str:
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}0Z"
