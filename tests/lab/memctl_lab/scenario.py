"""The interface of scenarios to a host and its guests, real or simulated.

`Lab` and `Guest` implement it on real Xen, `SimulatedHost` and `SimulatedGuest` on the simulator. A
scenario that uses only this interface runs on both, and has to end the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
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
    """A command that runs in dom0."""

    def wait(self, timeout: float = 120) -> Completed:
        ...

    def wait_for_output(self, text: str, timeout: float = 120) -> None:
        ...

    def kill(self, number: int = ...) -> None:
        """Sends a signal: SIGINT and SIGTERM cancel a resize."""


class ScenarioGuest(Protocol):
    """A guest by its name. After a reboot or a restore the same object has a new domid."""

    name: str
    domid: int
    crash_expected: bool
    """Set this before a guest is to die. Any other crash fails the scenario."""

    @property
    def host(self) -> ScenarioHost:
        ...

    @property
    def type(self) -> str:
        """pv, pvh or hvm."""

    # What it has

    def domain(self) -> DomainFacts | None:
        """Xen's own figures, or None if the domain does not exist any more."""

    def facts(self) -> GuestFacts:
        """What its kernel says."""

    def snapshot(self) -> Limits:
        """Every limit, to be compared with a later snapshot."""

    def alive(self) -> bool:
        ...

    def crashes(self) -> list[str]:
        """The lines in which its kernel reported a crash."""

    def killed_processes(self) -> int:
        """How many processes the kernel's OOM killer has killed."""

    def console(self) -> str:
        """What its kernel has printed."""

    def frozen_pool_kib(self) -> int | None:
        """The pool that libxl's stored configuration fixes, if it does."""

    def has_journal(self) -> bool:
        """Whether the domain has an operation's record."""

    # What happens in it

    def wait_for_agent(self, timeout: int = 120) -> None:
        ...

    def kill_agent(self) -> None:
        ...

    def hang_agent(self) -> None:
        """Stops the agent's process. It is still there, and does not answer."""

    def agent_runs(self) -> bool:
        ...

    def runs_programs(self) -> bool:
        """Whether the guest has enough memory to start a program."""

    def hold_memory(self, mib: int, *, timeout: int = 120) -> None:
        """Starts a process that takes memory and lives until `release_memory`. May be repeated."""

    def begin_to_hold(self, mib: int, first_mib: int) -> None:
        """Starts a process that takes memory bit by bit. Returns when it has the first part."""

    def release_memory(self) -> None:
        ...

    def leave_free(self, mib: int) -> None:
        """Fills the memory until about so much is free. The kernel cannot reclaim it."""

    def drip(self, kib: int) -> None:
        """Starts a process of root that lets the balloon move only so much twice a second."""

    def stop_dripping(self) -> None:
        """Ends the process of `drip`."""

    # What others do to it, and to its domain

    def mem_max(self, mib: int) -> Completed:
        """`xl mem-max`."""

    def mem_set(self, mib: int) -> Completed:
        """`xl mem-set`, which returns long before the guest has done anything."""

    def set_pool(self, mib: int) -> None:
        """Sets the paging pool without memctl. Does nothing on pv, which has no pool."""

    def act_as(self, rival: Rival, mib: int) -> None:
        """Sets a limit as another tool would."""

    def settle(self, mib: int | None = None) -> None:
        """Waits until the guest does no more for its target, or has died.

        With a size, waits only until the guest has that size.
        """

    def wait_until_given_up(self) -> None:
        """Waits until the balloon driver, which cannot reach its target, stops trying."""

    def pause(self) -> None:
        ...

    def unpause(self) -> None:
        ...

    def reboot(self) -> None:
        """Reboots the guest, and returns when it has booted."""

    def save_and_restore(self) -> bool:
        """Calls `xl save` and `xl restore`. False: the restore failed, and the guest is lost."""

    def being_saved(self) -> AbstractContextManager[None]:
        """Within it the guest is being saved, and the save does not end. Restores the guest."""

    def destroy(self) -> None:
        """Removes the guest if it still exists. `crashes` works afterwards, too."""


class ScenarioHost(Protocol):
    """A host. The test that creates guests also removes them: see the fixture `fresh_host`."""

    @property
    def kind(self) -> str:
        """sim or xen."""

    @property
    def guests(self) -> Mapping[str, ScenarioGuest]:
        ...

    @property
    def destroyed(self) -> list[ScenarioGuest]:
        """Destroyed guests whose crashes `unexpected_crashes` has not reported yet."""

    def create_guest(self, name: str, type: str = "pv", **options: object) -> ScenarioGuest:
        """Boots one guest and waits until it is up; options as for GuestConfig."""

    def create_guests(
        self, wanted: Iterable[tuple[str, str]], **options: object
    ) -> Sequence[ScenarioGuest]:
        """Boots several guests (name, type) at the same time."""

    def facts(self) -> HostFacts:
        """Xen's own figures."""

    def now(self) -> float:
        """The seconds of dom0's clock."""

    def memctl(self, *arguments: str) -> Job:
        """Starts memctl with these arguments."""

    def xenstore_write(self, path: str, value: str) -> None:
        ...

    def xenstore_remove(self, path: str) -> None:
        ...

    def leave_free(self, mib: int) -> None:
        """Takes the host's memory until about so much is free."""

    def return_memory(self) -> None:
        """Gives the memory of `leave_free` back."""


def unexpected_crashes(host: ScenarioHost) -> list[str]:
    """The unexpected crashes of guests, also of destroyed guests. Each is reported once."""
    told = []
    for guest in (*host.guests.values(), *host.destroyed):
        crashes = guest.crashes()
        if crashes and not guest.crash_expected:
            guest.crash_expected = True
            told.append(f"{guest.name} crashed: {crashes[0]}")
    host.destroyed.clear()
    return told
