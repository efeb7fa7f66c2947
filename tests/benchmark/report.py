"""The tables: for a terminal, and for docs/PERFORMANCE.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark import plots
from benchmark.figures import Figure, Goal, Measured, is_divided

WIDTH = 100


@dataclass(frozen=True)
class Taken:
    """A part as it was measured once."""

    title: str
    date: str
    machine: str
    """In words."""
    measured: Measured

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "measured": self.measured.to_json()}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Taken:
        """What `to_json` made."""
        measured = Measured.from_json(data["measured"])
        return Taken(data["title"], data["date"], data["machine"], measured)


def number(value: float | None) -> str:
    """Three digits, or all digits before the point."""
    if value is None:
        return "-"
    return (
        f"{value:.{max(0, 3 - len(str(int(abs(value)))))}f}" if abs(value) < 100 else f"{value:.0f}"
    )


def _spread(pair: tuple[float, float] | None) -> str:
    return "-" if pair is None else f"{number(pair[0])} to {number(pair[1])}"


def goal_text(figure: Figure) -> str:
    """The goal in words, or nothing."""
    goal: Goal | None = figure.goal
    if goal is None:
        return ""
    words = "at least" if goal.at_least else "at most"
    if goal.rival:
        return f"{words} {goal.bound:g} × {goal.rival}"
    return f"{words} {goal.bound:g} {figure.unit}".rstrip()


def verdict(measured: Measured, figure: Figure) -> str:
    """kept or missed, or nothing."""
    return {None: "", True: "kept", False: "**missed**"}[measured.met(figure)]


HEAD = ("median", "middle half", "all", "runs", "ratio", "goal", "")


def rows_of(measured: Measured, figures: Sequence[Figure]) -> list[list[str]]:
    """The cells below HEAD for each figure of a group."""
    rows = []
    for figure in figures:
        ends = (min(figure.values), max(figure.values)) if len(figure.values) > 1 else None
        ratio = measured.share(figure) if len(figures) > 1 else None
        median = number(figure.median)
        rows.append(
            [
                f"{median} {figure.unit}".rstrip() if figure.values else "not measured",
                _spread(figure.quartiles),
                _spread(ends),
                str(len(figure.values)),
                "" if ratio is None else f"{ratio:.2f}",
                goal_text(figure),
                verdict(measured, figure),
            ]
        )
    return rows


def table(measured: Measured) -> str:
    """The whole part as text with aligned columns."""
    rows = [["", *HEAD]]
    for group, figures in measured.groups.items():
        rows.append([group, *[""] * len(HEAD)])
        of_group = zip(figures, rows_of(measured, figures), strict=True)
        rows += [[f"  {figure.name}", *row] for figure, row in of_group]
    bodies = [row for row in rows if row[1]]
    widths = [max(len(row[column]) for row in bodies) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(wide) for cell, wide in zip(row[1:6], widths[1:6], strict=True)]
        cells += [row[6].ljust(widths[6]), row[7].strip("*")]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines) + "\n"


def markdown_table(rows: Iterable[Sequence[str]], texts: int) -> str:
    """A table whose first row is its head, with so many columns of text before those of figures."""
    head, *rest = rows
    sides = ["---"] * texts + ["--:"] * (len(head) - texts)
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(sides)}|"]
    lines += [f"| {' | '.join(row)} |" for row in rest]
    return "\n".join(lines) + "\n"


def goals(taken: Iterable[Taken]) -> str:
    """Every goal of every part beside its figure, as Markdown."""
    rows = [["what", "goal", "measured", ""]]
    for part in taken:
        for figure in part.measured.figures:
            if figure.goal is None:
                continue
            value = part.measured.judged(figure)
            unit = " ×" if figure.goal.rival else f" {figure.unit}"
            shown = "not measured" if value is None else f"{number(value)}{unit}".rstrip()
            rows.append(
                [
                    f"{figure.group}: {figure.name}",
                    goal_text(figure),
                    shown,
                    verdict(part.measured, figure),
                ]
            )
    return markdown_table(rows, 2)


def rival_rows(measured: Measured, groups: Mapping[str, Sequence[Figure]]) -> list[Sequence[str]]:
    """A row for each figure; the setting is only in its first row."""
    rows: list[Sequence[str]] = [["", "", *HEAD]]
    for setting, figures in groups.items():
        for figure, row in zip(figures, rows_of(measured, figures), strict=True):
            rows.append([setting if figure is figures[0] else "", figure.name, *row])
    return rows


def divided_rows(groups: Mapping[str, Sequence[Figure]]) -> list[Sequence[str]]:
    """A row of medians for each group, a column for each part."""
    first = next(iter(groups.values()))
    rows: list[Sequence[str]] = [
        [f"medians, {first[0].unit}", *(figure.name for figure in first)],
    ]
    for setting, figures in groups.items():
        rows.append([setting, *(number(figure.median) for figure in figures)])
    return rows


def document(taken: Sequence[Taken], pictures: Mapping[str, Mapping[str, str]]) -> str:
    """docs/PERFORMANCE.md. `pictures` are files by part and title."""
    figures = [(part, figure) for part in taken for figure in part.measured.figures if figure.goal]
    kept = sum(part.measured.met(figure) is True for part, figure in figures)
    parts = ["# How fast memctl is, and what it costs\n"]
    parts.append(
        f"`scripts/bench --all --out docs` wrote this file. {kept} of {len(figures)} goals are "
        "kept; each is beside its figure, also those that are missed. A goal bounds a median. "
        "*Middle half*: between these two values lies the middle half of the runs. *All*: the "
        "lowest and the highest. *Ratio*: to the first row of the same table. The same in JSON: "
        "[performance.json](performance.json).\n"
    )
    parts.append(f"## Goals\n{goals(taken)}")
    for part in taken:
        parts.append(f"## {part.title}\nMeasured on {part.date}, on {part.machine}.\n")
        parts.append("".join(f"- {fact}\n" for fact in part.measured.facts))
        if plots.CURVES in pictures.get(part.measured.part, {}):
            parts.append(f"![{plots.CURVES}]({pictures[part.measured.part][plots.CURVES]})\n")
        for title, groups in part.measured.kinds.items():
            parts.append(f"### {title[0].upper()}{title[1:]}\n")
            if title in pictures.get(part.measured.part, {}):
                parts.append(f"![{title}]({pictures[part.measured.part][title]})\n")
            if is_divided(groups):
                parts.append(markdown_table(divided_rows(groups), 1))
            else:
                parts.append(markdown_table(rival_rows(part.measured, groups), 2))
            for figure in (figure for figures in groups.values() for figure in figures):
                if figure.note:
                    parts.append(f"{figure.group}, {figure.name}: {figure.note}\n")
    return "\n".join(part for part in parts if part)


def facts_text(facts: Iterable[str]) -> str:
    """A part's facts for a terminal."""
    return "\n".join(textwrap.fill(fact, WIDTH, subsequent_indent="  ") for fact in facts)
