# SPDX-License-Identifier: LGPL-2.1-or-later
"""The exceptions: one class for each family of causes.

    Error
    ├── Refused              memctl cannot grant the request; nothing was changed
    │   ├── InvalidSize      also ValueError
    │   ├── InvalidArgument  also ValueError
    │   └── NotPermitted     also PermissionError
    ├── NoSuchDomain         also LookupError
    ├── Busy                 another operation holds the domain
    ├── GuestError           the guest or its agent cannot do its part, or does not
    ├── Failed               a resize could not be finished
    │   ├── DeadlineExceeded also TimeoutError
    │   ├── Cancelled
    │   └── Superseded       another tool set the domain's memory during the resize
    ├── DomainGone           the domain ended or rebooted, or is being saved or migrated
    ├── HostError            Xen, libxl or xenstore failed
    │   └── NoXen            also ConnectionError
    └── HostClosed           the program uses a host that it has closed
"""

from __future__ import annotations

import operator
from functools import partial
from typing import Any, SupportsIndex

from .names import Cause
from .records import DomainIdentity, Report, SizeRange, kib, text
from .size import Size


class Error(Exception):
    """Something that memctl was asked for did not happen.

    `str(error)` is one line with the figures. A traceback shows the `hint`, too.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     try:
    ...         host["demo-pv"].resize("100GiB")
    ...     except memctl.Refused as error:
    ...         print(error.cause, error.nearest in error.range, error.report.outcome)
    host_memory True refused
    """

    cause: Cause | None  #: None: the program made a mistake, as with `HostClosed`.
    hint: str  #: What a person can do. Empty: the message says everything.
    domain: DomainIdentity | None  #: None: not known.
    report: Report | None  #: What a resize reached and left behind.
    range: SizeRange | None  #: If the size was the reason: the sizes that are possible,
    nearest: Size | None  #: and the size in the range that is nearest to the requested size.
    raw: int | None  #: What the failing call returned: a libxl code, an errno.
    log: tuple[str, ...]  #: What libxl logged during the failing call.

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
        """The keys of `memctl resize --json`. Without a report, only those of the error itself."""
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
    """memctl cannot grant the request now; nothing was changed."""


class InvalidSize(Refused, ValueError):
    """That is not a size, or no domain can have it."""


class InvalidArgument(Refused, ValueError):
    """The host, a file or an option is wrong."""


class NotPermitted(Refused, PermissionError):
    """The caller may not do this: only root in dom0 may."""


class NoSuchDomain(Error, LookupError):
    """No running guest has that name or number."""


class Busy(Error):
    """Another operation holds the domain; the message names its process."""


class GuestError(Error):
    """The guest or its agent cannot do its part, or does not."""


class Failed(Error):
    """A resize could not be finished, or could not begin because the guest is paused."""


class DeadlineExceeded(Failed, TimeoutError):
    """The time that the caller allowed is over."""


class Cancelled(Failed):
    """`Operation.cancel()` ended the resize, closing the host did, or `on_event` raised."""


class Superseded(Failed):
    """Another tool set the domain's memory during the resize; its values stand."""


class DomainGone(Error):
    """The domain ended or rebooted, or is being saved or migrated."""


class HostError(Error):
    """Xen, libxl or xenstore failed, or memctl cannot read what they tell."""


class NoXen(HostError, ConnectionError):
    """There is no Xen here, or its interfaces cannot be opened."""


class HostClosed(Error):
    """The host was closed, or the parent of this forked process opened it."""


#: The class of each cause. `causes_of` has the causes of a class.
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


#: Why a resize to a size is refused that is too small.
TOO_SMALL = (Cause.BELOW_FLOOR, Cause.BELOW_POLICY, Cause.INVALID_SIZE)
#: A smaller int was probably meant as MiB or KiB.
FEW_BYTES = 16 << 20


def explain_bytes(error: Error, requested: SupportsIndex | str) -> None:
    """Says that an int means bytes, if the requested size is a small int, and is too small."""
    if error.cause not in TOO_SMALL or isinstance(requested, (str, Size)):
        return
    if (number := operator.index(requested)) >= FEW_BYTES:
        return
    error.args = (f"{error}; the int {number} means bytes",)
    error.hint = f'give a text with the unit, as "{number}MiB"'
    error.__notes__ = [f"hint: {error.hint}"]


def report_of(error: BaseException | None) -> Report | None:
    """How the resize ended that `error` is about: restored, kept, or even verified.

    Also for exceptions that are not memctl's, but come from a resize that was cancelled: the
    `TimeoutError` of `asyncio.timeout` and `asyncio.wait_for`, `asyncio.CancelledError`, and
    `KeyboardInterrupt`. If `error` has no report, the exceptions that led to it are asked:
    `__cause__`, or else `__context__`. None: no resize had begun, or it has not ended yet.

    >>> import asyncio, memctl
    >>> async def grow(domain):
    ...     try:
    ...         async with asyncio.timeout(0):
    ...             await domain.resize_async("4GiB")
    ...     except TimeoutError as late:
    ...         return memctl.report_of(late)
    >>> with memctl.Host("sim:") as host:
    ...     report = asyncio.run(grow(host["demo-pv"]))
    >>> report is None or report.outcome in ("verified", "restored", "refused")
    True
    """
    asked: list[BaseException] = []
    while error is not None and error not in asked:
        report = getattr(error, "report", None)
        if isinstance(report, Report):
            return report
        asked.append(error)
        error = error.__cause__ or error.__context__
    return None


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
    """The exception for an error of the library."""
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
