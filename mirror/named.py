"""Imports what a text names, when it is asked for: the one place where parts of the house are loaded by their names.

Starting is what a short script spends its time on, so nobody pays for a command, a tracker or a database that is not used.
`tests/test_architecture.py` reads such texts as it reads imports, so they open no way around the floors.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from typing import Any


def named(place: str) -> Any:
    """Return what `module:name` names, or the module itself when there is no name; it is imported only now.

    Raises:
        ModuleNotFoundError: it needs an extra that is not installed.
    """
    module, _colon, name = place.partition(":")
    found = import_module(module)
    return attrgetter(name)(found) if name else found
