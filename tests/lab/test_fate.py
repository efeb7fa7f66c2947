"""A domain ends, reboots, pauses or travels in each phase of a resize, on real Xen.

The resize ends and leaves nothing behind. Every fate comes in every phase, on pv and pvh in turn.
test_life.py has a pause and a reboot on the simulator, too. There tests/faults lets every fate
happen before every single call.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import pytest

from memctl_lab import Guest, Lab, Running
from memctl_lab.checks import check_sound
from memctl_lab.memctl import Resized, finish, resize
from memctl_lab.phases import at_phase
from memctl_lab.rows import size_of

# Each fate has to reach the domain within the phase, also if memctl or the guest is busy.
pytestmark = [pytest.mark.full, pytest.mark.two_cpus]

PHASES = ["facts", "reserve", "online", "populate", "verify", "restore"]
BEFORE_VERIFY = ["facts", "reserve", "online", "populate"]
GROWN_MIB = 1024
POWER_OFF = "lab-guest -t 20 {domid} 'poweroff -f'"
CRASH = "lab-guest -t 20 {domid} 'echo c >/proc/sysrq-trigger'"
REBOOT = "lab-guest -t 20 {domid} 'reboot -f'"
GONE = "! xl list {domid} >/dev/null 2>&1"
PAUSED = """lab-probe {domid} | grep -q '"paused":true'"""
# An argument of libxl's helper, by which memctl notices a save or migration. grep does not match
# itself.
SAVING = "grep -qszx -e '--save-domai[n]' /proc/[0-9]*/cmdline"


def made(lab: Lab, name: str, type: str) -> Guest:
    guest = lab.create_guest(name, type)
    guest.wait_for_agent()
    return guest


def size_for(phase: str) -> str:
    """A size for which a growth reaches that phase. For `restore` it is interrupted on its way."""
    return "3584m" if phase == "restore" else f"{GROWN_MIB}m"


STOOD_STILL = "it came while memctl stood still"
STAND_STILL = """kill -STOP $pid
{{ sleep 3; kill -CONT $pid; }} &
{fate} >/dev/null 2>&1 &
for try in $(seq 30); do
  if {until}; then
    grep -q "^State:.T" /proc/$pid/status && echo "{stood_still}" >&2
    break
  fi
  usleep 100000
