"""Refusals as bodies: XML, JSON or an IIS page. versionone.md §3.4, C12."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import msgspec

from mirror.simulators.versionone.state import RefusedError

_CLASS = "VersionOne.DataException"
"""Some class name; only parsers of this element are public (C12)."""

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
}


def xml_error(href: str, refusal: RefusedError) -> bytes:
    """Return `Error` with a `Message`, and `Exception` elements inside each other; the innermost is the useful one."""
    inner = ""
    for text in reversed(refusal.exceptions or (refusal.message,)):
        inner = f'<Exception class="{_CLASS}"><Message>{escape(text)}</Message>{inner}</Exception>'
    return f"<Error href={quoteattr(href)}><Message>{escape(refusal.message)}</Message>{inner}</Error>".encode()


def json_error(refusal: RefusedError) -> bytes:
    """Return `{"exceptions":[{"message":..}]}`. §3.4 S"""
    return msgspec.json.encode({"exceptions": [{"message": text} for text in (refusal.message, *refusal.exceptions)]})


def html_error(status: int, message: str = "") -> bytes:
    """Return a page as IIS makes it; no XML parser reads it. §3.4 S/T"""
    title = f"{status} - {REASONS.get(status, 'Error')}"
    return (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>Server Error</h1><h2>{title}</h2><hr><p>{escape(message)}&nbsp;</body></html>"
    ).encode()
