"""What a scenario may do with a host and its guests, be they real or simulated.

`Lab` and `Guest` do it on real Xen, `SimulatedHost` and `SimulatedGuest` on the simulator. A
scenario that asks for nothing else runs on both, and has to end the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from memctl_lab.errors import LabError
from memctl_lab.facts import DomainFacts, GuestFacts, HostFacts, Limits
from memctl_lab.rivals import Rival


@dataclass(frozen=True)
class Completed:
    """A command that ended. The status is a shell's: 128 + N for signal N."""

    command: str
    status: int
    stdout: str
    stderr: str

    def check(self) -> Completed:
        """Returns itself, or raises if the command failed."""
        if self.status != 0:
            raise LabError(f"{self.command}: status {self.status}\n{self.stdout}{self.stderr}")
        return self


class Job(Protocol):
    """A command of dom0's at work."""

    def wait(self, timeout: float = 120) -> Completed:
        ...

    def wait_for_output(self, text: str, timeout: float = 120) -> None:
        ...

    def kill(self, number: int = ...) -> None:
        """Sends a signal: SIGINT and SIGTERM cancel a resize."""


class ScenarioGuest(Protocol):
    """A guest by its name: after a reboot or a restore it is the same one, with a new domid."""

    name: str
    domid: int
    crash_expected: bool
    """To be set before a guest is to die: any other crash fails the scenario."""

    @property
    def host(self) -> ScenarioHost:
        ...

    @property
    def type(self) -> str:
        """pv, pvh or hvm."""

    # What it has

    def domain(self) -> DomainFacts | None:
        """Xen's own figures, or None when there is no such domain any more."""

    def facts(self) -> GuestFacts:
        """What its kernel says."""

    def snapshot(self) -> Limits:
        """Every limit, to be compared with a later snapshot."""

    def alive(self) -> bool:
        ...

    def crashes(self) -> list[str]:
        """The lines in which its kernel gave up."""

    def killed_processes(self) -> int:
        """How many its kernel has killed for want of memory."""

    def console(self) -> str:
        """What its kernel has printed."""

    def has_journal(self) -> bool:
        """Whether an operation has left its journal behind."""

    # What happens in it

    def wait_for_agent(self, timeout: int = 120) -> None:
        ...

    def kill_agent(self) -> None:
        ...

    def agent_runs(self) -> bool:
        ...

    def runs_programs(self) -> bool:
        """Whether a program can be started in it, which needs memory."""

    def hold_memory(self, mib: int, *, timeout: int = 120) -> None:
        """A process takes memory and lives, until `release_memory`; any number of them."""

    def begin_to_hold(self, mib: int, first_mib: int) -> None:
        """The same, bit by bit; returns as soon as it has the first of it."""

    def release_memory(self) -> None:
        ...

    def leave_free(self, mib: int) -> None:
        """Fills its memory until about so much is free, in a way that nothing gets back."""

    # What others do to it, and to its domain

    def mem_max(self, mib: int) -> Completed:
        """`xl mem-max`."""

    def mem_set(self, mib: int) -> Completed:
        """`xl mem-set`, which returns long before the guest has done anything."""

    def set_pool(self, mib: int) -> None:
        """Raises its paging pool by hand; nothing on pv, which has none."""

    def act_as(self, rival: Rival, mib: int) -> None:
        """Sets a limit as another tool would."""

    def settle(self, mib: int | None = None) -> None:
        """Waits until the guest has done what it ever will for its target, or has died of it.

        With a size no longer than until it has that.
        """

    def wait_until_given_up(self) -> None:
        """Waits until its balloon driver, which has settled short of its target, stops trying."""

    def pause(self) -> None:
        ...

    def unpause(self) -> None:
        ...

    def reboot(self) -> None:
        """The guest reboots; returns once it has booted."""

    def save_and_restore(self) -> bool:
        """`xl save` and `xl restore`. False: the restore failed, and the guest is lost."""

    def destroy(self) -> None:
        """Removes the guest if it is still there. `crashes` goes on to tell what it died of."""


class ScenarioHost(Protocol):
    """A host. Its guests are given back by whoever made them: see the fixture `fresh_host`."""

    @property
    def kind(self) -> str:
        """sim or xen."""

    @property
    def guests(self) -> Mapping[str, ScenarioGuest]:
        ...

    @property
    def destroyed(self) -> list[ScenarioGuest]:
        """Guests of whose crashes `unexpected_crashes` has still to tell."""

    def create_guest(self, name: str, type: str = "pv", **options: object) -> ScenarioGuest:
        """Boots one guest and waits until it is up; options as for GuestConfig."""

    def create_guests(
        self, wanted: Iterable[tuple[str, str]], **options: object
    ) -> Sequence[ScenarioGuest]:
        """Boots several guests (name, type) at the same time."""

    def facts(self) -> HostFacts:
        """Xen's own figures."""

    def memctl(self, *arguments: str) -> Job:
        """Starts memctl with these arguments."""

    def leave_free(self, mib: int) -> None:
        """Takes the host's memory until about so much is free."""

    def return_memory(self) -> None:
        """Gives back what `leave_free` took."""


def unexpected_crashes(host: ScenarioHost) -> list[str]:
    """What guests died of that were not to, also those that are destroyed by now. Told once."""
    told = []
    for guest in (*host.guests.values(), *host.destroyed):
        crashes = guest.crashes()
        if crashes and not guest.crash_expected:
            guest.crash_expected = True
            told.append(f"{guest.name} crashed: {crashes[0]}")
    host.destroyed.clear()
    return told
