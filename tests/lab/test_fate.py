"""What befalls a domain in each phase of a resize, on real Xen: that ends, and leaves nothing.

Every fate in every phase, pv and pvh in turn. A pause and a reboot are in test_life.py too, on the
simulator as well; there tests/faults lets all of this happen before every single call.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from itertools import cycle

import pytest

from memctl_lab import Guest, Lab, Running
from memctl_lab.memctl import Resized, finish, resize, status
from memctl_lab.rows import size_of

pytestmark = pytest.mark.full

PHASES = ["facts", "reserve", "online", "populate", "verify", "restore"]
GROWN_MIB = 1024
POWER_OFF = "lab-guest -t 20 {domid} 'poweroff -f'"
CRASH = "lab-guest -t 20 {domid} 'echo c >/proc/sysrq-trigger'"
REBOOT = "lab-guest -t 20 {domid} 'reboot -f'"
GONE = "! xl list {domid} >/dev/null 2>&1"
PAUSED = """lab-probe {domid} | grep -q '"paused":true'"""


def made(lab: Lab, name: str, type: str) -> Guest:
    guest = lab.create_guest(name, type)
    guest.wait_for_agent()
    return guest


def size_for(phase: str) -> str:
    """To which a growth comes to that phase; one that is to restore is interrupted on its way."""
    return "3584m" if phase == "restore" else f"{GROWN_MIB}m"


def begin(guest: Guest, phase: str) -> Running:
    """A growth that has come to that phase."""
    running = guest.lab.memctl("resize", "--json", guest.name, size_for(phase))
    if phase == "restore":
        running.wait_for_output('"phase":"populate"')
        running.kill(signal.SIGTERM)
    running.wait_for_output(f'"phase":"{phase}"')
    return running


def strike(guest: Guest, phase: str, fate: str, until: str) -> Resized:
    """A growth that stands still, as the phase begins, until its domain's fate has come.

    For 3 s at most: it may hold libxl's lock, and whatever befalls the domain need that; or have
    sent half a message, for whose rest xenstored, and so the whole host, waits.
    """
    pipe = "/tmp/events"
    fate, until = fate.format(domid=guest.domid), until.format(domid=guest.domid)
    running = guest.lab.start(
        f"""strike() {{
  [ -z "$struck" ] || return; struck=yes
  kill -STOP $pid
  {{ sleep 3; kill -CONT $pid; }} &
  {fate} >/dev/null 2>&1 &
  for try in $(seq 30); do {until} && break; usleep 100000; done
  kill -CONT $pid
}}
interrupt() {{
  [ -z "$interrupted" ] || return; interrupted=yes
  kill -TERM $pid
}}
rm -f {pipe}; mkfifo {pipe}
memctl resize --json --stall 5 {guest.name} {size_for(phase)} >{pipe} & pid=$!
while read -r line; do
  echo "$line"
  case "$line" in
    *'"phase":"{phase}"'*) strike;;
    *'"phase":"populate"'*) [ {phase} != restore ] || interrupt;;
  esac
done <{pipe}
wait $pid"""
    )
    return finish(running, timeout=120)


def check_nothing_left(lab: Lab, domid: int) -> None:
    """Of a domain that has gone."""
    lab.check(f"while xl list {domid} >/dev/null 2>&1; do usleep 100000; done")
    for path in (f"/local/domain/{domid}", f"/libxl/{domid}"):
        assert lab.xenstore_list(path) == [], path
    assert lab.facts().outstanding_pages == 0


def check_lives(guest: Guest) -> None:
    """It answers, nothing of the growth is left; then it is small again, for the next one."""
    assert guest.alive() and guest.killed_processes() == 0
    assert not guest.has_journal()
    assert guest.snapshot().claim_pages == 0
    assert status(guest.lab, guest.name)[0]["agent"] is not None
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
        if phase == "facts":  # nothing had been done by then
            expected += [(3, "refused", "no_such_domain"), (3, "refused", "domain_gone")]
        assert done.ending in expected, (phase, done.report)
        check_nothing_left(fresh_lab, guest.domid)


@pytest.fixture
def pv_and_pvh(fresh_lab: Lab) -> Sequence[Guest]:
    """One guest of each, to be struck in turn.

    Large enough to boot under any limit that a growth here has set: what a growth that stands still
    between target and limit leaves to a guest that reboots just then is no fault of the guest's.
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
        # Which of them is seen depends on how soon xl takes the old domain away.
        gone = [(6, "gone", "guest_rebooted"), (6, "gone", "domain_gone")]
        if phase == "facts":
            gone += [(3, "refused", cause) for cause in ("no_such_domain", "domain_gone")]
        if phase == "restore":  # a kernel that reboots is silent first, and may be so for longer
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
            assert done.report["outcome"] in ("kept", "restored"), done.report
        elif phase == "verify" and done.status == 0:  # nothing had to be asked of the guest
            assert size_of(guest) == GROWN_MIB
        else:
            assert done.report["cause"] == "domain_paused", (phase, done.report)
        if done.report["outcome"] == "refused":
            assert guest.snapshot() == before, phase
        check_lives(guest)


def check_travelled(guest: Guest, phase: str, done: Resized, domid: int) -> None:
    """A guest that was saved or migrated meanwhile, and goes on, perhaps under another number."""
    if done.status == 0:  # it was done before the guest stopped: then what it got has travelled
        assert size_of(guest) == GROWN_MIB
    else:
        outcomes = ("gone", "kept", "restored", "refused")
        assert done.report["outcome"] in outcomes, (phase, done.report)
        causes = ("domain_migrating", "domain_gone", "cancelled")
        assert done.report["cause"] in causes[: 3 if phase == "restore" else 2], done.report
    if guest.domid != domid:
        check_nothing_left(guest.lab, domid)
    guest.wait_for_agent()
    check_lives(guest)


def test_a_domain_that_is_saved(fresh_lab: Lab) -> None:
    guest = made(fresh_lab, "saved", "pv")
    for phase in PHASES:
        domid = guest.domid
        running = begin(guest, phase)
        assert guest.save_and_restore(), phase
        check_travelled(guest, phase, finish(running, timeout=120), domid)


def test_a_domain_that_is_migrated(fresh_lab: Lab) -> None:
    """pvh alone: of a pv guest Xen cannot log dirty pages here, with memctl or without.

    xl reads the limit for the receiving side before anything shows that it migrates: of a guest
    that grows past that meanwhile, the migration fails, and it goes on where it was.
    """
    guest = made(fresh_lab, "moving", "pvh")
    for phase in PHASES:
        domid = guest.domid
        running = begin(guest, phase)
        moved = guest.migrate()
        done = finish(running, timeout=120)
        print(phase, "moved" if moved else "stayed", *done.ending)
        check_travelled(guest, phase, done, domid)
