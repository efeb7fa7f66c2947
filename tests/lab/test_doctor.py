"""What the doctor finds on hosts and in guests; the commands that it names mend that.

On real Xen with `--full`.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from memctl_lab import Guest, Lab, ScenarioGuest, ScenarioHost
from memctl_lab.figures import Figures
from memctl_lab.memctl import Examined, Json, doctor, finish, resize, start_resize

pytestmark = pytest.mark.full

XL_CONF = "/etc/xen/xl.conf"
IN_THE_GUEST = "in the guest: "
RESTART_AGENT = "systemctl restart memctl-agent"
ASKED_OF_THE_AGENT = ("hotplug", "kernel", "online_policy", "udev_rule", "memory_blocks")
MEASURED = ("xen_version", "host_reserve", "agent_version", "kernel")
"""Checks whose message differs between the hosts."""

UDEV_RULE = "/etc/udev/rules.d/40-lab.rules"
RULE = 'SUBSYSTEM=="memory", ACTION=="add", ATTR{state}=="offline", ATTR{state}="online_movable"\n'
# Guests of the lab have no systemd, and no udev. These know the calls that memctl names.
TMPFILES = """#!/bin/sh
[ "$1" = --create ] || exit 1
while read -r type path mode user group age text; do
    [ "$type" = w ] && echo "$text" >"$path"
