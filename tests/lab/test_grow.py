"""A running guest grows past its boot limit, and three layers confirm it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.figures import Figures
from memctl_lab.memctl import Resized, finish, plan, resize, start_resize, status

MIB = 1024
SECTION_KIB = 128 * MIB
# Describing a section takes 2 MiB of the guest, on pv up to 2.6 MiB with page tables and p2m.
MEMMAP_KIB = {"pv": 2688, "pvh": 2048}


@pytest.fixture(params=["pv", "pvh"], scope="class")
def guest(request: pytest.FixtureRequest, host: ScenarioHost) -> Iterator[ScenarioGuest]:
    """A guest of 160 MiB whose agent has announced itself; the scenarios of a class share it."""
    made = host.create_guest(f"grow-{request.param}", request.param)
    made.wait_for_agent()
    yield made
    made.destroy()


def check_grown(
    guest: ScenarioGuest, done: Resized, size_mib: int, tot_before: int, total_before: int
) -> None:
    """Checks success by figures that memctl had no part in."""
    grown_kib = (size_mib - 160) * MIB
    assert done.ending == (0, "verified", None), done.stderr
    domain, facts, limits = guest.domain(), guest.facts(), guest.snapshot()
    assert domain is not None

    over = domain.tot_kib - tot_before - grown_kib
    assert 0 <= over <= MIB, f"Xen's page count is {over} KiB off"
    assert facts.offline_blocks == ()
    sections = -(-grown_kib // SECTION_KIB)
    missing = grown_kib - (facts.mem_total_kib - total_before)
    assert 0 <= missing <= sections * MEMMAP_KIB[guest.type]

    assert limits.limit_kib == limits.target_kib == size_mib * MIB
    assert limits.max_pages * 4 == (size_mib + 1) * MIB
    assert limits.claim_pages == 0
    report = done.report
    assert report["from_kib"] == 160 * MIB
    assert report["requested_kib"] == size_mib * MIB
    assert 0 <= report["reached_kib"] - size_mib * MIB <= MIB
    assert report["limit_kib"] == size_mib * MIB
    assert report["verified"] == {"xen": True, "blocks": True, "guest_total": True}
    assert report["guest_total_kib"] == facts.mem_total_kib
    assert not guest.has_journal()
    print(
        f"{guest.name}: 160 -> {size_mib} MiB in {report['elapsed_ms']} ms, "
        f"{report['stages']} stages; "
        f"Xen +{(domain.tot_kib - tot_before) // MIB} MiB ({over} KiB over), "
        f"{len(facts.blocks)} blocks online, MemTotal {facts.mem_total_kib // MIB} MiB "
        f"({missing} KiB less than was added)"
    )


def grow(guest: ScenarioGuest, size_mib: int, figures: Figures) -> None:
    """Grows the guest from 160 MiB, and checks every layer."""
    before, facts = guest.domain(), guest.facts()
    assert before is not None
    done = resize(guest, f"{size_mib}m")
    check_grown(guest, done, size_mib, before.tot_kib, facts.mem_total_kib)
    assert guest.facts().online_policy == facts.online_policy, "the earlier policy is back"
    figures.record_resize(f"{size_mib} MiB", guest, done)


class TestGrowth:
    def test_more_than_the_host_has_is_refused(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        before, host = guest.snapshot(), guest.host.facts()
        done = resize(guest, "64g")
        assert done.ending == (3, "refused", "host_memory")
        assert guest.snapshot() == before
        assert guest.host.facts() == host
        figures.record_resize("64 GiB", guest, done)

        offered = status(guest.host, guest.name)[0]["range"]["largest"]["size_kib"]
        assert 160 * MIB < offered < host.free_pages * 4 + 160 * MIB
        assert resize(guest, f"{offered + 4}k", "--dry-run").status == 3
        assert plan(guest, f"{offered}k")["event"] == "plan"
        assert guest.snapshot() == before

    def test_a_guest_grows_past_its_boot_limit(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        grow(guest, 1024, figures)

    def test_a_grown_guest_uses_the_memory(self, guest: ScenarioGuest) -> None:
        guest.hold_memory(700)
        assert guest.alive()


@pytest.mark.full
class TestLargeGrowth:
    def test_a_guest_grows_to_22_times_its_boot_limit(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        """With the pool of a 160 MiB guest, a pvh guest would stop at 952 MiB without a message."""
        grow(guest, 3584, figures)


class TestAgent:
    def test_one_mebibyte_more_is_one_mebibyte_more(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        before, facts = guest.domain(), guest.facts()
        assert before is not None
        done = resize(guest, "+1m")
        check_grown(guest, done, 161, before.tot_kib, facts.mem_total_kib)
        figures.record_resize("+1 MiB", guest, done)

    def test_an_agent_killed_in_the_middle_leaves_a_safe_guest(self, guest: ScenarioGuest) -> None:
        before = guest.snapshot()
        running = start_resize(guest, "3584m")
        running.wait_for_output('"phase":"populate"')
        guest.kill_agent()
        done = finish(running)
        assert done.status in (4, 5), done.told
        assert done.report["cause"] == "agent_absent"
        assert guest.alive()
        assert guest.runs_programs()

        domain, after = guest.domain(), guest.snapshot()
        assert domain is not None
        assert after.claim_pages == 0
        # Nothing tells how much the guest can spare, so it keeps what it has.
        assert abs(after.target_kib - domain.tot_kib) <= MIB
        if done.status == 4:
            earlier = (before.max_pages, before.limit_kib, before.target_kib)
            assert (after.max_pages, after.limit_kib, after.target_kib) == earlier
        else:
            # The guest stops at another size in every run, so nothing is recorded.
            assert after.target_kib == done.report["reached_kib"]
            assert after.limit_kib == done.report["limit_kib"] >= after.target_kib
        print(f"{guest.name}: {done.report['outcome']}, target {after.target_kib // MIB} MiB")

    def test_an_agent_that_was_killed_is_missed(self, guest: ScenarioGuest) -> None:
        assert not guest.agent_runs(), "the scenario before killed it"
        before = guest.snapshot()
        done = resize(guest, "4g")
        assert done.ending == (3, "refused", "agent_absent")
        if guest.host.kind == "sim":  # its time is virtual; real time depends on the machine
            assert done.report["elapsed_ms"] < 6000
        assert guest.snapshot() == before


def test_without_an_agent_nothing_is_changed(fresh_host: ScenarioHost, figures: Figures) -> None:
    for guest in fresh_host.create_guests([("bare-pv", "pv"), ("bare-pvh", "pvh")], agent=False):
        before = guest.snapshot()
        done = resize(guest, "1g")
        assert done.ending == (3, "refused", "agent_absent")
        if fresh_host.kind == "sim":  # its time is virtual; real time depends on the machine
            assert done.report["elapsed_ms"] < 1000, "at once"
        assert guest.snapshot() == before
        figures.record_resize(guest.type, guest, done)
