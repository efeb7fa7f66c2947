"""memctl killed with SIGKILL on real Xen, at each phase and at random moments; then recovered.

Afterwards everything is exactly as it was before, or, with `--on-failure keep`, as it was reported.
"""

from __future__ import annotations

import json
import random
import re
import signal
from dataclasses import replace
from typing import Any

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.comparison import MIB
from memctl_lab.facts import Limits
from memctl_lab.memctl import resize, status

Json = dict[str, Any]
KILLED = 128 + signal.SIGKILL
# What an operation may change for good: libxl's note of the target, and the agent's mailbox. The
# limits are compared by themselves.
CHANGING = re.compile(
    r"/vm/[^/]+/memory |/local/domain/\d+/(memory/(target|static-max) |(data|control)/memctl)"
)


def tree(lab: Lab) -> list[str]:
    """xenstore's whole tree with its permissions, but for what may change."""
    lines = lab.check("xenstore-ls -fp /").splitlines()
    return sorted(line for line in lines if not CHANGING.match(line))


def limits(guest: Guest) -> Limits:
    """Without the pool: it is never lowered under a guest that may have grown."""
    return replace(guest.snapshot(), pool_bytes=None)


def die_at(lab: Lab, guest: Guest, phase: str, *arguments: str) -> None:
    """A resize that is killed as soon as it tells that the phase begins."""
    pipe = "/tmp/events"
    pattern = f"""*'"phase":"{phase}"'*"""
    done = lab.run(
        f"rm -f {pipe}; mkfifo {pipe}; memctl resize --json {guest.name} {' '.join(arguments)} "
        f'>{pipe} & pid=$!; while read -r line; do case "$line" in {pattern}) kill -9 $pid;; esac; '
        f"done <{pipe}; wait $pid"
    )
    assert done.status == KILLED, f"{phase} {arguments}: {done}"


def recover(lab: Lab, *guests: Guest) -> dict[str, Json]:
    """What became of each domain, by its name."""
    done = lab.run(f"memctl recover --json {' '.join(each.name for each in guests)}", timeout=300)
    assert done.status in (0, 5), done  # 5: kept
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(each["domain"]["name"]): each for each in found}


def check_sound(lab: Lab, *guests: Guest) -> None:
    """Each lives and answers; nothing of memctl's is left anywhere."""
    assert lab.facts().outstanding_pages == 0
    for guest in guests:
        assert guest.alive() and guest.killed_processes() == 0
        assert not guest.has_journal()
        assert status(lab, guest.name)[0]["agent"] is not None


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, fresh_lab: Lab) -> Guest:
    made = fresh_lab.create_guest(f"crash-{request.param}", request.param)
    made.wait_for_agent()
    return made


PHASES = [
    ("facts", ["2g"]),
    ("reserve", ["2g"]),
    ("online", ["2g"]),
    ("populate", ["2g"]),
    ("verify", ["2g"]),
    ("restore", ["3g", "--timeout", "1"]),
    ("reserve", ["300m"]),
    ("populate", ["300m"]),
    ("verify", ["300m"]),
]


def test_killed_at_each_phase(fresh_lab: Lab, guest: Guest) -> None:
    assert resize(guest, "600m").status == 0
    before, tree_before = limits(guest), tree(fresh_lab)
    for phase, arguments in PHASES:
        die_at(fresh_lab, guest, phase, *arguments)
        left = guest.has_journal()
        assert left or phase == "facts"
        found = recover(fresh_lab, guest)[guest.name]
        assert found["outcome"] == ("restored" if left else "nothing"), (phase, found)
        assert limits(guest) == before, (phase, arguments)
        assert tree(fresh_lab) == tree_before, (phase, arguments)
        check_sound(fresh_lab, guest)

    die_at(fresh_lab, guest, "populate", "2g", "--on-failure", "keep")
    found = recover(fresh_lab, guest)[guest.name]
    assert found["outcome"] == "kept"
    kept = limits(guest)
    assert kept.static_max_kib == found["limit_kib"]
    assert kept.target_kib == found["reached_kib"]
    assert tree(fresh_lab) == tree_before
    check_sound(fresh_lab, guest)


@pytest.mark.full
def test_killed_at_fifty_random_moments(fresh_lab: Lab) -> None:
    guests = fresh_lab.create_guests([("random-pv", "pv"), ("random-pvh", "pvh")])
    for guest in guests:
        guest.wait_for_agent()
        assert resize(guest, "600m").status == 0
    before, tree_before = [limits(guest) for guest in guests], tree(fresh_lab)
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
        found = recover(fresh_lab, *guests)
        for guest, earlier, size in zip(guests, before, sizes):
            outcome = found[guest.name]["outcome"]
            outcomes.append(outcome)
            if outcome == "nothing" and limits(guest) != earlier:  # it had ended by then
                assert limits(guest).target_kib == size * MIB
                assert resize(guest, "600m").status == 0
                fresh_lab.check(f"xl mem-max {guest.domid} 600")
            assert limits(guest) == earlier, (moment_us, size, outcome)
        assert tree(fresh_lab) == tree_before, moment_us
        check_sound(fresh_lab, *guests)
    print({outcome: outcomes.count(outcome) for outcome in outcomes})
    assert outcomes.count("restored") >= 10


@pytest.mark.full
def test_four_processes_on_two_domains_killed_at_random(fresh_lab: Lab) -> None:
    free_pages = fresh_lab.facts().free_pages
    guests = fresh_lab.create_guests([("race-pv", "pv"), ("race-pvh", "pvh")])
    for guest in guests:
        guest.wait_for_agent()
    sizes = {guest.name: guest.snapshot() for guest in guests}
    names = " ".join(guest.name for guest in guests)
    fresh_lab.write_file(
        "/tmp/race",
        f"""#!/bin/sh
# One of four: resizes one of two guests at random, and is killed at random. How it ended comes out;
# what it said of an end that is not to be, as error output.
end=$(($(date +%s) + 120))
while [ $(date +%s) -lt $end ]; do
  set -- {names}
  [ $((RANDOM % 2)) = 0 ] || shift
  memctl resize $1 $((200 + RANDOM % 1800))m >/dev/null 2>/tmp/said.$$ & pid=$!
  (usleep $((RANDOM * 100)); kill -9 $pid 2>/dev/null) & killer=$!
  wait $pid
  status=$?
  echo $status
  case $status in 0|3|4|5|{KILLED}) ;; *) echo $status; cat /tmp/said.$$;; esac >&2
  kill $killer 2>/dev/null
  wait $killer
done
""",
    )
    running = [fresh_lab.start("sh /tmp/race") for _ in range(4)]
    jobs = [job.wait(300) for job in running]
    ended = [int(line) for job in jobs for line in job.stdout.split()]
    print({code: ended.count(code) for code in sorted(set(ended))})
    # verified, refused, restored, kept or killed
    assert set(ended) <= {0, 3, 4, 5, KILLED}, "".join(job.stderr for job in jobs)
    assert ended.count(KILLED) >= 10
    recover(fresh_lab, *guests)
    check_sound(fresh_lab, *guests)
    for guest in guests:
        done = resize(guest, "160m", timeout=300)
        assert done.status in (0, 3), done.report
        domain = guest.domain()
        assert domain is not None and domain.tot_pages <= guest.snapshot().max_pages
        assert domain.max_pages >= sizes[guest.name].max_pages
        guest.destroy()
    fresh_lab.check("while xl list | grep -q race-; do usleep 100000; done")
    assert abs(fresh_lab.facts().free_pages - free_pages) * 4 <= 64, "the host has all of it again"
    assert fresh_lab.facts().outstanding_pages == 0
