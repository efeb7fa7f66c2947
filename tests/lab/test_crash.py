"""On real Xen, memctl is killed at each phase and at random moments, or interrupted; then recovers.

Afterwards everything is exactly as before, or, with `--on-failure keep`, as the report says.
"""

from __future__ import annotations

import random
import re
import signal
from dataclasses import dataclass, replace

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.checks import check_sound
from memctl_lab.comparison import MIB
from memctl_lab.facts import PAGE_KIB, Limits, parse_probe
from memctl_lab.memctl import Json, Recovered, finish, parse_line, recover, resize
from memctl_lab.phases import at_phase

KILLED = 128 + signal.SIGKILL
SIZE_MIB = 600
"""The size of the guests before the resizes."""
# An operation may change these for good: libxl's note of the target, and the agent's mailbox. The
# limits are compared apart.
CHANGING = re.compile(
    r"/vm/[^/]+/memory |/local/domain/\d+/(memory/(target|static-max) |(data|control)/memctl)"
)


def tree(lab: Lab) -> list[str]:
    """xenstore's whole tree with its permissions, without the nodes that may change."""
    lines = lab.check("xenstore-ls -fp /").splitlines()
    return sorted(line for line in lines if not CHANGING.match(line))


@dataclass(frozen=True)
class State:
    """The state that comes back when a resize is restored."""

    limits: Limits
    tot_pages: int
    tree: list[str]

    @classmethod
    def of(cls, guest: Guest) -> State:
        """Without the pool, because the pool of a guest that may have grown is never lowered."""
        domain = guest.domain()
        assert domain is not None
        limits = replace(guest.snapshot(), pool_bytes=None)
        return cls(limits, domain.tot_pages, tree(guest.lab))


def check_back(guest: Guest, before: State, *what: object) -> None:
    """Checks that the limits and xenstore are as before, and the memory within 1 MiB."""
    now = State.of(guest)
    assert now.limits == before.limits, what
    assert abs(now.tot_pages - before.tot_pages) * PAGE_KIB <= MIB, what
    assert now.tree == before.tree, what


def die_at(guest: Guest, phase: str, size: str, options: str = "") -> None:
    """Kills a resize as soon as it tells that the phase begins.

    Verifying takes some 50 ms. If the kill comes after that, it is repeated with another resize.
    """
    for _ in range(3):
        done = at_phase(guest, phase, "kill -9 $pid", size, options).wait()
        if done.status != 0:
            break
        print(f"{phase}: the kill came too late")
        bring_back(guest)
    assert done.status == KILLED, f"{phase} {size} {options}: {done}"


def recovered(*guests: Guest) -> Recovered:
    """Recovers, and returns what became of each guest: restored, or kept (5)."""
    done = recover(guests[0].lab, *guests)
    assert done.status in (0, 5), done
    return done


def bring_back(guest: Guest) -> None:
    """Resizes a guest back to its earlier size and limit."""
    assert resize(guest, f"{SIZE_MIB}m").ending == (0, "verified", None)
    guest.mem_max(SIZE_MIB).check()


def check_all_sound(*guests: Guest) -> None:
    assert guests[0].lab.facts().outstanding_pages == 0
    for guest in guests:
        check_sound(guest)


def check_kept(guest: Guest, before: State, phase: str) -> None:
    """Checks that a killed resize with `keep` keeps the size that recover reports."""
    die_at(guest, phase, "2g", "--on-failure keep")
    found = recovered(guest).of(guest)
    now = State.of(guest)
    assert now.limits.limit_kib == found["limit_kib"], (phase, found)
    assert now.limits.target_kib == found["reached_kib"], (phase, found)
    moved_kib = (now.tot_pages - before.tot_pages) * PAGE_KIB
    assert abs(moved_kib - (found["reached_kib"] - SIZE_MIB * MIB)) <= MIB, (phase, found)
    assert now.tree == before.tree, phase
    check_all_sound(guest)
    if found["outcome"] == "restored":  # the guest had got no memory yet
        assert phase in ("reserve", "online"), found
    else:
        assert found["outcome"] == "kept", (phase, found)
        assert phase != "verify" or abs(found["reached_kib"] - 2048 * MIB) <= MIB, found
        bring_back(guest)
    check_back(guest, before, phase)


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_lab: Lab) -> Guest:
    made = fresh_lab.create_guest(f"crash-{request.param}", request.param)
    made.wait_for_agent()
    return made


@pytest.fixture
def before(guest: Guest) -> State:
    """The guest's state before its resizes. It has more than at boot, so that it can shrink."""
    assert resize(guest, f"{SIZE_MIB}m").ending == (0, "verified", None)
    return State.of(guest)


PHASES = [
    ("facts", "2g"),
    ("reserve", "2g"),
    ("online", "2g"),
    ("populate", "2g"),
    ("verify", "2g"),
    ("restore", "3g"),
    ("reserve", "300m"),
    ("populate", "300m"),
    ("verify", "300m"),
    ("restore", "300m"),
]


def test_killed_at_each_phase(guest: Guest, before: State) -> None:
    for phase, size in PHASES:
        die_at(guest, phase, size)
        left = guest.has_journal()
        assert left or phase == "facts"
        found = recovered(guest).of(guest)
        assert found["outcome"] == ("restored" if left else "nothing"), (phase, size, found)
        check_back(guest, before, phase, size)
        check_all_sound(guest)
    check_kept(guest, before, "populate")


@pytest.mark.full
def test_killed_at_each_phase_with_on_failure_keep(guest: Guest, before: State) -> None:
    for phase in ("reserve", "online", "verify"):  # and populate, above
        check_kept(guest, before, phase)


