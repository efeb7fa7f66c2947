"""Measures `Domain.status()` of a simulated host from Python, and the same call from C++.

The two take turns, so that both find the machine in the same state. Both run on one processor,
because waking another processor sometimes costs more than the call.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time

import memctl

ROUNDS = 5
CALLS = 5000


def from_cpp(program: str) -> float:
    """Microseconds for a call."""
    done = subprocess.run(
        [program, "--benchmark_format=json"], capture_output=True, text=True, check=True
    )
    return float(json.loads(done.stdout)["benchmarks"][0]["real_time"])


def from_python() -> float:
    """Microseconds for a call."""
    with memctl.Host("sim:") as host:
        status = host["demo-pv"].status
        begun = time.perf_counter()
        for _ in range(CALLS):
            status()
        return (time.perf_counter() - begun) / CALLS * 1e6


def main() -> None:
    """Prints the medians."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rounds = [(from_cpp(sys.argv[1]), from_python()) for _ in range(ROUNDS)]
    cpp, python = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{'status() of sim:':32} {'us':>8} {'ratio':>7}")
    print(f"{'C++':32} {cpp:8.1f} {1:7.2f}")
    print(f"{'Python':32} {python:8.1f} {python / cpp:7.2f}   {python - cpp:.1f} us more")


if __name__ == "__main__":
    main()
