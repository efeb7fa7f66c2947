#!/usr/bin/python3
"""Grows real guests on a real Xen host in front of the reader; `scripts/demo` starts it."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from memctl_lab import Guest, Lab, LabConfig, LabError  # noqa: E402
from memctl_lab.build import build_what_boots  # noqa: E402
from memctl_lab.channel import Window  # noqa: E402
from memctl_lab.guest import GuestConfig  # noqa: E402
from memctl_lab.terminal import waiting  # noqa: E402

MIB = 1024
STARTED = time.monotonic()


def say(text: str = "") -> None:
    print(text, flush=True)


def title(text: str) -> None:
    say()
    say(f"== {text} ({time.monotonic() - STARTED:.0f} s)")


def layers(guest: Guest) -> tuple[str, str, str]:
    """What Xen, the guest's blocks and its MemTotal say."""
    domain, facts = guest.domain(), guest.facts()
    if domain is None:
        raise LabError(f"{guest.name} is gone")
    online = len(facts.blocks) - len(facts.offline_blocks)
    return (
        f"{domain.tot_kib // MIB} MiB allocated",
        f"{online} of {len(facts.blocks)} blocks online",
        f"MemTotal {facts.mem_total_kib // MIB} MiB",
    )


def compare(before: tuple[str, str, str], after: tuple[str, str, str]) -> None:
    for name, old, new in zip(("Xen", "guest's blocks", "guest's kernel"), before, after):
        say(f"    {name:<15} {old:<24} -> {new}")


def show(lab: Lab, command: str) -> int:
    """Runs a command on a terminal in dom0, and shows its output as it comes."""
    size = shutil.get_terminal_size((80, 24))
    say(f"dom0# {command}")

    def pass_on(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()

    terminal = Window(rows=size.lines, columns=size.columns) if sys.stdout.isatty() else None
    return lab.start(command, terminal=terminal, on_output=pass_on).wait(300).status


def with_xl(lab: Lab, guest: Guest) -> None:
    title("What xl does with the same request")
    before = layers(guest)
    show(lab, f"xl mem-set {guest.name} 1024; echo status $?")
    show(lab, f"xl mem-max {guest.name} 1024 && xl mem-set {guest.name} 1024; echo status $?")
    say("    (status 0; ten seconds later:)")
    time.sleep(10)  # with Debian 12's kernel nothing happens, and no event tells of that
    compare(before, layers(guest))


def with_memctl(lab: Lab, guest: Guest) -> bool:
    title(f"A {guest.config.type} guest that was booted with 160 MiB, grown to 1 GiB by memctl")
    before = layers(guest)
    status = show(lab, f"memctl resize {guest.name} 1g")
    compare(before, layers(guest))
    return status == 0


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, as on Ctrl-C
    build_what_boots()
    title("Booting Xen under QEMU's emulation, with this build in its dom0")
    with waiting("waiting for dom0"):
        booted = Lab(LabConfig(cpus=2))
    with booted as lab:
        say("dom0# xl info | grep -E 'xen_version|free_memory'")
        say(lab.check("xl info | grep -E 'xen_version|free_memory'").rstrip())
        title("Starting a pv and a pvh guest with memctl-agent, and one for xl, 160 MiB each")
        with waiting("waiting for the guests"):
            *grown, plain = lab.boot_guests(
                [
                    GuestConfig("demo-pv", "pv"),
                    GuestConfig("demo-pvh", "pvh"),
                    GuestConfig("demo-xl", "pv", agent=False),
                ]
            )
            for guest in grown:
                guest.wait_for_agent()
        show(lab, "xl list")
        with_xl(lab, plain)
        good = all([with_memctl(lab, guest) for guest in grown])
        title("Where they stand")
        show(lab, "memctl status")
    say()
    say("Both guests grew past their boot limit." if good else "memctl failed.")
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except LabError as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
