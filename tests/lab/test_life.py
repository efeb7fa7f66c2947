"""An interruption, a pause or a reboot in the middle of a resize.

On real Xen with `--full`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.figures import Figures
from memctl_lab.memctl import finish, start_resize, status
from memctl_lab.rows import (
    POOL_MIB,
    by_memctl,
    by_xl,
    ending,
    guest_for_memctl,
    guest_for_xl,
    size_of,
)

pytestmark = pytest.mark.full

POPULATING = '"phase":"populate"'


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_host: ScenarioHost) -> Iterator[ScenarioGuest]:
    made = fresh_host.create_guest(f"life-{request.param}", request.param)
    made.wait_for_agent()
    yield made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_resize_brings_the_earlier_size_back(
    guest: ScenarioGuest, figures: Figures, number: signal.Signals
) -> None:
    before = guest.snapshot()
    running = start_resize(guest, "3584m")
    running.wait_for_output(POPULATING)
    running.kill(number)
    done = finish(running, timeout=300)
    assert done.ending == (130, "restored", "cancelled")
    # The pool of a guest that grew is never lowered.
    assert replace(guest.snapshot(), pool_bytes=before.pool_bytes) == before
    check_sound(guest)
    # The moment of the interruption decides how many sections were added and described.
    figures.record_resize("cancelled", guest, done, but=("residual_kib", "stages", "reached_kib"))


def test_a_guest_that_is_asked_meanwhile_answers_and_goes_on(guest: ScenarioGuest) -> None:
    running = start_resize(guest, "3584m")
    running.wait_for_output(POPULATING)
    for _ in range(5):
        (seen,) = status(guest.host, guest.name)
        assert seen["agent"] is not None
    done = finish(running, timeout=300)
    assert done.ending == (0, "verified", None)


def test_a_guest_paused_in_the_middle_ends_the_resize(
    guest: ScenarioGuest, figures: Figures
) -> None:
    running = start_resize(guest, "3584m")
    running.wait_for_output(POPULATING)
    guest.pause()
    done = finish(running, timeout=300)
    assert done.status in (4, 5)
    assert done.report["cause"] == "domain_paused"
    assert guest.snapshot().claim_pages == 0
    assert not guest.has_journal()
    guest.unpause()
    guest.settle()
    check_sound(guest)
    figures.record("paused", cause=done.report["cause"])


def test_a_guest_that_reboots_in_the_middle_ends_the_resize(guest: ScenarioGuest) -> None:
    running = start_resize(guest, "3584m")
    running.wait_for_output(POPULATING)
    guest.reboot()
    done = finish(running, timeout=300)
    assert done.ending[:2] == (6, "gone")
    # The cause depends on how soon xl removes the old domain.
    assert done.report["cause"] in ("guest_rebooted", "domain_gone")
    assert guest.host.facts().outstanding_pages == 0


@pytest.mark.parametrize("type", ["pv", "pvh"])
class TestRebootFromInside:
    ASKED = "{type} to 600 MiB, rebooted from inside, then 1024"

    def test_by_xl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_xl(fresh_host, "again", type)
        guest.set_pool(POOL_MIB)
        by_xl(guest, 600)
        guest.reboot()
        assert size_of(guest) == 600
        said = by_xl(guest, 1024)
        figures.tell(self.ASKED.format(type=type), "xl", ending(guest, said))

    def test_by_memctl(self, fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
        guest = guest_for_memctl(fresh_host, "again", type)
        assert by_memctl(guest, 600).status == 0
        earlier = guest.domid
        guest.reboot()
        guest.wait_for_agent()
        assert guest.domid != earlier
        assert size_of(guest) == 600
        done = by_memctl(guest, 1024)
        assert done.ending == (0, "verified", None)
        figures.record_resize("after the reboot", guest, done, but=("stages",))
        figures.tell(self.ASKED.format(type=type), "memctl", ending(guest, done))
