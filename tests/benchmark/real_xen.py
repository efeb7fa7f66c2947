"""Growing and shrinking real guests on real Xen: `memctl resize` beside `xl`, in one boot."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass, field

from benchmark.figures import IN_ALL, Curve, Figure, Goal, Measured, at_most, part_main
from benchmark.rivals import KERNEL, MEMCTL, RULE, Rival, measure_chain, sleeps_of
from memctl_lab import Lab, LabConfig
from memctl_lab import stopwatch
from memctl_lab.packages import Release

TYPES = ("pv", "pvh")
RIVALS = (KERNEL, RULE, MEMCTL)
BOOTED_MIB = 160
CHAINS = ((512,), (1024, 3072, 600))
"""The sizes to which a fresh guest is brought, one after the other."""
PLOT_STEPS = 200
"""Sizes nearer to each other than this part of the whole look alike in the plot."""
GAP_MS = 100
"""The goal for the time from the last block online to the first page."""

PHASES = {
    "start": "until memctl begins",
    "facts": "facts and plan",
    "reserve": "reserve: pool, limit, claim",
    "online": "blocks come online",
    "populate": "Xen gives pages",
    "verify": "verify all three layers",
    "end": "until memctl has ended",
}


@dataclass(frozen=True)
class Step:
    """One resize of a chain."""

    type: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.type}, {self.start} → {self.end} MiB"

    @property
    def grows(self) -> bool:
        return self.end > self.start

    @property
    def goal(self) -> Goal:
        """How long memctl may take, counted in what xl takes with the kernel's own policy."""
        if not self.grows:
            return at_most(1.1, KERNEL.name)
        return at_most(0.8 if self.end == 512 else 1.0, KERNEL.name)


