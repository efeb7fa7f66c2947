"""Guests with a kernel of 32 bits, on real Xen with `--32-bit`, in their own boot.

They boot under the QEMU of Debian's sid alone, with the plugin `tools/lab-svm.c`. The agent is from
the archive that scripts/package has made.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab, LabConfig
from memctl_lab.build import agent_of_i386
from memctl_lab.checks import check_sound
from memctl_lab.kernels import BITS_32
from memctl_lab.memctl import doctor, plan, resize, status

pytestmark = pytest.mark.bits_32

MIB = 1024
BOOTED = 256
SECTION = 512 * MIB


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    agent = agent_of_i386(tmp_path_factory.mktemp("agent"))
    with Lab(LabConfig(other_agent=agent, guests_of_32_bits=True)) as booted:
        yield booted


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Iterator[Guest]:
    made = lab.create_guest("bits-32", "pvh", memory_mib=BOOTED, kernel=BITS_32)
    made.wait_for_agent()
    yield made
    made.destroy()


def test_its_kernel_and_its_programs_have_32_bits(guest: Guest) -> None:
    assert guest.check("uname -m").strip() == "i686"
    elf_class = "od -An -tu1 -j4 -N1 /proc/$(pidof memctl-agent)/exe"
    assert guest.check(elf_class).split() == ["1"]
    assert guest.facts().block_bytes == SECTION * 1024


def test_the_status_and_the_doctor_tell_its_bits(guest: Guest) -> None:
    shown = status(guest.host, guest.name)[0]
    assert shown["agent"]["block_size_kib"] == SECTION
    largest = shown["range"]["largest"]
    assert (largest["size_kib"], largest["cause"]) == (BOOTED * MIB, "guest_kernel_fault")
    done = doctor(guest.host, guest)
    assert (done.status, done.faults) == (1, {"kernel": "bad"})
    assert "has 32 bits" in done.finding("kernel", guest)["message"]


def test_it_shrinks_and_grows_back_up_to_the_boot_limit(guest: Guest) -> None:
    lost = BOOTED * MIB - guest.facts().mem_total_kib
    for size in (200, BOOTED):
        done = resize(guest, f"{size}m", timeout=900)
        assert done.ending == (0, "verified", None), done.told
        assert done.report["verified"] == {"xen": True, "blocks": True, "guest_total": True}
        domain = guest.domain()
        assert domain is not None and abs(domain.tot_kib - size * MIB) <= MIB
        assert abs(guest.facts().mem_total_kib - (size * MIB - lost)) <= MIB
        print(f"{guest.name}: {size} MiB in {done.report['elapsed_ms']} ms")
    check_sound(guest)


def test_growth_past_the_boot_limit_is_refused(guest: Guest) -> None:
    before = guest.snapshot()
    for size in ("1g", "+1m"):
        assert plan(guest, size)["cause"] == "guest_kernel_fault"
        done = resize(guest, size)
        assert done.ending == (3, "refused", "guest_kernel_fault")
        assert "has 32 bits" in done.report["message"]
        assert guest.snapshot() == before
    check_sound(guest)
