# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests, and what can be asked of them."""

from __future__ import annotations

import inspect
import time
from functools import partial
from typing import TYPE_CHECKING

from . import _core
from .errors import DeadlineExceeded, Error, NoSuchDomain, explain_bytes
from .names import Cause, DomainType
from .operation import EventCallback, Operation, Switchboard, finish
from .options import (
    DEFAULT_AGENT_WAIT,
    DEFAULT_RESERVE,
    DEFAULT_STALL,
    DEFAULTS,
    Bytes,
    Numa,
    OnFailure,
    Seconds,
    Zone,
    core_options,
    milliseconds,
)
from .records import DomainIdentity, Finding, Plan, Recovery, Report, Status
from .size import request

if TYPE_CHECKING:
    from .host import Host


class Domain:
    """One life of a guest, which a `Host` returns. After a reboot its calls raise `NoSuchDomain`,
    and `refresh` returns the guest's new life.

    Thread-safe, and never changes.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     domain = host["demo-pvh"]
    >>> print(domain.id, domain.name, domain.type)
    2 demo-pvh pvh
    """

    def __init__(self, host: Host, identity: DomainIdentity) -> None:
        self.host = host
        self.identity = identity

    @property
    def id(self) -> int:
        """Xen's number of the domain."""
        return self.identity.id

    @property
    def name(self) -> str:
        """The domain's name at the time of the look-up."""
        return self.identity.name

    @property
    def type(self) -> DomainType:
        """The kind of domain: pv, pvh or hvm."""
        return self.identity.type

    def __repr__(self) -> str:
        return f"<memctl.Domain {self.name!r}, {self.type} {self.id}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Domain):
            return NotImplemented
        return self.host is other.host and self.identity == other.identity

    def __hash__(self) -> int:
        return hash((id(self.host), self.identity))

    def status(self) -> Status:
        """What the guest has now, and which sizes a resize would be granted.

        Takes milliseconds, or up to 5 s if an agent announced itself and does not answer.
        Raises `NoSuchDomain`, `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     print(host["demo-pv"].status().target)
        1024 MiB
        """
        return self.host._core.status(self.identity, DEFAULTS)

    async def status_async(self) -> Status:
        """As `status`, for asyncio. Ask many guests at once: those that do not answer take 5 s
        together. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> async def targets(host):
        ...     statuses = await asyncio.gather(*(domain.status_async() for domain in host))
        ...     return [str(status.target) for status in statuses]
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(targets(host))
        ['1024 MiB', '1024 MiB', '1024 MiB']
        """
        ask = partial(self.host._core.ask_status, self.identity, DEFAULTS)
        return await self.host._switchboard().ask(ask, Status)

    def refresh(self) -> Domain:
        """The guest in its present life: after a reboot it has another number.

        It is found by its UUID, otherwise by its name, because a guest that was destroyed and
        created anew has another UUID. This handle stays as it is. Raises `NoSuchDomain` while the
        guest does not run, as for a moment during a reboot, and `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     domain = host["demo-pv"]
        ...     domain.refresh() == domain
        True
        """
        return Domain(self.host, present_life(self.identity, self.host._core.domains()))

    def wait_for_agent(self, timeout: Seconds = DEFAULT_AGENT_WAIT) -> Status:
        """Waits until the guest's agent answers, for example while the guest boots.

        Returns the status with the agent's answer. Asks twice a second. After `timeout` seconds, or
        up to 5 s later if an agent announced itself and does not answer, raises `DeadlineExceeded`,
        a `TimeoutError`. Raises `NoSuchDomain` if the domain ends meanwhile, and `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     status = host["demo-pv"].wait_for_agent()
        >>> status.agent is None
        False
        """
        waiting = _AgentWait(self, timeout)
        while (status := self.status()).agent is None:
            time.sleep(waiting.pause())
        return status

    async def wait_for_agent_async(self, timeout: Seconds = DEFAULT_AGENT_WAIT) -> Status:
        """As `wait_for_agent`, for asyncio. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].wait_for_agent_async()).agent is None
        False
        """
        import asyncio

        waiting = _AgentWait(self, timeout)
        while (status := await self.status_async()).agent is None:
            await asyncio.sleep(waiting.pause())
        return status

    def plan(
        self,
        size: Bytes,
        *,
        online: Zone = "kernel",
        agentless: bool = False,
        allow_hvm_devices: bool = False,
        force_movable: bool = False,
        host_reserve: Bytes = DEFAULT_RESERVE,
        numa: Numa = "any",
    ) -> Plan:
        """What `resize` would do. Raises the same errors if `resize` would be refused.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     plan = host["demo-pv"].plan("+1GiB")
        >>> plan.to_size, len(plan.stages)
        (Size('2048 MiB'), 1)
        """
        options = core_options(
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            force_movable=force_movable,
            host_reserve=host_reserve,
            numa=numa,
        )
        try:
            return self.host._core.plan(self.identity, *request(size), options)
        except Error as error:
            explain_bytes(error, size)
            raise

    async def plan_async(
        self,
        size: Bytes,
        *,
        online: Zone = "kernel",
        agentless: bool = False,
        allow_hvm_devices: bool = False,
        force_movable: bool = False,
        host_reserve: Bytes = DEFAULT_RESERVE,
        numa: Numa = "any",
    ) -> Plan:
        """As `plan`, for asyncio. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].plan_async("+1GiB")).to_size
        Size('2048 MiB')
        """
        options = core_options(
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            force_movable=force_movable,
            host_reserve=host_reserve,
            numa=numa,
        )
        ask = partial(self.host._core.ask_plan, self.identity, *request(size), options)
        try:
            return await self.host._switchboard().ask(ask, Plan)
        except Error as error:
            explain_bytes(error, size)
            raise

    def resize(
        self,
        size: Bytes,
        *,
        timeout: Seconds | None = None,
        stall: Seconds = DEFAULT_STALL,
        on_failure: OnFailure = "restore",
        online: Zone = "kernel",
        agentless: bool = False,
        allow_hvm_devices: bool = False,
        force_movable: bool = False,
        host_reserve: Bytes = DEFAULT_RESERVE,
        numa: Numa = "any",
        on_event: EventCallback | None = None,
    ) -> Report:
        """Brings the guest to `size` and waits until the size is verified.

        - `size`: bytes as an int, or text with a unit, as `"4GiB"`. `"+512m"` and `"-1g"` are
          relative to the present target.
        - `timeout`: the seconds for the resize. Restoring comes on top.
        - `stall`: the resize ends after so many seconds without progress, or with too little: a
          64th of what a stage has to move; a GiB a minute is always enough.
        - `on_failure`: `"restore"` restores the earlier size and limits, as far as that is safe for
          the guest. `"keep"` keeps the size that was reached.
        - `online`: the zone for added memory. Ballooning never gives `"movable"` memory back.
        - `agentless`: do without the guest's agent, even if there is one, and verify only Xen's
          count. The guest can only grow.
        - `allow_hvm_devices`: take the risk that emulated devices cannot reach the added memory.
        - `force_movable`: take the risk that the guest's kernel runs dry, because more than three
          times the memory that it can use is movable.
        - `host_reserve`: stays free on the host.
        - `numa`: `"local"` refuses a growth if its forecast says that some of its memory would not
          lie on the domain's own NUMA nodes. Others may still take the nodes' memory meanwhile.
        - `on_event`: memctl calls it with each `Event`, in this thread, at most a few dozen times a
          second: if stages follow each other very fast, some of their events are left out. If
          events of one phase and stage come faster than it returns, it gets only the newest of
          them. If it raises, the resize is cancelled: see `Operation.wait`.

        Ctrl-C restores the guest first: see `Operation.wait`.

        Raises `Refused`, `GuestError`, `Failed`, `DeadlineExceeded` (a `TimeoutError`),
        `DomainGone` and the other classes of `Error`, by the cause. `error.report.outcome` says
        whether anything was changed, and what is left of it. Raises `TypeError` and `ValueError`
        for wrong arguments.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     report = host["demo-pv"].resize("4GiB", timeout=60)
        >>> report.reached, report.verified.all
        (Size('4096 MiB'), True)
        """
        return self.start_resize(
            size,
            timeout=timeout,
            stall=stall,
            on_failure=on_failure,
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            force_movable=force_movable,
            host_reserve=host_reserve,
            numa=numa,
            on_event=on_event,
        ).wait()

    def start_resize(
        self,
        size: Bytes,
        *,
        timeout: Seconds | None = None,
        stall: Seconds = DEFAULT_STALL,
        on_failure: OnFailure = "restore",
        online: Zone = "kernel",
        agentless: bool = False,
        allow_hvm_devices: bool = False,
        force_movable: bool = False,
        host_reserve: Bytes = DEFAULT_RESERVE,
        numa: Numa = "any",
        on_event: EventCallback | None = None,
    ) -> Operation:
        """As `resize`, but returns at once. The caller uses `Operation.wait` and `.cancel`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     operations = [domain.start_resize("2GiB") for domain in host]
        ...     [str(operation.wait().reached) for operation in operations[:2]]
        ['2048 MiB', '2048 MiB']
        """
        options = core_options(
            timeout=timeout,
            stall=stall,
            on_failure=on_failure,
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            force_movable=force_movable,
            host_reserve=host_reserve,
            numa=numa,
        )
        switchboard = Switchboard()
        operation = self._start(size, options, switchboard, on_event)
        switchboard.listeners[operation.number] = operation
        return operation

    async def resize_async(
        self,
        size: Bytes,
        *,
        timeout: Seconds | None = None,
        stall: Seconds = DEFAULT_STALL,
        on_failure: OnFailure = "restore",
        online: Zone = "kernel",
        agentless: bool = False,
        allow_hvm_devices: bool = False,
        force_movable: bool = False,
        host_reserve: Bytes = DEFAULT_RESERVE,
        numa: Numa = "any",
        on_event: EventCallback | None = None,
    ) -> Report:
        """As `resize`, for asyncio. Any number of resizes can run at once, without more threads.

        If the task is cancelled, also by `asyncio.timeout`, the resize is cancelled, and the task
        ends when the guest has been restored. If the task is cancelled once more, it ends at once.
        `report_of` has the report of a resize that was cancelled, from the `TimeoutError` too.
        memctl calls `on_event` on the loop's thread.

        >>> import asyncio, memctl
        >>> async def grow(names):
        ...     with memctl.Host("sim:") as host:
        ...         return await asyncio.gather(*(host[n].resize_async("+1GiB") for n in names))
        >>> [str(report.reached) for report in asyncio.run(grow(["demo-pv", "demo-pvh"]))]
        ['2048 MiB', '2048 MiB']
        """
        options = core_options(
            timeout=timeout,
            stall=stall,
            on_failure=on_failure,
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            force_movable=force_movable,
            host_reserve=host_reserve,
            numa=numa,
        )
        switchboard = self.host._switchboard()
        operation = self._start(size, options, switchboard, on_event)
        switchboard.add(operation.number, operation)
        return await finish(operation)

    def doctor(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """Checks the domain and its guest, and returns a finding for each check.

        Takes as long as `status`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     findings = host["demo-pv"].doctor()
        >>> [finding.check.value for finding in findings if finding.severity == "bad"]
        []
        """
        return self.host._core.examine(self.identity, core_options(host_reserve=host_reserve))

    async def doctor_async(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """As `doctor`, for asyncio. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].doctor_async()) == host["demo-pv"].doctor()
        True
        """
        options = core_options(host_reserve=host_reserve)
        ask = partial(self.host._core.ask_doctor, self.identity, options)
        return await self.host._switchboard().ask(ask, tuple[Finding, ...])

    def recover(self) -> Recovery:
        """Restores what a resize left whose process died. A resize does the same before it begins.

        Takes milliseconds if nothing was left. Otherwise it waits until the guest has given its
        memory back. Raises `Busy` if the process lives, `HostError`, `DomainGone`, `Superseded`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     host["demo-pv"].recover().report is None
        True
        """
        return self.host._core.recover(self.identity, DEFAULTS)

    async def recover_async(self) -> Recovery:
        """As `recover`, for asyncio. If the task is cancelled, it ends at once, and the host goes
        on recovering the guest.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].recover_async()).report is None
        True
        """
        ask = partial(self.host._core.start_recovery, self.identity, DEFAULTS)
        return await self.host._switchboard().ask(ask, Recovery)

    def _start(
        self,
        size: Bytes,
        options: _core.Options,
        switchboard: Switchboard,
        on_event: EventCallback | None,
    ) -> Operation:
        if on_event is not None and not callable(on_event):
            raise TypeError(f"on_event is a {type(on_event).__name__}, which cannot be called")
        if inspect.iscoroutinefunction(on_event):
            raise TypeError("on_event is called, not awaited: give a plain function")
        number = self.host._core.start(
            self.identity, *request(size), options, switchboard.channel, on_event is not None
        )
        return Operation(self.host._core, self.identity, size, number, switchboard, on_event)


def present_life(earlier: DomainIdentity, running: tuple[DomainIdentity, ...]) -> DomainIdentity:
    """The guest of that identity among those that run."""
    of_uuid = [one for one in running if one.uuid == earlier.uuid != ""]
    of_name = [one for one in of_uuid or running if one.name == earlier.name]
    for one in of_name or of_uuid:
        return one
    raise NoSuchDomain(
        f'no guest is called "{earlier.name}", or has the UUID that it had',
        cause=Cause.NO_SUCH_DOMAIN,
        hint="ask again if it reboots; xl list shows the guests that run",
        domain=earlier,
    )


class _AgentWait:
    """How long to wait for an agent yet."""

    PAUSE = 0.5

    def __init__(self, domain: Domain, timeout: Seconds) -> None:
        self._domain = domain.identity
        self._seconds = milliseconds(timeout, "timeout") / 1000
        self._end = time.monotonic() + self._seconds

    def pause(self) -> float:
        """The time until the next question. Raises `DeadlineExceeded` after the last."""
        left = self._end - time.monotonic()
        if left > 0:
            return min(left, self.PAUSE)
        name = self._domain.name
        raise DeadlineExceeded(
            f"{name}: no agent has answered within {self._seconds:g} s",
            cause=Cause.DEADLINE,
            hint=f"memctl doctor {_core.command_word(self._domain)} tells what the guest lacks",
            domain=self._domain,
        )
