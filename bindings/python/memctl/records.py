# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the library tells, as values: immutable, comparable, and fit to be pickled.

Sizes are what `xl` means by them, video RAM included. What a guest's agent said is the guest's own
claim: those are the fields whose names begin with `reported_`, `guest_total`, and `agent`.

Sizes are `Size`, ints of bytes; times are seconds.

`to_dict()` has the keys that `memctl --json` writes (docs/json.md): ints of KiB and of
milliseconds, with the unit in the key.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .size import KIB, Size

if TYPE_CHECKING:
    from .errors import Error


class Cause(enum.StrEnum):
    """Why something was refused or failed. After the first release no name
    changes; new ones may come.

    >>> Cause("host_memory") is Cause.HOST_MEMORY == "host_memory"
    True
    """

    NO_XEN = "no_xen"
    NO_SUCH_DOMAIN = "no_such_domain"
    INVALID_SIZE = "invalid_size"
    INVALID_ARGUMENT = "invalid_argument"
    BELOW_FLOOR = "below_floor"
    BELOW_POLICY = "below_policy"
    ABOVE_POLICY = "above_policy"
    NOT_PERMITTED = "not_permitted"
    BUSY = "busy"
    HOST_MEMORY = "host_memory"
    PAGING_POOL = "paging_pool"
    XEN_UNSUPPORTED = "xen_unsupported"
    HVM_EMULATED_DEVICES = "hvm_emulated_devices"
    PASSTHROUGH = "passthrough"
    POPULATE_ON_DEMAND = "populate_on_demand"
    AGENT_ABSENT = "agent_absent"
    AGENT_INCOMPATIBLE = "agent_incompatible"
    GUEST_NO_HOTPLUG = "guest_no_hotplug"
    GUEST_KERNEL_FAULT = "guest_kernel_fault"
    ADDRESS_LIMIT = "address_limit"
    BLOCK_SIZE = "block_size"
    GUEST_OFFLINE_BLOCKS = "guest_offline_blocks"
    GUEST_MEMMAP = "guest_memmap"
    GUEST_BALLOON_GAVE_UP = "guest_balloon_gave_up"
    GUEST_PRESSURE = "guest_pressure"
    GUEST_REBOOTED = "guest_rebooted"
    STALLED = "stalled"
    DOMAIN_GONE = "domain_gone"
    DOMAIN_PAUSED = "domain_paused"
    DOMAIN_MIGRATING = "domain_migrating"
    SUPERSEDED = "superseded"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"
    JOURNAL_DAMAGED = "journal_damaged"
    STORE_ERROR = "store_error"
    HYPERVISOR_ERROR = "hypervisor_error"


class DomainType(enum.StrEnum):
    """The kind of a domain."""

    PV = "pv"
    PVH = "pvh"
    HVM = "hvm"


class Outcome(enum.StrEnum):
    """How a resize ended."""

    VERIFIED = "verified"  # the size was reached, and every layer that can be asked agrees
    REFUSED = "refused"  # nothing was changed
    RESTORED = "restored"  # it failed, and the earlier state is back
    KEPT = "kept"  # it failed, and what was reached stays
    SUPERSEDED = "superseded"  # somebody else set another target; theirs stands
    FAILED = "failed"  # the earlier state could not be brought back whole
    GONE = "gone"  # the domain went away, rebooted or moved


class Phase(enum.StrEnum):
    """The parts of a resize, in their order."""

    FACTS = "facts"
    RESERVE = "reserve"
    ONLINE = "online"
    POPULATE = "populate"
    VERIFY = "verify"
    RESTORE = "restore"


class Severity(enum.StrEnum):
    """How bad a finding is."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"
    UNKNOWN = "unknown"


class Subject(enum.StrEnum):
    """Where a precondition lies; what is said of the guest is its agent's claim."""

    HOST = "host"
    DOMAIN = "domain"
    GUEST = "guest"


