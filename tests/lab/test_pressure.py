"""Guests that need what they have: shrinking stops at their floor, and their processes live on.

All but the agent's with two mebibytes left has passed on real Xen; there they run with `--full`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize, status

pytestmark = pytest.mark.unproven

MIB = 1024


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_host: ScenarioHost) -> Iterator[ScenarioGuest]:
    made = fresh_host.create_guest(f"need-{request.param}", request.param)
    made.wait_for_agent()
    yield made


def check_unharmed(guest: ScenarioGuest) -> None:
    """The guest and its process are what they were, and nothing of memctl's is left."""
    assert guest.alive() and guest.runs_programs()
    assert "Out of memory" not in guest.console()
    assert guest.snapshot().claim_pages == 0
    assert not guest.has_journal()


def test_a_guest_whose_process_holds_memory_is_shrunk_to_what_it_needs(
    guest: ScenarioGuest, figures: Figures
) -> None:
    assert resize(guest, "2g").ending == (0, "verified", None)
    guest.hold_memory(500)
    before = guest.snapshot()
    refused = resize(guest, "200m")
    assert refused.ending == (3, "refused", "below_floor")
    assert guest.snapshot() == before

    floor_kib = refused.report["largest_kib"]
    assert 500 * MIB < floor_kib < 1024 * MIB
    # What is free changes by itself: a little above, so that it holds until it is asked for.
    done = resize(guest, f"{floor_kib + 16 * MIB}k", timeout=300)
    assert done.ending == (0, "verified", None)
    check_unharmed(guest)
    figures.record("shrunk", outcome=done.report["outcome"])


def test_the_agent_answers_with_two_mebibytes_left(guest: ScenarioGuest, figures: Figures) -> None:
    guest.leave_free(2)
    before = guest.snapshot()
    refused = resize(guest, "1g")
    assert refused.ending == (3, "refused", "guest_memmap")
    assert refused.report["elapsed_ms"] < 5000
    assert guest.snapshot() == before
    shown = status(guest.host, guest.name)[0]
    assert shown["agent"] is not None
    assert guest.alive()
    figures.record("refused", cause=refused.report["cause"])


def test_ten_rounds_of_growing_and_shrinking_beside_a_process(guest: ScenarioGuest) -> None:
    assert resize(guest, "1g").ending == (0, "verified", None)
    guest.hold_memory(200)
    for mib in (1800, 700, 2500, 900, 1111, 600, 3000, 1500, 640, 1024):
        done = resize(guest, f"{mib}m", timeout=300)
        assert done.ending == (0, "verified", None), f"to {mib} MiB: {done.report}"
    check_unharmed(guest)
