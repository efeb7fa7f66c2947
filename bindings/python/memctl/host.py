# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts."""

from __future__ import annotations

import asyncio
import atexit
import warnings
import weakref
from functools import partial
from types import TracebackType
from typing import Iterator

from . import _core
from .domain import Domain
from .errors import Error, NoSuchDomain
from .operation import LoopSwitchboard
from .options import DEFAULT_RESERVE, DEFAULTS, Bytes, core_options
from .records import Finding, Recovery
from .size import Size

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


@atexit.register
def _close_hosts() -> None:
    """Closes all hosts before the interpreter ends, so that their guests are restored."""
    for host in list(_open_hosts):
        host.close()
