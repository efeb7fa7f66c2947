"""Guests of a host as Debian sets it up: autoballoon is left to xl, dom0's memory is not fixed.

xl takes the memory of new guests from dom0, and libxl stores a paging pool for each pvh and hvm
guest that a restore and a reboot keep to. A resize raises the stored pool under libxl's own lock.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from memctl_lab import Guest, Lab, LabConfig
from memctl_lab.checks import check_sound
from memctl_lab.memctl import doctor, recover, resize, status
from memctl_lab.phases import at_phase

pytestmark = pytest.mark.full

MIB = 1024
DEVICES = 50
#: Plays the part of the backend that xl waits for: says that it is there, and that it has closed.
BACKEND = """
cd /tmp
while ! [ -e backend.stop ]; do
    xenstore-ls -f /local/domain/0/backend/vdispl/{domid} 2>/dev/null |
    while IFS=' =' read -r path value; do
        case "$path $value" in
        */state' "1"') xenstore-write $path 2 ;;
        */state' "5"') xenstore-write $path 6 ;;
        esac
    done
    usleep 20000
done
rm backend.stop
"""


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    hvm = any(item.get_closest_marker("hvm") for item in request.session.items)
    config = LabConfig(autoballoon=None, dom0_memory_mib=None, hvm=hvm)
    with Lab(config) as booted:
        assert "dom0_mem" not in booted.check("xl info | grep ^xen_commandline")
        # What an administrator does to have memory for guests that are to grow.
        booted.check("xl mem-set 0 1200")
        deadline = time.monotonic() + 120
        while booted.facts().free_pages * 4 < 3072 * MIB:
            assert time.monotonic() < deadline, "dom0 gives nothing back"
            time.sleep(1)
        yield booted


def stored_pool_of(guest: Guest) -> int | None:
    """The stored pool, which has to be enough for the limit, as libxl computes it for one vcpu."""
    stored = guest.frozen_pool_kib()
    if guest.type == "pv":
        return None
    assert stored is not None, "xl freezes the pools of such a host"
    assert stored >= 4 * (256 + guest.snapshot().limit_kib // MIB)
    return stored


def size_is(guest: Guest, mib: int) -> None:
    domain = guest.domain()
    assert domain is not None and abs(domain.tot_kib - mib * MIB) <= MIB
    (seen,) = status(guest.host, guest.name)
    assert seen["target_kib"] == mib * MIB


@pytest.mark.parametrize("type", ["pv", "pvh", pytest.param("hvm", marks=pytest.mark.hvm)])
def test_a_guest_grows_and_shrinks_and_is_saved_restored_and_rebooted(
    fresh_lab: Lab, type: str
) -> None:
    guest = fresh_lab.create_guest(f"default-{type}", type)
    guest.wait_for_agent()
    frozen = stored_pool_of(guest)
    found = doctor(fresh_lab, guest)
    faults = found.faults
    faults.pop("online_policy", None)  # a note if the kernel brings memory online by itself
    assert (found.status, faults) == (0, {"autoballoon": "note"})

    for size, mib in (("1g", 1024), ("160m", 160), ("1g", 1024)):
        done = resize(guest, size)
        assert done.ending == (0, "verified", None), done.stderr
        size_is(guest, mib)
        raised = stored_pool_of(guest)  # the limit stays after a shrink, and so does the pool
        print(
            f"{guest.name}: {mib} MiB in {done.report['elapsed_ms']} ms, stored pool {raised} KiB"
        )
    assert frozen is None or raised == 5120
    check_sound(guest)

    assert guest.save_and_restore()
    guest.wait_for_agent()
    size_is(guest, 1024)
    assert stored_pool_of(guest) == raised
    assert resize(guest, "1100m").ending == (0, "verified", None)

    fresh_lab.check(f"xl reboot {guest.name}")
    guest.wait_until_rebooted()
    guest.wait_for_agent()
    size_is(guest, 1100)
    again = stored_pool_of(guest)

    assert resize(guest, "500m").ending == (0, "verified", None)
    assert stored_pool_of(guest) == again
    check_sound(guest)


def test_a_restored_resize_leaves_a_pool_that_is_enough(fresh_lab: Lab) -> None:
    guest = fresh_lab.create_guest("default-late", "pvh")
    guest.wait_for_agent()
    before = guest.snapshot()
    done = resize(guest, "3g", "--timeout 1")
    assert done.report["outcome"] == "restored", done.told
    assert guest.snapshot().limit_kib == before.limit_kib
    stored = stored_pool_of(guest)
    assert stored is not None and stored * MIB == guest.snapshot().pool_bytes
    assert guest.save_and_restore()


@pytest.mark.parametrize("phase", ["reserve", "populate"])
def test_a_killed_resize_is_recovered_and_leaves_a_pool_that_is_enough(
    fresh_lab: Lab, phase: str
) -> None:
    guest = fresh_lab.create_guest("default-killed", "pvh")
    guest.wait_for_agent()
    before, frozen = guest.snapshot(), stored_pool_of(guest)
    assert at_phase(guest, phase, "kill -9 $pid", "1g").wait().status == 128 + signal.SIGKILL
    assert recover(fresh_lab, guest).of(guest)["outcome"] == "restored"
    now, stored = guest.snapshot(), stored_pool_of(guest)
    print(f"{guest.name} at {phase}: stored pool {frozen} KiB, then {stored} KiB")
    assert replace(now, pool_bytes=before.pool_bytes) == before
    assert stored is not None and now.pool_bytes is not None and stored * MIB <= now.pool_bytes
    assert guest.save_and_restore()
    guest.wait_for_agent()
    check_sound(guest)


def test_no_device_is_lost_that_xl_attaches_while_memctl_resizes(fresh_lab: Lab) -> None:
    """xl's commands for devices read, change and store the same configuration as memctl does."""
    guest = fresh_lab.create_guest("default-devices", "pvh")
    guest.wait_for_agent()
    lab, name = fresh_lab, guest.name
    backend = lab.start(BACKEND.format(domid=guest.domid))

    def attached() -> list[str]:
        devices = guest.stored_configuration().get("vdispls", [])
        return sorted(device["connectors"][0]["unique_id"] for device in devices)

    def while_xl(command: str, size_mib: int, step_mib: int) -> tuple[int, int]:
        """Runs xl's command for each device; resizes meanwhile, and returns the last size."""
        job = lab.start(f"for i in $(seq {DEVICES}); do xl {command} || exit 1; done")
        resizes = 0
        while job.status is None:
            size_mib += step_mib
            assert resize(guest, f"{size_mib}m").ending == (0, "verified", None)
            resizes += 1
        job.wait().check()
        return size_mib, resizes

    try:
        size, up = while_xl(f"vdispl-attach {name} connectors=k$i:640x480", 160, 4)
        wanted = sorted(f"k{number}" for number in range(1, DEVICES + 1))
        assert attached() == wanted
        listed = lab.check(f"xl list -l {name}")
        assert all(f'"{each}"' in listed for each in wanted)
        stored = stored_pool_of(guest)
        size, down = while_xl(f"vdispl-detach {name} $((i - 1))", size, 4)
        # libxl leaves a detached device in what it stores, and takes xenstore's word for it.
        assert attached() == wanted
        assert not any(f'"{each}"' in lab.check(f"xl list -l {name}") for each in wanted)
    finally:
        lab.check("touch /tmp/backend.stop")
        backend.wait()
    print(f"{name}: {DEVICES} devices attached during {up} resizes, detached during {down}")
    assert up > 5 and down > 5
    assert stored_pool_of(guest) != stored, "each resize stored another pool"
    check_sound(guest)