@pytest.mark.full
def test_interrupted_again_while_it_restores(guest: Guest, before: State) -> None:
    """A second signal leaves the guest half-way, as a kill does, and says so."""
    done = finish(at_phase(guest, "restore", "kill -INT $pid", "3g"))
    assert done.ending == (5, "failed", "cancelled"), done.told
    assert f"memctl recover {guest.name}" in done.report["hint"]
    assert guest.has_journal()
    found = recovered(guest).of(guest)
    assert found["outcome"] == "restored", found
    check_back(guest, before)
    check_all_sound(guest)


@pytest.mark.full
def test_killed_at_fifty_random_moments(fresh_lab: Lab) -> None:
    guests = fresh_lab.create_guests([("random-pv", "pv"), ("random-pvh", "pvh")])
    for guest in guests:
        guest.wait_for_agent()
        assert resize(guest, f"{SIZE_MIB}m").ending == (0, "verified", None)
    before = [State.of(guest) for guest in guests]
    chance = random.Random(4217)
    outcomes = []
    for _ in range(25):
        moment_us = chance.randrange(2_500_000)
        sizes = [chance.choice((1500, 300)) for _ in guests]
        started = "".join(
            f'memctl resize {guest.name} {size}m >/dev/null 2>&1 & pids="$pids $!"; '
            for guest, size in zip(guests, sizes)
        )
        fresh_lab.run(f"{started} usleep {moment_us}; kill -9 $pids; wait")
        found = recovered(*guests)
        for guest, earlier, size in zip(guests, before, sizes):
            outcome = found.of(guest)["outcome"]
            outcomes.append(outcome)
            limits = State.of(guest).limits
            if outcome == "nothing" and limits != earlier.limits:  # the resize had ended by then
                assert limits.target_kib == size * MIB
                bring_back(guest)
            check_back(guest, earlier, moment_us, size, outcome)
        check_all_sound(*guests)
    print({outcome: outcomes.count(outcome) for outcome in outcomes})
    assert outcomes.count("restored") >= 10


RACE = """#!/bin/sh
# One of four processes. It resizes one of two guests at random, and kills the resize at random. It
# prints a line for each resize: the status, and the report if the resize was not killed.
end=$(($(date +%s) + 120))
while [ $(date +%s) -lt $end ]; do
  set -- {names}
  [ $((RANDOM % 2)) = 0 ] || shift
  memctl resize --json $1 $((200 + RANDOM % 1800))m >/tmp/told.$$ & pid=$!
  (usleep $((RANDOM * 100)); kill -9 $pid 2>/dev/null) & killer=$!
  wait $pid
  status=$?
  report=
  [ $status = {killed} ] || report=$(tail -n 1 /tmp/told.$$)
  printf '%s %s\\n' $status "$report"
  kill $killer 2>/dev/null
  wait $killer
done
"""


def race(lab: Lab, *guests: Guest) -> list[Json]:
    """Runs four processes on two guests. Returns the report of each resize that was not killed."""
    names = " ".join(guest.name for guest in guests)
    lab.write_file("/tmp/race", RACE.format(names=names, killed=KILLED))
    jobs = [job.wait(300) for job in [lab.start("sh /tmp/race") for _ in range(4)]]
    ends = [line.partition(" ") for job in jobs for line in job.stdout.splitlines()]
    statuses = [int(status) for status, _, _ in ends]
    print({code: statuses.count(code) for code in sorted(set(statuses))})
    # verified, refused, restored, kept or killed
    assert set(statuses) <= {0, 3, 4, 5, KILLED}, (ends, [job.stderr for job in jobs])
    assert statuses.count(KILLED) >= 10
    return [parse_line(report) for _, _, report in ends if report]


def all_pages(lab: Lab) -> int:
    """The host's free pages and all pages of the domains and their paging pools."""
    host, domains = parse_probe(lab.check("lab-probe"))
    pools_kib = sum((domain.pool_bytes or 0) // 1024 for domain in domains.values())
    had = sum(domain.tot_pages for domain in domains.values())
    return host.free_pages + had + pools_kib // PAGE_KIB


@pytest.mark.full
def test_four_processes_on_two_domains_killed_at_random(fresh_lab: Lab) -> None:
    free_pages = fresh_lab.facts().free_pages
    guests = fresh_lab.create_guests([("race-pv", "pv"), ("race-pvh", "pvh")])
    for guest in guests:
        guest.wait_for_agent()
    sizes = {guest.name: guest.snapshot() for guest in guests}
    pages = all_pages(fresh_lab)
    reports = race(fresh_lab, *guests)
    # Only memctl writes here, and the next resize restores what a killed resize left.
    wrong = [each for each in reports if each["outcome"] in ("superseded", "failed")]
    assert not wrong
    recovered(*guests)
    check_all_sound(*guests)
    assert abs(all_pages(fresh_lab) - pages) * PAGE_KIB <= 64, "every page is somebody's"
    for guest in guests:
        done = resize(guest, "160m", timeout=300)
        assert done.ending in ((0, "verified", None), (3, "refused", "below_floor")), done.told
        domain = guest.domain()
        assert domain is not None and domain.tot_pages <= guest.snapshot().max_pages
        assert domain.max_pages >= sizes[guest.name].max_pages
        guest.destroy()
    fresh_lab.check("while xl list | grep -q race-; do usleep 100000; done")
    host = fresh_lab.facts()
    assert abs(host.free_pages - free_pages) * PAGE_KIB <= 64, "the host has all of it again"
    assert host.outstanding_pages == 0
