# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts."""

from __future__ import annotations

import atexit
import logging
import warnings
import weakref
from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Iterator, TypeVar

from . import _core
from .domain import Domain
from .errors import Error, NoSuchDomain
from .operation import LoopSwitchboard, Switchboard
from .options import DEFAULT_RESERVE, DEFAULTS, Bytes, core_options
from .policy import Policy, require_policy
from .records import Finding, Recovery, Status
from .size import Size
from .watch import HostLog, Watch

if TYPE_CHECKING:
    import asyncio

Answer = TypeVar("Answer")

_open_hosts: weakref.WeakSet[Host] = weakref.WeakSet()


class Host:
    """A connection to one Xen host. Close it when you are done, with `with` or `async with`.

    `uri` is one of

    - `"xen:"`: the host in whose dom0 the program runs;
    - `"sim:"`: a simulated host; each `Host` gets a new one;
    - `"sim:FILE"`: a simulated host that a file describes.

    `policy` is what the administrator allows. `logger` hears what the host does, on a thread of its
    own. Each of its records also has the `domain` and a `kind`: the last record of each resize is
    of the kind "resize_ended" and has its `report`; so has a recovery, with "recovery_ended"; all
    others are "other", and their `report` is None. Without it nothing is logged, except that the
    logger "memctl" hears of an `on_event` that raises too late to cancel its resize.

    Thread-safe. Closing the host cancels all resizes that are under way and waits until the guests
    have been restored. The end of the interpreter closes all hosts. A forked child cannot use its
    parent's hosts.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     [domain.name for domain in host]
    ['demo-pv', 'demo-pvh', 'demo-hvm']

    Raises `NoXen`, `NotPermitted`, `Refused` for an unknown `uri` or a wrong policy, and
    `TypeError` for arguments of another type.
    """

    def __init__(
        self,
        uri: str = "xen:",
        *,
        policy: Policy = Policy(),
        logger: logging.Logger | None = None,
    ) -> None:
        if not isinstance(uri, str):
            raise TypeError(f'uri is a {type(uri).__name__}: give a str, such as "xen:"')
        if logger is not None and not hasattr(logger, "log"):
            raise TypeError(f"logger is a {type(logger).__name__}: give a logging.Logger")
        self.uri = uri
        self._log = None if logger is None else HostLog(logger)
        channel = None if self._log is None else self._log.channel
        self._core = _core.OpenHost(uri, require_policy(policy).for_core(), channel)
        if self._log is not None:
            self._log.start()
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

    async def __aenter__(self) -> Host:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close_async()

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
        self._end()
        self._switchboards.clear()

    async def close_async(self) -> None:
        """As `close`, for asyncio, which `async with` calls: other tasks go on meanwhile.

        If the task is cancelled, it ends at once, and a thread goes on closing the host.

        >>> import asyncio, memctl
        >>> async def names():
        ...     async with memctl.Host("sim:") as host:
        ...         return [domain.name for domain in host]
        >>> asyncio.run(names())
        ['demo-pv', 'demo-pvh', 'demo-hvm']
        """
        import asyncio

        await asyncio.to_thread(self._end)
        self._switchboards.clear()

    def _end(self) -> None:
        """Ends the connection and the log. Any thread may call this."""
        self._core.close()
        if self._log is not None:
            self._log.join()

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

    def set_policy(self, policy: Policy) -> None:
        """Replaces the policy. Resizes that have begun keep theirs.

        Raises `InvalidArgument`, which names the wrong entry; the earlier policy then stays.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     host.set_policy(memctl.Policy("2GiB"))
        ...     print(host["demo-pv"].plan("2GiB").host_reserve)
        2048 MiB
        """
        self._core.set_policy(require_policy(policy).for_core())

    def watch(self) -> Watch:
        """Tells of guests that appear, change and end. Guests that run already appear first.

        Only what lasts is told: a guest that appears and ends within milliseconds may be left out.
        Raises `HostError`.

        >>> import asyncio, memctl
        >>> async def first_guest(host):
        ...     async for change in host.watch():
        ...         return change.domain.name
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(first_guest(host))
        'demo-pv'
        """
        return Watch(self._core)

    def status_all(self) -> list[tuple[Domain, Status | Error]]:
        """`Domain.status` of all guests at once: those that do not answer take 5 s together.

        If one guest cannot be asked, its error stands in the place of its status. A guest that ends
        meanwhile is left out. Raises `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     {domain.name: str(status.target) for domain, status in host.status_all()}
        {'demo-pv': '1024 MiB', 'demo-pvh': '1024 MiB', 'demo-hvm': '1024 MiB'}
        """
        domains = self.domains()
        ask = self._core.ask_status
        questions = (partial(ask, domain.identity, DEFAULTS) for domain in domains)
        return _of_each(domains, Switchboard().ask_all(questions), Status)

    async def status_all_async(self) -> list[tuple[Domain, Status | Error]]:
        """As `status_all`, for asyncio.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host.status_all_async()) == host.status_all()
        True
        """
        import asyncio

        domains = self.domains()
        asking = (domain.status_async() for domain in domains)
        return _of_each(domains, await asyncio.gather(*asking, return_exceptions=True), Status)

    def doctor(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """Checks the host itself, and returns a finding for each check. Raises `HostError`.

        >>> import memctl
        >>> with memctl.Host("sim:") as host:
        ...     [finding.check.value for finding in host.doctor() if finding.severity == "bad"]
        []
        """
        return self._core.doctor(core_options(host_reserve=host_reserve))

    async def doctor_async(self, *, host_reserve: Bytes = DEFAULT_RESERVE) -> tuple[Finding, ...]:
        """As `doctor`, for asyncio.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     asyncio.run(host.doctor_async()) == host.doctor()
        True
        """
        ask = partial(self._core.ask_host_doctor, core_options(host_reserve=host_reserve))
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
        return list(self._core.recover_all(DEFAULTS))

    async def recover_async(self) -> list[Recovery]:
        """As `recover`, for asyncio.

        >>> import asyncio, memctl
        >>> with memctl.Host("sim:") as host:
        ...     [recovery.report for recovery in asyncio.run(host.recover_async())]
        [None, None, None]
        """
        import asyncio

        domains = self.domains()
        recovering = (domain.recover_async() for domain in domains)
        results = await asyncio.gather(*recovering, return_exceptions=True)
        return [
            Recovery(domain.identity, None, Size(0), one) if isinstance(one, Error) else one
            for domain, one in _of_each(domains, results, Recovery)
        ]

    def _switchboard(self) -> LoopSwitchboard:
        """The switchboard of the running loop."""
        import asyncio

        loop = asyncio.get_running_loop()
        return self._switchboards.get(loop) or LoopSwitchboard(loop, self._switchboards)


def _of_each(
    domains: list[Domain], results: Iterable[object], answer: type[Answer]
) -> list[tuple[Domain, Answer | Error]]:
    """Each domain with its answer or its error. A guest that ended meanwhile is left out."""
    pairs: list[tuple[Domain, Answer | Error]] = []
    for domain, result in zip(domains, results, strict=True):
        if isinstance(result, (answer, Error)):
            if not isinstance(result, NoSuchDomain):
                pairs.append((domain, result))
        elif isinstance(result, BaseException):
            raise result
    return pairs


@atexit.register
def _close_hosts() -> None:
    """Closes all hosts before the interpreter ends, so that their guests are restored."""
    for host in list(_open_hosts):
        host.close()
