"""Pages for people that come in place of an answer."""

from __future__ import annotations

import re

from mirror.connectors.http import Answer

_PASSWORD = re.compile(rb"""<input[^>]*\btype\s*=\s*["']?password\b""", re.IGNORECASE)


def asks_to_sign_in(answer: Answer) -> bool:
    """Return whether an answer is a page with a field for a password, as a session that is over may lead to."""
    if "html" not in answer.headers.get("Content-Type", "").lower():
        return False
    return bool(_PASSWORD.search(answer.body))
