# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures many guests at once in one process: time, memory, and how often it wakes.

The host is simulated, its calls take no time, and its guests move their memory at once. So what is
left is what memctl and the simulator themselves take. `benchmark.shares` tells the two apart.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmark.figures import Figure, Measured, at_most, build_directory, part_main
from benchmark.shares import (
    LIBRARY_SHARE,
    SIMULATOR_SHARE,
    heap_shares,
    missing_tool,
    time_shares,
)

COUNTS = (1, 10, 100, 1_000, 10_000)
#: Runs of a few guests are short, so that many are measured as one.
LEAST_GUESTS = 3_000
SIZE = "512MiB"
WAITING = 1_000
SECONDS = 5


class Hosts:
    """Descriptions of simulated hosts, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def uri(self, guests: int, **keys: Any) -> str:
        """A host with so many guests of 160 MiB. `keys` go into the description."""
        host: dict[str, Any] = {"host": "64TiB", "libxl_call": 0, **pick(keys, "pace")}
        quick: dict[str, Any] = {"agent_latency": 0, "populated_per_second": "1TiB"}
        guest = {**quick, **pick(keys, "online_fails")}
        described = [{"name": f"guest{n}", **guest} for n in range(guests)]
        file = self.folder / f"{guests}-{'-'.join(keys)}.json"
        file.write_text(json.dumps({**host, "guests": described}), encoding="utf-8")
        return f"sim:{file}"


def pick(keys: dict[str, Any], name: str) -> dict[str, Any]:
    """The key of this name, if there is one."""
    return {name: keys[name]} if name in keys else {}


def program() -> str:
    return str(build_directory() / "tests" / "benchmark" / "in_process_benchmark")


def run(*arguments: str) -> dict[str, float]:
    """One run of the program: what it counted."""
    done = subprocess.run([program(), *arguments], check=True, capture_output=True, text=True)
    counted: dict[str, float] = json.loads(done.stdout)
    return counted


def repeated(count: int) -> int:
    return max(1, LEAST_GUESTS // count // 10)


def resizes(hosts: Hosts, runs: int) -> list[Figure]:
    """Resizes of all guests at once."""
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    costs: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(runs):
        for count in COUNTS:
            measured = [run("resize", hosts.uri(count), SIZE) for _ in range(repeated(count))]
            resized = count * len(measured)
            rates[count].append(resized / sum(one["ms"] for one in measured) * 1000)
            costs[count].append(sum(one["cpu_ms"] for one in measured) / resized)
    figures = [
        Figure("resizes a second, simulator included", guests(count), "1/s", tuple(rates[count]))
        for count in COUNTS
    ]
    figures += [
        Figure("a resize's processor time, simulator included", guests(count), "ms", tuple(values))
        for count, values in costs.items()
    ]
    return figures + own_costs(hosts, runs, {count: median(costs[count]) for count in COUNTS})


def own_costs(hosts: Hosts, runs: int, costs: dict[int, float]) -> list[Figure]:
    """The library's part of these costs."""
    group = "a resize's processor time in the library"
    flat = "the same, as a multiple of that of 10 guests"
    if missing := missing_tool("perf"):
        return [Figure(group, guests(count), "ms", (), at_most(0.1), missing) for count in COUNTS]
    own: dict[int, tuple[float, ...]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for count in COUNTS:
            again = f'for run in $(seq {repeated(count)}); do "$@"; done'
            command = ["sh", "-c", again, "sh", program(), "resize", hosts.uri(count), SIZE]
            values = []
            for _ in range(runs):
                shares = time_shares(command, 4999 if count < 1_000 else 997, Path(scratch))
                library = shares[LIBRARY_SHARE]
                values.append(costs[count] * library / (library + shares[SIMULATOR_SHARE]))
            own[count] = tuple(values)
    figures = [Figure(group, guests(count), "ms", own[count], at_most(0.1)) for count in COUNTS]
    figures += [
        Figure(
            flat, guests(count), "ms", own[count], None if count == 10 else at_most(1.2, guests(10))
        )
        for count in COUNTS[1:]
    ]
    return figures


def waiting(hosts: Hosts, runs: int) -> list[Figure]:
    """Operations whose guests stand still: their blocks never come online."""
    group = "heap of an operation that waits"
    uri = hosts.uri(WAITING, online_fails=True)
    whole = tuple(run("wait", uri, SIZE, "1")["heap_bytes"] / WAITING / 1024 for _ in range(runs))
    figures = [Figure(group, "with what the simulator keeps for it", "KiB", whole)]
    missing = missing_tool("heaptrack")
    own: list[float] = []
    if not missing:
        with tempfile.TemporaryDirectory() as scratch:
            command = [program(), "wait", uri, SIZE, "1"]
            for _ in range(runs):
                shares = heap_shares(command, Path(scratch))
                own.append(shares[LIBRARY_SHARE] / WAITING / 1024)
    figures.append(Figure(group, "the library's own", "KiB", tuple(own), at_most(8), missing))
    return figures


def wakes(hosts: Hosts, runs: int) -> list[Figure]:
    """How often a thread of the process goes to sleep, in real time."""

    def sleeps(uri: str, size: str) -> tuple[float, ...]:
        measured = (run("wait", uri, size, str(SECONDS)) for _ in range(runs))
        # The measuring thread itself sleeps once.
        return tuple((one["sleeps"] - 1) / one["ms"] * 1000 for one in measured)

    return [
        Figure(
            "wake-ups a second",
            "a host with 100 guests and no operation",
            "1/s",
            sleeps(hosts.uri(100, pace=1), "none"),
            at_most(0),
        ),
        Figure(
            "wake-ups a second",
            "an operation whose guest stands still",
            "1/s",
            sleeps(hosts.uri(1, pace=1, online_fails=True), SIZE),
            None,
            "The simulated agent, in the same process, looks at its balloon 2.5 times a second. A "
            "test counts the operation's looks alone: at most 10 a second.",
        ),
    ]


def statuses(hosts: Hosts, runs: int) -> list[Figure]:
    """Opening a host, and one status of all guests."""
    group = "opening a host, and a status of all its guests"
    uri = hosts.uri(10_000)
    both = [run("status", uri) for _ in range(runs)]

    def seconds(key: str) -> tuple[float, ...]:
        return tuple(one[key] / 1000 for one in both)

    return [
        Figure(group, "10,000 guests", "s", seconds("ms"), at_most(1)),
        Figure(
            group,
            "of this, opening",
            "s",
            seconds("open_ms"),
            None,
            "The simulator makes 10,000 guests with their kernels and agents meanwhile.",
        ),
    ]


def guests(count: int) -> str:
    """The name of a figure."""
    return "1 guest" if count == 1 else f"{count:,} guests"


def measure(runs: int) -> Measured:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Hosts(Path(folder))
        figures = [
            *resizes(hosts, runs),
            *waiting(hosts, runs),
            *wakes(hosts, runs),
            *statuses(hosts, runs),
        ]
    return Measured(
        "in_process",
        figures,
        [
            "All guests of a simulated host grow from 160 to 512 MiB at once, by the C++ API.",
            "The library's share of the processor time is that of perf's samples whose stack is in "
            "the library and not in the simulator; of the heap, that of heaptrack's allocations.",
        ],
    )


if __name__ == "__main__":
    part_main(__doc__, measure)
