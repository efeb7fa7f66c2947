"""Guests that need their memory while they are resized: none of their processes is killed.

On real Xen with `--full`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize
from memctl_lab.rows import (
    POOL_MIB,
    by_memctl,
    by_xl,
    ending,
    guest_for_memctl,
    guest_for_xl,
    harmed,
)

# dom0 must not wait for a busy guest.
pytestmark = [pytest.mark.full, pytest.mark.two_cpus]

ROUNDS = 10
HELD_MIB = 300


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_host: ScenarioHost) -> Iterator[ScenarioGuest]:
    made = fresh_host.create_guest(f"need-{request.param}", request.param)
    made.wait_for_agent()
    yield made


def check_unharmed(guest: ScenarioGuest) -> None:
    """Checks that the guest and its processes live, and that memctl left nothing behind."""
    check_sound(guest)
    assert guest.runs_programs()


def test_the_agent_answers_with_two_mebibytes_left(guest: ScenarioGuest, figures: Figures) -> None:
    guest.leave_free(2)
    before = guest.snapshot()
    refused = resize(guest, "1g")
    assert refused.ending == (3, "refused", "guest_memmap")
    if guest.host.kind == "sim":  # its time is virtual; real time depends on the machine
        assert refused.report["elapsed_ms"] < 5000
    assert guest.snapshot() == before
    check_unharmed(guest)
    figures.record("refused", cause=refused.report["cause"])


@pytest.mark.parametrize("type", ["pv", "pvh"])
def test_a_process_takes_memory_in_the_middle_of_a_shrink(
    fresh_host: ScenarioHost, figures: Figures, type: str
) -> None:
    # With one processor no process runs until the balloon is done.
    guest = fresh_host.create_guest(f"middle-{type}", type, vcpus=2)
    guest.wait_for_agent()
    assert resize(guest, "3072m").ending == (0, "verified", None)
    guest.begin_to_hold(1800, 100)
    done = resize(guest, "500m", timeout=300)
    check_unharmed(guest)
    # The guest gets its memory back; nothing is taken by force.
    assert done.ending == (4, "restored", "guest_pressure"), done.told
    assert done.report["stages"] > 1
    figures.record("restored", cause=done.report["cause"])


@pytest.mark.parametrize("type", ["pv", "pvh"])
class TestRandomSizesBesideAProcess:
    ASKED = "{type}, ten random sizes of 200 to 3000 MiB, its process holds 300"

    def sizes(self) -> list[int]:
        chance = random.Random(4170)
        return [chance.randrange(200, 3000) for _ in range(ROUNDS)]

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_xl(fresh_host, "rounds", type)
        guest.set_pool(POOL_MIB)
        by_xl(guest, 1024)
        guest.hold_memory(HELD_MIB)
        guest.crash_expected = True
        for mib in self.sizes():
            said = by_xl(guest, mib)
            if harmed(guest):
                break
        figures.tell(self.ASKED.format(type=type), "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_memctl(fresh_host, "rounds", type)
        assert by_memctl(guest, 1024).status == 0
        guest.hold_memory(HELD_MIB)
        for mib in self.sizes():
            done = by_memctl(guest, mib)
            assert done.report["cause"] in (None, "below_floor")
        figures.tell(self.ASKED.format(type=type), "memctl", ending(guest, done))
