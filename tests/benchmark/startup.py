# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures how long the command and the Python package take to start."""

from __future__ import annotations

import os
import sys
import time

from benchmark.figures import Figure, Measured, at_most, build_directory, in_turns, part_main

#: Starts of each in a run: they are short, and vary.
STARTS = 10
IMPORT = "`import memctl` alone is what Python takes longer with it, start by start."


def milliseconds(*command: str) -> float:
    """From the start of a process to its end."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    package = build_directory() / "bindings" / "python" / "package"
    environment = {**os.environ, "PYTHONPATH": str(package)}
    begun = time.perf_counter()
    process = os.posix_spawn(command[0], command, environment, file_actions=silent)
    _, status = os.waitpid(process, 0)
    took = (time.perf_counter() - begun) * 1000
    if status != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    return took


def measure(runs: int) -> Measured:
    """All figures."""
    memctl = str(build_directory() / "cli" / "memctl")
    python = sys.executable
    command, interpreter = "starting memctl", "starting Python"
    times = in_turns(
        {
            "memctl --help": lambda: milliseconds(memctl, "--help"),
            "memctl status": lambda: milliseconds(memctl, "--host", "sim:", "status"),
            "without it": lambda: milliseconds(python, "-c", ""),
            "with import memctl": lambda: milliseconds(python, "-c", "import memctl"),
        },
        runs * STARTS + 1,
    )
    times = {name: values[1:] for name, values in times.items()}
    imports = tuple(
        with_it - without
        for with_it, without in zip(times["with import memctl"], times["without it"], strict=True)
    )
    return Measured(
        "startup",
        [
            Figure(command, "memctl --help", "ms", times["memctl --help"], at_most(5)),
            Figure(command, "memctl status on sim:", "ms", times["memctl status"], at_most(10)),
            Figure(interpreter, "without memctl", "ms", times["without it"]),
            Figure(
                interpreter, "with import memctl", "ms", times["with import memctl"], at_most(60)
            ),
            Figure(interpreter, "import memctl alone", "ms", imports),
        ],
        ["The caches are warm: the first start of each does not count.", IMPORT],
    )


if __name__ == "__main__":
    part_main(__doc__, measure)
