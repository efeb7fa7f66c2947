# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resizes the memory of running Xen guests, past the limit that they were started with too.

>>> import memctl
>>> with memctl.Host("sim:") as host:
...     report = host["demo-pv"].resize("4GiB")
>>> report.outcome, report.from_size, report.reached
(<Outcome.VERIFIED: 'verified'>, Size('1024 MiB'), Size('4096 MiB'))
"""

from ._core import version as __version__
from .domain import Domain
from .errors import (
    Busy,
    Cancelled,
    DeadlineExceeded,
    DomainGone,
    Error,
    Failed,
    GuestError,
    HostClosed,
    HostError,
    InvalidArgument,
    InvalidSize,
    NoSuchDomain,
    NotPermitted,
    NoXen,
    Refused,
    Superseded,
    report_of,
)
from .host import Host
from .names import Cause, Change, Check, DomainType, Outcome, Phase, Severity, Subject
from .numa import NodeChange, NumaEstimate, NumaForecast
from .operation import Operation
from .policy import DomainPolicy, Policy
from .records import (
    AgentStatus,
    DomainChange,
    DomainIdentity,
    Event,
    Finding,
    PhaseTime,
    Plan,
    RangeEnd,
    Recovery,
    Report,
    SizeRange,
    Stage,
    Status,
    Verified,
)
from .size import Size
from .watch import Watch

__all__ = [
    "AgentStatus",
    "Busy",
    "Cancelled",
    "Cause",
    "Change",
    "Check",
    "DeadlineExceeded",
    "Domain",
    "DomainChange",
    "DomainGone",
    "DomainIdentity",
    "DomainPolicy",
    "DomainType",
    "Error",
    "Event",
    "Failed",
    "Finding",
    "GuestError",
    "Host",
    "HostClosed",
    "HostError",
    "InvalidArgument",
    "InvalidSize",
    "NoSuchDomain",
    "NoXen",
    "NodeChange",
    "NotPermitted",
    "NumaEstimate",
    "NumaForecast",
    "Operation",
    "Outcome",
    "Phase",
    "PhaseTime",
    "Plan",
    "Policy",
    "RangeEnd",
    "Recovery",
    "Refused",
    "Report",
    "Severity",
    "Size",
    "SizeRange",
    "Stage",
    "Status",
    "Subject",
    "Superseded",
    "Verified",
    "Watch",
    "__version__",
    "report_of",
]
