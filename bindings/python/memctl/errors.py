# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong, as exceptions: one class for each family of causes.

    Error
    ├── Refused              a request that cannot be granted; nothing was changed
    │   ├── InvalidSize      also ValueError
    │   ├── InvalidArgument  also ValueError
    │   └── NotPermitted     also PermissionError
    ├── NoSuchDomain         also LookupError
    ├── Busy                 another operation holds the domain
    ├── GuestError           the guest, or its agent, cannot or does not do its part
    ├── Failed               a resize that could not be finished
    │   ├── DeadlineExceeded also TimeoutError
    │   ├── Cancelled
    │   └── Superseded       another tool set the domain's memory meanwhile
    ├── DomainGone           the domain ended, rebooted or was saved or migrated
    ├── HostError            Xen, libxl or xenstore failed
    │   └── NoXen            also ConnectionError
    └── HostClosed           the program uses a host that it has closed
"""

from __future__ import annotations

from functools import partial
from typing import Any

from .records import Cause, DomainIdentity, Report, SizeRange, kib, text
from .size import Size


class Error(Exception):
    """Something that memctl was asked for did not happen.

    `str(error)` is one line with the figures. A `hint` is shown with the traceback.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     try:
    ...         host["demo-pv"].resize("100GiB")
    ...     except memctl.Refused as error:
    ...         print(error.cause, error.nearest in error.range, error.report.outcome)
    host_memory True refused
    """

    cause: Cause | None  #: Why; None: a mistake of the program's, as with `HostClosed`.
    hint: str  #: What would be right.
    domain: DomainIdentity | None  #: Whom it is about, where that is known.
    report: Report | None  #: What was reached and left behind, of a resize.
    range: SizeRange | None  #: The sizes that would have been granted, if the size was the matter,
    nearest: Size | None  #: and the one of them that is nearest to what was asked.
    raw: int | None  #: What the failing call returned: a libxl code, an errno.
    log: tuple[str, ...]  #: What libxl logged meanwhile.

    def __init__(
        self,
        message: str,
        *,
        cause: Cause | None = None,
        hint: str = "",
        domain: DomainIdentity | None = None,
        report: Report | None = None,
        range: SizeRange | None = None,
        nearest: Size | None = None,
        raw: int | None = None,
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.hint = hint
        self.domain = domain
        self.report = report
        self.range = range
        self.nearest = nearest
        self.raw = raw
        self.log = log
        if hint:
            self.add_note(f"hint: {hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        again = partial(
            type(self),
            cause=self.cause,
            hint=self.hint,
            domain=self.domain,
            report=self.report,
            range=self.range,
            nearest=self.nearest,
            raw=self.raw,
            log=self.log,
        )
        return again, (str(self),)

    def to_dict(self) -> dict[str, Any]:
        """As `memctl resize --json` has it; without a report, what is known without one."""
        known: dict[str, Any] = {} if self.report is None else self.report.to_dict()
        return known | {
            "event": "report",
            "cause": text(self.cause),
            "message": str(self),
            "hint": self.hint or None,
            "domain": self.domain.to_dict() if self.domain else None,
            "range": self.range.to_dict() if self.range else None,
            "nearest_kib": kib(self.nearest),
            "raw": self.raw,
            "log": list(self.log),
        }


class Refused(Error):
    """A request that cannot be granted as things are; nothing was changed."""


class InvalidSize(Refused, ValueError):
    """Not a size, or one that no domain can have."""


class InvalidArgument(Refused, ValueError):
    """A host that is none, a file that cannot be read, or a wrong option."""


class NotPermitted(Refused, PermissionError):
    """The caller may not do this: it takes dom0's root."""


class NoSuchDomain(Error, LookupError):
    """No running guest has that name or number."""


class Busy(Error):
    """Another operation holds the domain; the message tells whose."""


class GuestError(Error):
    """The guest, or its agent, cannot or does not do its part."""


class Failed(Error):
    """A resize that could not be finished; one of a paused or suspended guest does not begin."""


class DeadlineExceeded(Failed, TimeoutError):
    """Not done within the time that the caller allowed."""


class Cancelled(Failed):
    """Cancelled by `Operation.cancel()`, or by closing the host."""


class Superseded(Failed):
    """Another tool set the domain's memory meanwhile; its word stands."""


class DomainGone(Error):
    """The domain ended or rebooted, or is being saved or migrated."""


class HostError(Error):
    """Xen, libxl or xenstore failed, or what they tell cannot be read."""


class NoXen(HostError, ConnectionError):
    """No Xen here, or its interfaces cannot be opened."""


class HostClosed(Error):
    """The host was closed, or belongs to the process that this one was forked from."""


#: Each cause's class. The other way round: `causes_of`.
CLASSES: dict[Cause, type[Error]] = {
    Cause.NO_XEN: NoXen,
    Cause.NO_SUCH_DOMAIN: NoSuchDomain,
    Cause.INVALID_SIZE: InvalidSize,
    Cause.INVALID_ARGUMENT: InvalidArgument,
    Cause.BELOW_FLOOR: Refused,
    Cause.BELOW_POLICY: Refused,
    Cause.ABOVE_POLICY: Refused,
    Cause.NOT_PERMITTED: NotPermitted,
    Cause.BUSY: Busy,
    Cause.HOST_MEMORY: Refused,
    Cause.PAGING_POOL: Refused,
    Cause.XEN_UNSUPPORTED: Refused,
    Cause.HVM_EMULATED_DEVICES: Refused,
    Cause.PASSTHROUGH: Refused,
    Cause.POPULATE_ON_DEMAND: Refused,
    Cause.AGENT_ABSENT: GuestError,
    Cause.AGENT_INCOMPATIBLE: GuestError,
    Cause.GUEST_NO_HOTPLUG: GuestError,
    Cause.GUEST_KERNEL_FAULT: GuestError,
    Cause.ADDRESS_LIMIT: GuestError,
    Cause.BLOCK_SIZE: Refused,
    Cause.GUEST_OFFLINE_BLOCKS: GuestError,
    Cause.GUEST_MEMMAP: GuestError,
    Cause.GUEST_BALLOON_GAVE_UP: GuestError,
    Cause.GUEST_PRESSURE: GuestError,
    Cause.GUEST_REBOOTED: DomainGone,
    Cause.STALLED: Failed,
    Cause.DOMAIN_GONE: DomainGone,
    Cause.DOMAIN_PAUSED: Failed,
    Cause.DOMAIN_MIGRATING: DomainGone,
    Cause.SUPERSEDED: Superseded,
    Cause.DEADLINE: DeadlineExceeded,
    Cause.CANCELLED: Cancelled,
    Cause.JOURNAL_DAMAGED: HostError,
    Cause.STORE_ERROR: HostError,
    Cause.HYPERVISOR_ERROR: HostError,
}


def causes_of(family: type[Error]) -> frozenset[Cause]:
    """The causes that an `except family` catches.

    >>> sorted(causes_of(DeadlineExceeded))
    [<Cause.DEADLINE: 'deadline'>]
    """
    return frozenset(cause for cause, one in CLASSES.items() if issubclass(one, family))


def from_library(
    cause: Cause,
    message: str,
    hint: str,
    domain: DomainIdentity | None,
    report: Report | None,
    range: SizeRange | None,
    nearest: Size | None,
    raw: int | None,
    log: tuple[str, ...],
) -> Error:
    """The exception for an error of the library's."""
    return CLASSES[cause](
        message,
        cause=cause,
        hint=hint,
        domain=domain,
        report=report,
        range=range,
        nearest=nearest,
        raw=raw,
        log=log,
    )
