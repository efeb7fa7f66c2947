"""A real Xen host under QEMU's emulation, and what a test may ask of it."""

from memctl_lab.config import LabConfig
from memctl_lab.errors import LabError, LabTimeout
from memctl_lab.facts import Block, DomainFacts, GuestFacts, HostFacts, Limits
from memctl_lab.guest import Guest
from memctl_lab.host import Lab, Running
from memctl_lab.scenario import Completed, ScenarioGuest, ScenarioHost
from memctl_lab.simulated import SimulatedGuest, SimulatedHost

__all__ = [
    "Block",
    "Completed",
    "DomainFacts",
    "Guest",
    "GuestFacts",
    "HostFacts",
    "Lab",
    "LabConfig",
    "LabError",
    "LabTimeout",
    "Limits",
    "Running",
    "ScenarioGuest",
    "ScenarioHost",
    "SimulatedGuest",
    "SimulatedHost",
]
