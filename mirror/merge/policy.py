"""Who wins a conflict where the settings say so: `Type.Field`, `*.Field`, `Type` or `*`, the most exact first."""

from __future__ import annotations

from collections.abc import Mapping

from mirror.model.change import Side


def winner(policies: Mapping[str, Side], type_name: str, field: str) -> Side | None:
    """Return who wins a conflict about that field of that type; None when a person is to choose.

    Upper and lower case do not matter. What is said of one field goes before what is said of a whole type, and what is
    said of one type before what is said of all.
    """
    told = {name.lower(): side for name, side in policies.items()}
    exact_first = (f"{type_name}.{field}", f"*.{field}", type_name, "*")
    return next((told[name.lower()] for name in exact_first if name.lower() in told), None)
