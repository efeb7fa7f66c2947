#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An Ansible module that sets the memory of a running Xen guest."""

from __future__ import annotations

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    import memctl
except ImportError:
    MISSING = traceback.format_exc()
else:
    MISSING = ""

DOCUMENTATION = r"""
module: memctl_domain
short_description: Sets the memory of a running Xen guest
description:
  - Grows a running guest past the limit that it was started with, or takes memory back, and
    verifies the result. Runs in dom0, as root.
  - If a resize cannot be finished, memctl restores the earlier size and limits, as far as that is
    safe for the guest.
  - In check mode nothing is changed. A request that would be refused fails in check mode, too.
options:
  name:
    description: The guest's name or number.
    type: str
    required: true
  size:
    description: The guest's size, with a unit, such as C(4GiB) or C(512m). Not relative.
    type: str
    required: true
  timeout:
    description: Seconds for the resize. Restoring comes on top. None means no limit.
    type: float
  on_failure:
    description: What to do if a resize cannot be finished.
    type: str
    choices: [restore, keep]
    default: restore
  online:
    description: The guest's zone for added memory.
    type: str
    choices: [kernel, movable]
    default: kernel
  allow_hvm_devices:
    description: Take the risk that emulated devices cannot reach the added memory of an hvm guest.
    type: bool
    default: false
  host_reserve:
    description: How much stays free on the host.
    type: str
    default: 64MiB
  host:
    description: The host, written as for C(memctl --host).
    type: str
    default: "xen:"
requirements: [memctl]
"""

EXAMPLES = r"""
- name: web1 has 4 GiB
  memctl_domain:
    name: web1
    size: 4GiB
    timeout: 60
"""

RETURN = r"""
report:
  description: What the resize did, with the keys of C(memctl resize --json).
  returned: when the guest did not have the size yet
  type: dict
plan:
  description: What a resize would do, with the keys of C(memctl plan --json).
  returned: in check mode, when the guest does not have the size yet
  type: dict
cause:
  description: Why the module failed, one of memctl's causes.
  returned: failure
  type: str
hint:
  description: What a person can do. Empty if the message says everything.
  returned: failure
  type: str
range:
  description:
    - The sizes that are possible, with the keys of C(range) of C(memctl resize --json).
    - None if the size is not why the module failed.
  returned: failure
  type: dict
nearest_kib:
  description: The size in C(range) that is nearest to the requested size.
  returned: failure
  type: int
"""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "size": {"type": "str", "required": True},
    "timeout": {"type": "float"},
    "on_failure": {"type": "str", "choices": ["restore", "keep"], "default": "restore"},
    "online": {"type": "str", "choices": ["kernel", "movable"], "default": "kernel"},
    "allow_hvm_devices": {"type": "bool", "default": False},
    "host_reserve": {"type": "str", "default": "64MiB"},
    "host": {"type": "str", "default": "xen:"},
}


def ensure(host: memctl.Host, wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Brings the guest to its size if it has another one. Returns the module's result."""
    domain = host[wanted["name"]]
    size = memctl.Size(wanted["size"])
    status = domain.status()
    diff = {
        "before": {"target": str(status.target), "limit": str(status.limit)},
        "after": {"target": str(status.target), "limit": str(status.limit)},
    }
    # A guest that stays off its target does not have the size that was asked for.
    slack = memctl.Size("1MiB")
    if status.target == size and abs(status.allocated - size) <= slack:
        return {"changed": False, "diff": diff}
    plan_options = {key: wanted[key] for key in ("online", "allow_hvm_devices", "host_reserve")}
    if check_mode:
        plan = domain.plan(size, **plan_options)
        diff["after"] = {"target": str(plan.to_size), "limit": str(plan.limit)}
        return {"changed": True, "diff": diff, "plan": plan.to_dict()}
    report = domain.resize(
        size, timeout=wanted["timeout"], on_failure=wanted["on_failure"], **plan_options
    )
    diff["after"] = {"target": str(report.reached), "limit": str(report.limit)}
    return {"changed": True, "diff": diff, "report": report.to_dict()}


def main() -> None:
    """Ansible runs this."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if MISSING:
        module.fail_json(msg=missing_required_lib("memctl"), exception=MISSING)
    try:
        with memctl.Host(module.params["host"]) as host:
            result = ensure(host, module.params, module.check_mode)
    except memctl.Error as error:
        report = error.report
        module.fail_json(
            msg=f"{error.cause}: {error}" if error.cause else str(error),
            cause=error.cause and error.cause.value,
            hint=error.hint,
            range=error.to_dict()["range"],
            nearest_kib=error.to_dict()["nearest_kib"],
            changed=report is not None and report.outcome in ("kept", "failed"),
            report=report and report.to_dict(),
        )
    except (TypeError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
