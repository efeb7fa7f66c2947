"""Prints Google Benchmark's JSON as a table of medians, with ratios to the first line of each."""

from __future__ import annotations

import json
import sys


def main() -> None:
    runs = [run for run in json.load(sys.stdin)["benchmarks"] if run["aggregate_name"] == "median"]
    first: dict[str, float] = {}
    print(f"{'plan':32} {'blocks':>7} {'stages':>7} {'us':>8} {'ratio':>7}")
    for run in runs:
        name = run["run_name"]
        microseconds = run["cpu_time"] / {"ns": 1000.0, "us": 1.0}[run["time_unit"]]
        base = first.setdefault(name.split("/")[0], microseconds)
        ratio = microseconds / base
        print(
            f"{name:32} {run['blocks']:7.0f} {run['stages']:7.0f} {microseconds:8.1f} {ratio:7.2f}"
        )


if __name__ == "__main__":
    main()
