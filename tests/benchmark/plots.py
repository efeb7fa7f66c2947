"""The plots, as SVG. Their colours can be read on a light and on a dark page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402  (the backend comes first)

from benchmark.figures import Curve, Figure, Measured, is_divided  # noqa: E402

TEXT = "#767676"
"""As far from white as from the grey of a dark page."""
COLOURS = ("#8c8c8c", "#d9730d", "#2f81e0", "#2a9d5c", "#a85bd1", "#c2413b", "#1a9aa8")
SETTINGS = {
    "svg.hashsalt": "memctl",
    "svg.fonttype": "path",
    "font.size": 10,
    "text.color": TEXT,
    "axes.edgecolor": TEXT,
    "axes.labelcolor": TEXT,
    "axes.titlecolor": TEXT,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "savefig.transparent": True,
}

CURVES = "The memory over time"
Groups = dict[str, list[Figure]]


def draw(measured: Measured, directory: Path) -> dict[str, str]:
    """Writes a part's plots, and returns the file name of each by its title."""
    drawn = {}
    with matplotlib.rc_context(SETTINGS):
        for number, (title, groups) in enumerate(measured.kinds.items()):
            whole = all(figure.values for figures in groups.values() for figure in figures)
            if len(groups) < 2 or not whole:
                continue
            picture = _bars(groups) if is_divided(groups) else _dots(groups)
            drawn[title] = _save(picture, directory, measured.part, str(number))
        if measured.curves:
            picture = _curves(measured.curves)
            drawn[CURVES] = _save(picture, directory, measured.part, "curve")
    return drawn


def _dots(groups: Groups) -> Any:
    """A dot for each run, and a line at each median: a row for each group."""
    first = next(iter(groups.values()))
    names = [figure.name for figure in first]
    offset = 0.7 / len(names)
    picture, axes = pyplot.subplots(
        figsize=(8, 1.1 + len(groups) * max(0.3, 0.17 * len(names))), layout="constrained"
    )
    for row, figures in enumerate(groups.values()):
        for series, figure in enumerate(figures):
            y = row + (series - (len(names) - 1) / 2) * offset
            colour = COLOURS[series]
            axes.scatter(figure.values, [y] * len(figure.values), s=14, color=colour, alpha=0.6)
            label = figure.name if row == 0 else None
            axes.plot(
                [figure.median] * 2,
                [y - offset / 2, y + offset / 2],
                color=colour,
                lw=2.5,
                label=label,
            )
    unit = first[0].unit
    values = [value for figures in groups.values() for figure in figures for value in figure.values]
    if min(values) > 0 and max(values) > 12 * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: f"{x:g}"))
        unit += ", logarithmic"
    else:
        axes.set_xlim(left=0)
    _finish(axes, groups, unit)
    _legend(axes, len(names))
    return picture


def _bars(groups: Groups) -> Any:
    """A bar for each group, made of the medians of its parts."""
    picture, axes = pyplot.subplots(figsize=(8, 1.1 + len(groups) * 0.3), layout="constrained")
    for row, figures in enumerate(groups.values()):
        left = 0.0
        for series, figure in enumerate(figures[1:]):
            median = figure.median or 0.0
            axes.barh(
                row,
                median,
                left=left,
                height=0.66,
                color=COLOURS[series],
                label=figure.name if row == 0 else None,
            )
            left += median
    axes.set_xlim(left=0)
    _finish(axes, groups, f"{next(iter(groups.values()))[0].unit}, medians")
    _legend(axes, 1)
    return picture


def _legend(axes: Any, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


def _finish(axes: Any, groups: Groups, unit: str) -> None:
    axes.set_yticks(range(len(groups)), list(groups))
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.grid(axis="x", color=TEXT, alpha=0.25, lw=0.6)
    axes.set_axisbelow(True)


def _curves(curves: Sequence[Curve]) -> Any:
    """A panel for each group, in two columns."""
    groups = list(dict.fromkeys(curve.group for curve in curves))
    rows = -(-len(groups) // 2)
    picture, panels = pyplot.subplots(
        rows, 2, figsize=(8, 0.8 + 2.3 * rows), layout="constrained", squeeze=False
    )
    for axes, group in zip(panels.T.flat, groups):
        of_group = [curve for curve in curves if curve.group == group]
        for series, curve in enumerate(of_group):
            _curve(axes, curve, COLOURS[series], max(each.marks["known"] for each in of_group))
        axes.set_title(group)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(axis="y", color=TEXT, alpha=0.25, lw=0.6)
    for axes in panels[-1]:
        axes.set_xlabel("seconds")
    for axes in panels[:, 0]:
        axes.set_ylabel("MiB that Xen has given")
    for axes in list(panels.T.flat)[len(groups) :]:
        axes.set_visible(False)
    picture.suptitle(" ")  # keeps a line free for the legend
    handles, labels = panels.flat[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="upper center", ncols=len(handles))
    return picture


def _curve(axes: Any, curve: Curve, colour: str, end: float) -> None:
    times = [at / 1000 for at, _ in curve.points]
    sizes = [size for _, size in curve.points]
    axes.step(
        [*times, end / 1000],
        [*sizes, sizes[-1]],
        where="post",
        color=colour,
        lw=1.8,
        label=curve.name,
    )
    known = curve.marks["known"] / 1000
    axes.plot([known], [sizes[-1]], marker="o", ms=6, color=colour, ls="none")


def _save(picture: Any, directory: Path, part: str, name: str) -> str:
    file = f"performance-{part}-{name}.svg".replace("_", "-")
    picture.savefig(directory / file, format="svg", metadata={"Date": None})
    pyplot.close(picture)
    text = (directory / file).read_text(encoding="utf-8")
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)  # git would complain
    (directory / file).write_text(text, encoding="utf-8")
    return file


def remove_old(directory: Path, parts: Iterable[str]) -> None:
    """Removes the plots of an earlier run of these parts."""
    for part in parts:
        for old in directory.glob(f"performance-{part.replace('_', '-')}-*.svg"):
            old.unlink()
