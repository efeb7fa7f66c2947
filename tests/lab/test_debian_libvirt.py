"""libvirt's Xen driver and memctl take turns on the same domains of a Debian dom0.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

import re

import pytest

from memctl_lab import Guest
from memctl_lab.checks import check_sound
from memctl_lab.debian_host import APT, INSTALL_TIMEOUT, DebianLab
from memctl_lab.memctl import doctor, resize, status

pytestmark = pytest.mark.full

MIB = 1024
MAXIMUM_MIB = 768
VIRSH = "virsh --connect xen:///"


@pytest.fixture(params=["pv", "pvh"])
def guest(fresh_debian: DebianLab, request: pytest.FixtureRequest) -> Guest:
    """A domain that libvirt has created: 256 MiB now, and 768 MiB at most."""
    name = f"virt-{request.param}"
    guest = fresh_debian.create_guest_by_libvirt(name, request.param, MAXIMUM_MIB)
    guest.check(f"{APT} install /lab/packages/memctl-agent_*.deb", timeout=INSTALL_TIMEOUT)
    guest.wait_for_agent()
    return guest


def size_is(guest: Guest, mib: int) -> None:
    """By Xen, and by what libvirt, xl and memctl say of it."""
    domain = guest.domain()
    assert domain is not None and abs(domain.tot_kib - mib * MIB) <= MIB
    told = guest.lab.check(f"{VIRSH} dominfo {guest.name}")
    used = re.search(r"Used memory:\s+(\d+) KiB", told)
    assert used is not None and abs(int(used.group(1)) - mib * MIB) <= MIB, told
    (seen,) = status(guest.host, guest.name)
    assert seen["target_kib"] == mib * MIB


def test_setmem_and_resize_take_turns(fresh_debian: DebianLab, guest: Guest) -> None:
    def setmem(mib: int) -> None:
        fresh_debian.check(f"{VIRSH} setmem {guest.name} {mib}M --live")
        guest.settle(mib)

    for mib, by_libvirt in [(400, True), (600, False), (500, True), (300, False), (700, True)]:
        if by_libvirt:
            setmem(mib)
        else:
            assert resize(guest, f"{mib}m").ending == (0, "verified", None)
        size_is(guest, mib)
        check_sound(guest)

    done = doctor(fresh_debian, guest)
    print(done.status, done.faults)
    told = done.finding("libvirt", guest)
    assert told["severity"] == "note" and "keeps a maximum of its own" in told["message"]

    if guest.type == "pvh":
        # libvirt stores the size of its paging pool, and would restore it with that.
        before = guest.snapshot()
        refused = resize(guest, "1g")
        assert refused.ending == (3, "refused", "paging_pool"), refused.told
        assert "libvirt runs it, and keeps a maximum of its own" in refused.report["message"]
        assert refused.report["range"]["largest"]["size_kib"] == MAXIMUM_MIB * MIB
        assert guest.snapshot() == before
        assert resize(guest, f"{MAXIMUM_MIB}m").ending == (0, "verified", None)
        size_is(guest, MAXIMUM_MIB)
        check_sound(guest)
        return

    # A pv guest has no paging pool, so it grows. libvirt keeps its own maximum, as noted.
    assert resize(guest, "1g").ending == (0, "verified", None)
    size_is(guest, 1024)
    denied = guest.lab.run(f"{VIRSH} setmem {guest.name} 900M --live")
    assert denied.status != 0 and "higher than max memory" in denied.stderr, denied
    size_is(guest, 1024)
    setmem(500)
    size_is(guest, 500)
    check_sound(guest)
