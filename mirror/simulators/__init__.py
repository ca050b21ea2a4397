"""Trackers to try things on: real HTTP on the loopback interface, in-memory data, deliberate trouble on request.

A simulator never imports a connector, so that one mistake is not made twice. Which ones there are, and how to get one
without naming its folder, is in `registry.py`.
"""

from mirror.simulators.clock import Clock, ManualClock, SystemClock
from mirror.simulators.faults import Fault, FaultPlan

__all__ = ["Clock", "Fault", "FaultPlan", "ManualClock", "SystemClock"]
