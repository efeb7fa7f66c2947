# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts and their guests."""

from __future__ import annotations

import asyncio
import atexit
import datetime
import inspect
import time
import warnings
import weakref
from functools import partial
from types import TracebackType
from typing import Iterator, Literal, SupportsIndex

from . import _core
from .errors import DeadlineExceeded, Error, NoSuchDomain, explain_bytes
from .operation import EventCallback, LoopSwitchboard, Operation, Switchboard, finish
from .names import Cause, DomainType
from .records import DomainIdentity, Finding, Plan, Recovery, Report, Status
from .size import Size, invalid, request

Seconds = float | datetime.timedelta
OnFailure = Literal["restore", "keep"]
Zone = Literal["kernel", "movable"]
Bytes = SupportsIndex | str

DEFAULT_STALL = 30.0
DEFAULT_AGENT_WAIT = 60.0
DEFAULT_RESERVE = Size("64MiB")

_open_hosts: weakref.WeakSet[Host] = weakref.WeakSet()


class Host:
    """A connection to one Xen host. It is a context manager; close it when you are done.

    `uri` is one of

    - `"xen:"`: the host in whose dom0 the program runs;
    - `"sim:"`: a simulated host; each `Host` gets a new one;
    - `"sim:FILE"`: a simulated host that a file describes.

    Thread-safe. Closing the host cancels all resizes that are under way and waits until the guests
    have been restored. The end of the interpreter closes all hosts. A forked child cannot use its
    parent's hosts.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     [domain.name for domain in host]
    ['demo-pv', 'demo-pvh', 'demo-hvm']

    Raises `NoXen`, `NotPermitted`, and `Refused` for an unknown `uri`.
    """

    def __init__(self, uri: str = "xen:") -> None:
        self.uri = uri
        self._core = _core.OpenHost(uri)
        self._switchboards: dict[asyncio.AbstractEventLoop, LoopSwitchboard] = {}
        _open_hosts.add(self)

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        core = getattr(self, "_core", None)
        if core is not None and not core.closed:
            warnings.warn(f"unclosed {self!r}", ResourceWarning, source=self)
            core.close()

    def __repr__(self) -> str:
        return f"<memctl.Host {self.uri!r}{', closed' if self.closed else ''}>"

    @property
    def closed(self) -> bool:
        """Whether the host was closed. In a forked child the parent's hosts are closed."""
        return self._core.closed

    def close(self) -> None:
        """Cancels all resizes, waits until the guests have been restored, and disconnects.

        If a call of libxl waits for a lock that another tool holds, closing waits as well. Closing
        a closed host does nothing.

        >>> import memctl
        >>> host = memctl.Host("sim:")
        >>> host.close()
        >>> host.domains()
        Traceback (most recent call last):
            ...
        memctl.errors.HostClosed: the host has been closed
        """
        self._core.close()
        self._switchboards.clear()

    def domains(self) -> list[Domain]:
        """All guests without dom0, in the order of their numbers. Raises `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     host.domains()[0]
        <memctl.Domain 'demo-pv', pv 1>
        """
        return [Domain(self, identity) for identity in self._core.domains()]

    def __iter__(self) -> Iterator[Domain]:
        return iter(self.domains())

    def __getitem__(self, name: str | int) -> Domain:
        """The guest of that name; digits mean its number, as in `xl`.

        Raises `NoSuchDomain`, a `LookupError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     host["demo-pvh"].type
        <DomainType.PVH: 'pvh'>
        """
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise TypeError(f"a domain is named by a str or an int, not {type(name).__name__}")
        return Domain(self, self._core.domain(str(name)))

    def __contains__(self, name: str | int) -> bool:
        try:
            self[name]
        except NoSuchDomain:
            return False
        return True

    def doctor(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """Checks the host itself, and returns a finding for each check. Raises `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     [finding.check.value for finding in host.doctor() if finding.severity == "bad"]
        []
        """
        return self._core.doctor(_options(host_reserve=host_reserve))

    async def doctor_async(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """As `doctor`, for asyncio.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host.doctor_async()) == host.doctor()
        True
        """
        ask = partial(self._core.ask_host_doctor, _options(host_reserve=host_reserve))
        return await self._switchboard().ask(ask, tuple[Finding, ...])

    def recover(self) -> list[Recovery]:
        """Calls `Domain.recover` for every guest, for all at once.

        Guests that get memory back follow one another, so that the host keeps its reserve. If one
        guest cannot be recovered, its own `error` says why. Raises `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     [recovery.report for recovery in host.recover()]
        [None, None, None]
        """
        return list(self._core.recover_all(_defaults))

    async def recover_async(self) -> list[Recovery]:
        """As `recover`, for asyncio.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     [recovery.report for recovery in asyncio.run(host.recover_async())]
        [None, None, None]
        """
        domains = self.domains()
        recovering = (domain.recover_async() for domain in domains)
        results = await asyncio.gather(*recovering, return_exceptions=True)
        recoveries = []
        for domain, result in zip(domains, results, strict=True):
            if isinstance(result, Recovery):
                recoveries.append(result)
            elif not isinstance(result, Error):
                raise result
            elif not isinstance(result, NoSuchDomain):  # a guest that ended meanwhile is left out
                recoveries.append(Recovery(domain.identity, None, Size(0), result))
        return recoveries

    def _switchboard(self) -> LoopSwitchboard:
        """The switchboard of the running loop."""
        loop = asyncio.get_running_loop()
        return self._switchboards.get(loop) or LoopSwitchboard(loop, self._switchboards)


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
        return self.host._core.status(self.identity, _defaults)

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
        ask = partial(self.host._core.ask_status, self.identity, _defaults)
        return await self.host._switchboard().ask(ask, Status)

    def refresh(self) -> Domain:
        """The guest in its present life: after a reboot it has another number.

        It has the same UUID, or else the same name, as a guest has that was destroyed and created
        anew. This handle stays as it is. Raises `NoSuchDomain` if the guest does not run, which is
        so for a moment during a reboot, and `HostError`.

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
        host_reserve: Bytes = DEFAULT_RESERVE,
    ) -> Plan:
        """What `resize` would do. Raises the same errors if `resize` would be refused.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     plan = host["demo-pv"].plan("+1GiB")
        >>> plan.to_size, len(plan.stages)
        (Size('2048 MiB'), 1)
        """
        options = _options(
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            host_reserve=host_reserve,
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
        host_reserve: Bytes = DEFAULT_RESERVE,
    ) -> Plan:
        """As `plan`, for asyncio. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].plan_async("+1GiB")).to_size
        Size('2048 MiB')
        """
        options = _options(
            online=online,
            agentless=agentless,
            allow_hvm_devices=allow_hvm_devices,
            host_reserve=host_reserve,
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
        host_reserve: Bytes = DEFAULT_RESERVE,
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
        - `host_reserve`: stays free on the host.
        - `on_event`: memctl calls it with each `Event`, in this thread. If it raises, the resize is
          cancelled: see `Operation.wait`.

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
            host_reserve=host_reserve,
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
        host_reserve: Bytes = DEFAULT_RESERVE,
        on_event: EventCallback | None = None,
    ) -> Operation:
        """As `resize`, but returns at once. The caller uses `Operation.wait` and `.cancel`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     operations = [domain.start_resize("2GiB") for domain in host]
        ...     [str(operation.wait().reached) for operation in operations[:2]]
        ['2048 MiB', '2048 MiB']
        """
        options = _options(
            timeout, stall, on_failure, online, agentless, allow_hvm_devices, host_reserve
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
        host_reserve: Bytes = DEFAULT_RESERVE,
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
        options = _options(
            timeout, stall, on_failure, online, agentless, allow_hvm_devices, host_reserve
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
        return self.host._core.examine(self.identity, _options(host_reserve=host_reserve))

    async def doctor_async(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """As `doctor`, for asyncio. If the task is cancelled, it ends at once.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].doctor_async()) == host["demo-pv"].doctor()
        True
        """
        options = _options(host_reserve=host_reserve)
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
        return self.host._core.recover(self.identity, _defaults)

    async def recover_async(self) -> Recovery:
        """As `recover`, for asyncio. If the task is cancelled, it ends at once, and the host goes
        on recovering the guest.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host["demo-pv"].recover_async()).report is None
        True
        """
        ask = partial(self.host._core.start_recovery, self.identity, _defaults)
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
        self._seconds = _milliseconds(timeout, "timeout") / 1000
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
            hint=f"memctl doctor {name} tells what the guest lacks",
            domain=self._domain,
        )


def _milliseconds(time: Seconds, name: str) -> int:
    if isinstance(time, datetime.timedelta):
        time = time.total_seconds()
    if isinstance(time, bool) or not isinstance(time, (int, float)):
        raise TypeError(f"{name} is in seconds, as a number or a timedelta")
    if not 0 < time < 1e9:
        raise ValueError(f"{name} is {time} s: it has to be more than none, and finite")
    return max(1, round(time * 1000))


def _one_of(value: str, name: str, choices: tuple[str, str]) -> bool:
    """Whether `value` is the second of the two choices."""
    if value not in choices:
        raise ValueError(f'{name} is {value!r}: it has to be "{choices[0]}" or "{choices[1]}"')
    return value == choices[1]


def _reserve(size: Bytes) -> int:
    kib, relative = request(size)
    if relative:
        raise invalid(f"host_reserve is {size!r}, which is relative")
    return kib


def _options(
    timeout: Seconds | None = None,
    stall: Seconds = DEFAULT_STALL,
    on_failure: str = "restore",
    online: str = "kernel",
    agentless: bool = False,
    allow_hvm_devices: bool = False,
    host_reserve: Bytes = DEFAULT_RESERVE,
) -> _core.Options:
    return _core.Options(
        timeout_ms=None if timeout is None else _milliseconds(timeout, "timeout"),
        stall_ms=_milliseconds(stall, "stall"),
        keep=_one_of(on_failure, "on_failure", ("restore", "keep")),
        movable=_one_of(online, "online", ("kernel", "movable")),
        agentless=bool(agentless),
        allow_hvm_devices=bool(allow_hvm_devices),
        host_reserve_kib=_reserve(host_reserve),
    )


_defaults = _options()


@atexit.register
def _close_hosts() -> None:
    """Closes all hosts before the interpreter ends, so that their guests are restored."""
    for host in list(_open_hosts):
        host.close()
