"""What a query answers with: columns bound to a type, and rows of their values. versionone.md §3.1, §4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mirror.simulators.versionone.evaluate import Binder, UnknownAttributeError
from mirror.simulators.versionone.grammar import Path, Step
from mirror.simulators.versionone.paths import Route
from mirror.simulators.versionone.state import RefusedError, Value
from mirror.simulators.versionone.view import View


@dataclass(frozen=True, slots=True)
class Row:
    """One asset, or one version of it, with what was asked about it.

    Attributes:
        view: the view its values come from.
        moment: for versions, the moment of this one; None for the present state.
        values: in the order of the selection; only what the asset's type has.
    """

    asset: int
    view: View
    moment: int | None
    values: list[tuple[Route, Value]]

    @property
    def oid(self) -> str:
        """Oid token, with the moment for versions. versionone.md §1"""
        plain = self.view.oid(self.asset)
        return plain if self.moment is None else f"{plain}:{self.moment}"

    @property
    def address(self) -> str:
        """Path below the service, `Data/Story/1005` or `Data/Story/1005/903`. versionone.md §3.2 R"""
        return f"Data/{self.oid.replace(':', '/')}"


def basic_selection(view: View, type_name: str) -> list[Path]:
    """Return what answers hold when nothing is selected: basic attributes, names of basic relations, AssetType.

    versionone.md §3.1 R/S.
    """
    found: list[Path] = []
    for attribute in view.schema.attributes(type_name).values():
        if not attribute.basic or attribute.name == "AssetType":
            continue
        found.append(Path(attribute.name, (Step(attribute.name),)))
        if attribute.is_relation and attribute.display_by:
            name = attribute.display_by.partition(".")[2]
            found.append(Path(f"{attribute.name}.{name}", (Step(attribute.name), Step(name))))
    if "AssetType" in view.schema.attributes(type_name):
        found.append(Path("AssetType", (Step("AssetType"),)))
    return found


def bind_selection(binder: Binder, type_name: str, paths: Sequence[Path] | None) -> list[Route]:
    """Bind a selection, None meaning the basic one. One unknown attribute refuses all of it. versionone.md §3.4 L

    Raises:
        RefusedError: a name is unknown or an aggregate does not fit.
    """
    chosen = basic_selection(binder.view, type_name) if paths is None else paths
    routes: dict[str, Route] = {}
    try:
        for path in chosen:
            route = binder.route(type_name, path)
            routes.setdefault(route.name, route)
    except UnknownAttributeError as unknown:
        raise RefusedError(400, f"Invalid SEL parameter: {unknown.message}") from None
    return list(routes.values())


def read_row(view: View, asset: int, routes: Iterable[Route], *, moment: int | None = None) -> Row:
    """Read one row."""
    type_name, schema = view.type_of(asset), view.schema
    values = [(route, route.value(view, asset, asset)) for route in routes if schema.is_a(type_name, route.owner)]
    return Row(asset, view, moment, values)
