"""The ways to give a running guest memory: `memctl resize`, and `xl` with a loop that waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from memctl_lab import Guest, Lab, LabError
from memctl_lab.guest import GuestConfig
from memctl_lab.stopwatch import Course, count_blocks, watch

MIB = 1024
POOL_MIB = 32
"""Enough for a guest of 3 GiB: libxl's formula asks for 13 MiB."""

# The guest's shell looks at its balloon every 100 ms, and dom0 waits for the shell: a loop in dom0
# would have to start programs at each look. pvh's balloon counts from 388 KiB below the target.
LOOP = """
cd /sys/devices/system/xen_memory/xen_memory0
while read -r want <target_kb; read -r have <info/current_kb
  [ $want -lt {low} ] || [ $want -gt {high} ] ||
  [ $have -lt $((want - 64)) ] || [ $have -gt $((want + 64)) ]
do usleep 100000; done"""


@dataclass(frozen=True)
class Rival:
    """One way, and the guest that it needs."""

    name: str
    command: Callable[[Guest, int, bool], list[str]]
    """The command that brings a guest to so many MiB. True: the guest grows."""
    agent: bool = False
    online_policy: str | None = None
    as_rule: bool = False
    """lab-uevents in the guest brings blocks online, as udev would by a rule."""

    def guest(self, type: str, memory_mib: int, kernel: str | None = None) -> GuestConfig:
        return GuestConfig(
            f"bench-{type}",
            type,
            memory_mib=memory_mib,
            agent=self.agent,
            online_policy=self.online_policy,
            kernel=kernel,
        )

    def prepare(self, guest: Guest) -> None:
        """What has to be done once the guest runs. It is not counted."""
        count_blocks(guest, bring_online=self.as_rule)
        if self.agent:
            guest.wait_for_agent()
        else:
            guest.set_pool(POOL_MIB)


def by_xl(guest: Guest, mib: int, grows: bool) -> list[str]:
    """Sets limit and target, and waits until the guest's balloon has arrived."""
    # Debian's /usr/sbin/xl is a script that starts this program, which takes longer.
    xl = "$(echo /usr/lib/xen-*/bin/xl)"
    limit = f"{xl} mem-max {guest.domid} {mib} && " if grows else ""
    loop = LOOP.format(low=(mib - 4) * MIB, high=(mib + 4) * MIB)
    return ["sh", "-c", f"{limit}{xl} mem-set {guest.domid} {mib} && exec {_in_guest(guest, loop)}"]


def _in_guest(guest: Guest, script: str) -> str:
    assert "'" not in script
    return f"lab-guest -t 120 {guest.domid} '{script}'"


def by_memctl(guest: Guest, mib: int, _: bool) -> list[str]:
    return ["memctl", "resize", "--json", guest.name, f"{mib}m"]


KERNEL = Rival("xl, the kernel onlines", by_xl, online_policy="online")
RULE = Rival("xl, a rule of udev onlines", by_xl, online_policy="offline", as_rule=True)
MEMCTL = Rival("memctl resize", by_memctl, agent=True)


def measure_chain(
    lab: Lab, rival: Rival, config: GuestConfig, sizes: tuple[int, ...]
) -> list[Course]:
    """Boots a guest and brings it to one size after the other. Fewer courses: a step failed.

    If QEMU's emulation ends the guest, another guest is measured: see `Lab.emulator_faults`.
    """
    while True:
        faults = len(lab.emulator_faults())
        (guest,) = lab.boot_guests([config])
        courses: list[Course] = []
        try:
            rival.prepare(guest)
            size = config.memory_mib
            for mib in sizes:
                courses.append(watch(guest, rival.command(guest, mib, mib > size)))
                size = mib
            return courses
        except LabError as error:
            if lab.machine.fault is not None:
                raise
            print(f"{rival.name}: {error}", flush=True)
            if len(lab.emulator_faults()) == faults:
                return courses
        finally:
            if lab.machine.fault is None:
                guest.destroy()


def sleeps_of(courses: Iterable[Course]) -> tuple[float, ...]:
    """The longest time from a stage's last block to its first page, of each course that has one."""
    return tuple(max(course.span.gaps) for course in courses if course.span.gaps)


def other_build(lab: Lab, build: Path, name: str) -> Rival:
    """Brings another build's memctl to dom0, and returns it as a rival."""
    directory = "/lab/other"
    lab.check(f"mkdir -p {directory}")
    libraries = sorted((build / "libmemctl").glob("libmemctl.so.[0-9]"))
    for file in (build / "cli" / "memctl", *libraries):
        lab.write_file(f"{directory}/{file.name}", file.read_bytes())
    lab.check(f"chmod +x {directory}/memctl")

    def command(guest: Guest, mib: int, grows: bool) -> list[str]:
        _, *rest = by_memctl(guest, mib, grows)
        return ["env", f"LD_LIBRARY_PATH={directory}", f"{directory}/memctl", *rest]

    return Rival(name, command, agent=True)
