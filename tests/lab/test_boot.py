"""The lab itself: if these tests fail, the other scenarios prove nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[list[Guest]]:
    made = lab.create_guests(
        [("boot-pv", "pv"), ("boot-pvh", "pvh")], agent=False, online_policy="offline"
    )
    yield made
    for guest in made:
        guest.destroy()


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, guests: list[Guest]) -> Guest:
    return next(guest for guest in guests if guest.config.type == request.param)


def test_xen_answers(lab: Lab) -> None:
    assert "xen_version" in lab.check("xl info")
    assert lab.facts().free_pages > 0


def test_output_error_output_and_status_arrive_apart(lab: Lab) -> None:
    done = lab.run(r"printf 'a\000\377b'; echo c >&2; exit 7")
    assert (done.status, done.stdout, done.stderr) == (7, "a\0\ufffdb", "c\n")


def test_a_command_runs_while_another_does(lab: Lab) -> None:
    first = lab.start("echo started; exec sleep 1000")
    first.wait_for_output("started")
    assert lab.check("echo second") == "second\n"
    first.kill()
    assert first.wait().status == 128 + 15


def test_an_ordinary_user_may_not_use_xen(lab: Lab) -> None:
    assert lab.run("xenstore-ls /", user="nobody").status != 0
    assert lab.check("id -u") == "0\n"


def test_guest_has_the_memory_it_was_given(guest: Guest) -> None:
    domain = guest.domain()
    assert domain is not None
    assert abs(domain.tot_kib - 160 * 1024) <= 1024
    assert guest.facts().online_policy == "offline"
    assert guest.alive()


def test_guest_runs_commands(guest: Guest) -> None:
    done = guest.run("echo out; echo error >&2; exit 3")
    assert (done.status, done.stdout, done.stderr) == (3, "out\n", "error\n")
    assert len(guest.check("seq 1 3000")) == 13893


def test_guest_facts_need_no_fork(guest: Guest) -> None:
    before = guest.facts()
    guest.hold_memory(50)
    held = guest.facts()
    guest.release_memory()
    assert before.mem_free_kib - held.mem_free_kib > 40 * 1024


def test_snapshots_compare(lab: Lab, guest: Guest) -> None:
    before = guest.snapshot()
    assert guest.snapshot() == before
    lab.check(f"xl mem-max {guest.name} 200")
    assert guest.snapshot() != before


def test_xl_reports_success_for_a_request_that_never_happens(lab: Lab, guest: Guest) -> None:
    """With the policy `offline` the added blocks stay offline, so Linux populates nothing."""
    lab.check(f"xl mem-max {guest.name} 512")
    lab.check(f"xl mem-set {guest.name} 512")
    guest.check(
        "until grep -q offline /sys/devices/system/memory/memory*/state; do usleep 20000; done"
    )
    facts = guest.facts()
    assert facts.offline_blocks
    assert facts.current_kib < 170 * 1024
    assert facts.target_kib > 500 * 1024
