"""Figures, goals, and how they are told."""

from __future__ import annotations

import json
from pathlib import Path

from benchmark import plots, report
from benchmark.__main__ import known, write
from benchmark.figures import (
    IN_ALL,
    Curve,
    Figure,
    Measured,
    at_least,
    at_most,
    in_turns,
)

RIVALS = [
    Figure("pv: the time", "xl", "ms", (200.0, 100.0, 300.0)),
    Figure(
        "pv: the time", "memctl", "ms", (150.0, 120.0, 90.0), at_most(0.5, "xl"), "It is emulated."
    ),
]


def test_a_goal_against_a_rival_bounds_the_ratio_of_the_medians() -> None:
    measured = Measured("part", RIVALS)
    assert measured.ratio(RIVALS[1], "xl") == 0.6
    assert measured.met(RIVALS[1]) is False
    assert measured.met(RIVALS[0]) is None


def test_a_plain_goal_bounds_the_median() -> None:
    above = Figure("a", "b", "ms", (1.0, 2.0, 9.0), at_most(1.5))
    below = Figure("a", "c", "", (1.0, 2.0, 9.0), at_least(1.5))
    measured = Measured("part", [above, below])
    assert (measured.met(above), measured.met(below)) == (False, True)


def test_what_could_not_be_measured_is_a_goal_missed() -> None:
    missing = Figure("pv: the time", "memctl", "ms", (), at_most(0.5, "xl"))
    assert Measured("part", [RIVALS[0], missing]).met(missing) is False


def test_a_part_survives_the_way_through_json() -> None:
    curve = Curve("grow", "xl", ((0.0, 160.0), (5.0, 512.0)), {"known": 7.0})
    measured = Measured("part", RIVALS, ["Xen."], [curve])
    assert Measured.from_json(json.loads(json.dumps(measured.to_json()))) == measured


def test_rivals_take_turns() -> None:
    called: list[str] = []

    def rival(name: str) -> float:
        called.append(name)
        return float(len(called))

    values = in_turns({"A": lambda: rival("A"), "B": lambda: rival("B")}, 2)
    assert called == ["A", "B", "A", "B"]
    assert values == {"A": (1.0, 3.0), "B": (2.0, 4.0)}


def test_the_table_has_each_figure_with_its_spread_ratio_and_goal() -> None:
    lines = report.table(Measured("part", RIVALS)).splitlines()
    assert lines[1] == "pv: the time"
    words = lines[3].split()
    assert words[:3] == ["memctl", "120", "ms"]
    assert "0.60" in words and lines[3].endswith("at most 0.5 × xl  missed")


def test_the_document_names_every_goal_and_tells_what_was_missed() -> None:
    taken = report.Taken("Growth", "2026-01-02", "a machine", Measured("part", RIVALS, ["Xen."]))
    text = report.document([taken], {"part": {"the time": "time.svg"}})
    assert "0 of 1 goals are kept" in text
    assert "| pv: the time: memctl | at most 0.5 × xl | 0.60 × | **missed** |" in text
    assert "Measured on 2026-01-02, on a machine." in text
    assert "pv: the time, memctl: It is emulated." in text
    assert "### The time\n\n![the time](time.svg)" in text
    assert report.Taken.from_json(json.loads(json.dumps(taken.to_json()))) == taken


def test_a_number_has_three_digits() -> None:
    told = [report.number(value) for value in (0.0123, 1.234, 12.34, 123.4, 12345.6, None)]
    assert told == ["0.01", "1.23", "12.3", "123", "12346", "-"]


def test_each_kind_of_plot_is_drawn(tmp_path: Path) -> None:
    def group(name: str) -> list[Figure]:
        return [
            Figure(f"{name}: the time", "xl", "ms", (200.0, 220.0)),
            Figure(f"{name}: the time", "memctl", "ms", (100.0, 120.0)),
            Figure(f"{name}, memctl: its parts", IN_ALL, "ms", (100.0, 120.0)),
            Figure(f"{name}, memctl: its parts", "blocks", "ms", (60.0, 70.0)),
            Figure(f"{name}, memctl: its parts", "pages", "ms", (40.0, 50.0)),
        ]

    curves = [Curve("pv", "xl", ((0.0, 160.0), (5.0, 512.0)), {"known": 7.0})]
    measured = Measured("some_part", [*group("pv"), *group("pvh")], [], curves)
    drawn = plots.draw(measured, tmp_path)
    assert list(drawn) == ["the time", "its parts", plots.CURVES]
    for file in drawn.values():
        assert "</svg>" in (tmp_path / file).read_text(encoding="utf-8")
    plots.remove_old(tmp_path, ["some_part"])
    assert not list(tmp_path.iterdir())


def test_a_part_that_a_run_leaves_out_keeps_its_figures(tmp_path: Path) -> None:
    def measured(part: str, date: str) -> dict[str, report.Taken]:
        return {part: report.Taken(part, date, "a machine", Measured(part, RIVALS))}

    write(tmp_path, measured("real_xen", "2026-01-01"))
    write(tmp_path, measured("wake", "2026-01-02"))
    write(tmp_path, measured("wake", "2026-01-03"))
    assert [taken.date for taken in known(tmp_path).values()] == ["2026-01-01", "2026-01-03"]
    assert "0 of 2 goals" in (tmp_path / "PERFORMANCE.md").read_text(encoding="utf-8")
