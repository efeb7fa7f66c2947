"""Other tools that set a limit in the middle of a resize: theirs is the last word.

On real Xen with `--full`.
"""

from __future__ import annotations

import pytest

from memctl_lab import ScenarioHost
from memctl_lab.comparison import MIB
from memctl_lab.facts import PAGE_KIB, Limits
from memctl_lab.figures import Figures
from memctl_lab.memctl import finish, resize, start_resize
from memctl_lab.rivals import RIVALS, Rival

pytestmark = pytest.mark.full

SIZE_MIB = 400
"""What the guest has before."""
WANTED_MIB = 3584
TARGET_MIB = 1200
LIMIT_MIB = 3900


def stands(rival: Rival, mib: int, limits: Limits) -> bool:
    """Whether its word is what the domain has."""
    unit_kib = PAGE_KIB if rival.limit == "max_pages" else 1
    return int(getattr(limits, rival.limit)) * unit_kib == mib * MIB


@pytest.mark.parametrize("type", ["pv", "pvh"])
def test_anothers_word_stands(fresh_host: ScenarioHost, figures: Figures, type: str) -> None:
    guest = fresh_host.create_guest(f"rival-{type}", type)
    guest.wait_for_agent()
    for number, rival in enumerate(RIVALS):
        # Each with a value of its own. libxl refuses a limit below the target that stands then.
        mib = (TARGET_MIB if rival.limit == "target_kib" else LIMIT_MIB) + number
        earlier = resize(guest, f"{SIZE_MIB}m", timeout=300)
        assert earlier.ending == (0, "verified", None), f"before {rival.name}: {earlier.report}"
        running = start_resize(guest, f"{WANTED_MIB}m")
        running.wait_for_output('"phase":"populate"')
        guest.act_as(rival, mib)
        done = finish(running, timeout=300)
        assert done.ending == (5, "superseded", "superseded"), f"{rival.name}: {done.report}"
        limits = guest.snapshot()
        assert stands(rival, mib, limits), f"{rival.name}: {limits}"
        assert done.report["limit_kib"] == limits.static_max_kib
        assert limits.claim_pages == 0
        assert not guest.has_journal()
        if rival.limit == "target_kib":
            guest.settle(mib)
        assert guest.alive() and guest.killed_processes() == 0
        figures.record(rival.name, cause=done.report["cause"])
