"""Deleting, with all that goes along; the recycle bin; restoring and purging. rally.md §8.6, §9.1, §11."""

from __future__ import annotations

from collections.abc import Iterator

from mirror.simulators.rally.items import Fields, Item, RefusedError
from mirror.simulators.rally.schema import Attribute, Schema
from mirror.simulators.rally.state import Binned, State, name_of
from mirror.simulators.rally.transaction import Transaction

# A deleted parent story takes child stories, tasks and test cases along; defects stay. rally.md §11 D
_CASCADE = {
    "HierarchicalRequirement": ("Children", "Tasks", "TestCases"),
    "Defect": ("Tasks", "TestCases"),
    "DefectSuite": ("Tasks",),
    "TestSet": ("Tasks",),
    "TestFolder": ("Children",),
}

# These live and die with their owner and have no entry of their own.
_DEPENDENTS = (
    "Discussion",
    "Attachments",
    "Steps",
    "Results",
    "Values",
    "Changes",
    "Builds",
    "UserIterationCapacities",
    "_Revisions",
)
_DEPENDENT_TYPES = frozenset(
    {"ConversationPost", "Attachment", "TestCaseStep", "TestCaseResult", "TimeEntryValue", "Change", "Build"}
    | {"UserIterationCapacity", "Revision"}
)


def delete(tx: Transaction, item: Item) -> None:
    """Delete an object; everything it takes along goes into the bin under the same root.

    Raises:
        RefusedError: objects of this type cannot be deleted.
    """
    spec = tx.state.schema_of(item).spec(item.type)
    if not spec.can("d"):
        raise RefusedError(f"Not authorized to delete: {spec.element} {item.oid}")
    # Deepest first, so that each is put aside with its link to the one above still in place.
    for each in reversed(list(_cascade(tx, item))):
        _bin(tx, each, root=item.oid)


def _cascade(tx: Transaction, item: Item) -> Iterator[Item]:
    yield item
    for name in _CASCADE.get(item.type, ()):
        for oid in item.values.get(name, ()):
            member = tx.find(oid)
            if member is not None:
                yield from _cascade(tx, member)


def _bin(tx: Transaction, item: Item, *, root: int) -> None:
    if item.oid not in tx.state.items:
        return
    spec = tx.state.schema_of(item).spec(item.type)
    dependents, owned = _dependents(tx, item), _owned(tx, item)
    kept = [_take(tx, each) for each in dependents]
    gone = _take(tx, item)
    kept += [_take(tx, each) for each in owned]
    if spec.can("R"):
        tx.state.bin[item.oid] = Binned(gone, root, kept)
    if spec.can("R") or (tx.switches.bin_for_all and spec.can("u") and item.type not in _DEPENDENT_TYPES):
        _enter(tx, gone)


def _dependents(tx: Transaction, item: Item) -> list[Item]:
    found: list[Item] = []
    for name in _DEPENDENTS:
        for oid in item.values.get(name, ()):
            member = tx.find(oid)
            if member is not None and member.type in _DEPENDENT_TYPES:
                found += [*_dependents(tx, member), member, *_owned(tx, member)]
    return found


def _owned(tx: Transaction, item: Item) -> list[Item]:
    """Return what the object alone refers to; it goes after its owner, so that the owner is put aside with the reference.

    Deleting an Attachment removes its content. rally.md §8.3 D
    """
    found = (tx.find(item.values.get(name)) for name in ("Blocker", "Content"))
    return [each for each in found if each is not None]


def _take(tx: Transaction, item: Item) -> Item:
    """Remove one object and every link to it; return it as it was."""
    whole = item.copy()
    attributes = tx.state.schema_of(item).attributes(item.type)
    _keep_display_strings(tx, item)
    for name, value in list(item.values.items()):
        attribute = attributes.get(name)
        if attribute is None or value is None:
            continue
        if attribute.kind == "many":
            for member in value:
                _unlink(tx, item, attribute, member)
        elif attribute.kind == "inverse":
            for member in value:
                _forget(tx, member, attribute, item.oid)
        elif attribute.kind == "ref":
            tx.put(item.oid, name, None)
    for oid, name in _unlisted_referrers(tx.state, item):
        _let_go(tx, oid, name, None)
    tx.remove(item.oid)
    return whole


def _unlink(tx: Transaction, item: Item, attribute: Attribute, member: int) -> None:
    tx.link(item.oid, attribute, member, add=False)
    if not tx.switches.delete_moves_referrers:
        tx.hush(member, attribute.other, "UsageCount", "TotalArtifactCount", "TotalProjectCount")


def _forget(tx: Transaction, member: int, attribute: Attribute, oid: int) -> None:
    other = tx.find(member)
    if other is not None and other.values.get(attribute.other) == oid:
        _let_go(tx, member, attribute.other, None)


def _let_go(tx: Transaction, oid: int, name: str, value: None) -> None:
    if not tx.switches.delete_moves_referrers:
        tx.hush(oid, name)
    tx.put(oid, name, value)


