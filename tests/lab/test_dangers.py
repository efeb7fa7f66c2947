"""Requests that kill guests by xl, and the same requests through memctl.

With xl's commands guests starve, panic, hit kernel bugs, or lose a process: that was measured on
real Xen before memctl was begun. memctl verifies each request, or refuses it with a cause. Every
guest has a process that has to survive the request.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.comparison import MIB
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize
from memctl_lab.rows import (
    POOL_MIB,
    Ask,
    Row,
    ask_memctl,
    by_xl,
    check_kept_safe,
    ending,
    guest_for_memctl,
    guest_for_xl,
    harmed,
    may_die,
    reaches,
    run_by_memctl,
    run_by_xl,
    size_of,
)


def is_stopped_by_a_dry_pool(guest: ScenarioGuest) -> None:
    assert 900 < size_of(guest) < 1024


def died_of_the_balloon_bug(guest: ScenarioGuest) -> None:
    assert "kernel BUG at drivers/xen/balloon.c" in guest.console()
    assert not guest.alive()


def has_the_memory_that_it_dies_for(guest: ScenarioGuest) -> None:
    assert guest.facts().mem_free_kib > 1800 * MIB


def is_harmed(guest: ScenarioGuest) -> None:
    assert harmed(guest)


ROWS = [
    Row(
        "pvh, 2560 MiB asked for in movable blocks, then 200",
        guest="bug",
        type="pvh",
        xl_options={"online_policy": "online_movable"},
        xl=(2560, is_stopped_by_a_dry_pool, may_die, 200, died_of_the_balloon_bug),
        memctl=(Ask(2560, "--online movable --force-movable"), Ask(200, refused="below_floor")),
    ),
    Row(
        "pv, 2048 MiB in movable blocks, then 600",
        guest="movable",
        type="pv",
        xl_options={"online_policy": "online_movable"},
        xl=(2048, reaches(2048), has_the_memory_that_it_dies_for, may_die, 600, is_harmed),
        memctl=(Ask(2048, "--online movable --force-movable"), Ask(600, refused="below_floor")),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_by_xl(row: Row, fresh_host: ScenarioHost, figures: Figures) -> None:
    run_by_xl(row, fresh_host, figures)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_by_memctl(row: Row, fresh_host: ScenarioHost, figures: Figures) -> None:
    run_by_memctl(row, fresh_host, figures)


@pytest.mark.parametrize("type", ["pv", "pvh"])
class TestShrinkBelowWhatAProcessHolds:
    """memctl refuses with the smallest size, and reaches that size if asked for it."""

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
        ask_memctl(guest, 2048)
        guest.hold_memory(500)
        refused = ask_memctl(guest, 200, refused="below_floor")
        floor_kib = refused.report["range"]["smallest"]["size_kib"]
        assert 500 * MIB < floor_kib < 1024 * MIB
        # The free memory changes by itself, so ask for a little more than the smallest size.
        done = resize(guest, f"{floor_kib + 16 * MIB}k", timeout=300)
        check_kept_safe(guest, done)
        assert done.ending == (0, "verified", None)
        figures.record("to the floor that was named", outcome=done.report["outcome"])
        figures.tell(self.ASKED.format(type=type), "memctl", ending(guest, refused))
