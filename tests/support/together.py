"""Which tests stay in one process when several run them: those of a module that shares what is slow to make.

The mark `xdist_group` would say so, but xdist 3.8 hands it on in the id of a test, and pytest 9.2 does not let that change.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/cli/test_demo.py",
    "tests/connectors/rt/",
    "tests/connectors/versionone/test_writing",
    "tests/queries/",
    "tests/simulators/rt/test_honesty.py",
    "tests/test_architecture.py",
)
"""How the paths of such modules begin."""


class Together(LoadScopeScheduling):
    """Gives the tests of those modules to one worker each, and all others one by one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return path if path.startswith(TOGETHER) else nodeid
