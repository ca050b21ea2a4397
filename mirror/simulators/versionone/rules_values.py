"""The computed attributes, one function each, in a table.

Source: versionone.md §5.4 (which there are), §6.3 (states), §6.4 (stamps, moments).
"""

from __future__ import annotations

from collections.abc import Callable

from mirror.simulators.versionone.rules import ADMIN, CLOSED, DEAD, asset_state, is_closed, may
from mirror.simulators.versionone.state import DELETED, Asset, MomentRow, Value, targets
from mirror.simulators.versionone.versions import Getter, Reader

_Moment = Callable[[Reader, Asset, int | None, int | None], int | None]
"""Finds the moment an attribute is about; None if there is none."""


def _row(reader: Reader, moment: int) -> MomentRow:
    return reader.state.moments[moment - 1]


def _id(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return asset.id


def _itself(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return [asset.id]


def _moment(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return reader.version(asset, at)


def _type(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return asset.type


def _lineage(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    found: Value = list(reader.state.schema.lineage(asset.type))
    return found


def _now(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return reader.now()


def _prior(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return asset.id if reader.version(asset, at) != asset.versions[0] else None


def _days(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return (reader.now() - _row(reader, reader.version(asset, at)).changed_at).days


def _viewers(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    state = reader.state
    members = (state.assets[each] for each in state.by_type["Member"])
    return [each.id for each in members if each.get("AssetState", at) != DELETED and reader.visible(asset, each.id)]


def _security_scope(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    scope = reader.security_scope(asset, at)
    return scope if scope is not None and reader.sees(scope, at, viewer) else None


_FIELDS: dict[str, Callable[[MomentRow], Value]] = {
    "Date": lambda row: row.changed_at,
    "DateUTC": lambda row: row.changed_at,
    "Reason": lambda row: row.reason,
    "Comment": lambda row: row.comment,
}
"""What follows `Create`, `Change`, `Retire` in the name of an attribute."""


def _stamped(of: _Moment, take: Callable[[MomentRow], Value]) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        moment = of(reader, asset, at, viewer)
        return None if moment is None else take(_row(reader, moment))

    return get


def _by(of: _Moment) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        moment = of(reader, asset, at, viewer)
        member = None if moment is None else _row(reader, moment).changed_by
        return member if member is not None and reader.sees(member, at, viewer) else None

    return get


def _created(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> int | None:
    return asset.versions[0]


def _changed(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> int | None:
    return reader.version(asset, at)


def _mine(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> int | None:
    me = ADMIN if viewer is None else viewer
    until = reader.version(asset, at)
    moments = (moment for moment in reversed(asset.versions) if moment <= until)
    return next((moment for moment in moments if _row(reader, moment).changed_by == me), None)


def _my_moment(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return _mine(reader, asset, at, viewer)


def _retired(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> int | None:
    """Return the moment since which the asset has been closed or dead; a closing moment is remembered (§6.3 Q)."""
    if asset_state(asset, at) < CLOSED:
        return None
    since = asset.versions[0]
    for moment, before in asset.past.get("AssetState", ()):
        if (at is None or moment <= at) and before < CLOSED:
            since = moment
    return since


def _closed(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> int | None:
    return _retired(reader, asset, at, viewer) if is_closed(asset_state(asset, at)) else None


def _state(test: Callable[[int], bool]) -> Getter:
    def get(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
        return test(asset_state(asset, at))

    return get


def _code(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return asset_state(asset, at)


def _deletable(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return may(reader, asset, "Delete", at)


def _is_self(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    return asset.id == (ADMIN if viewer is None else viewer)


def _is_topic(reader: Reader, asset: Asset, at: int | None, viewer: int | None) -> Value:
    """True for the first expression of its conversation (versionone.md §6.5)."""
    conversation = targets(asset.get("BelongsTo", at))
    thread = reader.state.schema.attributes("Conversation")["ContainedExpressions"]
    spoken = reader.state.pointing(thread, conversation[0], at) if conversation else [asset.id]
    return bool(spoken) and spoken[0] == asset.id


def _instant_fields(prefix: str, of: _Moment) -> dict[str, Getter]:
    return {f"{prefix}{name}": _stamped(of, take) for name, take in _FIELDS.items()}


TABLE: dict[str, Getter] = {
    "ID": _id,
    "Key": _id,
    "Moment": _moment,
    "AssetType": _type,
    "Is": _lineage,
    "Now": _now,
    "History": _itself,
    "Prior": _prior,
    "Days": _days,
    "Viewers": _viewers,
    "SecurityScope": _security_scope,
    **_instant_fields("Create", _created),
    **_instant_fields("Change", _changed),
    **_instant_fields("Retire", _retired),
    **_instant_fields("MyLastChange", _mine),
    "CreatedBy": _by(_created),
    "ChangedBy": _by(_changed),
    "RetiredBy": _by(_retired),
    "MyLastChangeMoment": _my_moment,
    "Workitem.ClosedDate": _stamped(_closed, _FIELDS["DateUTC"]),
    "Workitem.ClosedDateUTC": _stamped(_closed, _FIELDS["DateUTC"]),
    "Workitem.ClosedBy": _by(_closed),
    "AssetState": _code,
    "FakeAssetState": _code,
    "EffectiveAssetState": _code,
    "Inactive": _state(lambda code: code >= CLOSED),
    "IsInactive": _state(lambda code: code >= CLOSED),
    "IsClosed": _state(is_closed),
    "IsDead": _state(lambda code: code >= DEAD),
    "IsDeleted": _state(lambda code: code == DELETED),
    "IsReadOnly": _state(lambda code: code >= DEAD),
    "CanUpdate": _state(lambda code: code < DEAD),
    "IsDeletable": _deletable,
    "Member.IsSelf": _is_self,
    "Member.UsesLicense": _state(lambda code: code < CLOSED),
    "Expression.IsTopic": _is_topic,
}
"""Getters by attribute name; `Type.Name` for those of one type."""