done <"$2"
"""
UDEVADM = """#!/bin/sh
[ "$*" = "control --reload" ]
"""
SYSTEMCTL = """#!/bin/sh
case "$*" in
"restart memctl-agent" | "enable --now memctl-agent") ;;
*) exit 1 ;;
esac
killall -9 memctl-agent 2>/dev/null
while pidof memctl-agent >/dev/null; do usleep 50000; done
memctl-agent </dev/null >/dev/console 2>&1 &
"""


def record(figures: Figures, what: str, findings: Sequence[Json]) -> None:
    """Records the findings, with their messages if those are equal on both hosts."""
    figures.record(
        what,
        **{
            each["check"]: (
                each["severity"],
                None if each["check"] in MEASURED else each["message"],
                each["remedy"],
            )
            for each in findings
        },
    )


def nothing_bad(host: ScenarioHost, *guests: ScenarioGuest) -> Examined:
    """Runs the doctor, and checks that nothing is bad."""
    done = doctor(host, *guests)
    assert done.faults == {}
    assert done.status == 0
    return done


def one_bad(host: ScenarioHost, guest: ScenarioGuest, check: str) -> Json:
    """Runs the doctor, and checks that only this check is bad."""
    done = doctor(host, guest)
    bad = [name for name, severity in done.faults.items() if severity == "bad"]
    assert (done.status, bad) == (1, [check])
    return done.finding(check, guest)


class TestSoundGuests:
    """The scenarios of this class share a pv and a pvh guest."""

    @pytest.fixture(scope="class")
    def guests(self, host: ScenarioHost) -> Iterator[dict[str, ScenarioGuest]]:
        wanted = [("doctor-pv", "pv"), ("doctor-pvh", "pvh")]
        made = host.create_guests(wanted, online_policy="offline")
        for guest in made:
            guest.wait_for_agent()
        yield {guest.type: guest for guest in made}
        for guest in made:
            guest.destroy()

    def test_nothing_is_bad(
        self, host: ScenarioHost, guests: dict[str, ScenarioGuest], figures: Figures
    ) -> None:
        done = nothing_bad(host, *guests.values())
        record(figures, "host", done.of(None))
        for type, guest in guests.items():
            record(figures, type, done.of(guest))
        # The doctor says that memory stays offline without memctl. That is no fault.
        assert done.finding("online_policy", guests["pv"])["message"].startswith("offline: ")

    def test_without_a_name_every_guest_is_looked_at(
        self, host: ScenarioHost, guests: dict[str, ScenarioGuest]
    ) -> None:
        done = doctor(host)
        for guest in guests.values():
            assert {each["severity"] for each in done.of(guest)} == {"good"}

    def test_a_paused_guest_cannot_answer(
        self, host: ScenarioHost, guests: dict[str, ScenarioGuest], figures: Figures
    ) -> None:
        guest = guests["pvh"]
        guest.pause()
        done = doctor(host, guest)
        guest.unpause()
        assert done.status == 1
        unknown = {check: "unknown" for check in ("agent", *ASKED_OF_THE_AGENT)}
        assert done.faults == {"state": "bad", **unknown}
        assert done.finding("state", guest)["remedy"] == f"xl unpause {guest.name}"
        record(figures, "paused", done.of(guest))
        nothing_bad(host, guest)

    def test_a_resize_of_another_process_is_not_bad(
        self, host: ScenarioHost, guests: dict[str, ScenarioGuest]
    ) -> None:
        guest = guests["pvh"]
        running = start_resize(guest, "3584m")
        running.wait_for_output('"phase":"populate"')
        done = doctor(host, guest)
        assert finish(running, timeout=300).ending == (0, "verified", None)
        assert done.status == 0
        # A claim for the guest, and a block that is not online yet, are at most notes.
        assert set(done.faults.values()) == {"note"}, done.faults
        assert done.finding("claims", guest)["severity"] == "good"
        leftover = done.finding("leftover", guest)
        assert leftover["severity"] == "note"

        grown = doctor(host, guest).finding("cold_start", guest)
        assert grown["severity"] == "note"
        assert grown["message"].startswith(
            "it was built with 160 MiB of at most 160 MiB, and has 3584 MiB of at most 3584 MiB: "
        )
        assert leftover["message"].startswith("an operation is under way: ")
        assert leftover["remedy"] is None
        assert doctor(host, guest).faults == {"cold_start": "note"}

    def test_a_killed_agent_is_missed(
        self, host: ScenarioHost, guests: dict[str, ScenarioGuest], figures: Figures
    ) -> None:
        guest = guests["pv"]
        guest.kill_agent()
        done = doctor(host, guest)
        assert done.status == 1
        unknown = {check: "unknown" for check in ASKED_OF_THE_AGENT}
        assert done.faults == {"agent": "bad", **unknown}
        assert done.finding("agent", guest)["remedy"] == IN_THE_GUEST + RESTART_AGENT
        record(figures, "killed", done.of(guest))


def test_a_guest_without_an_agent(fresh_host: ScenarioHost, figures: Figures) -> None:
    guest = fresh_host.create_guest("doctor-bare", "pv", agent=False)
    done = doctor(fresh_host, guest)
    assert done.status == 1
    unknown = {check: "unknown" for check in ("agent_version", *ASKED_OF_THE_AGENT)}
    assert done.faults == {"agent": "bad", **unknown}
    remedy = done.finding("agent", guest)["remedy"]
    assert remedy == IN_THE_GUEST + "systemctl enable --now memctl-agent"
    record(figures, "bare", done.of(guest))


def test_a_frozen_pool_that_a_resize_raises_is_good(
    fresh_host: ScenarioHost, figures: Figures
) -> None:
    """A pool of 2 MiB is enough for 256 MiB at most."""
    guest = fresh_host.create_guest("doctor-frozen", "pvh", memory_mib=256, shadow_memory_mib=2)
    guest.wait_for_agent()
    found = nothing_bad(fresh_host, guest).finding("frozen_pool", guest)
    assert (found["severity"], found["remedy"]) == ("good", None)
    record(figures, "frozen", [found])
    assert resize(guest, "+1m").ending == (0, "verified", None)
    assert guest.frozen_pool_kib() == 2048 + 4


def test_a_policy_that_makes_memory_movable_is_noted(
    fresh_host: ScenarioHost, figures: Figures
) -> None:
    guest = fresh_host.create_guest("doctor-movable", "pv", online_policy="online_movable")
    guest.wait_for_agent()
    done = doctor(fresh_host, guest)
    assert (done.status, done.faults) == (0, {"online_policy": "note"})
    record(figures, "movable", [done.finding("online_policy", guest)])


# The rest is only about the real machine.


def test_a_program_that_resizes_domains_is_named_if_root_runs_it(lab: Lab) -> None:
    """The kernel names a process after its script. Anybody can run one of any name."""
    program = "/tmp/squeezed"
    lab.write_file(program, "#!/bin/sh\necho up\nread end\n")
    lab.check(f"chmod 755 {program}")
    pretended = lab.start(f"su -s /bin/sh nobody -c {program}", with_input=True)
    pretended.wait_for_output("up")
    assert doctor(lab).finding("memory_manager")["severity"] == "good"
    real = lab.start(program, with_input=True)
    real.wait_for_output("up")
    found = doctor(lab).finding("memory_manager")
    assert found["severity"] == "bad"
    assert found["message"].startswith("squeezed runs: ")
    for each in (pretended, real):
        each.send(b"end\n")
        each.wait().check()
    assert doctor(lab).finding("memory_manager")["severity"] == "good"


@pytest.fixture
def xl_conf(lab: Lab) -> Iterator[str]:
    """A file that a scenario may write or remove. It is restored afterwards."""
    before = lab.read_file(XL_CONF)
    yield XL_CONF
    lab.write_file(XL_CONF, before)


class TestAutoballoon:
    def test_on_is_noted_until_the_named_command_was_run(self, lab: Lab, xl_conf: str) -> None:
        for word in ("on", "1"):
            lab.write_file(xl_conf, f'# of the lab\nautoballoon="{word}"\n')
            done = doctor(lab)
            found = done.finding("autoballoon")
            assert (done.status, found["severity"]) == (0, "note"), found
            assert found["message"].startswith(f"on in {xl_conf}: ")
            lab.check(found["remedy"])
            assert doctor(lab).finding("autoballoon")["severity"] == "good"

    @pytest.mark.parametrize("text", [None, "", "#autoballoon=1\n", "autoballoon='auto'\n"])
    def test_auto_is_off_if_dom0_has_a_fixed_size(
        self, lab: Lab, xl_conf: str, text: str | None
    ) -> None:
        if text is None:
            lab.check(f"rm {xl_conf}")
        else:
            lab.write_file(xl_conf, text)
        assert "dom0_mem=" in lab.check("xl info | grep ^xen_commandline"), "booted so"
        found = doctor(lab).finding("autoballoon")
        assert found["severity"] == "good"
        assert found["message"] == "off: left to xl, and Xen's command line has dom0_mem"

    def test_an_unknown_word_is_unknown(self, lab: Lab, xl_conf: str) -> None:
        lab.write_file(xl_conf, 'autoballoon="perhaps"\n')
        done = doctor(lab)
        assert done.finding("autoballoon")["severity"] == "unknown"
        assert done.status == 0

    def test_a_guest_started_under_it_has_a_frozen_pool(self, fresh_lab: Lab, xl_conf: str) -> None:
        fresh_lab.write_file(xl_conf, 'autoballoon="on"\n')
        guest = fresh_lab.create_guest("doctor-auto", "pvh")
        guest.wait_for_agent()
        before = guest.frozen_pool_kib()
        assert before is not None
        assert doctor(fresh_lab, guest).faults == {"autoballoon": "note"}
        assert resize(guest, "+1m").ending == (0, "verified", None)
        assert guest.frozen_pool_kib() == before + 4


@pytest.mark.parametrize("type, phase", [("pv", "online"), ("pvh", "populate")])
def test_the_named_command_mends_what_a_killed_resize_left(
    fresh_lab: Lab, type: str, phase: str
) -> None:
    guest = fresh_lab.create_guest(f"doctor-left-{type}", type)
    guest.wait_for_agent()
    before = guest.snapshot()
    running = start_resize(guest, "3584m")
    running.wait_for_output(f'"phase":"{phase}"')
    running.kill(signal.SIGKILL)
    assert running.wait().status == 128 + signal.SIGKILL
    guest.pause()  # so that the guest takes no more of its claim
    assert guest.has_journal()

    claimed = guest.snapshot().claim_pages > 0
    remedy = f"memctl recover {guest.name}"
    done = doctor(fresh_lab, guest)
    assert done.status == 1
    found = done.finding("leftover", guest)
    assert (found["severity"], found["remedy"]) == ("bad", remedy)
    claims = done.finding("claims", guest)
    assert claims["severity"] == ("bad" if claimed else "good")
    assert claims["remedy"] == (remedy if claimed else None)
    print(f"{guest.name}: {claims['message']}")

    guest.unpause()
    assert doctor(fresh_lab, guest).finding("leftover", guest) == found
    fresh_lab.run(found["remedy"], timeout=300).check()
    nothing_bad(fresh_lab, guest)
    assert not guest.has_journal()
    # The pool of a guest that may have grown is never lowered.
    assert replace(guest.snapshot(), pool_bytes=before.pool_bytes) == before
    assert guest.alive() and guest.runs_programs()


class TestMendedInTheGuest:
    """The scenarios of this class share a pv guest and leave it sound. The last one saves it."""

    @pytest.fixture(scope="class")
    def guest(self, lab: Lab) -> Iterator[Guest]:
        made = lab.create_guest("doctor-mend", "pv", agent=False)
        made.check("mkdir -p /etc/tmpfiles.d")
        for name, script in (
            ("systemctl", SYSTEMCTL),
            ("systemd-tmpfiles", TMPFILES),
            ("udevadm", UDEVADM),
        ):
            made.check(f"printf %s {shlex.quote(script)} >/sbin/{name}")
            made.check(f"chmod 755 /sbin/{name}")
        yield made
        made.destroy()

    @staticmethod
    def mend(guest: Guest, finding: Json) -> None:
        """Runs the command that the finding names."""
        assert finding["remedy"].startswith(IN_THE_GUEST), finding
        guest.check(finding["remedy"].removeprefix(IN_THE_GUEST))

    def test_an_agent_that_was_not_started(self, lab: Lab, guest: Guest) -> None:
        self.mend(guest, one_bad(lab, guest, "agent"))
        guest.wait_for_agent()
        nothing_bad(lab, guest)

    def test_an_agent_that_was_killed(self, lab: Lab, guest: Guest) -> None:
        guest.kill_agent()
        self.mend(guest, one_bad(lab, guest, "agent"))
        nothing_bad(lab, guest)

    def test_a_policy_that_makes_memory_movable(self, lab: Lab, guest: Guest) -> None:
        guest.check("echo online_movable >/sys/devices/system/memory/auto_online_blocks")
        guest.check(RESTART_AGENT)
        done = doctor(lab, guest)
        assert (done.status, done.faults) == (0, {"online_policy": "note"})
        self.mend(guest, done.finding("online_policy", guest))
        assert guest.facts().online_policy == "online_kernel"
        nothing_bad(lab, guest)

    def test_a_udev_rule_that_makes_memory_movable(self, lab: Lab, guest: Guest) -> None:
        guest.check(f"mkdir -p {UDEV_RULE.rpartition('/')[0]}")
        guest.check(f"printf %s {shlex.quote(RULE)} >{UDEV_RULE}")
        guest.check(RESTART_AGENT)
        found = one_bad(lab, guest, "udev_rule")
        assert found["message"].startswith(f"{UDEV_RULE} makes added blocks movable")
        self.mend(guest, found)
        assert guest.run(f"test -e {UDEV_RULE}").status == 0, "it may have other rules, too"
        done = doctor(lab, guest)
        assert done.faults == {}
        assert "00-memctl.rules" in done.finding("udev_rule", guest)["message"]

    def test_a_guest_that_is_being_saved(self, lab: Lab, guest: Guest) -> None:
        """The save writes into a pipe that is not read for a while, so it stands still."""
        pipe = "/tmp/doctor.pipe"
        lab.check(f"mkfifo {pipe}")
        reader = lab.start(f"exec 3<{pipe}; read go; cat <&3 >/dev/null", with_input=True)
        saving = lab.start(f"xl save {guest.name} {pipe}")
        # libxl's helper suspends the guest first. From then on the guest answers nothing.
        suspended = f"lab-probe {guest.domid} | grep -q '\"shutdown\": *true'"
        lab.check(f"until {suspended}; do usleep 200000; done")

        found = one_bad(lab, guest, "state")
        assert found["message"] == "the domain is being saved or migrated"
        reader.send(b"go\n")
        saving.wait(300).check()
        reader.wait(300).check()
        lab.check(f"rm {pipe}")
        assert guest.domain() is None, "xl ends a domain that it has saved"
