"""What a decision costs, by the kind of growth, and what a call costs in C++ and in Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from benchmark.figures import Figure, Measured, build_directory, in_turns, part_main

CALLS = 5000
# It asks the same simulated host as status_benchmark, in a process of its own.
FROM_PYTHON = f"""
import time, memctl
with memctl.Host("sim:") as host:
    status = host["demo-pv"].status
    begun = time.perf_counter()
    for _ in range({CALLS}):
        status()
    print((time.perf_counter() - begun) / {CALLS} * 1e6)
"""


def benchmarks(program: str) -> list[dict[str, Any]]:
    """What Google Benchmark measured in one run of a program."""
    path = build_directory() / "tests" / "benchmark" / program
    done = subprocess.run(
        [path, "--benchmark_format=json"],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)["benchmarks"]
    return found


def decisions(runs: int) -> list[Figure]:
    """The plan of growths that differ in one thing, each as a multiple of the first."""
    times: dict[str, list[float]] = {}
    for _ in range(runs):
        for each in benchmarks("plan_benchmark"):
            kind, _, setting = each["name"].partition("/")
            name = f"{kind}: {setting}, {each['blocks']:.0f} blocks, {each['stages']:.0f} stages"
            times.setdefault(name, []).append(each["cpu_time"] / 1000)
    figures = []
    for name, values in times.items():
        kind, _, setting = name.partition(": ")
        group = {"Double": "deciding to double a guest", "Stages": "deciding on more stages"}[kind]
        figures.append(Figure(group, setting, "us", tuple(values)))
    return figures


def from_cpp() -> float:
    (measured,) = benchmarks("status_benchmark")
    return float(measured["real_time"])


def from_python() -> float:
    command = [sys.executable, "-c", FROM_PYTHON]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure(runs: int) -> Measured:
    """All figures."""
    figures = decisions(runs)
    # Waking another processor sometimes costs more than the call.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    calls = in_turns({"C++": from_cpp, "Python": from_python}, runs)
    figures += [
        Figure("status() of a simulated host", name, "us", values) for name, values in calls.items()
    ]
    return Measured(
        "calls",
        figures,
        ["A decision is pure: no I/O, and no clock. status() goes through the host's thread."],
    )


if __name__ == "__main__":
    part_main(__doc__, measure)