done
kill -CONT $pid"""


def start_struck(guest: Guest, phase: str, fate: str, until: str, options: str = "") -> Running:
    """A growth that is stopped when the phase begins, until its domain's fate has come.

    It is stopped for 3 s at most. The stopped growth may hold libxl's lock, which the fate may
    need. Or it may have sent half a message, and then xenstored, and so the whole host, waits for
    the rest. The script says whether the fate came in time.
    """
    action = STAND_STILL.format(
        fate=fate.format(domid=guest.domid),
        until=until.format(domid=guest.domid),
        stood_still=STOOD_STILL,
    )
    return at_phase(guest, phase, action, size_for(phase), options)


def strike(guest: Guest, phase: str, fate: str, until: str) -> Resized:
    """Runs a growth whose domain meets its fate when the phase begins. Returns how it ended."""
    return finish(start_struck(guest, phase, fate, until, "--stall 5"), timeout=120)


def check_nothing_left(lab: Lab, domid: int) -> None:
    """Checks that nothing is left of a domain that has gone."""
    lab.check(f"while xl list {domid} >/dev/null 2>&1; do usleep 100000; done")
    for path in (f"/local/domain/{domid}", f"/libxl/{domid}"):
        assert lab.xenstore_list(path) == [], path
    assert lab.facts().outstanding_pages == 0


def check_lives(guest: Guest) -> None:
    """Checks that nothing of the growth is left, and shrinks the guest for the next growth."""
    check_sound(guest)
    small = max(200, guest.config.memory_mib)
    if size_of(guest) > small:
        after = resize(guest, f"{small}m", timeout=300)
        assert after.ending == (0, "verified", None), after.report


@pytest.mark.parametrize(
    ("fate", "types"),
    [("xl destroy {domid}", ("pv", "pvh")), (CRASH, ("pvh", "pv")), (POWER_OFF, ("pv", "pvh"))],
    ids=["destroyed", "crashed", "powered-off"],
)
def test_a_domain_that_ends(fresh_lab: Lab, fate: str, types: tuple[str, str]) -> None:
    for phase, type in zip(PHASES, cycle(types)):
        guest = made(fresh_lab, f"ending-{phase}", type)
        guest.crash_expected = True
        done = strike(guest, phase, fate, GONE)
        gone = (6, "gone", "domain_gone")
        expected = [gone]
        if phase == "facts":  # nothing was changed yet; libxl pauses a domain before it ends it
            causes = ("no_such_domain", "domain_gone", "domain_paused")
            expected += [(3, "refused", cause) for cause in causes]
        assert done.ending in expected, (phase, done.report)
        check_nothing_left(fresh_lab, guest.domid)


@pytest.fixture
def pv_and_pvh(fresh_lab: Lab) -> Sequence[Guest]:
    """A pv and a pvh guest, which meet their fates in turn.

    They are large enough to boot under any limit that a growth sets here. A growth that is stopped
    between setting the limit and the target can leave them apart when the guest reboots.
    """
    wanted = [("fate-pv", "pv"), ("fate-pvh", "pvh")]
    guests = fresh_lab.create_guests(wanted, memory_mib=320)
    for guest in guests:
        guest.wait_for_agent()
    return guests


def test_a_domain_that_reboots(pv_and_pvh: Sequence[Guest]) -> None:
    for phase, guest in zip(PHASES, cycle(pv_and_pvh)):
        earlier = guest.domid
        done = strike(guest, phase, REBOOT, GONE)
        # The cause depends on how soon xl removes the old domain.
        gone = [(6, "gone", "guest_rebooted"), (6, "gone", "domain_gone")]
        if phase == "facts":
            gone += [(3, "refused", cause) for cause in ("no_such_domain", "domain_gone")]
        if phase == "restore":  # a rebooting kernel is silent first, perhaps too long
            gone += [(5, "kept", "cancelled"), (5, "restored", "cancelled")]
        assert done.ending in gone, (phase, done.report)
        guest.wait_until_rebooted()
        check_nothing_left(guest.lab, earlier)
        guest.wait_for_agent()
        check_lives(guest)


def test_a_domain_that_is_paused(pv_and_pvh: Sequence[Guest]) -> None:
    for phase, guest in zip(PHASES, cycle(pv_and_pvh)):
        before = guest.snapshot()
        done = strike(guest, phase, "xl pause {domid}", PAUSED)
        guest.unpause()
        if phase == "restore":
            assert done.report["outcome"] in ("kept", "restored"), done.told
        elif phase == "verify" and done.status == 0:  # the guest had nothing left to do
            assert size_of(guest) == GROWN_MIB
        else:
            assert done.report["cause"] == "domain_paused", (phase, done.report)
        if done.report["outcome"] == "refused":
            assert guest.snapshot() == before, phase
        check_lives(guest)


def start_travel(guest: Guest, phase: str) -> Running:
    """A growth that is stopped when the phase begins, until a save or migration begins."""
    running = start_struck(guest, phase, fate=":", until=SAVING)
    running.wait_for_output(f'"phase":"{phase}"')
    return running


def outcomes(phase: str, in_time: bool) -> set[str]:
    """The possible outcomes if a domain begins to travel in that phase, or soon after."""
    may_be = {"gone", "kept", "restored"}
    if phase in ("facts", "reserve", "online"):
        may_be.add("refused")
    # `verify` looks for the last time whether the domain travels, perhaps before the save began.
    if phase == "verify" or (phase in BEFORE_VERIFY and not in_time):
        may_be.add("verified")
    return may_be


def check_travelled(guest: Guest, phase: str, done: Resized, domid: int, in_time: bool) -> None:
    """Checks a guest after its save or migration. It may have another number now."""
    print(phase, "in time" if in_time else "too late", *done.ending)
    assert done.report["outcome"] in outcomes(phase, in_time), (phase, done.report)
    if done.status == 0:  # the growth ended before the guest stopped: its memory has travelled
        assert size_of(guest) == GROWN_MIB
    else:
        causes = ("domain_migrating", "domain_gone", "cancelled")
        assert done.report["cause"] in causes[: 3 if phase == "restore" else 2], done.told
    if guest.domid != domid:
        check_nothing_left(guest.lab, domid)
    guest.wait_for_agent()
    check_lives(guest)


def test_a_domain_that_is_saved(fresh_lab: Lab) -> None:
    """A growth is not verified if a save begins before its last look.

    libxl's helper runs before memctl goes on, and until memctl has ended, because nothing reads
    what it writes. If xl took longer than memctl may be stopped, the phase only shows that the
    guest lives on. In `verify` the growth may have been verified before the save.
    """
    guest = made(fresh_lab, "saved", "pv")
    in_time = {}
    for phase in PHASES:
        domid = guest.domid
        running = start_travel(guest, phase)
        saving = guest.start_save()
        done = finish(running, timeout=120)
        in_time[phase] = STOOD_STILL in done.stderr
        assert guest.restore(saving), phase
        check_travelled(guest, phase, done, domid, in_time[phase])
    assert any(in_time[phase] for phase in BEFORE_VERIFY), "xl was never in time"


def test_a_domain_that_is_migrated(fresh_lab: Lab) -> None:
    """As a save, but nothing delays the migration. Only pvh: Xen cannot log dirty pages of pv here.

    xl reads the limit for the receiving side before anything shows that the domain migrates. If the
    guest then grows past that limit, the migration fails, and the guest goes on at the sender.
    """
    guest = made(fresh_lab, "moving", "pvh")
    in_time = {}
    for phase in PHASES:
        domid = guest.domid
        running = start_travel(guest, phase)
        moved = guest.migrate()
        done = finish(running, timeout=120)
        in_time[phase] = moved and STOOD_STILL in done.stderr
        check_travelled(guest, phase, done, domid, in_time[phase])
    assert any(in_time[phase] for phase in BEFORE_VERIFY), "xl was never in time"
