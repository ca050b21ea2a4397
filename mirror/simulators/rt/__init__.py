"""A Request Tracker on the loopback interface: REST 2.0 over real HTTP and the login of REST 1.0, as rt.md has them."""

from mirror.simulators.rt.simulator import RTSimulator
from mirror.simulators.rt.switches import Switches
from mirror.simulators.rt.work import RefusedError
from mirror.simulators.rt.world import World

__all__ = ["RTSimulator", "RefusedError", "Switches", "World"]
