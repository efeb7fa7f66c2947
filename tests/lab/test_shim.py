"""A pv guest in Xen's shim: a pvh domain in which a small Xen runs the pv guest.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab, LabConfig
from memctl_lab.checks import check_sound
from memctl_lab.memctl import doctor, plan, resize, status

pytestmark = pytest.mark.full

MIB = 1024
#: The shim needs room for itself, the unpacked kernel and the initramfs all at once.
BOOTED = 640
#: In QEMU's processor, family 15, the shim sets a register that the Xen below it refuses.
OTHER_PROCESSOR = 'cpuid = "host,family=23"'


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabConfig(shim=True)) as booted:
        yield booted


@pytest.fixture(scope="module", params=[BOOTED, BOOTED + 128], ids=["full", "below_its_limit"])
def guest(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Guest]:
    """With as much memory as its limit allows, and with less: then Xen populates it on demand."""
    made = lab.create_guest(
        f"shim-{request.param}",
        "pvh",
        shim=True,
        memory_mib=BOOTED,
        maxmem_mib=request.param,
        extra_config=OTHER_PROCESSOR,
    )
    made.wait_for_agent()
    yield made
    made.destroy()


def test_the_guest_is_pv_in_a_pvh_domain(guest: Guest) -> None:
    assert guest.check("cat /sys/hypervisor/guest_type") == "PV\n"
    (seen,) = status(guest.lab, guest.name)
    assert seen["domain"]["type"] == "pvh"
    # The rest of the limit is the shim's. So at the limit the balloon is never at its target.
    facts = guest.facts()
    print(f"{guest.name} lacks {facts.target_kib - facts.current_kib} KiB")
    if guest.config.maxmem_mib == BOOTED:
        assert facts.target_kib - facts.current_kib > 10 * MIB
    else:
        assert facts.target_kib == facts.current_kib


@pytest.mark.parametrize("size", ["1g", "+4k", "512m", "-128m"])
def test_every_size_is_refused_by_name(guest: Guest, size: str) -> None:
    before = guest.snapshot()
    assert plan(guest, size)["cause"] == "xen_unsupported"
    done = resize(guest, size)
    assert done.ending == (3, "refused", "xen_unsupported"), done.told
    assert "shim" in done.report["message"]
    assert guest.snapshot() == before
    check_sound(guest)


def test_the_doctor_and_status_tell_of_the_shim(guest: Guest) -> None:
    found = doctor(guest.lab, guest).finding("stored_configuration", guest)
    assert found["severity"] == "bad"
    assert "shim" in found["message"] and "pvshim" in found["remedy"]
    (seen,) = status(guest.lab, guest.name)
    assert (seen["range"], seen["refused_by"]) == (None, "xen_unsupported")


def test_xl_alone_gives_it_no_more_than_its_boot_limit(guest: Guest) -> None:
    """xl returns 0, and the guest gets less."""
    before = guest.domain()
    assert guest.mem_max(1024).status == 0 and guest.mem_set(1024).status == 0
    guest.settle(1024)
    after = guest.domain()
    assert before is not None and after is not None
    assert guest.config.maxmem_mib is not None
    more_kib = (guest.config.maxmem_mib - BOOTED) * MIB
    assert abs(after.tot_kib - before.tot_kib - more_kib) < 4 * MIB
