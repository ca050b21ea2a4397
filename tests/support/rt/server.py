"""A private RT: made, started, put back to an earlier state, and stopped."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import requests

from tests.support.rt.configuration import DATA, PASSWORDS, SETTINGS, SHRED, TOKENS
from tests.support.rt.packages import LIBRARY, SERVER, SETUP
from tests.support.rt.serving import SERVE

_PATIENCE_SECONDS = 90
_JUST_SECONDS = 20


class RTServer:
    """One RT in one directory; it answers only on the loopback interface.

    Attributes:
        url: while it runs.
        tokens: by user.
    """

    def __init__(self, home: Path, *, timezone: str = "UTC", workers: int = 2) -> None:
        self.home = home
        self.url = ""
        self.tokens: dict[str, str] = {}
        self._timezone = timezone
        self._workers = workers
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def make(self) -> Path:
        """Create the database with people, queues and fields but no tickets; return a copy of it."""
        for name in ("var", "mason", "session", "none"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        (self.home / "RT_SiteConfig.pm").write_text(SETTINGS)
        (self.home / "data").write_text(DATA)
        (self.home / "password").write_text(PASSWORDS["root"] + "\n")
        (self.home / "rt.sqlite").unlink(missing_ok=True)
        setup = [str(SETUP), "--force"]
        nobody = ["--dba", "", "--dba-password", ""]
        self._run(*setup, "--action", "init", *nobody, "--root-password-file", str(self.home / "password"))
        self._run(*setup, "--action", "insert", "--datafile", str(self.home / "data"))
        tokens = self.perl(TOKENS, *PASSWORDS).splitlines()[-1]
        (self.home / "tokens.json").write_text(tokens)
        return self.save(self.home / "pristine.sqlite")

    def perl(self, code: str, *arguments: str) -> str:
        """Run Perl code against the database and return what it printed."""
        return self._run("perl", f"-I{LIBRARY}", "-e", code, "--", *arguments)

    def shred(self, ticket: int) -> None:
        """Remove a ticket without a trace, as an administrator can."""
        self.perl(SHRED, str(ticket))

    def now(self) -> datetime:
        """Return the server's time, UTC."""
        return datetime.now(UTC)

    def pass_time(self, seconds: float) -> None:
        """Make what has just happened so much older, as waiting would; what is older than that has long settled."""
        with closing(sqlite3.connect(self.home / "rt.sqlite", timeout=30)) as database, database:
            listed = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c"
            where = " WHERE m.type = 'table' AND c.name IN ('Created', 'LastUpdated')"
            for table, stamp in database.execute(listed + where).fetchall():
                older = f"datetime({stamp}, '-{seconds} seconds')"
                database.execute(
                    f"UPDATE {table} SET {stamp} = {older} WHERE {stamp} > datetime('now', '-{_JUST_SECONDS} seconds')"
                )

    def save(self, to: Path) -> Path:
        """Copy the database to a file of its own."""
        to.unlink(missing_ok=True)
        database = sqlite3.connect(self.home / "rt.sqlite")
        try:
            database.execute("VACUUM INTO ?", (str(to),))
        finally:
            database.close()
        return to

    def restore(self, saved: Path) -> None:
        """Put an earlier copy of the database back; the server must not run."""
        for name in ("rt.sqlite-wal", "rt.sqlite-shm"):
            (self.home / name).unlink(missing_ok=True)
        shutil.copyfile(saved, self.home / "rt.sqlite")
        database = sqlite3.connect(self.home / "rt.sqlite")
        try:
            database.execute("PRAGMA journal_mode=WAL").fetchall()  # readers and the writer do not wait for each other
        finally:
            database.close()
        shutil.rmtree(self.home / "session", ignore_errors=True)
        (self.home / "session").mkdir()

    def serve(self, saved: Path) -> None:
        """Serve an earlier copy of the database, and return when RT answers.

        When it runs already, new workers take over, which have seen nothing of what was there before.

        Raises:
            RuntimeError: it ended or did not answer; the message holds the end of its log.
        """
        if self._process is None:
            self.restore(saved)
            self._start()
        self._end_workers()
        self.restore(saved)
        self._until(self._answers)

    def _start(self) -> None:
        """Start the server; it asks itself a few things first, which leave traces in the database."""
        self._port = self._port or _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.tokens = json.loads((self.home / "tokens.json").read_text())
        given = (str(SERVER), str(self._port), str(self._workers), self.tokens["root"], PASSWORDS["root"])
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["perl", f"-I{LIBRARY}", "-e", SERVE, "--", *given],
                env=self._environment(), cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=_die_with_parent,  # noqa: PLW1509 - calls nothing but the kernel
            )  # fmt: skip
        self._until(self._answers)

    def _end_workers(self) -> None:
        """Have those that answer replaced, and return when the old ones are gone."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        old = set(children.read_text().split())

        def gone() -> bool:
            left = old & set(children.read_text().split())
            for each in left:  # again and again: one that is just about to wait for a request does not hear it
                os.kill(int(each), signal.SIGTERM)
            return not left

        self._until(gone)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError((self.home / "server.log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server and wait until it has gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def log_out_everybody(self) -> None:
        """End all sessions, as their expiry would."""
        shutil.rmtree(self.home / "session")
        (self.home / "session").mkdir()

    def _answers(self) -> bool:
        try:
            headers = {"Authorization": f"token {self.tokens['root']}"}
            answer = requests.get(f"{self.url}/REST/2.0/rt", headers=headers, timeout=10)
        except requests.RequestException:
            return False
        return answer.status_code == 200

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RT_", "PERL5"))}
        return {
            **kept,
            "RT_SITE_CONFIG": str(self.home / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.home / "none"),  # without it Debian's own settings are mixed in
            "RT_HOME": str(self.home),
            "RT_PORT": str(self._port or 8080),
            "RT_TIMEZONE": self._timezone,
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
        }

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
