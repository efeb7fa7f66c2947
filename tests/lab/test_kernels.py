"""Guests with other kernels: each Debian release's, and one that cannot add memory.

On real Xen with `--full`. On first use the lab downloads the kernels, and builds the last one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.facts import PAGE_KIB
from memctl_lab.figures import Figures
from memctl_lab.kernels import DEBIAN, KERNELS, NO_HOTPLUG
from memctl_lab.memctl import doctor, plan, resize, status

pytestmark = pytest.mark.full

MIB = 1024
BOOTED = 256
OPTION = "/proc/sys/xen/balloon/hotplug_unpopulated"
"""Linux has it exactly with CONFIG_XEN_BALLOON_MEMORY_HOTPLUG since 4.4."""


def has_option(guest: ScenarioGuest) -> bool:
    """Whether the guest's kernel has the option. The simulated agent needs no file to know."""
    assert isinstance(guest, Guest)
    return guest.run(f"test -e {OPTION}").status == 0


def over_target(guest: ScenarioGuest) -> int:
    """How many pages the guest has beyond its target in xenstore."""
    domain = guest.domain()
    assert domain is not None
    return domain.tot_pages - guest.snapshot().target_kib // PAGE_KIB


@pytest.mark.parametrize("type", ["pv", "pvh"])
@pytest.mark.parametrize("kernel", DEBIAN)
def test_a_guest_with_this_kernel_grows(fresh_host: ScenarioHost, kernel: str, type: str) -> None:
    guest = fresh_host.create_guest(f"linux-{kernel}-{type}", type, kernel=kernel)
    guest.wait_for_agent()
    if fresh_host.kind == "xen":
        assert has_option(guest)
    assert guest.facts().online_policy == KERNELS[kernel].simulated.online_policy
    found = doctor(fresh_host, guest)
    assert found.finding("hotplug", guest)["severity"] == "good"
    assert found.finding("kernel", guest)["message"].startswith(f"{kernel}.")
    booted = over_target(guest)
    done = resize(guest, "512m")
    assert done.ending == (0, "verified", None), done.told
    print(f"{guest.name}: beyond its target {booted} pages, and once grown {over_target(guest)}")
    check_sound(guest)


class TestWithoutXensHotplug:
    """A kernel with memory hotplug, but without Xen's part in it. Fedora has shipped such kernels.

    The scenarios of this class share a guest.
    """

    @pytest.fixture(params=["pv", "pvh"], scope="class")
    def guest(self, request: pytest.FixtureRequest, host: ScenarioHost) -> Iterator[ScenarioGuest]:
        name = f"{NO_HOTPLUG}-{request.param}"
        made = host.create_guest(name, request.param, memory_mib=BOOTED, kernel=NO_HOTPLUG)
        made.wait_for_agent()
        yield made
        made.destroy()

    def test_the_guest_has_memory_blocks_all_the_same(self, guest: ScenarioGuest) -> None:
        assert guest.facts().blocks
        assert guest.facts().online_policy == "offline"
        if guest.host.kind == "xen":
            assert not has_option(guest)

    def test_growth_past_the_boot_limit_is_refused(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        before = guest.snapshot()
        largest = status(guest.host, guest.name)[0]["range"]["largest"]
        assert largest["size_kib"] == BOOTED * MIB
        assert largest["cause"] == "guest_no_hotplug"
        for size in ("512m", "+1m"):
            assert plan(guest, size)["cause"] == "guest_no_hotplug"
            done = resize(guest, size)
            assert done.ending == (3, "refused", "guest_no_hotplug")
            assert "CONFIG_XEN_BALLOON_MEMORY_HOTPLUG" in done.report["message"]
            assert guest.snapshot() == before
            figures.record_resize(size, guest, done)

    def test_the_doctor_names_the_option(self, guest: ScenarioGuest, figures: Figures) -> None:
        done = doctor(guest.host, guest)
        assert (done.status, done.faults) == (1, {"hotplug": "bad"})
        found = done.finding("hotplug", guest)
        assert "CONFIG_XEN_BALLOON_MEMORY_HOTPLUG" in found["message"]
        figures.record("hotplug", message=found["message"], remedy=found["remedy"])

    def test_it_shrinks_and_grows_back_up_to_the_boot_limit(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        for size in (200, BOOTED):
            done = resize(guest, f"{size}m")
            assert done.ending == (0, "verified", None), done.told
            domain = guest.domain()
            assert domain is not None and abs(domain.tot_kib - size * MIB) <= MIB
            figures.record_resize(f"{size} MiB", guest, done)
        check_sound(guest)
