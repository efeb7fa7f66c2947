"""A guest of more than 64 GiB of addresses, whose kernel has memory blocks of 2 GiB.

The guest has little memory: Xen populates it on demand, and the guest's balloon takes the rest of
its addresses while it boots. That takes minutes under emulation.

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
BLOCK_MIB = 2048
#: The kernel chooses the largest block that the end of its addresses is a multiple of, if that lies
#: past 64 GiB. A pvh guest has a hole of 64 MiB below 4 GiB, so its addresses end at 66 GiB.
LIMIT = 66 * 1024 - 64
#: The page descriptors of all addresses take 1056 MiB of it.
BOOTED = 2600
#: The balloon does not clear the pages that it gives back: clearing one would populate it first.
NO_SCRUBBING = "xen_scrub_pages=0"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabConfig(boot_timeout=3000)) as booted:
        yield booted


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Iterator[Guest]:
    made = lab.create_guest(
        "large", "pvh", memory_mib=BOOTED, maxmem_mib=LIMIT, kernel_options=NO_SCRUBBING
    )
    made.wait_for_agent()
    yield made
    made.destroy()


def test_a_large_guest_is_resized(guest: Guest) -> None:
    facts = guest.facts()
    assert facts.block_bytes == BLOCK_MIB << 20
    assert len(facts.blocks) == 33
    (seen,) = status(guest.lab, guest.name)
    assert seen["agent"]["block_size_kib"] == BLOCK_MIB * MIB
    assert seen["range"]["step_kib"] == BLOCK_MIB * MIB, "sizes past the limit go in blocks"
    found = doctor(guest.lab, guest)
    assert "bad" not in {each["severity"] for each in found.of(guest)}

    total, size_kib = facts.mem_total_kib, BOOTED * MIB
    for mib in (3500, 2700):
        done = resize(guest, f"{mib}m", timeout=300)
        assert done.ending == (0, "verified", None), done.told
        domain, facts = guest.domain(), guest.facts()
        assert domain is not None
        print(
            f"{guest.name}: {mib} MiB in {done.report['elapsed_ms']} ms; Xen {domain.tot_kib} KiB, "
            f"{len(facts.blocks)} blocks, MemTotal {facts.mem_total_kib} KiB"
        )
        assert abs(domain.tot_kib - mib * MIB) <= MIB
        assert not facts.offline_blocks
        assert abs((facts.mem_total_kib - total) - (mib * MIB - size_kib)) <= 4 * MIB
        total, size_kib = facts.mem_total_kib, mib * MIB
    check_sound(guest)


def test_a_size_past_its_limit_is_refused_for_the_hosts_sake(guest: Guest) -> None:
    before = guest.snapshot()
    refused = plan(guest, "68g")
    assert refused["cause"] == "host_memory"
    done = resize(guest, "68g")
    assert done.ending == (3, "refused", "host_memory"), done.told
    assert guest.snapshot() == before
