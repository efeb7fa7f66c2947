# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the library returns: values that are immutable, comparable and can be pickled.

A size is a domain's memory as `xl` counts it, video RAM included: a `Size`, an int of bytes. Times
are seconds. `to_dict()` has the keys that `memctl --json` writes (docs/json.md): ints of KiB and of
milliseconds, with the unit in the key.

The guest claims the fields whose names begin with `reported_`, `guest_total`, and `agent`. The host
measured the others.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .names import Cause, Change, Check, DomainType, Outcome, Phase, Severity, Subject
from .numa import NumaEstimate, NumaForecast
from .size import KIB, Size

if TYPE_CHECKING:
    from .errors import Error


def kib(size: int | None) -> int | None:
    """A size for JSON; None stays None."""
    return None if size is None else int(size) // KIB


def text(member: enum.StrEnum | None) -> str | None:
    """A name for JSON; None stays None."""
    return None if member is None else member.value


def milliseconds(seconds: float) -> int:
    """A time for JSON."""
    return round(seconds * 1000)


@dataclass(frozen=True, slots=True)
class DomainIdentity:
    """One life of a domain. After a reboot it has another `id`.

    - `id`, `name`, `type`: Xen's number, the name when it was looked up, and the kind.
    - `uuid`: tells whether `id` still means the same domain. Empty: not known.

    >>> DomainIdentity(3, "web1", DomainType.PVH).to_dict()
    {'id': 3, 'name': 'web1', 'type': 'pvh'}
    """

    id: int
    name: str
    type: DomainType
    uuid: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl --json`."""
        return {"id": self.id, "name": self.name, "type": self.type.value}


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What a guest's agent says about itself.

    - `version`, `kernel_release`: of the agent, and of the guest's kernel.
    - `block_size`: the guest adds memory in blocks of this size.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     print(host["demo-pv"].status().agent.block_size)
    128 MiB
    """

    version: str
    kernel_release: str
    block_size: Size

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl --json`."""
        return {
            "version": self.version,
            "kernel_release": self.kernel_release,
            "block_size_kib": kib(self.block_size),
        }


@dataclass(frozen=True, slots=True)
class RangeEnd:
    """One end of a range of sizes, and why the range ends there.

    - `size`: the last size that a resize would be granted.
    - `cause`, `reason`: why a resize past it is refused. A guest may have written part of `reason`.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     host["demo-pv"].status().range.smallest.cause
    <Cause.BELOW_FLOOR: 'below_floor'>
    """

    size: Size
    cause: Cause
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl status --json`."""
        return {"size_kib": kib(self.size), "cause": text(self.cause), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class SizeRange:
    """The sizes that a resize would be granted now, from `smallest` to `largest`.

    - `step`: above `step_from`, sizes go in multiples of `step`, counted from `step_from`.
    - `step_from`: up to this size, any whole number of pages is possible.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     sizes = host["demo-pv"].status().range
    >>> sizes.smallest.size in sizes, sizes.largest.size + 4096 in sizes
    (True, False)
    """

    smallest: RangeEnd
    largest: RangeEnd
    step: Size
    step_from: Size

    def __contains__(self, size: Size) -> bool:
        if not self.smallest.size <= size <= self.largest.size:
            return False
        return size <= self.step_from or (size - self.step_from) % self.step == 0

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl status --json`."""
        return {
            "smallest": self.smallest.to_dict(),
            "largest": self.largest.to_dict(),
            "step_kib": kib(self.step),
            "step_from_kib": kib(self.step_from),
        }


@dataclass(frozen=True, slots=True)
class Status:
    """A domain at one moment. The host measured everything but `agent` and `reported_…`.

    - `state`: what it is doing, in a word, as `memctl status` shows it: "fine", "starving".
    - `size`: the size now. In a settled domain it is `target`.
    - `allocated`: what the domain has, by Xen's page count.
    - `target`: the size that the domain was last asked to have.
    - `limit`: static-max: how far the target may go without a resize. None: not known.
    - `max_pages`: Xen's max_pages, which no guest can pass.
    - `boot_limit`: the limit that the domain was built with. None: not known.
    - `pool`: the paging pool. None: a pv domain has none.
    - `agent`: None: no agent announced itself, or it does not answer.
    - `reported_total`, `reported_available`: the guest's MemTotal and MemAvailable, if known.
    - `range`: the sizes that a resize would be granted now. None: every size would be refused.
    - `refused_by`, `refused_message`: why, if `range` is None.
    - `numa_forecast`: where the memory of a growth to the largest size would lie. None: the host
      has one NUMA node, or `range` is None.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     status = host["demo-pv"].status()
    >>> end = status.range.largest
    >>> status.target == status.limit < end.size, end.cause
    (True, <Cause.HOST_MEMORY: 'host_memory'>)
    """

    domain: DomainIdentity
    state: str
    size: Size
    allocated: Size
    target: Size
    limit: Size | None
    max_pages: Size
    boot_limit: Size | None
    pool: Size | None
    agent: AgentStatus | None
    reported_total: Size | None
    reported_available: Size | None
    range: SizeRange | None
    refused_by: Cause | None
    refused_message: str
    numa_forecast: NumaForecast | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl status --json`."""
        return {
            "event": "status",
            "domain": self.domain.to_dict(),
            "state": self.state,
            "size_kib": kib(self.size),
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
            "numa_forecast": self.numa_forecast.to_dict() if self.numa_forecast else None,
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a plan. The guest reaches `size` before the next stage begins.

    - `blocks`: the stage adds at most so many memory blocks.
    - `memmap`: describing the blocks takes at most so much of the guest's own memory.
    - `host_memory`: what the stage takes from the host. Negative: it gives memory back.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     print([str(stage.size) for stage in host["demo-pvh"].plan("40GiB").stages])
    ['30208 MiB', '40960 MiB']
    """

    size: Size
    blocks: int
    memmap: Size
    host_memory: Size

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl plan --json`."""
        return {
            "size_kib": kib(self.size),
            "blocks": self.blocks,
            "memmap_kib": kib(self.memmap),
            "host_memory_kib": kib(self.host_memory),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a resize would do. Stages after the first are a forecast.

    - `from_size`, `to_size`: the size now, and after the resize.
    - `limit`, `earlier_limit`: static-max after the resize, and now.
    - `pool`, `pool_growth`: the paging pool after the resize, and how much of it is new.
    - `host_free`, `host_reserve`: the host's free, unclaimed memory, and what of it stays free.
    - `stages`: empty: the domain has that size already.
    - `range`: the sizes that a resize would be granted now.
    - `no_way_back`: why a resize back to the present size would be refused after this shrink. None:
      it would not, or the domain does not shrink.
    - `numa_forecast`: where the memory of a growth would lie. None: the host has one NUMA node.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     plan = host["demo-pvh"].plan("40GiB")
    >>> print(plan.from_size, plan.to_size, plan.limit, plan.pool_growth)
    1024 MiB 40960 MiB 40960 MiB 156 MiB
    """

    domain: DomainIdentity
    from_size: Size
    to_size: Size
    limit: Size
    earlier_limit: Size
    pool: Size | None
    pool_growth: Size
    host_free: Size
    host_reserve: Size
    stages: tuple[Stage, ...]
    range: SizeRange
    no_way_back: str | None = None
    numa_forecast: NumaForecast | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl plan --json`."""
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
            "no_way_back": self.no_way_back,
            "numa_forecast": self.numa_forecast.to_dict() if self.numa_forecast else None,
        }


@dataclass(frozen=True, slots=True)
class Event:
    """The progress of a resize.

    - `phase`, `stage`: what the resize does now. Stages count from 1; 0 outside the stages.
    - `from_size`, `to_size`: the sizes when the phase began and will end; 0 in FACTS.
    - `now`: the size now: measured, but in the phase ONLINE the guest's claim.
    - `elapsed`: seconds since the resize began.

    >>> Event(Phase.POPULATE, 1, Size("1g"), Size("3g"), Size("2g"), 0.5).fraction
    0.5
    """

    phase: Phase
    stage: int
    from_size: Size
    to_size: Size
    now: Size
    elapsed: float

    @property
    def fraction(self) -> float:
        """How much of the phase is done, from 0 to 1."""
        whole = self.to_size - self.from_size
        return min(1.0, max(0.0, (self.now - self.from_size) / whole)) if whole else 1.0

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl resize --json`."""
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
    """How many `seconds` a `phase` took. A report lists a phase once for each time it came.

    >>> PhaseTime(Phase.VERIFY, 0.25).seconds
    0.25
    """

    phase: Phase
    seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """Which layers confirmed the result: `xen`, which the host measured, and the guest's `blocks`
    and MemTotal (`guest_total`), which its agent claims.

    >>> Verified(xen=True, blocks=True, guest_total=False).all
    False
    """

    xen: bool
    blocks: bool
    guest_total: bool

    @property
    def all(self) -> bool:
        """Whether all three layers confirmed it."""
        return self.xen and self.blocks and self.guest_total


@dataclass(frozen=True, slots=True)
class Report:
    """What a resize did, however it ended.

    - `outcome`, `cause`: how it ended, and why. The cause is None if it was verified, or if a
      recovery kept a size as the resize had asked.
    - `message`, `hint`: those of the error. Empty if verified.
    - `from_size`, `requested`: the size before, and the size that was asked for.
    - `reached`: the size now, by Xen's page count.
    - `guest_total`: the guest's MemTotal, as its agent last claimed, if known.
    - `limit`, `pool`: static-max and the paging pool now. A pv domain has no pool.
    - `stages`, `elapsed`, `phases`: the stages begun, the seconds, and the time by phase.
    - `residual`: guest memory that still describes blocks whose memory was taken back.
    - `verified`: which layers confirmed the result.
    - `numa_estimate`: where the memory came from or went to. None: the host has one NUMA node,
      nothing was changed, or Xen did not tell.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     report = host["demo-pv"].resize("2GiB")
    >>> print(report.outcome, report.from_size, report.reached, report.limit)
    verified 1024 MiB 2048 MiB 2048 MiB
    >>> report.to_dict()["reached_kib"]
    2097152
    """

    outcome: Outcome
    cause: Cause | None
    message: str
    hint: str
    domain: DomainIdentity
    from_size: Size
    requested: Size
    reached: Size
    guest_total: Size | None
    limit: Size
    pool: Size | None
    stages: int
    elapsed: float
    phases: tuple[PhaseTime, ...]
    residual: Size
    verified: Verified
    numa_estimate: NumaEstimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl resize --json`. Keys that only an error knows are None."""
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
            "numa_estimate": self.numa_estimate.to_dict() if self.numa_estimate else None,
            "raw": None,
            "log": [],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """What the doctor found out about one precondition.

    - `check`, `subject`, `severity`: which precondition, whose, and how good or bad it is.
    - `message`: one line. A guest may have written a part of it.
    - `remedy`: a command or an instruction. Empty: nothing has to be mended.

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
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl doctor --json`, without the domain."""
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
    """What a dead process's resize left in a domain, and what became of it.

    - `report`: None: nothing was left behind, or `error` says why not.
    - `unknown_claim`: host memory claimed for the domain without a record. It is left alone.
    - `error`: why recovering failed. Only `Host.recover` sets it.

    >>> import memctl
    >>> with memctl.Host("sim:") as host:
    ...     recovery = host["demo-pv"].recover()
    >>> recovery.report is None, recovery.unknown_claim
    (True, Size('0 MiB'))
    """

    domain: DomainIdentity
    report: Report | None
    unknown_claim: Size
    error: Error | None

    def to_dict(self) -> dict[str, Any]:
        """The dicts of its parts."""
        return {
            "domain": self.domain.to_dict(),
            "report": self.report.to_dict() if self.report else None,
            "unknown_claim_kib": kib(self.unknown_claim),
            "error": self.error.to_dict() if self.error else None,
        }


@dataclass(frozen=True, slots=True)
class DomainChange:
    """The `change` that happened to a guest, as `Host.watch` tells it. `domain` is as it is now, or
    as it was when it ended.

    >>> import memctl
    >>> with memctl.Host("sim:") as host, host.watch() as changes:
    ...     print(next(changes))
    appeared: demo-pv
    """

    change: Change
    domain: DomainIdentity

    def __str__(self) -> str:
        return f"{self.change}: {self.domain.name}"
