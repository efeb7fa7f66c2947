# SPDX-License-Identifier: LGPL-2.1-or-later
"""The names of the library: causes, kinds and phases. Their texts are those of the JSON."""

from __future__ import annotations

import enum


class Cause(enum.StrEnum):
    """Why memctl refused a request, or why it failed: docs/json.md explains each cause.

    After the first release no name changes, but a new version may add names.

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
    RESTORED = "restored"  # the resize failed, and the earlier state is back
    KEPT = "kept"  # the resize failed, and the guest keeps the size that was reached
    SUPERSEDED = "superseded"  # another tool set the target or a limit; its values stand
    FAILED = "failed"  # the earlier state could not be restored as a whole
    GONE = "gone"  # the domain ended, rebooted or moved


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
    """What a finding is about. The guest's agent claims the findings about the guest."""

    HOST = "host"
    DOMAIN = "domain"
    GUEST = "guest"


class Check(enum.StrEnum):
    """A precondition that the doctor checks."""

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
    MAX_PAGES = "max_pages"
    COLD_START = "cold_start"
    MEMORY_MANAGER = "memory_manager"
    XENSTORED = "xenstored"


class Change(enum.StrEnum):
    """What happened to a guest: see `Host.watch`.

    A domain that reboots ends, and another appears. `CHANGED`: its name, its target or its limit is
    another.
    """

    APPEARED = "appeared"
    CHANGED = "changed"
    ENDED = "ended"
