"""The Debian packages of a real RT, and whether they are here."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

LIBRARY = Path("/usr/share/request-tracker5/lib")
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
SETUP = Path("/usr/sbin/rt-setup-database-5")

PACKAGES = (
    "request-tracker5",
    "rt5-db-sqlite",
    "rt5-standalone",
    "msmtp-mta",  # the smallest thing that satisfies RT's wish for a mail program; nothing is sent
    "dbconfig-no-thanks",  # no database for the whole machine
)

HOW_TO_INSTALL = (
    "a real RT is needed: as root on Debian 12, python -m tests.support.rt.install, "
    f"or apt-get install --no-install-recommends {' '.join(PACKAGES)}"
)


@lru_cache(maxsize=1)
def installed() -> bool:
    """Return whether an RT can be started on this machine."""
    if not all(each.exists() for each in (LIBRARY, SERVER, SETUP)):
        return False
    modules = subprocess.run(["perl", "-MStarlet", "-MDBD::SQLite", "-e", "1"], capture_output=True, check=False)
    return modules.returncode == 0
