"""A VersionOne on the loopback interface: meta.v1, rest-1 and what is around them, as far as versionone.md describes it."""

from mirror.simulators.versionone.simulator import VersionOneSimulator
from mirror.simulators.versionone.switches import Switches
from mirror.simulators.versionone.world import Changed, RefusedError, World

__all__ = ["Changed", "RefusedError", "Switches", "VersionOneSimulator", "World"]
