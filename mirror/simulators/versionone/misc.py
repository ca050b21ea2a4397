"""Small services beside the data: loc, config and the page of an asset. versionone.md §1."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape
from xml.sax.saxutils import quoteattr as quote

from mirror.simulators.versionone.literals import read_oid
from mirror.simulators.versionone.state import RefusedError
from mirror.simulators.versionone.view import View

_SETTINGS = {"EffortTracking": "true", "StoryTrackingLevel": "On", "DefectTrackingLevel": "On"}
"""Keys are versionone.md §1 R (`java` fixture); the values are one instance's choice."""


def configuration(version: str) -> str:
    """Return the document of config.v1."""
    settings = "".join(f"<Setting key={quote(key)} value={quote(value)} />" for key, value in _SETTINGS.items())
    return f"<Configuration version={quote(version)}>{settings}</Configuration>"


def localise(key: str) -> str:
    """Return the text for a localisation key: the name in it, `Owned By` for `AttributeDefinition'OwnedBy'Workitem`."""
    parts = key.split("'")
    name = parts[1] if len(parts) > 1 else parts[0]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def localise_all(text: str) -> dict[str, str]:
    """Return texts by key for a list such as `[k1,k2]`."""
    return {key: localise(key) for key in text.strip("[]").split(",") if key}


def detail_page(view: View, args: dict[str, str]) -> str:
    """Return the page that a deep link leads to, by `oid` or `number`. versionone.md §1 S/D

    Raises:
        RefusedError: 404, there is no such asset.
    """
    asset = _asset_of(view, args)
    if asset is None:
        raise RefusedError(404, "Not found")
    known = view.schema.attributes(view.type_of(asset))
    name = str(view.value(asset, "Name") or "") if "Name" in known else ""
    number = str(view.value(asset, "Number") or "") if "Number" in known else view.oid(asset)
    title = escape(f"{number} {name}".strip())
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


def _asset_of(view: View, args: dict[str, str]) -> int | None:
    if "oid" in args:
        reference = read_oid(view, args["oid"])
        fits = reference.asset is not None and view.is_there(reference.type_name, reference.asset)
        return reference.asset if fits else None
    numbered = [each.name for each in view.schema.types() if each.number_prefix]
    for type_name in numbered:
        for asset in view.ids(type_name):
            if view.value(asset, "Number") == args.get("number"):
                return asset
    return None
