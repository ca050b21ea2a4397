"""How RT calls the fields of a type when they are written, and in its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mirror.connectors.rt.catalog import Schema
from mirror.model.layout import Layout
from mirror.model.schema import Field


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one type.

    Attributes:
        custom: name of a custom field of ours -> its number, which RT takes as well as its name (rt.md §6.3).
        roles: name of a custom role of ours -> its own name, by which every version takes it (rt.md §12).
        told: the same -> what transactions call it, `RT::CustomRole-<id>` (seen on 5.0.3).
    """

    custom: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema, type_name: str) -> Naming:
        """Return the names of a type as the server has them."""
        custom = {name: str(number) for number, name in schema.field_names(type_name).items()}
        roles = {each.field_name: each.name for each in schema.custom_roles}
        return cls(custom, roles, {each.field_name: each.wire_names[0] for each in schema.custom_roles})

    @classmethod
    def shown(cls, layout: Layout) -> Naming:
        """Return names for people, made of the layout alone."""
        fields = [each for each in layout.type.fields if each.custom]
        return cls(
            {each.name: each.display_name for each in fields if each.name.startswith("CF.")},
            {each.name: each.display_name for each in fields if each.name.startswith("CustomRole.")},
        )

    def put(self, body: dict[str, Any], name: str, value: object) -> None:
        """Put a value into the body of a write where RT looks for it."""
        if name in self.custom:
            body.setdefault("CustomFields", {})[self.custom[name]] = value
        elif name in self.roles:
            body.setdefault("CustomRoles", {})[self.roles[name]] = value
        else:
            body[name] = value

    def in_history(self, name: str) -> str:
        """Return what transactions call a field (rt.md §6.6)."""
        return self.custom.get(name) or self.told.get(name) or name


def is_custom_field(field: Field) -> bool:
    """Return whether RT keeps the field's values as those of a custom field."""
    return field.custom and field.name.startswith("CF.")
