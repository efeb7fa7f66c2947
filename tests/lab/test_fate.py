"""What befalls a domain in the middle of a resize, on real Xen: that ends, and leaves nothing.

A pause and a reboot are in test_life.py, on the simulator too; there tests/faults lets all of this
happen before every single call.
"""

from __future__ import annotations

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.memctl import Resized, finish, resize, start_resize
from memctl_lab.rows import size_of

pytestmark = pytest.mark.full

POPULATING = '"phase":"populate"'


def made(lab: Lab, name: str, type: str) -> Guest:
    guest = lab.create_guest(name, type)
    guest.wait_for_agent()
    return guest


def check_nothing_left(lab: Lab, domid: int) -> None:
    """Of a domain that has gone."""
    lab.check(f"while xl list {domid} >/dev/null 2>&1; do usleep 100000; done")
    for path in (f"/local/domain/{domid}", f"/libxl/{domid}"):
        assert lab.xenstore_list(path) == [], path
    assert lab.facts().outstanding_pages == 0


@pytest.mark.parametrize(
    ("type", "command"),
    [
        ("pv", "xl destroy {domid}"),
        ("pvh", "xl destroy {domid}"),
        ("pv", "lab-guest -t 20 {domid} 'echo c >/proc/sysrq-trigger'"),
        ("pvh", "lab-guest -t 20 {domid} 'poweroff -f'"),
    ],
    ids=["pv-destroyed", "pvh-destroyed", "pv-crashed", "pvh-powered-off"],
)
def test_a_domain_that_ends(fresh_lab: Lab, type: str, command: str) -> None:
    guest = made(fresh_lab, "ending", type)
    domid = guest.domid
    guest.crash_expected = True
    running = start_resize(guest, "3584m")
    running.wait_for_output(POPULATING)
    fresh_lab.start(command.format(domid=domid))  # the guest may have no time left to answer
    done = finish(running, timeout=120)
    assert done.ending == (6, "gone", "domain_gone"), done.report
    check_nothing_left(fresh_lab, domid)


def check_lives_on(guest: Guest, done: Resized, domid: int) -> None:
    """A guest that was saved or migrated meanwhile, under another number."""
    if done.status == 0:  # it was done before the guest stopped: then what it got has travelled
        assert size_of(guest) == 1024
    else:
        assert done.report["outcome"] in ("gone", "kept", "restored", "refused"), done.report
        assert done.report["cause"] in ("domain_migrating", "domain_gone"), done.report
    check_nothing_left(guest.lab, domid)
    guest.wait_for_agent()
    assert guest.alive() and guest.killed_processes() == 0
    after = resize(guest, "1500m", timeout=300)
    assert after.ending == (0, "verified", None), after.report


@pytest.mark.parametrize("type", ["pv", "pvh"])
def test_a_domain_that_is_saved(fresh_lab: Lab, type: str) -> None:
    guest = made(fresh_lab, f"saving-{type}", type)
    domid = guest.domid
    running = start_resize(guest, "1g")
    running.wait_for_output('"phase":"reserve"')
    assert guest.save_and_restore()
    check_lives_on(guest, finish(running, timeout=120), domid)


@pytest.mark.parametrize("phase", ["facts", "reserve", "online", "populate", "verify"])
def test_a_domain_that_is_migrated(fresh_lab: Lab, phase: str) -> None:
    """pvh alone: of a pv guest Xen cannot log dirty pages here, with memctl or without."""
    guest = made(fresh_lab, f"moving-{phase}", "pvh")
    domid = guest.domid
    running = start_resize(guest, "1g")
    running.wait_for_output(f'"phase":"{phase}"')
    guest.migrate()
    done = finish(running, timeout=120)
    check_lives_on(guest, done, domid)
