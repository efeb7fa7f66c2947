"""Other tools set a limit in the middle of a resize, and their limit stands.

On real Xen with `--full`.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.comparison import MIB
from memctl_lab.facts import PAGE_KIB, Limits
from memctl_lab.figures import Figures
from memctl_lab.memctl import Resized, finish, resize, start_resize
from memctl_lab.rivals import RIVALS, Rival
from memctl_lab.rows import size_of

pytestmark = pytest.mark.full

SIZE_MIB = 400
"""The guest's size before it grows, and the size to which it is to shrink."""
WANTED_MIB = 3584
TARGET_MIB = 1200
LIMIT_MIB = 3900
BACK_MIB = 3000
"""More than is left after a shrink's first stage, which takes half of what can be had."""


def stands(rival: Rival, mib: int, limits: Limits) -> bool:
    """Whether the rival's value stands."""
    unit_kib = PAGE_KIB if rival.limit == "max_pages" else 1
    return int(getattr(limits, rival.limit)) * unit_kib == mib * MIB


def check_last_word(
    guest: ScenarioGuest, rival: Rival, mib: int, from_mib: int, to_mib: int
) -> Resized:
    """The rival sets its limit in the middle of a resize. The resize ends, and the limit stands."""
    earlier = resize(guest, f"{from_mib}m", timeout=300)
    assert earlier.ending == (0, "verified", None), f"before {rival.name}: {earlier.report}"
    running = start_resize(guest, f"{to_mib}m")
    running.wait_for_output('"phase":"populate"')
    guest.act_as(rival, mib)
    done = finish(running, timeout=300)
    assert done.ending == (5, "superseded", "superseded"), f"{rival.name}: {done.report}"
    limits = guest.snapshot()
    assert stands(rival, mib, limits), f"{rival.name}: {limits}"
    assert done.report["limit_kib"] == limits.limit_kib
    check_sound(guest)
    if rival.limit == "target_kib":
        guest.settle(mib)
        assert abs(size_of(guest) - mib) <= 1, rival.name
        check_sound(guest)
    return done


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_host: ScenarioHost) -> ScenarioGuest:
    """A guest that onlines memory by itself, so that it reaches a larger target without memctl."""
    name, policy = f"rival-{request.param}", "online_kernel"
    made = fresh_host.create_guest(name, request.param, online_policy=policy)
    made.wait_for_agent()
    return made


def test_another_tools_limit_stands(guest: ScenarioGuest, figures: Figures) -> None:
    for number, rival in enumerate(RIVALS):
        # Each rival sets another value. libxl refuses a limit below the present target.
        mib = (TARGET_MIB if rival.limit == "target_kib" else LIMIT_MIB) + number
        done = check_last_word(guest, rival, mib, SIZE_MIB, WANTED_MIB)
        figures.record(rival.name, cause=done.report["cause"])


def test_another_tools_target_stands_in_a_shrink(guest: ScenarioGuest) -> None:
    """Only the target in xenstore is set, above the stage's max_pages, which stays as it is."""
    (rival,) = (each for each in RIVALS if each.name == "xenstore, target")
    check_last_word(guest, rival, BACK_MIB, WANTED_MIB, SIZE_MIB)
