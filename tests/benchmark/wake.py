"""How long Linux's balloon sleeps once its blocks are online: by kernel and type of guest."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path

from benchmark.figures import Figure, Measured, at_most, part_main
from benchmark.real_xen import GAP_MS
from benchmark.rivals import MEMCTL, Rival, measure_chain, other_build, sleeps_of
from memctl_lab import Lab, LabConfig
from memctl_lab.kernels import DEBIAN
from memctl_lab.stopwatch import Course

BOOTED_MIB = {"pv": 160, "pvh": 160, "hvm": 256}
GROWTH_MIB = 352
OTHER_BUILD = "MEMCTL_OTHER_BUILD"
"""The variable that may name an earlier build, whose memctl then takes turns with this build's."""


def measure(runs: int) -> Measured:
    """Boots one host, and on it a guest of each kernel and type."""
    courses: dict[tuple[str, str, str], list[Course]] = defaultdict(list)
    with Lab(LabConfig(cpus=2, hvm=True, dom0_memory_mib=2048)) as lab:
        rivals: list[Rival] = [MEMCTL]
        if os.environ.get(OTHER_BUILD):
            rivals.insert(0, other_build(lab, Path(os.environ[OTHER_BUILD]), "before"))
        for _ in range(runs):
            for kernel in DEBIAN:
                for type, booted in BOOTED_MIB.items():
                    for rival in rivals:
                        config = rival.guest(type, booted, kernel)
                        done = measure_chain(lab, rival, config, (booted + GROWTH_MIB,))
                        courses[kernel, type, rival.name] += done
                        for course in done:
                            gaps = [round(gap) for gap in course.span.gaps]
                            print(f"{kernel}, {type}, {rival.name}: {gaps} ms", file=sys.stderr)
    figures = []
    for kernel in DEBIAN:
        for type in BOOTED_MIB:
            for rival in rivals:
                values = sleeps_of(courses[kernel, type, rival.name])
                goal = at_most(GAP_MS) if rival is MEMCTL else None
                group = f"Linux {kernel}, {type}: from the last block online to the first page"
                figures.append(Figure(group, rival.name, "ms", values, goal))
    return Measured(
        "wake",
        figures,
        [
            f"A fresh guest grows by {GROWTH_MIB} MiB. The figure is the time from the last memory "
            "block online to the first page that Xen gives; of several stages, the longest.",
        ],
    )


if __name__ == "__main__":
    part_main(__doc__, measure, runs=3)