@dataclass
class Taken:
    """Every course of every step, by rival."""

    courses: dict[Step, dict[str, list[stopwatch.Course]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    failed: dict[tuple[Step, str], int] = field(default_factory=lambda: defaultdict(int))

    def take(self, lab: Lab, type: str, rival: Rival, sizes: tuple[int, ...]) -> None:
        """Measures a chain once."""
        done = measure_chain(lab, rival, rival.guest(type, BOOTED_MIB), sizes)
        start = BOOTED_MIB
        for index, end in enumerate(sizes):
            step = Step(type, start, end)
            if index < len(done):
                self.courses[step][rival.name].append(done[index])
                print(f"{step}, {rival.name}: {done[index].ended:.0f} ms", file=sys.stderr)
            else:
                self.failed[step, rival.name] += 1
            start = end

    def times(self, step: Step) -> list[Figure]:
        """The whole time by rival."""
        figures = []
        for rival in RIVALS:
            values = tuple(course.ended for course in self.courses[step][rival.name])
            failed = self.failed[step, rival.name]
            note = f"{failed} of {failed + len(values)} runs failed." if failed else ""
            goal = step.goal if rival is MEMCTL else None
            group = f"{step}: until the memory is usable and known to be"
            figures.append(Figure(group, rival.name, "ms", values, goal, note))
        return figures

    def sleeps(self, step: Step) -> list[Figure]:
        """How long the guest's balloon slept although its pages were online, by rival."""
        figures = []
        for rival in RIVALS:
            values = sleeps_of(self.courses[step][rival.name])
            goal = at_most(GAP_MS) if rival is MEMCTL else None
            group = f"{step}: from the last block online to the first page"
            figures.append(Figure(group, rival.name, "ms", values, goal))
        return figures

    def spans(self, step: Step) -> list[Figure]:
        """What takes time, as Xen's count and the guest's blocks tell it, by rival."""
        figures = []
        for rival in RIVALS:
            courses = self.courses[step][rival.name]
            spans = [course.span for course in courses]
            rows = {IN_ALL: [course.ended for course in courses]}
            what = f"what takes time when a guest {'grows' if step.grows else 'shrinks'}"
            if step.grows:
                rows["until the blocks are online"] = [span.blocks for span in spans]
                rows["then until the first page"] = [sum(span.gaps) for span in spans]
            else:
                rows["until the first page is given back"] = [span.blocks for span in spans]
            rows["from the first page to the last"] = [span.populating for span in spans]
            rows["then until it is known"] = [span.knowing for span in spans]
            for name, values in rows.items():
                figures.append(Figure(f"{step}, {rival.name}: {what}", name, "ms", tuple(values)))
        return figures

    def phases(self, step: Step) -> list[Figure]:
        """What takes time, as memctl's own events tell it."""
        courses = self.courses[step][MEMCTL.name]
        taken = [course.phases for course in courses]
        group = f"{step}: the phases of `memctl resize`"
        whole = Figure(group, IN_ALL, "ms", tuple(course.ended for course in courses))
        return [whole] + [
            Figure(group, words, "ms", tuple(each.get(phase, 0.0) for each in taken))
            for phase, words in PHASES.items()
        ]

    def median_curves(self, step: Step) -> list[Curve]:
        """Of each rival the run whose time is the median."""
        chosen = []
        for rival in RIVALS:
            taken = self.courses[step][rival.name]
            if not taken:
                continue
            middle = statistics.median_low(course.ended for course in taken)
            course = next(course for course in taken if course.ended == middle)
            marks = {"known": course.ended}
            if course.online:
                marks["last block online"] = course.online[-1]
            chosen.append(Curve(str(step), rival.name, thinned(course.sizes), marks))
        return chosen


def thinned(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The first point, the last, and those between that a plot can show apart."""
    if not points:
        return ()
    low = min(size for _, size in points)
    high = max(size for _, size in points)
    apart = (high - low) / PLOT_STEPS
    kept = points[:1]
    for point in points[1:]:
        if abs(point[1] - kept[-1][1]) >= apart:
            kept.append(point)
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return tuple(kept)


def measure(runs: int) -> Measured:
    """Boots one host, and lets the rivals take turns on it."""
    taken = Taken()
    with Lab(LabConfig(cpus=2)) as lab:
        for _ in range(runs):
            take_turns(lab, taken)
        return measured(taken, lab.release)


def take_turns(lab: Lab, taken: Taken) -> None:
    """One round of all rivals."""
    for type in TYPES:
        for sizes in CHAINS:
            for rival in RIVALS:
                taken.take(lab, type, rival, sizes)


def measured(taken: Taken, release: Release | None) -> Measured:
    """Every figure of what has been taken so far."""
    steps = [
        Step(type, start, end)
        for type in TYPES
        for sizes in CHAINS
        for start, end in zip((BOOTED_MIB, *sizes), sizes)
    ]
    figures = [figure for step in steps for figure in taken.times(step)]
    figures += [figure for step in steps if step.grows for figure in taken.sleeps(step)]
    figures += [figure for step in steps for figure in taken.spans(step)]
    figures += [figure for step in steps for figure in taken.phases(step)]
    curves = [curve for step in steps if step.grows for curve in taken.median_curves(step)]
    named = f"Xen {release.xen} and Linux {release.linux}, " if release else ""
    return Measured("real_xen", figures, facts(named), curves)


def facts(named: str) -> list[str]:
    """What a reader has to know."""
    return [
        f"{named}from Debian's packages, under QEMU's emulation (TCG) with two processors. A real "
        "machine is many times faster, so only the ratios carry over. They are ratios of medians.",
        "All rivals take turns in one boot. Each growth from 160 MiB begins in a fresh guest; "
        "1024, 3072 and 600 MiB follow each other in one guest. (A guest that has been larger has "
        "its memory blocks already, so growing it again is another matter.) A guest has one "
        "virtual processor, and nothing else runs on the host.",
        "The time begins with the command in dom0 and ends when the command has ended: then the "
        "memory is usable, and dom0 knows it.",
        "`xl` is `xl mem-max`, `xl mem-set`, and then a loop in the guest's shell that looks "
        "every 100 ms at the balloon's own figures, and for which dom0 waits; a shrinking is "
        "`xl mem-set` and the loop. The paging pool of pvh guests is raised before the time "
        "begins, and Debian's wrapper of `xl` is left out: both would only make `xl` slower.",
        f"`{KERNEL.name}`: the guest's auto_online_blocks is `online`. `{RULE.name}`: it is "
        "`offline`, and a small program in the guest writes `online` into the state of each "
        "block that the kernel announces. It stands for udev, which the small guests lack, and "
        "is faster than udev, which starts a worker first.",
        "Xen's count is read every 5 ms in dom0. When a block is online, a program in the "
        "guest hears it from the kernel, and writes it into xenstore. memctl may add memory in "
        "several stages: their parts are added up, but of the sleeps the longest counts.",
    ]


if __name__ == "__main__":
    part_main(__doc__, measure)