def _keep_display_strings(tx: Transaction, item: Item) -> None:
    # Time entries outlive their work product, with display texts and null references. rally.md §11 R
    shown = ": ".join(filter(None, (item.values.get("FormattedID"), name_of(item))))
    for collection, field in (("_TimeEntries", "WorkProductDisplayString"), ("_TaskTimeEntries", "TaskDisplayString")):
        for oid in item.values.get(collection, ()):
            tx.put(oid, field, shown)


def _unlisted_referrers(state: State, item: Item) -> Iterator[tuple[int, str]]:
    """Yield (ObjectID, attribute) of references to the object that no collection of its own lists."""
    schema = state.schema_of(item)
    lineage = set(schema.lineage(item.type))
    for spec in schema.specs():
        names = _unlisted(schema, spec.path, item.type, lineage)
        if names:
            for oid in list(state.ids.get(spec.path, ())):
                values = state.items[oid].values
                yield from ((oid, name) for name in names if values.get(name) == item.oid)


def _unlisted(schema: Schema, path: str, target: str, lineage: set[str]) -> list[str]:
    return [
        attribute.name
        for attribute in schema.attributes(path).values()
        if attribute.kind == "ref" and attribute.target in lineage and not schema.inverse_of(path, attribute.name, target)
    ]


def _enter(tx: Transaction, item: Item) -> None:
    values: Fields = {name: item.values[name] for name in ("Workspace", "Subscription", "Project") if name in item.values}
    definition = next(
        (
            each.oid
            for each in tx.view.every("TypeDefinition")
            if each.values.get("TypePath") == item.type and each.values.get("Workspace") == item.values.get("Workspace")
        ),
        None,
    )
    values |= {"ItemOID": item.oid, "ID": item.values.get("FormattedID"), "Name": name_of(item), "Type": definition}
    values |= {"DeletedBy": tx.user, "DeletionDate": tx.stamp}
    tx.insert("RecycleBinEntry", {name: value for name, value in values.items() if value is not None})


def entry_of(state: State, oid: int) -> Item | None:
    """Return the bin entry of a deleted object, or None."""
    for entry_oid in state.ids.get("RecycleBinEntry", ()):
        entry = state.items[entry_oid]
        if entry.values.get("ItemOID") == oid:
            return entry
    return None


def restore(tx: Transaction, oid: int) -> list[int]:
    """Bring an object back, with what its deletion took along; return the ObjectIDs.

    Child stories, tasks and test cases come back, defects' links and predecessors do not. rally.md §9.1 D

    Raises:
        RefusedError: it is not in the bin.
    """
    if oid not in tx.state.bin:
        raise RefusedError("Cannot find object to read")
    group = [key for key, binned in tx.state.bin.items() if oid in (key, binned.root)]
    returning = [tx.state.bin.pop(key) for key in group]
    for binned in returning:
        for each in (binned.item, *binned.kept):
            _bring_back(tx, each)
    for binned in returning:
        for each in (binned.item, *binned.kept):
            _relink(tx, each)
    for key in group:
        entry = entry_of(tx.state, key)
        if entry is not None:
            tx.remove(entry.oid)
    return group


def _bring_back(tx: Transaction, item: Item) -> None:
    attributes = tx.state.schema_of(item).attributes(item.type)
    links = ("ref", "many", "inverse")
    plain = {
        name: value
        for name, value in item.values.items()
        if name == "_Revisions" or name not in attributes or attributes[name].kind not in links
    }
    returned = tx.insert(item.type, plain, item.oid)
    returned.version = item.version
    if not tx.switches.restore_moves_stamp or not item.values.get("FormattedID"):
        tx.freeze(item.oid)


_NOT_RESTORED = frozenset({"Predecessors", "Successors", "Duplicates"})


def _relink(tx: Transaction, item: Item) -> None:
    attributes = tx.state.schema_of(item).attributes(item.type)
    for name, value in item.values.items():
        attribute = attributes.get(name)
        if attribute is None or value is None or name in _NOT_RESTORED:
            continue
        if attribute.kind == "ref" and (tx.find(value) is not None or attribute.target == "RevisionHistory"):
            tx.put(item.oid, name, value)
        elif attribute.kind == "many":
            for member in value:
                if tx.find(member) is not None:
                    tx.link(item.oid, attribute, member)


def purge(tx: Transaction, oid: int) -> None:
    """Drop a bin entry, named by its own ObjectID or by that of the deleted object, for ever. rally.md §9.1 S.

    Raises:
        RefusedError: there is no such entry.
    """
    entry = tx.find(oid)
    if entry is None or entry.type != "RecycleBinEntry":
        entry = entry_of(tx.state, oid)
    if entry is None:
        raise RefusedError("Object to delete cannot be null")
    tx.state.bin.pop(entry.values["ItemOID"], None)
    tx.remove(entry.oid)
