"""The web service behind the routes: reads and writes as plain calls, so that a batch can make them too.

Every method returns an envelope of rally.md §5 and is called under the world's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mirror.simulators.rally import recycle
from mirror.simulators.rally.fetching import WHOLE, Fetch, parse_fetch
from mirror.simulators.rally.items import Item, RefusedError
from mirror.simulators.rally.listing import Page, Wanted, list_page
from mirror.simulators.rally.query import parse
from mirror.simulators.rally.requests import (
    Paging,
    Target,
    UnknownPathError,
    is_singleton,
    object_id,
    read_paging,
    read_path,
    read_projects,
    read_workspace,
)
from mirror.simulators.rally.shapes import API, Renderer, Row, Scope
from mirror.simulators.rally.state import View
from mirror.simulators.rally.world import World

Args = Mapping[str, str]

CANNOT_FIND = "Cannot find object to read"


class Service:
    """Answers for one world.

    Args:
        base: what `_ref` values begin with, as this request used it.
    """

    def __init__(self, world: World, base: str, turn: int = 0) -> None:
        self.world = world
        self._base = base
        self._turn = turn

    # Reading

    def get(self, path: str, args: Args) -> Row:
        """Answer a GET below the version."""
        view = self.world.view(lagging=True)
        try:
            target = read_path(self._schema(args), path)
        except RefusedError as refusal:
            return query_result(errors=[refusal.text])
        if target.rest:
            return self._collection(view, target, args)
        if target.oid:
            return self._one(view, target, args)
        if is_singleton(target, args):
            return self._singleton(view, target, args)
        return self._list(view, target, args)

    def _schema(self, args: Args) -> Any:
        try:
            return self.world.state.schemas[read_workspace(self.world, args)]
        except RefusedError:
            return self.world.state.schemas[self.world.landmarks.workspace]

    def renderer(self, view: View, args: Args) -> Renderer:
        """Return a renderer for this request."""
        permissions = args.get("includePermissions", "").lower() == "true"
        return Renderer(view, Scope(self._base, self.world.now(), self.world.switches.fetch_depth, permissions))

    def _fetch(self, args: Args, default: Fetch | None = None) -> Fetch:
        shallow = None if self.world.switches.shallow_fetch_ignored else args.get("shallowFetch")
        return parse_fetch(args.get("fetch"), shallow, default)

    def _one(self, view: View, target: Target, args: Args) -> Row:
        item = self._find(view, target)
        if item is None:
            # rally.md §6 R
            return operation_result(errors=[CANNOT_FIND])
        return self._root(view, item, args)

    def _root(self, view: View, item: Item, args: Args) -> Row:
        element = self.world.state.schema_of(item).spec(item.type).element
        return {element: self.renderer(view, args).root(item, self._fetch(args, WHOLE))}

    def _find(self, view: View, target: Target) -> Item | None:
        oid = object_id(view, target)
        item = view.reachable(oid) if oid is not None else None
        if item is None or target.spec.path not in self.world.state.schema_of(item).lineage(item.type):
            return None
        return item

    def _singleton(self, view: View, target: Target, args: Args) -> Row:
        marks = self.world.landmarks
        item = view.get(marks.user if target.spec.path == "User" else marks.subscription)
        return self._root(view, item, args) if item is not None else operation_result(errors=[CANNOT_FIND])

    def _list(self, view: View, target: Target, args: Args) -> Row:
        spec = target.spec
        if not spec.can("q") and not spec.can("a"):
            # No top-level query: nothing is found. rally.md §1 S, §8.3 S
            return query_result(paging=self._paging(args))
        schema = self.world.state.schemas[self.world.landmarks.workspace]
        types = schema.concrete(spec.path)
        if spec.path == "Artifact" and args.get("types"):
            asked = (schema.find(name.strip()) for name in args["types"].split(","))
            wanted = {low for found in asked if found is not None for low in schema.concrete(found.path)}
            types = tuple(path for path in types if path in wanted)
        return self._answer(view, spec.path, types, args)

    def _paging(self, args: Args) -> Paging:
        return read_paging(args, self.world.switches.page_size_cap)

    def _collection(self, view: View, target: Target, args: Args) -> Row:
        """Answer a collection read: full objects even without a fetch. rally.md §1 R"""
        item = self._find(view, target)
        if item is None:
            return operation_result(errors=[CANNOT_FIND])
        attributes = self.world.state.schema_of(item).attributes(item.type)
        named = {name.lower(): attribute for name, attribute in attributes.items() if not attribute.hidden}
        attribute = named.get(target.rest[0].lower())
        if attribute is None or not attribute.is_collection or len(target.rest) > 1:
            raise UnknownPathError
        members = view.members(item, attribute.name)
        ids = members if item.type == "RevisionHistory" else tuple(sorted(members))
        if attribute.name == "AllowedValues":
            ids = members
        types = self.world.state.schema_of(item).concrete(attribute.target)
        # Allowed values of built-in fields belong to every workspace.
        unplaced = item.type == "AttributeDefinition"
        return self._answer(view, attribute.target, types, args, ids=ids, unplaced=unplaced)

    def _answer(
        self,
        view: View,
        owner: str,
        types: tuple[str, ...],
        args: Args,
        *,
        ids: tuple[int, ...] | None = None,
        unplaced: bool = False,
    ) -> Row:
        try:
            wanted = self._wanted(view, owner, types, args, ids=ids, unplaced=unplaced)
            shift = self.world.switches.page_shift if wanted.start > 1 else 0
            schema = self.world.state.schemas[wanted.workspace or self.world.landmarks.workspace]
            page = list_page(view, schema, wanted, shift=shift)
        except RefusedError as refusal:
            return query_result(errors=[refusal.text])
        fetch = self._fetch(args, WHOLE if ids is not None else None)
        return self._page(view, page, args, fetch)

    def _wanted(
        self,
        view: View,
        owner: str,
        types: tuple[str, ...],
        args: Args,
        *,
        ids: tuple[int, ...] | None,
        unplaced: bool,
    ) -> Wanted:
        paging = self._paging(args)
        text = (args.get("query") or "").strip()
        query = parse(text) if text else None
        # The default user query hides disabled users. rally.md §10.2 C
        hide_disabled = owner == "User" and ids is None and "Disabled" not in text
        return Wanted(
            types=types,
            owner=owner,
            workspace=None if unplaced else read_workspace(self.world, args),
            query=query,
            projects=None if unplaced else read_projects(view, args),
            order=args.get("order") or "",
            start=paging.start,
            pagesize=paging.pagesize,
            shuffle=self._turn if self.world.switches.shuffled_order else None,
            now=self.world.now().astimezone(view.zone(self.world.landmarks.user)),
            ids=ids,
            hide_disabled=hide_disabled,
        )

    def _page(self, view: View, page: Page, args: Args, fetch: Fetch) -> Row:
        switches, paging = self.world.switches, self._paging(args)
        if paging.start > 1 and hits(switches.errors_on_page_every, self._turn):
            return query_result(errors=["An unexpected error has occurred. Please try again later."])
        items = page.items
        if len(items) > 1 and hits(switches.short_page_every, self._turn):
            items = items[: (len(items) + 1) // 2]
        renderer = self.renderer(view, args)
        rows = [renderer.row(item, fetch) for item in items]
        return query_result(rows, total=page.total, paging=paging)

    # Writing

    def create(self, path: str, args: Args, body: Any) -> Row:
        """Answer a create: POST or PUT `/{type}/create`. rally.md §1 R/C"""
        warnings: list[str] = []
        try:
            target = read_path(self._schema(args), path)
            fields = self._unwrap(target, body, warnings)
            workspace = read_workspace(self.world, args)
            projects = read_projects(self.world.view(), {**args, "projectScopeUp": "false", "projectScopeDown": "false"})
            with self.world.transaction() as tx:
                tx.warnings += warnings
                warnings = tx.warnings
                writer = self.world.writer(tx, self.world.context(workspace, next(iter(projects or ()), None)))
                oid = writer.create(target.spec.path, fields)
                if target.spec.path == "Attachment":
                    writer.finish_attachment(oid)
                self._rank(writer, self.world.state.items[oid], args)
        except RefusedError as refusal:
            return envelope("CreateResult", errors=[refusal.text], warnings=warnings)
        except ValueError as problem:
            return envelope("CreateResult", errors=[str(problem)], warnings=warnings)
        return envelope("CreateResult", warnings=warnings, Object=self._object(oid, args))

    def update(self, path: str, args: Args, body: Any) -> Row:
        """Answer an update, with ranking parameters. rally.md §8.1, §8.4"""
        warnings: list[str] = []
        try:
            target = read_path(self._schema(args), path)
            item = self._present(target)
            fields = self._unwrap(target, body, warnings)
            with self.world.transaction() as tx:
                tx.warnings += warnings
                warnings = tx.warnings
                writer = self.world.writer(tx)
                writer.update(item.oid, fields)
                self._rank(writer, item, args)
        except RefusedError as refusal:
            return operation_result(errors=[refusal.text], warnings=warnings)
        return operation_result(warnings=warnings, Object=self._object(item.oid, args))

    def _present(self, target: Target) -> Item:
        item = self._find(self.world.view(), target)
        if item is None:
            raise RefusedError(CANNOT_FIND)
        return item

    def _object(self, oid: int, args: Args) -> Row:
        # The full object, from the primary: answers to writes do not lag. rally.md §5 R
        view = self.world.view()
        return self.renderer(view, args).row(self.world.state.items[oid], self._fetch(args, WHOLE))

    def _unwrap(self, target: Target, body: Any, warnings: list[str]) -> dict[str, Any]:
        """Take the fields out of their wrapper, which is matched in any case and not enforced. rally.md §8.1 C"""
        if not isinstance(body, dict) or len(body) != 1 or not isinstance(next(iter(body.values())), dict):
            raise RefusedError("Could not parse the request body")
        key, fields = next(iter(body.items()))
        if key.lower() not in (target.spec.path.lower(), target.spec.element.lower()):
            warnings.append(f"Expected an element {target.spec.element}, found {key}")
        return dict(fields)

    def _rank(self, writer: Any, item: Item, args: Args) -> None:
        above, below, to = args.get("rankAbove"), args.get("rankBelow"), args.get("rankTo", "")
        if above or below or to.upper() in ("TOP", "BOTTOM"):
            writer.rank(item, above=above, below=below, to=to)

    def copy(self, path: str, args: Args) -> Row:
        """Answer `/{type}/{oid}/copy`. rally.md §1 S"""
        try:
            item = self._present(read_path(self._schema(args), path))
            with self.world.transaction() as tx:
                oid = self.world.writer(tx).copy(item.oid)
        except RefusedError as refusal:
            return operation_result(errors=[refusal.text])
        return operation_result(Object=self._object(oid, args))

    def delete(self, path: str, args: Args) -> Row:
        """Answer a delete; on a recycle bin entry it purges for ever. rally.md §8.6, §9.1"""
        try:
            target = read_path(self._schema(args), path)
            if object_id(self.world.view(), target) is None:
                # rally.md §6 R
                text = f"Could not read object: Object not found for Object ID: {target.oid}"
                return operation_result(errors=[text])
            item = self._find(self.world.view(), target)
            if item is None:
                # rally.md §6 C
                return operation_result(errors=["Object to delete cannot be null"])
            with self.world.transaction() as tx:
                if item.type == "RecycleBinEntry":
                    recycle.purge(tx, item.oid)
                else:
                    recycle.delete(tx, item)
        except RefusedError as refusal:
            return operation_result(errors=[refusal.text])
        return operation_result()

    def change_collection(self, path: str, args: Args, body: Any, *, add: bool) -> Row:
        """Answer an add or remove on a collection. rally.md §8.2"""
        try:
            target = read_path(self._schema(args), path)
            item = self._present(target)
            name = self._collection_name(item, target)
            values = self._entries(body, name)
            with self.world.transaction() as tx:
                writer = self.world.writer(tx, self.world.context(item.values.get("Workspace")))
                members = writer.change_collection(item.oid, name, values, add=add)
        except RefusedError as refusal:
            return operation_result(errors=[refusal.text])
        if not add:
            return operation_result()
        renderer, items = self.renderer(self.world.view(), args), self.world.state.items
        rows = [renderer.row(items[member], self._fetch(args, WHOLE)) for member in members]
        return operation_result(Results=rows)

    def _collection_name(self, item: Item, target: Target) -> str:
        attributes = self.world.state.schema_of(item).attributes(item.type)
        for name, attribute in attributes.items():
            if name.lower() == target.rest[0].lower() and attribute.is_collection and not attribute.hidden:
                return name
        raise UnknownPathError

    def _entries(self, body: Any, name: str) -> list[Any]:
        # One client sends the collection's name as the key. rally.md §8.2 C
        found = body.get("CollectionItems", body.get(name)) if isinstance(body, dict) else None
        if not isinstance(found, list):
            raise RefusedError("Could not parse the request body")
        return found


def hits(every: int, turn: int) -> bool:
    """True on each `every`-th turn; never if `every` is 0."""
    return every > 0 and turn % every == 0


def query_result(
    rows: list[Row] | None = None, *, total: int = 0, paging: Paging | None = None, errors: list[str] | None = None
) -> Row:
    """Return a QueryResult; after an error all numbers are 0. rally.md §4, §5 R"""
    return {
        "QueryResult": {
            **API,
            "Errors": errors or [],
            "Warnings": [],
            "TotalResultCount": total,
            "StartIndex": paging.start if paging is not None else 0,
            "PageSize": paging.pagesize if paging is not None else 0,
            "Results": rows or [],
        }
    }


def envelope(root: str, *, errors: list[str] | None = None, warnings: list[str] | None = None, **content: Any) -> Row:
    """Return the answer to a write; content is absent on failure. rally.md §5 R"""
    return {root: {**API, "Errors": errors or [], "Warnings": warnings or [], **content}}


def operation_result(*, errors: list[str] | None = None, warnings: list[str] | None = None, **content: Any) -> Row:
    """Return an OperationResult."""
    return envelope("OperationResult", errors=errors, warnings=warnings, **content)
