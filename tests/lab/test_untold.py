"""Requests that xl accepts, and that come to nothing, to less, or to an empty host.

Each row runs twice: by xl, and through memctl, which refuses the request or carries it out.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.comparison import MIB, RESERVE_KIB
from memctl_lab.figures import Figures
from memctl_lab.memctl import finish, resize, start_resize
from memctl_lab.rows import (
    NEARLY_KIB,
    POOL_MIB,
    Row,
    ask_memctl,
    by_xl,
    check_kept_safe,
    ending,
    free_kib,
    guest_for_memctl,
    guest_for_xl,
    reaches,
    run_by_memctl,
    run_by_xl,
    size_of,
)

pytestmark = [pytest.mark.full, pytest.mark.hvm]


def mem_set_alone_fails(guest: ScenarioGuest) -> str:
    before = guest.snapshot()
    done = guest.mem_set(512)
    assert done.status == 1
    wanted = "memory_dynamic_max must be less than or equal to memory_static_max"
    assert wanted in done.stdout + done.stderr
    assert guest.snapshot() == before
    return "rc 1"


def has_three_blocks_offline(guest: ScenarioGuest) -> None:
    assert len(guest.facts().offline_blocks) == 3


def has_its_policy_back(guest: ScenarioGuest) -> None:
    assert guest.facts().online_policy == "offline"


def asks_for_3584_and_prints_nothing(guest: ScenarioGuest) -> str:
    printed = guest.console()
    said = by_xl(guest, 3584)
    assert "xen:balloon" not in guest.console()[len(printed) :]
    return said


def may_die_if_simulated(guest: ScenarioGuest) -> None:
    """A simulated hvm guest has no pool to spare."""
    guest.crash_expected = guest.host.kind == "sim"


def blocks_that_stay_offline(type: str) -> Row:
    return Row(
        f"{type} to 512 MiB, its kernel's policy is offline",
        guest="offline",
        type=type,
        options={"online_policy": "offline"},
        xl=(512, reaches(160), has_three_blocks_offline),
        memctl=(512, has_its_policy_back),
        xl_is_recorded=True,
    )


def onlined_or_not_by_the_kernel(type: str) -> Row:
    """What xl reaches depends on the kernel: 160 MiB with Debian 12's, 512 MiB with Debian 13's."""
    return Row(
        f"{type} to 512 MiB, its kernel's policy is its default",
        guest="default",
        type=type,
        options={"online_policy": None},
        xl=(512,),
        memctl=(512,),
    )


ROWS = [
    Row(
        "pv to 512 MiB by mem-set alone",
        guest="above",
        type="pv",
        xl=(mem_set_alone_fails,),
        memctl=(512,),
        xl_is_recorded=True,
    ),
    blocks_that_stay_offline("pv"),
    blocks_that_stay_offline("pvh"),
    onlined_or_not_by_the_kernel("pv"),
    onlined_or_not_by_the_kernel("pvh"),
    Row(
        "pvh to 3584 MiB",
        guest="dry",
        type="pvh",
        xl=(asks_for_3584_and_prints_nothing, reaches(952)),  # the paging pool is dry then
        memctl=(3584,),
        xl_is_recorded=True,
    ),
    Row(
        "pv to 2048 MiB, 600 and 200",
        guest="kernel",
        type="pv",
        xl=(2048, reaches(2048), 600, reaches(600), 200, reaches(200)),
        memctl=(2048, 600, 200),
        xl_is_recorded=True,
        each_is_recorded=True,
        but=("stages",),
    ),
    # A size of xl's includes the video RAM; xenstore's target does not.
    Row(
        "hvm of 256 MiB with a standard VGA of 16 to 1024 and 500 MiB",
        guest="vga",
        type="hvm",
        options={"memory_mib": 256, "video_ram_mib": 16},
        xl=(may_die_if_simulated, 1024, 500),
        memctl=(1024, 500),
        each_is_recorded=True,
        but=("stages",),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_by_xl(row: Row, fresh_host: ScenarioHost, figures: Figures) -> None:
    run_by_xl(row, fresh_host, figures)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_by_memctl(row: Row, fresh_host: ScenarioHost, figures: Figures) -> None:
    run_by_memctl(row, fresh_host, figures)


class TestMoreThanTheHostHas:
    ASKED = "pv of 500 to 5000 MiB, the host has 2060"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_xl(fresh_host, "greedy", "pv", memory_mib=500)
        fresh_host.leave_free(2060)
        said = by_xl(guest, 5000)
        assert abs(size_of(guest) - 2560) * MIB <= NEARLY_KIB
        assert free_kib(fresh_host) <= NEARLY_KIB, "nothing is left to the host"
        figures.tell(self.ASKED, "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_memctl(fresh_host, "greedy", "pv", memory_mib=500)
        fresh_host.leave_free(2060)
        refused = ask_memctl(guest, 5000, refused="host_memory")
        figures.tell(self.ASKED, "memctl", ending(guest, refused))
        done = resize(guest, f"{refused.report['nearest_kib']}k", timeout=300)
        check_kept_safe(guest, done)
        assert done.ending == (0, "verified", None)
        assert size_of(guest) > 2400, "what was named does work"


class TestHostThatIsFullForAWhile:
    ASKED = "pv to 1024 MiB on a full host, which has memory again later"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_xl(fresh_host, "patient", "pv")
        fresh_host.leave_free(300)
        by_xl(guest, 1024)
        reached = size_of(guest)
        assert reached < 480
        assert free_kib(fresh_host) <= NEARLY_KIB
        guest.wait_until_given_up()
        fresh_host.return_memory()
        guest.settle()
        assert size_of(guest) == reached, "its balloon has given up, and nobody was told"
        figures.tell(self.ASKED, "xl", ending(guest, "rc 0"))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_memctl(fresh_host, "patient", "pv")
        fresh_host.leave_free(300)
        ask_memctl(guest, 1024, refused="host_memory")
        fresh_host.return_memory()
        done = ask_memctl(guest, 1024)
        figures.tell(self.ASKED, "memctl", ending(guest, done))

    def test_memctl_wakes_a_balloon_that_has_given_up(
        self, fresh_host: ScenarioHost, figures: Figures
    ) -> None:
        guest = guest_for_memctl(fresh_host, "given-up", "pv", online_policy="online_kernel")
        fresh_host.leave_free(300)
        by_xl(guest, 1024)
        assert size_of(guest) < 480
        guest.wait_until_given_up()
        fresh_host.return_memory()
        done = ask_memctl(guest, 1024)
        figures.record_resize("woken", guest, done, but=("stages", "from_kib", "residual_kib"))


class TestTwoGuestsThatAskForTwoThirdsEach:
    ASKED = "a pv and a pvh guest to 1200 MiB each at once, the host has 1800: the {type} guest"
    FREE_MIB = 1800
    SIZE_MIB = 1200
    GUESTS = (("two-pv", "pv"), ("two-pvh", "pvh"))

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guests = [guest_for_xl(fresh_host, *each) for each in self.GUESTS]
        for guest in guests:
            guest.set_pool(POOL_MIB)
        fresh_host.leave_free(self.FREE_MIB)
        for guest in guests:
            guest.mem_max(self.SIZE_MIB).check()
            guest.mem_set(self.SIZE_MIB).check()
        for guest in guests:
            guest.settle()
        short, full = sorted(size_of(guest) for guest in guests)
        assert full == self.SIZE_MIB
        assert short < 1000, "both were told that they had it"
        assert free_kib(fresh_host) <= NEARLY_KIB
        for guest in guests:
            figures.tell(self.ASKED.format(type=guest.type), "xl", ending(guest, "rc 0"))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guests = [guest_for_memctl(fresh_host, *each) for each in self.GUESTS]
        fresh_host.leave_free(self.FREE_MIB)
        running = [start_resize(guest, f"{self.SIZE_MIB}m") for guest in guests]
        ended = [finish(job, timeout=300) for job in running]
        for guest, done in zip(guests, ended):
            check_kept_safe(guest, done)
            figures.tell(self.ASKED.format(type=guest.type), "memctl", ending(guest, done))
        assert sorted(done.ending[:2] for done in ended) == [(0, "verified"), (3, "refused")]
        assert {done.report["cause"] for done in ended} == {None, "host_memory"}
        assert sorted(size_of(guest) for guest in guests) == [160, self.SIZE_MIB]
        assert free_kib(fresh_host) >= RESERVE_KIB


@pytest.mark.parametrize(("type", "memory_mib"), [("pv", 160), ("pvh", 160), ("hvm", 256)])
class TestBootedWithLessThanItsMaximum:
    """A pvh or hvm guest is populated on demand until its balloon has reached the boot target."""

    ASKED = "{type}, memory={memory_mib} maxmem=512, to 400 and 1024 MiB"

    def test_by_xl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, memory_mib: int
    ) -> None:
        guest = guest_for_xl(
            fresh_host, "less", type, memory_mib=memory_mib, maxmem_mib=512, process_mib=8
        )
        guest.settle()
        for mib in (400, 1024):
            said = by_xl(guest, mib)
        figures.tell(self.ASKED.format(type=type, memory_mib=memory_mib), "xl", ending(guest, said))

    def test_by_memctl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, memory_mib: int
    ) -> None:
        guest = guest_for_memctl(
            fresh_host, "less", type, memory_mib=memory_mib, maxmem_mib=512, process_mib=8
        )
        guest.settle()
        ask_memctl(guest, 400)
        end = ending(guest, ask_memctl(guest, 1024))
        shrunk = ask_memctl(guest, memory_mib + 40)
        figures.record_resize("memctl", guest, shrunk, but=("stages", "residual_kib"))
        figures.tell(self.ASKED.format(type=type, memory_mib=memory_mib), "memctl", end)


class TestDeviceModel:
    """hvm: a device model does not know memory that is added later."""

    ASKED = "hvm of 256 MiB with an emulated USB controller to 1024 and 500 MiB"
    ALLOWED = f"{ASKED}, --allow-hvm-devices"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_xl(fresh_host, "usb", "hvm", memory_mib=256, emulated_usb=True)
        may_die_if_simulated(guest)
        for mib in (1024, 500):
            said = by_xl(guest, mib)
        for asked in (self.ASKED, self.ALLOWED):  # xl asks no device model
            figures.tell(asked, "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_memctl(fresh_host, "usb", "hvm", memory_mib=256, emulated_usb=True)
        refused = ask_memctl(guest, 1024, refused="hvm_emulated_devices")
        figures.tell(self.ASKED, "memctl", ending(guest, refused))
        for mib in (1024, 500):
            done = ask_memctl(guest, mib, "--allow-hvm-devices")
            figures.record_resize(f"memctl, {mib} MiB", guest, done, but=("stages",))
        figures.tell(self.ALLOWED, "memctl", ending(guest, done))
