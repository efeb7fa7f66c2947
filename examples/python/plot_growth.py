#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resizes one guest and draws how the memory arrived, layer by layer, as SVG.

    examples/python/plot_growth.py web1 4GiB growth.svg
    examples/python/plot_growth.py --host sim:examples/python/host.json web1 40GiB growth.svg

A simulated host needs a `pace`, as in host.json, so that there is time to ask the guest while it
grows.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402  (the backend comes first)

import memctl  # noqa: E402

LAYERS = {
    "guest: blocks online": "#9ecae1",
    "Xen: pages allocated": "#08519c",
    "guest: MemTotal": "#d94801",
}
BETWEEN = 0.2  # seconds between two questions to the agent


@dataclass
class Course:
    """The size of each layer over time."""

    domain: memctl.Domain
    points: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {layer: [] for layer in LAYERS}
    )
    stages: list[tuple[float, int]] = field(default_factory=list)
    asked: float = -BETWEEN

    def add(self, layer: str, seconds: float, size: int | None) -> None:
        """Adds one point."""
        if size is not None:
            self.points[layer].append((seconds, size / memctl.Size("1GiB")))

    def take(self, event: memctl.Event) -> None:
        """Adds the points of an event; to be called with each."""
        if event.stage > len(self.stages):
            self.stages.append((event.elapsed, event.stage))
        if event.phase == memctl.Phase.ONLINE:
            self.add("guest: blocks online", event.elapsed, event.now)
        if event.phase != memctl.Phase.POPULATE:
            return
        self.add("Xen: pages allocated", event.elapsed, event.now)
        if event.elapsed - self.asked >= BETWEEN:
            self.asked = event.elapsed
            self.add("guest: MemTotal", event.elapsed, self.domain.status().reported_total)

    def begin(self, status: memctl.Status) -> None:
        """Adds the first point of each layer."""
        for layer in ("guest: blocks online", "Xen: pages allocated"):
            self.add(layer, 0, status.target)
        self.add("guest: MemTotal", 0, status.reported_total)

    def end(self, report: memctl.Report) -> None:
        """Adds the last point of each layer."""
        self.add("guest: blocks online", report.elapsed, report.reached)
        self.add("Xen: pages allocated", report.elapsed, report.reached)
        self.add("guest: MemTotal", report.elapsed, report.guest_total)


def draw(course: Course, report: memctl.Report, file: str) -> None:
    """Draws the picture."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for layer, colour in LAYERS.items():
        times, sizes = zip(*course.points[layer], strict=True)
        axes.plot(times, sizes, label=layer, color=colour, linewidth=2)
    for begun, stage in course.stages:
        axes.axvline(begun, color="#bbbbbb", linewidth=0.8, linestyle=":")
        axes.annotate(
            f" stage {stage}",
            (begun, 1.01),
            xycoords=("data", "axes fraction"),
            fontsize="small",
            color="#666666",
        )
    axes.set_xlabel("seconds")
    axes.set_ylabel("GiB")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#eeeeee")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title(
        f"{report.domain.name}: {report.from_size} to {report.reached}, {report.outcome}"
    )
    figure.savefig(file, format="svg")


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="xen:", metavar="URI", help="xen: (the default) or sim:")
    parser.add_argument("domain", help="the guest's name or number")
    parser.add_argument("size", help="4GiB, or +1GiB for that much more")
    parser.add_argument("file", help="the SVG file to write")
    options = parser.parse_args()
    try:
        with memctl.Host(options.host) as host:
            course = Course(host[options.domain])
            course.begin(course.domain.status())
            report = course.domain.resize(options.size, on_event=course.take)
    except memctl.Error as error:
        print(f"{error.cause}: {error}\n{error.hint}", file=sys.stderr)
        return 1
    course.end(report)
    draw(course, report, options.file)
    print(f"{options.file}: {report.domain.name} in {report.elapsed:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
