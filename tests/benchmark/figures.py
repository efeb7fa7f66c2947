"""What the benchmark measures: figures, their goals, and how a part hands them over.

A *part* is a module of this package that measures one thing, such as `benchmark.in_process`. It has
its own program, which `scripts/bench` runs with `tests` on PYTHONPATH:

    python3 -m benchmark.in_process --runs 5 --json OUT

A part is one function that takes the number of runs and returns its figures; `part_main` does the
rest:

    def measure(runs: int) -> Measured:
        times = in_turns({"C++": from_cpp, "Python": from_python}, runs)
        return Measured("in_process", figures=[
            Figure("status() of sim:", "C++", "us", times["C++"]),
            Figure("status() of sim:", "Python", "us", times["Python"], at_most(5, "C++")),
        ])

    if __name__ == "__main__":
        part_main(__doc__, measure)

Figures with the same `group` are rivals, which are compared with each other: so they have the same
unit and are measured in turns (A B A B), because a machine's speed drifts. The group reads like a
heading, the name like a row under it. The ratios of a group are counted from its first figure. If
that figure is named IN_ALL, the others are its parts, and are drawn as one bar.

A group may be named "SETTING: WHAT". The groups with the same WHAT and the same names are of a
kind: they share a table and a plot, with WHAT as the title and a row for each setting.

A goal is either a plain bound of the median, in the figure's own unit, or a bound of the ratio to
the median of a rival in its group. A figure without values is one that could not be measured; its
note says why, and its goal is missed.

`MEMCTL_BUILD` names the build to measure, as for the lab (default `build/release`).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
IN_ALL = "in all"


def build_directory() -> Path:
    """The build that is measured."""
    return Path(os.environ.get("MEMCTL_BUILD") or REPOSITORY / "build" / "release").resolve()


@dataclass(frozen=True)
class Goal:
    """A bound of a figure's median; made by `at_most` and `at_least`."""

    bound: float
    rival: str | None = None
    """The figure of the same group whose median the bound is counted in. None: in the unit."""
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        """Whether this value, a median or a ratio of medians, keeps within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


def at_most(bound: float, rival: str | None = None) -> Goal:
    """The median may not be above the bound, or above so many times the rival's median."""
    return Goal(bound, rival)


def at_least(bound: float, rival: str | None = None) -> Goal:
    """The median may not be below the bound, or below so many times the rival's median."""
    return Goal(bound, rival, at_least=True)


@dataclass(frozen=True)
class Figure:
    """The measured values of one thing, in the order in which they were measured."""

    group: str
    name: str
    unit: str
    values: tuple[float, ...]
    goal: Goal | None = None
    note: str = ""
    """What a reader has to know about this figure: a full sentence, or nothing."""

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    @property
    def quartiles(self) -> tuple[float, float] | None:
        """Between them lies the middle half of the values."""
        if len(self.values) < 2:
            return None
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third


@dataclass(frozen=True)
class Curve:
    """How a guest's memory changed over time in one run, for a plot."""

    group: str
    name: str
    points: tuple[tuple[float, float], ...]
    """Milliseconds and MiB; between two points the first one's MiB hold."""
    marks: dict[str, float]
    """Moments that the plot shows: milliseconds by their name."""


@dataclass(frozen=True)
class Measured:
    """What a part hands over."""

    part: str
    figures: list[Figure]
    facts: list[str] = field(default_factory=list)
    """What was measured and with what, a sentence each. No host name and no path."""
    curves: list[Curve] = field(default_factory=list)

    def rival_of(self, figure: Figure, name: str) -> Figure:
        """The figure of that name in the same group."""
        (found,) = (
            each for each in self.figures if (each.group, each.name) == (figure.group, name)
        )
        return found

    def ratio(self, figure: Figure, name: str) -> float | None:
        """The figure's median as a multiple of that rival's. None: there is none to tell."""
        own, other = figure.median, self.rival_of(figure, name).median
        return None if own is None or not other else own / other

    def judged(self, figure: Figure) -> float | None:
        """The value that the figure's goal bounds."""
        rival = figure.goal.rival if figure.goal else None
        return self.ratio(figure, rival) if rival else figure.median

    def met(self, figure: Figure) -> bool | None:
        """Whether the goal is met. None: the figure has no goal."""
        if figure.goal is None:
            return None
        value = self.judged(figure)
        return value is not None and figure.goal.met_by(value)

    @property
    def groups(self) -> dict[str, list[Figure]]:
        """The figures by group, in the order in which they came."""
        groups: dict[str, list[Figure]] = {}
        for figure in self.figures:
            groups.setdefault(figure.group, []).append(figure)
        return groups

    @property
    def kinds(self) -> dict[str, dict[str, list[Figure]]]:
        """The groups by kind: by title, and then by setting."""
        kinds: dict[tuple[str, ...], dict[str, list[Figure]]] = {}
        for group, figures in self.groups.items():
            setting, _, what = group.partition(": ")
            key = (what or group, figures[0].unit, *(figure.name for figure in figures))
            kinds.setdefault(key, {})[setting] = figures
        titled: dict[str, dict[str, list[Figure]]] = {}
        for (what, *_), groups in kinds.items():
            # Two kinds with one title are told apart by their first settings.
            title = what if what not in titled else f"{what}, {next(iter(groups))}"
            titled[title] = groups
        return titled

    def share(self, figure: Figure) -> float | None:
        """The figure's median as a multiple of that of its group's first figure."""
        return self.ratio(figure, self.groups[figure.group][0].name)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Measured:
        """What `to_json` made."""
        curves = [_curve_of(item) for item in data.get("curves", [])]
        figures = [_figure_of(item) for item in data["figures"]]
        return Measured(data["part"], figures, list(data["facts"]), curves)


def is_divided(groups: Mapping[str, Sequence[Figure]]) -> bool:
    """Whether the groups of a kind are each one figure and its parts."""
    return all(figures[0].name == IN_ALL for figures in groups.values())


def _figure_of(data: Mapping[str, Any]) -> Figure:
    figure = Figure(**data)  # with lists in place of tuples, and a dictionary as the goal
    goal = Goal(**data["goal"]) if data["goal"] else None
    return replace(figure, values=tuple(figure.values), goal=goal)


def _curve_of(data: Mapping[str, Any]) -> Curve:
    curve = Curve(**data)
    return replace(curve, points=tuple((at, size) for at, size in curve.points))


def in_turns(rivals: Mapping[str, Callable[[], float]], runs: int) -> dict[str, tuple[float, ...]]:
    """Measures each rival once in each run: A B, then A B again. Values by the rival's name."""
    values: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(runs):
        for name, measure in rivals.items():
            values[name].append(measure())
    return {name: tuple(measured) for name, measured in values.items()}


def part_main(
    about: str | None,
    measure: Callable[[int], Measured],
    *,
    runs: int = 5,
    arguments: Iterable[str] | None = None,
) -> None:
    """The program of a part. `about` is its docstring; `runs` is how often it measures."""
    parser = argparse.ArgumentParser(description=(about or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=runs, help=f"how often (default {runs})")
    parser.add_argument("--json", type=Path, help="the file to write (default: standard output)")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    text = json.dumps(measure(chosen.runs).to_json(), indent=1) + "\n"
    if chosen.json:
        chosen.json.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