class Check(enum.StrEnum):
    """A precondition that the doctor looks at."""

    XEN_VERSION = "xen_version"
    HOST_RESERVE = "host_reserve"
    HOST_CLAIMS = "host_claims"
    AUTOBALLOON = "autoballoon"
    STATE = "state"
    STORED_CONFIGURATION = "stored_configuration"
    LEFTOVER = "leftover"
    CLAIMS = "claims"
    LIBVIRT = "libvirt"
    PASSTHROUGH = "passthrough"
    EMULATED_DEVICES = "emulated_devices"
    PAGING_POOL = "paging_pool"
    FROZEN_POOL = "frozen_pool"
    POPULATE_ON_DEMAND = "populate_on_demand"
    AGENT = "agent"
    AGENT_VERSION = "agent_version"
    HOTPLUG = "hotplug"
    KERNEL = "kernel"
    ONLINE_POLICY = "online_policy"
    UDEV_RULE = "udev_rule"
    MEMORY_BLOCKS = "memory_blocks"
    REBOOT = "reboot"


def kib(size: int | None) -> int | None:
    """As JSON has it; None stays None."""
    return None if size is None else size // KIB


def text(member: enum.StrEnum | None) -> str | None:
    """As JSON has it; None stays None."""
    return None if member is None else member.value


