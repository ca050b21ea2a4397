"""Which part of a field's value a column holds."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A scalar has one column, a reference one for each of the others that applies."""

    VALUE = "value"
    ID = "id"
    NAME = "name"
    TYPE = "type"
