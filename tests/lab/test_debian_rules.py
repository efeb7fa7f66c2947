"""Rules of udev that react to added memory, in a guest that has almost none left.

udev runs a rule for each added block, and a rule may start a program. In a guest that is out of
memory that program must neither kill a process nor hold up the growth. A guest keeps the blocks
that it got, so each set of rules has a guest that is booted anew on the same disk.

On real Xen with `--full`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from memctl_lab import Guest
from memctl_lab.checks import check_sound
from memctl_lab.debian_host import APT, INSTALL_TIMEOUT, DebianLab
from memctl_lab.memctl import doctor, resize

pytestmark = pytest.mark.full

MIB = 1024
LEFT_MIB = 12
RULES = "/etc/udev/rules.d/40-lab.rules"
SCRIPT = "/usr/local/sbin/lab-hotadd"
SCRIPT_TEXT = "#!/bin/sh\n" '[ "$(cat /sys$1/state)" = online ] || echo online >/sys$1/state\n'


@dataclass(frozen=True)
class Rules:
    """A file of rules. The severity of the doctor's finding, and whether it names the file."""

    name: str
    text: tuple[str, ...]
    severity: str
    named: bool = True

    def __str__(self) -> str:
        return self.name


ADDED = 'SUBSYSTEM=="memory", ACTION=="add"'
WRITES = "/bin/sh -c 'echo online > /sys$devpath/state'"
RESTART = "/bin/systemctl try-restart kdump"

SETS = [
    Rules(
        "set_the_state",
        (
            f'{ADDED}, ATTR{{state}}=="offline", ATTR{{state}}="online"',
            f'{ADDED}, ATTR{{online}}=="0", ATTR{{online}}="1"',
            f'{ADDED}, ENV{{.state}}="online", ATTR{{state}}="$env{{.state}}"',
        ),
        "note",
    ),
    Rules("online_kernel", (f'{ADDED}, ATTR{{state}}="online_kernel"',), "good"),
    Rules("online_movable", (f'{ADDED}, ATTR{{state}}="online_movable"',), "bad"),
    Rules(
        "run_programs",
        (
            f'{ADDED}, PROGRAM="{WRITES}"',
            f'{ADDED}, RUN+="{WRITES}"',
            f'{ADDED}, RUN+="{SCRIPT} $devpath"',
        ),
        "note",
    ),
    # Debian's rule and RHEL's. They restart a service for each block, and bring none online.
    Rules(
        "restart_kdump",
        (
            f'{ADDED}, PROGRAM="{RESTART}-tools.service"',
            f'SUBSYSTEM=="memory", ACTION=="add|online", PROGRAM="{RESTART}.service"',
            f'SUBSYSTEM=="memory", ACTION=="online|offline", RUN+="{RESTART}.service"',
        ),
        "good",
        named=False,
    ),
]


@pytest.fixture(scope="module", params=["pv", "pvh"])
def installed(debian: DebianLab, request: pytest.FixtureRequest) -> Iterator[list[Guest]]:
    """The guest of 256 MiB that has the agent, and the script of a rule. `guest` boots it anew."""
    guest = debian.create_guest(f"rules-{request.param}", request.param)
    guest.check(f"{APT} install /lab/packages/memctl-agent_*.deb", timeout=INSTALL_TIMEOUT)
    guest.check(f"printf %s {shlex.quote(SCRIPT_TEXT)} >{SCRIPT} && chmod 755 {SCRIPT}")
    present = [guest]
    yield present
    present[0].destroy()


@pytest.fixture(params=SETS, ids=str)
def rules(request: pytest.FixtureRequest) -> Rules:
    chosen: Rules = request.param
    return chosen


@pytest.fixture
def guest(debian: DebianLab, installed: list[Guest], rules: Rules) -> Guest:
    """A guest that has booted with these rules, and whose agent has read them."""
    text = "".join(f"{line}\n" for line in rules.text)
    installed[0].check(f"printf %s {shlex.quote(text)} >{RULES}")
    installed[0] = debian.boot_again(installed[0])
    installed[0].wait_for_agent()
    return installed[0]


def test_a_starving_guest_grows(debian: DebianLab, guest: Guest, rules: Rules) -> None:
    found = doctor(debian, guest).finding("udev_rule", guest)
    assert found["severity"] == rules.severity, found["message"]
    assert (RULES in found["message"]) == rules.named, found["message"]

    for _ in range(5):  # under pressure the guest frees more than it told of
        left = guest.facts().mem_available_kib
        if left < (LEFT_MIB + 2) * MIB:
            break
        guest.hold_memory(left // MIB - LEFT_MIB)
    left = guest.facts().mem_available_kib
    print(f"{guest.name}: {left} KiB left")
    assert left < (LEFT_MIB + 4) * MIB and guest.killed_processes() == 0
    done = resize(guest, "1g", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    guest.check("udevadm settle --timeout=60", timeout=90)
    facts = guest.facts()
    assert not facts.offline_blocks
    assert "Movable" not in {block.zone for block in facts.blocks}
    guest.release_memory()
    assert resize(guest, "300m").ending == (0, "verified", None)
    check_sound(guest)  # nothing was killed
