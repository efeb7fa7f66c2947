"""What resizes on real Xen leave in systemd's journal, which a program of the lab plays.

Only on real Xen: the command notes no simulated host.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.memctl import start_resize


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Iterator[Guest]:
    made = lab.create_guest("noted", "pv")
    made.wait_for_agent()
    yield made
    made.destroy()


def noted(lab: Lab, command: str) -> tuple[int, dict[str, str]]:
    """The status of a command of dom0, and the fields of its one entry."""
    done = lab.run(f"lab-journal {command}")
    at = done.stdout.index("MESSAGE=")
    (entry,) = done.stdout[at:].strip().split("\n\n")
    return done.status, dict(line.split("=", 1) for line in entry.splitlines())


@pytest.mark.parametrize("command", ["memctl resize", "xl-mem-resize", "xl-mem-resize -v"])
def test_a_resize_is_noted(lab: Lab, guest: Guest, command: str) -> None:
    before = guest.snapshot().target_kib
    status, entry = noted(lab, f"{command} {guest.name} +32m")
    assert (status, entry["MEMCTL_OUTCOME"], entry["MEMCTL_ENDED"]) == (0, "verified", "resize")
    assert entry["MEMCTL_DOMAIN"] == guest.name
    assert entry["MEMCTL_DOMAIN_ID"] == str(guest.domid)
    assert entry["MEMCTL_DOMAIN_UUID"] in lab.check("xl list -v")
    assert entry["MEMCTL_FROM_KIB"] == str(before)
    assert entry["MEMCTL_REACHED_KIB"] == str(before + 32 * 1024)
    assert entry["MEMCTL_UID"] == "0"


def test_a_refusal_is_noted(lab: Lab, guest: Guest) -> None:
    status, entry = noted(lab, f"memctl resize {guest.name} 16m --json")
    assert (status, entry["MEMCTL_OUTCOME"]) == (3, "refused")
    assert entry["MEMCTL_CAUSE"] == "below_floor"


def test_the_recovery_of_a_killed_resize_is_noted(lab: Lab, guest: Guest) -> None:
    running = start_resize(guest, "2g")
    running.wait_for_output('"phase":"populate"')
    running.kill(signal.SIGKILL)
    assert running.wait(60).status != 0
    status, entry = noted(lab, "memctl recover")
    assert entry["MEMCTL_ENDED"] == "recovery"
    # A guest that is pressed keeps what it needs.
    assert (status, entry["MEMCTL_OUTCOME"]) in ((0, "restored"), (5, "kept")), entry
    assert entry["MEMCTL_REQUESTED_KIB"] == str(2 << 20)
