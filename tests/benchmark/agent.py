# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the agent: what it takes while it is idle, and how soon it sees a memory block.

The agent is the installed program. xenstored and the guest's /sys and /proc are fake; the uevents
are the kernel's own. The lab measures the same in a real guest.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmark.figures import Figure, Measured, at_most, build_directory, part_main

IDLE_SECONDS = 60
BLOCKS = 200
BALLAST_KIB = 4096


def agent() -> Path:
    return build_directory() / "agent" / "memctl-agent"


def run(what: str, number: int) -> dict[str, Any]:
    """One run of the program: what it counted."""
    program = build_directory() / "tests" / "benchmark" / "agent_benchmark"
    command = [str(program), what, str(agent()), str(number)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    counted: dict[str, Any] = json.loads(done.stdout)
    return counted


def idle() -> list[Figure]:
    """An agent that nobody asks. Once: it takes a minute."""
    counted = run("idle", IDLE_SECONDS)
    held = counted["locked_kib"] > 0
    return [
        Figure(
            "an idle agent",
            f"wake-ups in {IDLE_SECONDS} s",
            "",
            (counted["wakes"],),
            at_most(0),
        ),
        Figure(
            "an idle agent",
            "resident memory beyond its 4 MiB of ballast",
            "KiB",
            (counted["resident_kib"] - BALLAST_KIB,),
            at_most(3072),
            "" if held else "Its memory could not be locked here.",
        ),
    ]


def size() -> Figure:
    """The program, as a package has it."""
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(shutil.copy(agent(), folder))
        subprocess.run(["strip", str(stripped)], check=True)
        kilobytes = stripped.stat().st_size / 1000
    return Figure("the agent's program", "static, stripped", "kB", (kilobytes,), at_most(2000))


def online() -> Figure:
    """From a block's uevent to the write that brings it online."""
    times = tuple(run("online", BLOCKS)["ms"])
    note = "" if times else "Only root can cause the kernel's uevents of memory."
    return Figure(
        "a memory block that appears", "until it is brought online", "ms", times, at_most(5), note
    )


def measure(_: int) -> Measured:
    """All figures. The number of runs means nothing here."""
    return Measured(
        "agent",
        [*idle(), size(), online()],
        ["The agent's xenstored and sysfs are fake, its uevents the kernel's own."],
    )


if __name__ == "__main__":
    part_main(__doc__, measure)
