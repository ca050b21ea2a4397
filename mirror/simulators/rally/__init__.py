"""A Rally on the loopback interface: WSAPI v2.0 over real HTTP, as far as rally.md describes it."""

from mirror.simulators.rally.items import RefusedError
from mirror.simulators.rally.simulator import RallySimulator
from mirror.simulators.rally.switches import Switches

__all__ = ["RallySimulator", "RefusedError", "Switches"]
