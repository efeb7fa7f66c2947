"""The static agent for i386, in guests whose 64-bit kernel also runs 32-bit programs.

On real Xen with `--full`, in its own boot, with the archive that scripts/package has made.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab, LabConfig
from memctl_lab.build import agent_of_i386
from memctl_lab.checks import check_sound
from memctl_lab.memctl import resize, status

pytestmark = pytest.mark.full

MIB = 1024


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    agent = agent_of_i386(tmp_path_factory.mktemp("agent"))
    hvm = any(item.get_closest_marker("hvm") for item in request.session.items)
    with Lab(LabConfig(hvm=hvm, other_agent=agent)) as booted:
        yield booted


@pytest.fixture(params=["pv", "pvh", pytest.param("hvm", marks=pytest.mark.hvm)])
def guest(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Guest]:
    made = lab.create_guest(f"i386-{request.param}", request.param)
    made.wait_for_agent()
    yield made
    made.destroy()


def check_resized(guest: Guest, size_mib: int, of_guest_kib: int) -> None:
    """A resize is verified, and figures that memctl had no part in agree."""
    done = resize(guest, f"{size_mib}m")
    assert done.ending == (0, "verified", None), done.stderr
    assert done.report["verified"] == {"xen": True, "blocks": True, "guest_total": True}
    domain, facts = guest.domain(), guest.facts()
    assert domain is not None
    # An hvm guest was seen to rest five pages below its size.
    assert -64 <= domain.tot_kib - size_mib * MIB <= 2 * MIB
    assert facts.offline_blocks == ()
    lost = of_guest_kib - facts.mem_total_kib
    print(
        f"{guest.name}: {size_mib} MiB in {done.report['elapsed_ms']} ms, {lost} KiB of them lost"
    )
    assert 0 <= lost < 0.2 * of_guest_kib
    check_sound(guest)


def test_a_32_bit_agent_lets_a_64_bit_guest_grow_and_shrink(guest: Guest) -> None:
    elf_class = "od -An -tu1 -j4 -N1 /proc/$(pidof memctl-agent)/exe"
    assert guest.check(elf_class).split() == ["1"], "a 32-bit program runs"
    shown = status(guest.host, guest.name)[0]["agent"]
    assert shown is not None
    before = guest.facts().mem_total_kib
    lost = 160 * MIB - before
    for size_mib in (1024, 300):
        check_resized(guest, size_mib, size_mib * MIB - lost)


def test_a_32_bit_agent_serves_on_after_a_restore(guest: Guest) -> None:
    """Through the same connection to xenstore, which is another one's then."""
    lost = 160 * MIB - guest.facts().mem_total_kib
    process = guest.check("pidof memctl-agent")
    assert guest.save_and_restore()
    guest.wait_for_agent()
    assert guest.check("pidof memctl-agent") == process
    check_resized(guest, 400, 400 * MIB - lost)