def milliseconds(seconds: float) -> int:
    """As JSON has it."""
    return round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class DomainIdentity:
    """One life of a domain: a reboot gives it another `id`.

    >>> DomainIdentity(3, "web1", DomainType.PVH).to_dict()
    {'id': 3, 'name': 'web1', 'type': 'pvh'}
    """

    id: int
    name: str
    type: DomainType

    def to_dict(self) -> dict[str, Any]:
        """As `memctl --json` has it."""
        return {"id": self.id, "name": self.name, "type": self.type.value}


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What a guest's agent says of itself.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     print(host["demo-pv"].status().agent.block_size)
    128 MiB
    """

    version: str
    kernel_release: str
    block_size: Size

    def to_dict(self) -> dict[str, Any]:
        """As `memctl --json` has it."""
        return {
            "version": self.version,
            "kernel_release": self.kernel_release,
            "block_size_kib": kib(self.block_size),
        }


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """One end of a range of sizes, and why the range ends there.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     host["demo-pv"].status().range.smallest.cause
    <Cause.BELOW_FLOOR: 'below_floor'>
    """

    size: Size
    cause: Cause  # why a resize past this end would be refused,
    reason: str  # in words; some of it may be a guest's

    def to_dict(self) -> dict[str, Any]:
        """As `memctl status --json` has it."""
        return {"size_kib": kib(self.size), "cause": text(self.cause), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class SizeRange:
    """The sizes that a resize would be granted now.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     sizes = host["demo-pv"].status().range
    >>> sizes.smallest.size in sizes, sizes.largest.size + 4096 in sizes
    (True, False)
    """

    smallest: RangeEnd
    largest: RangeEnd
    step: Size  # above `step_from`, sizes go in multiples of `step`, counted from there
    step_from: Size  # up to here every page counts

    def __contains__(self, size: Size) -> bool:
        if not self.smallest.size <= size <= self.largest.size:
            return False
        return size <= self.step_from or (size - self.step_from) % self.step == 0

    def to_dict(self) -> dict[str, Any]:
        """As `memctl status --json` has it."""
        return {
            "smallest": self.smallest.to_dict(),
            "largest": self.largest.to_dict(),
            "step_kib": kib(self.step),
            "step_from_kib": kib(self.step_from),
        }


@dataclass(frozen=True, slots=True)
class Status:
    """A domain at one moment, measured by the host but for what its names say.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     status = host["demo-pv"].status()
    >>> end = status.range.largest
    >>> status.target == status.limit < end.size, end.cause
    (True, <Cause.HOST_MEMORY: 'host_memory'>)
    """

    domain: DomainIdentity
    allocated: Size
    target: Size
    limit: Size | None  # static-max: how far the target may go without a resize
    max_pages: Size  # Xen's max_pages, which no guest can pass
    boot_limit: Size | None
    pool: Size | None  # None: a pv domain has none
    agent: AgentStatus | None  # None: no agent announced itself, or none answers
    reported_total: Size | None
    reported_available: Size | None
    range: SizeRange | None  # None: a resize would be refused whatever the size,
    refused_by: Cause | None  # for this cause,
    refused_message: str  # in words

    def to_dict(self) -> dict[str, Any]:
        """As `memctl status --json` has it."""
        return {
            "event": "status",
            "domain": self.domain.to_dict(),
            "allocated_kib": kib(self.allocated),
            "target_kib": kib(self.target),
            "limit_kib": kib(self.limit),
            "max_pages_kib": kib(self.max_pages),
            "boot_limit_kib": kib(self.boot_limit),
            "pool_kib": kib(self.pool),
            "guest_total_kib": kib(self.reported_total),
            "guest_available_kib": kib(self.reported_available),
            "range": self.range.to_dict() if self.range else None,
            "refused_by": text(self.refused_by),
            "refused_message": self.refused_message or None,
            "agent": self.agent.to_dict() if self.agent else None,
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a plan: the guest is brought to `size` before the next one begins.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     print([str(stage.size) for stage in host["demo-pvh"].plan("40GiB").stages])
    ['31616 MiB', '40960 MiB']
    """

    size: Size
    blocks: int  # at most so many memory blocks are added
    memmap: Size  # at most so much of the guest's own memory pays for describing them
    host_memory: Size  # negative: gives back

    def to_dict(self) -> dict[str, Any]:
        """As `memctl plan --json` has it."""
        return {
            "size_kib": kib(self.size),
            "blocks": self.blocks,
            "memmap_kib": kib(self.memmap),
            "host_memory_kib": kib(self.host_memory),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a resize would do. Stages after the first are a forecast.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     plan = host["demo-pvh"].plan("40GiB")
    >>> print(plan.from_size, plan.to_size, plan.limit, plan.pool_growth)
    1024 MiB 40960 MiB 40960 MiB 156 MiB
    """

    domain: DomainIdentity
    from_size: Size
    to_size: Size
    limit: Size  # static-max afterwards,
    earlier_limit: Size  # and now
    pool: Size | None  # afterwards; None: a pv domain has none
    pool_growth: Size
    host_free: Size  # claims of others excluded
    host_reserve: Size
    stages: tuple[Stage, ...]  # none: the domain has that size already
    range: SizeRange  # what would be granted now

    def to_dict(self) -> dict[str, Any]:
        """As `memctl plan --json` has it."""
        return {
            "event": "plan",
            "domain": self.domain.to_dict(),
            "from_kib": kib(self.from_size),
            "to_kib": kib(self.to_size),
            "limit_kib": kib(self.limit),
            "earlier_limit_kib": kib(self.earlier_limit),
            "pool_kib": kib(self.pool),
            "pool_growth_kib": kib(self.pool_growth),
            "host_free_kib": kib(self.host_free),
            "host_reserve_kib": kib(self.host_reserve),
            "stages": [stage.to_dict() for stage in self.stages],
            "range": self.range.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Event:
    """Where a resize is.

    >>> Event(Phase.POPULATE, 1, Size("1g"), Size("3g"), Size("2g"), 0.5).fraction
    0.5
    """

    phase: Phase
    stage: int  # from 1; 0 outside the stages
    from_size: Size  # where the phase began,
    to_size: Size  # where it will end,
    now: Size  # and where it is; while blocks come online that is the guest's claim
    elapsed: float  # seconds since the resize began

    @property
    def fraction(self) -> float:
        """How much of the phase is done, from 0 to 1."""
        whole = self.to_size - self.from_size
        return min(1.0, max(0.0, (self.now - self.from_size) / whole)) if whole else 1.0

    def to_dict(self) -> dict[str, Any]:
        """As `memctl resize --json` has it."""
        return {
            "event": "progress",
            "phase": self.phase.value,
            "stage": self.stage,
            "from_kib": kib(self.from_size),
            "to_kib": kib(self.to_size),
            "now_kib": kib(self.now),
            "elapsed_ms": milliseconds(self.elapsed),
        }


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """How long a phase took, in seconds. One that came several times is there several times.

    >>> PhaseTime(Phase.VERIFY, 0.25).seconds
    0.25
    """

    phase: Phase
    seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """Which of the three layers confirmed the result. Only `xen` is measured by the host.

    >>> Verified(xen=True, blocks=True, guest_total=False).all
    False
    """

    xen: bool
    blocks: bool
    guest_total: bool

    @property
    def all(self) -> bool:
        """Every layer did."""
        return self.xen and self.blocks and self.guest_total


@dataclass(frozen=True, slots=True)
class Report:
    """What a resize did, whatever its end.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     report = host["demo-pv"].resize("2GiB")
    >>> print(report.outcome, report.from_size, report.reached, report.limit)
    verified 1024 MiB 2048 MiB 2048 MiB
    >>> report.to_dict()["reached_kib"]
    2097152
    """

    outcome: Outcome
    cause: Cause | None  # None: verified, or as it was asked for
    message: str
    hint: str
    domain: DomainIdentity
    from_size: Size
    requested: Size
    reached: Size  # what the domain has now, by Xen's page count
    guest_total: Size | None
    limit: Size  # static-max now
    pool: Size | None  # now; None: a pv domain has none
    stages: int  # how many were begun
    elapsed: float  # seconds
    phases: tuple[PhaseTime, ...]
    residual: Size  # guest memory that goes on describing blocks whose memory was taken back
    verified: Verified

    def to_dict(self) -> dict[str, Any]:
        """As `memctl resize --json` has it. What stands in an error alone is None."""
        phase_ms: dict[str, int] = {}
        for time in self.phases:
            phase_ms[time.phase] = phase_ms.get(time.phase, 0) + milliseconds(time.seconds)
        return {
            "event": "report",
            "outcome": self.outcome.value,
            "cause": text(self.cause),
            "message": self.message or None,
            "hint": self.hint or None,
            "domain": self.domain.to_dict(),
            "from_kib": kib(self.from_size) or None,
            "requested_kib": kib(self.requested),
            "reached_kib": kib(self.reached) or None,
            "guest_total_kib": kib(self.guest_total),
            "limit_kib": kib(self.limit) or None,
            "pool_kib": kib(self.pool),
            "range": None,
            "nearest_kib": None,
            "stages": self.stages,
            "elapsed_ms": milliseconds(self.elapsed),
            "phase_ms": phase_ms,
            "residual_kib": kib(self.residual),
            "verified": {
                "xen": self.verified.xen,
                "blocks": self.verified.blocks,
                "guest_total": self.verified.guest_total,
            },
            "raw": None,
            "log": [],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What the doctor found of one precondition.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     finding = host.doctor()[0]
    >>> print(finding.check, finding.subject, finding.severity)
    xen_version host good
    """

    check: Check
    subject: Subject
    severity: Severity
    message: str
    remedy: str  # a command, or an instruction; empty: nothing has to be mended

    def to_dict(self) -> dict[str, Any]:
        """As `memctl doctor --json` has it, but for the domain."""
        return {
            "event": "doctor",
            "subject": self.subject.value,
            "check": self.check.value,
            "severity": self.severity.value,
            "message": self.message,
            "remedy": self.remedy or None,
        }


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found of a resize whose process died, and what became of it.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     recovery = host["demo-pv"].recover()
    >>> recovery.report is None, recovery.unknown_claim
    (True, Size('0 MiB'))
    """

    domain: DomainIdentity
    report: Report | None  # None: nothing was left behind, or `error`
    unknown_claim: Size  # host memory claimed for the domain by somebody else; left alone
    error: Error | None  # why this domain could not be recovered; with `Host.recover()` alone

    def to_dict(self) -> dict[str, Any]:
        """Its parts, as they have them."""
        return {
            "domain": self.domain.to_dict(),
            "report": self.report.to_dict() if self.report else None,
            "unknown_claim_kib": kib(self.unknown_claim),
            "error": self.error.to_dict() if self.error else None,
        }
