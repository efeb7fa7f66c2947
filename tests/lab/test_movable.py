"""A guest gets at most three times as much movable memory as its kernel can use, unless forced."""

from __future__ import annotations

from memctl_lab import Guest, ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize

MIB = 1024
BLOCK_KIB = 128 * MIB


def zones_kib(guest: ScenarioGuest) -> tuple[int, int]:
    """What the guest's kernel has in its own zones, and in the movable zone."""
    facts = guest.facts()
    movable = BLOCK_KIB * sum(block.zone == "Movable" for block in facts.blocks)
    if not isinstance(guest, Guest):
        return facts.mem_total_kib - movable, movable
    managed = {"Movable": 0}
    zone = ""
    for line in guest.check("cat /proc/zoneinfo").splitlines():
        words = line.split()
        if words[:1] == ["Node"] and words[2] == "zone":
            zone = words[3]
        elif words[:1] == ["managed"]:
            managed[zone] = managed.get(zone, 0) + 4 * int(words[1])
    return sum(managed.values()) - managed["Movable"], managed["Movable"]


def test_movable_memory_is_bounded_by_what_the_kernel_can_use(
    fresh_host: ScenarioHost, figures: Figures
) -> None:
    guest = fresh_host.create_guest("movable", "pvh", memory_mib=256)
    guest.wait_for_agent()
    kernel, movable = zones_kib(guest)
    assert movable == 0
    blocks = 3 * kernel // BLOCK_KIB
    most = 256 * MIB + blocks * BLOCK_KIB

    refused = resize(guest, f"{most + BLOCK_KIB}k", "--online movable")
    assert refused.ending == (3, "refused", "guest_memmap")
    nearest = refused.report["nearest_kib"]
    assert 0 <= nearest - most < MIB, "a few pages may be the balloon's"

    done = resize(guest, f"{nearest}k", "--online movable", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    kernel, movable = zones_kib(guest)
    print(f"{guest.name}: {kernel} KiB in the kernel zones, {movable} KiB movable")
    assert blocks * BLOCK_KIB - MIB < movable <= blocks * BLOCK_KIB
    assert 2 * kernel < movable <= 3 * kernel

    before = guest.snapshot()
    again = resize(guest, f"+{BLOCK_KIB}k", "--online movable")
    assert again.ending == (3, "refused", "guest_memmap")
    assert again.report["nearest_kib"] == nearest
    assert guest.snapshot() == before

    forced = resize(guest, f"+{BLOCK_KIB}k", "--online movable --force-movable", timeout=300)
    assert forced.ending == (0, "verified", None), forced.told
    kernel, movable = zones_kib(guest)
    print(f"{guest.name}: {kernel} KiB in the kernel zones, {movable} KiB movable when forced")
    assert movable > 3 * kernel
    check_sound(guest)
    figures.record("movable", blocks=blocks)
