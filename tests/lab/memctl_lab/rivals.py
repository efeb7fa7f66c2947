"""Other tools that set a domain's limits while memctl is at work on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rival:
    """One way to set one of a domain's limits.

    `limit` is the field of `Limits` that it sets. `command` runs in dom0, with {domid}, {mib} and
    {kib}. `action` is the simulator's name for it.
    """

    name: str
    limit: str
    command: str
    action: str


STORE = "/local/domain/{domid}/memory"
RIVALS = (
    Rival("xl mem-set", "target_kib", "xl mem-set {domid} {mib}", "mem-set"),
    Rival("xl mem-max", "limit_kib", "xl mem-max {domid} {mib}", "mem-max"),
    Rival("libxl, target", "target_kib", "lab-rival {domid} target {kib}", "mem-set"),
    Rival("libxl, static-max", "limit_kib", "lab-rival {domid} static-max {kib}", "mem-max"),
    Rival(
        "xenstore, target", "target_kib", f"xenstore-write {STORE}/target {{kib}}", "write-target"
    ),
    Rival(
        "xenstore, static-max",
        "limit_kib",
        f"xenstore-write {STORE}/static-max {{kib}}",
        "write-static-max",
    ),
    Rival("Xen, max_pages", "max_pages", "lab-rival {domid} max_pages {kib}", "set-max-pages"),
)
