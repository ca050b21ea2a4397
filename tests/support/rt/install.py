"""Install the packages of a real RT: `python -m tests.support.rt.install`, as root on Debian 12."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.rt.packages import HOW_TO_INSTALL, PACKAGES, installed

_ANSWERS = """\
request-tracker5 request-tracker5/rtname string rt.test.example
request-tracker5 request-tracker5/organization string rt.test.example
request-tracker5 request-tracker5/correspondaddress string rt@rt.test.example
request-tracker5 request-tracker5/commentaddress string rt-comment@rt.test.example
request-tracker5 request-tracker5/webbaseurl string http://127.0.0.1
request-tracker5 request-tracker5/webpath string /rt
request-tracker5 request-tracker5/handle-siteconfig-permissions boolean false
request-tracker5 request-tracker5/install-cronjobs boolean false
msmtp msmtp/apparmor boolean false
"""


def main() -> None:
    """Install what is missing; end with a sentence when that is not possible."""
    if installed():
        return
    if os.geteuid() != 0:
        sys.exit(HOW_TO_INSTALL)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1", "LC_ALL": "C.UTF-8"}
    subprocess.run(["apt-get", "-q", "update"], env=quiet, check=True)
    subprocess.run(["debconf-set-selections"], input=_ANSWERS.encode(), env=quiet, check=True)
    subprocess.run(["apt-get", "-y", "-q", "--no-install-recommends", "install", *PACKAGES], env=quiet, check=True)
    installed.cache_clear()
    if not installed():
        sys.exit("the packages were installed, but RT cannot be found")


if __name__ == "__main__":
    main()
