"""Guests as ordinary hosts have them: silent, slow, or left by another tool on the way to a target.

Every resize ends with the truth within a bounded time, and a guest that is asked for enough memory
while another tool takes its memory away is rescued.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.comparison import MIB
from memctl_lab.facts import PAGE_KIB
from memctl_lab.figures import Figures
from memctl_lab.memctl import doctor, finish, plan, recover, resize, start_resize, status
from memctl_lab.rivals import RIVALS

(MAX_PAGES,) = (rival for rival in RIVALS if rival.limit == "max_pages")


def record_node(guest: ScenarioGuest) -> str:
    return f"/libxl/{guest.domid}/memctl"


def write_target(guest: ScenarioGuest, kib: int) -> None:
    """Another tool sets the target in xenstore."""
    guest.host.xenstore_write(f"/local/domain/{guest.domid}/memory/target", str(kib))


def count_kib(guest: ScenarioGuest) -> int:
    """Xen's count."""
    domain = guest.domain()
    assert domain is not None
    return domain.tot_kib


def reach(guest: ScenarioGuest, mib: int) -> None:
    """Resizes the guest, which has to end verified and with what Xen counts."""
    done = resize(guest, f"{mib}m", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    for kib in (count_kib(guest), done.report["reached_kib"]):
        assert abs(kib - mib * MIB) < MIB
    check_sound(guest)


class TestSilentGuests:
    """The scenarios of this class share guests whose agents are there and do not answer."""

    @pytest.fixture(scope="class")
    def guests(self, host: ScenarioHost) -> Iterator[Sequence[ScenarioGuest]]:
        first = host.create_guest("silent-0")
        # A guest whose name is the number of another guest.
        made = [first, *host.create_guests([(str(first.domid), "pv"), ("silent-2", "pv")])]
        for guest in made:
            guest.wait_for_agent()
            guest.hang_agent()
        yield made
        for guest in made:
            guest.destroy()

    @staticmethod
    def check_as_long_as_one(
        host: ScenarioHost,
        guests: Sequence[ScenarioGuest],
        ask: Callable[..., object],
        again: Callable[[], object] = lambda: None,
    ) -> None:
        """All guests together take about one answer's time, and so far less than two of them.

        `again` prepares the first guest, which is asked twice.
        """

        def took(*asked: ScenarioGuest) -> float:
            begun = host.now()
            ask(*asked)
            return host.now() - begun

        one = took(guests[0])
        again()
        all_of_them = took()
        print(f"one silent guest took {one:.2f} s, {len(guests)} took {all_of_them:.2f} s")
        assert one > 2, "its agent has answered"
        assert all_of_them < 2 * one

    def test_status(self, host: ScenarioHost, guests: Sequence[ScenarioGuest]) -> None:
        def ask(*asked: ScenarioGuest) -> None:
            told = status(host, *(guest.name for guest in asked))
            wanted = {guest.domid for guest in asked or guests}
            assert {each["domain"]["id"] for each in told} == wanted
            assert {each["refused_by"] for each in told} == {"agent_absent"}

        self.check_as_long_as_one(host, guests, ask)

    def test_doctor(self, host: ScenarioHost, guests: Sequence[ScenarioGuest]) -> None:
        def ask(*asked: ScenarioGuest) -> None:
            done = doctor(host, *asked)
            for guest in asked or guests:
                assert done.finding("agent", guest)["severity"] == "bad"

        self.check_as_long_as_one(host, guests, ask)

    def test_recover(self, host: ScenarioHost, guests: Sequence[ScenarioGuest]) -> None:
        before = [guest.snapshot() for guest in guests]

        def ask(*asked: ScenarioGuest) -> None:
            done = recover(host, *asked)
            for guest in asked or guests:
                assert done.of(guest)["outcome"] == "restored"

        for guest in guests:
            self.leave_record(guest)
        self.check_as_long_as_one(host, guests, ask, again=lambda: self.leave_record(guests[0]))
        assert not any(guest.has_journal() for guest in guests)
        assert [guest.snapshot() for guest in guests] == before

    def test_digits_mean_a_number(
        self, host: ScenarioHost, guests: Sequence[ScenarioGuest]
    ) -> None:
        numbered, named = guests[:2]
        assert named.name == str(numbered.domid)
        told = status(host, named.name, str(named.domid))
        assert [each["domain"]["name"] for each in told] == [numbered.name, named.name]

    @staticmethod
    def leave_record(guest: ScenarioGuest) -> None:
        """Leaves the record of an operation that has ended without restoring anything."""
        limits = guest.snapshot()
        record = {
            "format": 1,
            "owner": "",
            "operation": 7,
            "size_kib": limits.target_kib,
            "present_kib": limits.target_kib,
            "limit_kib": limits.limit_kib,
            "max_pages_kib": limits.max_pages * PAGE_KIB,
            "settled_offset_kib": count_kib(guest) - limits.target_kib,
            "to_kib": 2 * limits.target_kib,
        }
        guest.host.xenstore_write(record_node(guest), json.dumps(record))


class TestTargetsOfOtherTools:
    """The scenarios of this class share a pv and a pvh guest of 1 GiB."""

    @pytest.fixture(scope="class")
    def guests(self, host: ScenarioHost) -> Iterator[dict[str, ScenarioGuest]]:
        wanted = [("field-pv", "pv"), ("field-pvh", "pvh")]
        made = host.create_guests(wanted, memory_mib=1024)
        for guest in made:
            guest.wait_for_agent()
        yield {guest.type: guest for guest in made}
        for guest in made:
            guest.destroy()

    @pytest.fixture(params=["pv", "pvh"])
    def guest(
        self, request: pytest.FixtureRequest, guests: dict[str, ScenarioGuest]
    ) -> ScenarioGuest:
        guest = guests[request.param]
        reach(guest, 1024)
        return guest

    def test_a_target_of_no_whole_pages(self, guest: ScenarioGuest, figures: Figures) -> None:
        off_kib = count_kib(guest) - 1024 * MIB
        for now, mib in [(1024, 1200), (1200, 512)]:
            write_target(guest, now * MIB - 3)
            reach(guest, mib)
            assert count_kib(guest) - mib * MIB == off_kib
            figures.record_guest(f"{mib} MiB", guest)

    def test_a_cap_below_the_target(self, guest: ScenarioGuest, figures: Figures) -> None:
        write_target(guest, 1000 * MIB)
        guest.settle(1000)
        guest.act_as(MAX_PAGES, 1000)
        write_target(guest, 1001 * MIB)
        found = doctor(guest.host, guest).finding("max_pages", guest)
        assert (found["severity"], found["remedy"]) == ("note", f"memctl resize {guest.name} 1001m")
        figures.record("doctor", message=found["message"])
        done = resize(guest, "1001m")
        assert done.ending == (0, "verified", None), done.told
        assert count_kib(guest) > 1001 * MIB - 100
        assert doctor(guest.host, guest).finding("max_pages", guest)["severity"] == "good"
        check_sound(guest)

    def test_a_guest_on_its_way_grows(self, guest: ScenarioGuest) -> None:
        guest.mem_set(700).check()
        reach(guest, 2048)

    def test_a_guest_is_rescued_on_its_way(self, guest: ScenarioGuest) -> None:
        guest.mem_set(300).check()
        reach(guest, 800)

    def test_a_guest_with_a_process_is_rescued_on_its_way(self, guest: ScenarioGuest) -> None:
        guest.hold_memory(600)
        guest.mem_set(300).check()
        reach(guest, 1500)
        guest.release_memory()


@pytest.mark.full
@pytest.mark.hvm
def test_an_hvm_guest_on_its_way_grows(fresh_host: ScenarioHost) -> None:
    guest = fresh_host.create_guest("field-hvm", "hvm", memory_mib=1024, video_ram_mib=16)
    guest.wait_for_agent()
    guest.mem_set(700).check()
    done = resize(guest, "2g", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    check_sound(guest)


class TestObstacles:
    """A plan and a status tell the obstacle that a resize would meet.

    The scenarios of this class share a guest.
    """

    @pytest.fixture(scope="class")
    def guest(self, host: ScenarioHost) -> Iterator[ScenarioGuest]:
        made = host.create_guest("obstacle", "pvh", online_policy="online_kernel")
        made.wait_for_agent()
        yield made
        made.destroy()

    @staticmethod
    def causes(guest: ScenarioGuest) -> list[str | None]:
        """What a plan, a status and a resize say, in this order."""
        planned = plan(guest, "1g").get("cause")
        (told,) = status(guest.host, guest.name)
        return [planned, told["refused_by"], resize(guest, "1g").report["cause"]]

    def test_a_damaged_record(self, guest: ScenarioGuest) -> None:
        before = guest.snapshot()
        guest.host.xenstore_write(record_node(guest), "damaged")
        assert self.causes(guest) == ["journal_damaged"] * 3
        assert doctor(guest.host, guest).finding("leftover", guest)["severity"] == "bad"
        guest.host.xenstore_remove(record_node(guest))
        assert guest.snapshot() == before
        check_sound(guest)

    def test_without_the_agent_nothing_is_claimed(
        self, guest: ScenarioGuest, figures: Figures
    ) -> None:
        done = resize(guest, "200m", "--agentless")
        assert done.ending == (0, "verified", None), done.told
        assert done.report["verified"] == {"xen": True, "blocks": False, "guest_total": False}
        assert done.report["guest_total_kib"] is None
        check_sound(guest)

    def test_a_save(self, guest: ScenarioGuest) -> None:
        with guest.being_saved():
            assert self.causes(guest) == ["domain_migrating"] * 3
        guest.wait_for_agent()
        check_sound(guest)

    def test_another_operation(self, guest: ScenarioGuest) -> None:
        running = start_resize(guest, "2g")
        running.wait_for_output('"phase":"populate"')
        assert self.causes(guest) == ["busy"] * 3
        assert finish(running, timeout=300).ending == (0, "verified", None)
        check_sound(guest)


def test_a_guest_that_drips_holds_nobody_up(fresh_host: ScenarioHost) -> None:
    """A process of root in the guest lets its balloon move a page twice a second."""
    wanted = [("dripping", "pv"), ("brisk", "pv")]
    dripping, brisk = fresh_host.create_guests(wanted)
    for guest in (dripping, brisk):
        guest.wait_for_agent()
    for step_kib, mib, brisk_mib in [(4, 1024, 256), (-4, 200, 320)]:
        dripping.drip(step_kib)
        begun = fresh_host.now()
        running = start_resize(dripping, f"{mib}m", "--timeout 20 --stall 8")
        running.wait_for_output('"phase":"populate"')
        assert status(fresh_host, dripping.name)[0]["refused_by"] == "busy"
        assert resize(brisk, f"{brisk_mib}m").ending == (0, "verified", None)
        assert dripping.has_journal(), "it was over too soon"
        done = finish(running)
        took = fresh_host.now() - begun
        print(f"{step_kib} KiB twice a second: {done.ending} after {took:.1f} s")
        print(done.report["message"])
        assert done.report["cause"] in ("stalled", "deadline")
        assert done.report["outcome"] in ("restored", "kept")
        assert took < 60
        dripping.stop_dripping()
        check_sound(dripping)
        # The process moved the balloon away from dom0's target, which only a write tells again.
        write_target(dripping, dripping.snapshot().target_kib)
        reach(dripping, 400)
    check_sound(brisk)
