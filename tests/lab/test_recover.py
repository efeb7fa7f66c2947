"""`memctl recover` on guests on which nothing was left, or on which an operation is at work.

On real Xen with `--full`. test_doctor.py has what a killed resize leaves, and runs the command that
the doctor names for it.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.memctl import finish, recover, start_resize

pytestmark = pytest.mark.full


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_host: ScenarioHost) -> ScenarioGuest:
    made = fresh_host.create_guest(f"recover-{request.param}", request.param)
    made.wait_for_agent()
    return made


def test_nothing_is_done_if_nothing_was_left(
    fresh_host: ScenarioHost, guest: ScenarioGuest
) -> None:
    before = guest.snapshot()
    done = recover(fresh_host)
    assert done.status == 0
    assert {each["outcome"] for each in done.domains} == {"nothing"}
    assert done.of(guest)["outcome"] == "nothing"
    assert guest.snapshot() == before


def test_a_resize_under_way_is_left_alone(fresh_host: ScenarioHost, guest: ScenarioGuest) -> None:
    running = start_resize(guest, "3584m")
    running.wait_for_output('"phase":"populate"')
    done = recover(fresh_host, guest)
    assert done.status == 3
    assert (done.of(guest)["outcome"], done.of(guest)["cause"]) == ("refused", "busy")
    assert guest.has_journal()
    assert finish(running, timeout=300).ending == (0, "verified", None)
    assert not guest.has_journal()
    assert recover(fresh_host, guest).of(guest)["outcome"] == "nothing"
