#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An Ansible module: a running Xen guest has so much memory."""

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
    verifies that. Runs in dom0, as root.
  - What cannot be finished is undone, as far as that is safe for the guest.
  - In check mode nothing is changed; a request that would be refused fails there too.
options:
  name:
    description: The guest's name or number.
    type: str
    required: true
  size:
    description: What it is to have, with a unit, such as C(4GiB) or C(512m). Not relative.
    type: str
    required: true
  timeout:
    description: Seconds for the whole; undoing comes on top. None means no limit.
    type: float
  on_failure:
    description: What becomes of a resize that cannot be finished.
    type: str
    choices: [restore, keep]
    default: restore
  online:
    description: The zone of the guest that added memory goes to.
    type: str
    choices: [kernel, movable]
    default: kernel
  allow_hvm_devices:
    description: Take the risk that emulated devices cannot reach the added memory of an hvm guest.
    type: bool
    default: false
  host_reserve:
    description: What stays free on the host.
    type: str
    default: 64MiB
  host:
    description: The host, as C(memctl --host) takes it.
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
  description: What was done, or would have been, with the keys of C(memctl resize --json).
  returned: when the size was not there yet
  type: dict
plan:
  description: What would be done, with the keys of C(memctl plan --json).
  returned: in check mode, when the size is not there yet
  type: dict
cause:
  description: Why it failed, one of memctl's names.
  returned: failure
  type: str
hint:
  description: What would be right.
  returned: failure
  type: str
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
    """Brings the guest to its size, where it isn't there: what Ansible is told."""
    domain = host[wanted["name"]]
    size = memctl.Size(wanted["size"])
    status = domain.status()
    diff = {
        "before": {"target": str(status.target), "limit": str(status.limit)},
        "after": {"target": str(status.target), "limit": str(status.limit)},
    }
    # A guest that stays short of its target has not what was asked for.
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
    """What Ansible runs."""
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
            changed=report is not None and report.outcome in ("kept", "failed"),
            report=report and report.to_dict(),
        )
    except (TypeError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
