"""The requests that kill guests when they are made by xl, and what they come to through memctl.

Each was measured on real Xen before memctl was begun. By xl's own commands guests starve, panic,
hit kernel bugs, or lose a process; through memctl each request is verified, or refused with a named
cause. In every guest runs a process, which is to outlive the request.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioHost
from memctl_lab.comparison import MIB
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize
from memctl_lab.rows import (
    POOL_MIB,
    by_memctl,
    by_xl,
    check_kept_safe,
    ending,
    guest_for_memctl,
    guest_for_xl,
    harmed,
    size_of,
)


class TestShrinkWithADryPool:
    ASKED = "pvh, 2560 MiB asked for in movable blocks, then 200"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_xl(fresh_host, "bug", "pvh", online_policy="online_movable")
        by_xl(guest, 2560)
        assert 900 < size_of(guest) < 1024, "stopped by a dry pool"
        guest.crash_expected = True
        said = by_xl(guest, 200)
        assert "kernel BUG at drivers/xen/balloon.c" in guest.console()
        assert not guest.alive()
        figures.tell(self.ASKED, "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_memctl(fresh_host, "bug", "pvh")
        done = by_memctl(guest, 2560, "--online movable")
        assert done.ending == (0, "verified", None)
        before = guest.snapshot()
        refused = by_memctl(guest, 200)
        assert refused.ending == (3, "refused", "below_floor")
        assert guest.snapshot() == before
        figures.record_resize("memctl", guest, refused)
        figures.tell(self.ASKED, "memctl", ending(guest, refused))


class TestShrinkWithMovableBlocks:
    ASKED = "pv, 2048 MiB in movable blocks, then 600"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_xl(fresh_host, "movable", "pv", online_policy="online_movable")
        by_xl(guest, 2048)
        assert size_of(guest) == 2048
        assert guest.facts().mem_free_kib > 1800 * MIB, "it has the memory that it dies for"
        guest.crash_expected = True
        said = by_xl(guest, 600)
        assert harmed(guest)
        figures.tell(self.ASKED, "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures) -> None:
        guest = guest_for_memctl(fresh_host, "movable", "pv")
        assert by_memctl(guest, 2048, "--online movable").ending == (0, "verified", None)
        before = guest.snapshot()
        refused = by_memctl(guest, 600)
        assert refused.ending == (3, "refused", "below_floor")
        assert guest.snapshot() == before
        figures.record_resize("memctl", guest, refused)
        figures.tell(self.ASKED, "memctl", ending(guest, refused))


@pytest.mark.parametrize("type", ["pv", "pvh"])
class TestShrinkBelowWhatAProcessHolds:
    ASKED = "{type}, 2048 MiB, its process holds 500, then 200"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_xl(fresh_host, "needed", type)
        guest.set_pool(POOL_MIB)
        by_xl(guest, 2048)
        assert size_of(guest) == 2048
        guest.hold_memory(500)
        guest.crash_expected = True
        said = by_xl(guest, 200)
        figures.tell(self.ASKED.format(type=type), "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_memctl(fresh_host, "needed", type)
        assert by_memctl(guest, 2048).ending == (0, "verified", None)
        guest.hold_memory(500)
        before = guest.snapshot()
        refused = by_memctl(guest, 200)
        assert refused.ending == (3, "refused", "below_floor")
        assert guest.snapshot() == before
        floor_kib = refused.report["largest_kib"]
        assert 500 * MIB < floor_kib < 1024 * MIB
        # What is free changes by itself: a little above, so that it holds until it is asked for.
        done = resize(guest, f"{floor_kib + 16 * MIB}k", timeout=300)
        check_kept_safe(guest, done)
        assert done.ending == (0, "verified", None)
        figures.record("to the floor that was named", outcome=done.report["outcome"])
        figures.tell(self.ASKED.format(type=type), "memctl", ending(guest, refused))


STARVING = [
    pytest.param("pv", 12, marks=pytest.mark.full),
    ("pv", 5),
    ("pvh", 12),
    pytest.param("pvh", 5, marks=pytest.mark.full),
]


@pytest.mark.parametrize(("type", "free_mib"), STARVING)
class TestStarvingGuest:
    """The very case one grows for: the whole request's page descriptors are taken at once."""

    ASKED = "{type} with {free_mib} MiB left, 1024"

    def test_by_xl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, free_mib: int
    ) -> None:
        guest = guest_for_xl(fresh_host, "hungry", type)
        guest.set_pool(POOL_MIB)
        guest.leave_free(free_mib)
        guest.crash_expected = True
        said = by_xl(guest, 1024)
        assert harmed(guest) or size_of(guest) == 160
        asked = self.ASKED.format(type=type, free_mib=free_mib)
        figures.tell(asked, "xl", ending(guest, said))

    def test_by_memctl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, free_mib: int
    ) -> None:
        guest = guest_for_memctl(fresh_host, "hungry", type)
        guest.leave_free(free_mib)
        done = by_memctl(guest, 1024)
        assert done.ending == (0, "verified", None)
        figures.record_resize("memctl", guest, done, but=("stages",))
        asked = self.ASKED.format(type=type, free_mib=free_mib)
        figures.tell(asked, "memctl", ending(guest, done))


@pytest.mark.parametrize("type", [pytest.param("pv", marks=pytest.mark.full), "pvh"])
@pytest.mark.parametrize("autoballoon", [pytest.param(False, marks=pytest.mark.full), True])
class TestSaveAndRestore:
    """With autoballoon on, libxl freezes a pvh guest's pool in the configuration that it stores."""

    ASKED = "{type} to {mib} MiB, saved and restored, then {more} and 300, autoballoon {setting}"

    def size_mib(self, autoballoon: bool) -> int:
        """Large enough for a pool that has not grown to be lost by; the image is written out."""
        return 1200 if autoballoon else 480

    def asked(self, type: str, autoballoon: bool) -> str:
        mib, setting = self.size_mib(autoballoon), "on" if autoballoon else "off"
        return self.ASKED.format(type=type, mib=mib, more=mib + 400, setting=setting)

    def test_by_xl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, autoballoon: bool
    ) -> None:
        guest = guest_for_xl(fresh_host, "saved", type, autoballoon=autoballoon)
        guest.set_pool(POOL_MIB)
        mib = self.size_mib(autoballoon)
        said = by_xl(guest, mib)
        assert size_of(guest) == mib
        restored = guest.save_and_restore()
        assert restored == guest.alive() == (not autoballoon or type == "pv")
        for then in (mib + 400, 300) if restored else ():
            said = by_xl(guest, then)
            assert size_of(guest) == then
        figures.tell(self.asked(type, autoballoon), "xl", ending(guest, said))

    def test_by_memctl(
        self, fresh_host: ScenarioHost, figures: Figures, type: str, autoballoon: bool
    ) -> None:
        guest = guest_for_memctl(fresh_host, "saved", type, autoballoon=autoballoon)
        frozen = autoballoon and type == "pvh"
        expected = (3, "refused", "paging_pool") if frozen else (0, "verified", None)
        mib = self.size_mib(autoballoon)
        done = by_memctl(guest, mib)
        assert done.ending == expected
        assert guest.save_and_restore(), "whatever was granted survives"
        assert size_of(guest) == (160 if frozen else mib)
        guest.wait_for_agent()
        for then in () if frozen else (mib + 400, 300):
            done = by_memctl(guest, then)
            assert done.ending == expected
        figures.record_resize("memctl", guest, done, but=("stages",))
        figures.tell(self.asked(type, autoballoon), "memctl", ending(guest, done))
