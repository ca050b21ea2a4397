"""A Kerberos realm of one's own: its centre on the loopback interface, one person, one web server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

HOW_TO_INSTALL = (
    "needs the extra, pip install 'mirror-tracker[kerberos]' (with a compiler and libkrb5-dev), "
    "and apt-get install krb5-kdc krb5-admin-server krb5-user"
)
_SBIN = "/usr/sbin"
_TOOLS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
_REALM = "TEST.EXAMPLE"
_PATIENCE_SECONDS = 20.0


def installed() -> bool:
    """Return whether the programs of a realm are there."""
    return all(shutil.which(each, path=f"{os.environ.get('PATH', '')}:{_SBIN}") for each in _TOOLS)


class Realm:
    """Use it as a context manager.

    Attributes:
        environ: what programs of this realm need in their environment.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._port = _free_port()
        self.environ = {
            "KRB5_CONFIG": str(home / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(home / "kdc.conf"),
            "KRB5_KTNAME": f"FILE:{home / 'web.keytab'}",
            "KRB5CCNAME": f"FILE:{home / 'tickets'}",
            "KRB5RCACHEDIR": str(home),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Realm:
        address = f"127.0.0.1:{self._port}"
        (self._home / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {_REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
            f" dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
            f"[realms]\n {_REALM} = {{\n  kdc = {address}\n }}\n[domain_realm]\n localhost = {_REALM}\n"
        )
        (self._home / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = {address}\n kdc_tcp_listen = {address}\n"
            f"[realms]\n {_REALM} = {{\n  database_name = {self._home / 'principal'}\n"
            f"  key_stash_file = {self._home / 'stash'}\n  acl_file = {self._home / 'acl'}\n }}\n"
            f"[logging]\n kdc = FILE:{self._home / 'kdc.log'}\n"
        )
        self._run("kdb5_util", "create", "-s", "-r", _REALM, "-P", "the master key of a test")
        for line in ("addprinc -randkey HTTP/localhost", "addprinc -randkey ann", "ktadd HTTP/localhost"):
            self._run("kadmin.local", "-r", _REALM, "-q", line)
        self._run("kadmin.local", "-r", _REALM, "-q", f"ktadd -k {self._home / 'ann.keytab'} ann")
        command = [_found("krb5kdc"), "-n", "-r", _REALM, "-P", str(self._home / "kdc.pid")]
        self._process = subprocess.Popen(command, env=self._all(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for(self._port)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE_SECONDS)

    def kinit(self) -> None:
        """Get a ticket for the person."""
        self._run("kinit", "-k", "-t", str(self._home / "ann.keytab"), "ann")

    def kdestroy(self) -> None:
        """Throw the person's tickets away."""
        (self._home / "tickets").unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run([_found(program), *arguments], env=self._all(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def _all(self) -> dict[str, str]:
        return {**os.environ, **self.environ}


def _found(program: str) -> str:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SBIN}") or program


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "the realm's centre did not start"
            time.sleep(0.02)
