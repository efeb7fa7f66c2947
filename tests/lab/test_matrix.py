"""The kernel matrix itself: its steps on simulated guests, its kept results and its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from memctl_lab import matrix
from memctl_lab.kernels import DEBIAN
from memctl_lab.matrix import FAILED, LEFT_OUT, PASSED, STEPS, TYPES, Cell, Result, cells, run_cell
from memctl_lab.matrix_table import Results, merged, page
from memctl_lab.scenario import ScenarioGuest
from memctl_lab.simulated import SimulatedHost

CELL = Cell("4.17", "6.12", "pvh")


def a_result(outcome: str = PASSED, told: str = "") -> Result:
    result = Result(CELL, "4.17.7", "6.12.117-1", "online", 128)
    result.steps = {step: {"outcome": PASSED, "told": "", "seconds": 1.0} for step in STEPS}
    result.steps["shrink"] = {"outcome": outcome, "told": told, "seconds": 1.0}
    return result


def rows_of(text: str, linux: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith(f"| {linux} |")]
    return [[word.strip() for word in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("kernel", DEBIAN)
def test_a_simulated_guest_passes_each_step(kernel: str, type: str) -> None:
    said: list[str] = []
    with SimulatedHost() as host:
        result = run_cell(host, Cell("4.17", kernel, type), "4.17.7", said.append)
        assert not host.guests
    assert result.passed, result.steps
    assert list(result.steps) == list(STEPS)
    left_out = {step for step, told in result.steps.items() if told["outcome"] == LEFT_OUT}
    assert left_out == {"past 4 GiB"}, "the simulated host is too small"
    assert len(said) == len(STEPS)


def test_a_failed_step_keeps_what_memctl_answered_and_ends_its_guest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def too_far(guest: ScenarioGuest) -> None:
        matrix.resized(guest, 900 * 1024)

    (sizes, _) = matrix.COURSES
    monkeypatch.setitem(sizes.steps, "past boot", too_far)
    with SimulatedHost() as host:
        result = run_cell(host, CELL, "4.17.7", lambda text: None)
    assert not result.passed
    failed = result.steps["past boot"]
    assert failed["outcome"] == FAILED
    assert failed["told"].startswith("refused, host_memory: "), failed
    assert result.steps["regrow"]["told"] == "not reached: the step 'past boot' failed"
    assert result.steps["save"]["outcome"] == PASSED, "the other guest goes on"


def test_results_are_kept_until_they_are_made_anew(tmp_path: Path) -> None:
    results = Results(tmp_path / "matrix")
    assert not results.has(CELL) and results.load() == []
    results.keep(a_result())
    assert results.has(CELL)
    results.keep(a_result(FAILED, "refused"))
    (kept,) = results.load()
    assert kept == a_result(FAILED, "refused").data()


def test_a_later_result_takes_the_place_of_the_earlier_one() -> None:
    earlier, later = a_result().data(), a_result(FAILED, "refused").data()
    other = {**earlier, "kernel": "5.10"}
    assert merged([earlier, other], [later]) == [other, later]


def test_the_page_tells_what_was_not_run_and_why_a_step_failed() -> None:
    text = page([a_result(FAILED, "refused, below_floor: a | b").data()])
    (row,) = rows_of(text, "6.12.117-1")
    assert row[:3] == ["6.12.117-1", "pvh", "`online`"]
    assert row[3:] == ["**no** (1)" if step == "shrink" else "yes" for step in STEPS]
    assert "1. refused, below_floor: a \\| b\n" in text
    assert "Measured on Xen 4.17.7." in text
    for missing in rows_of(text, "7.2"):
        assert missing[3:] == ["not run"] * len(STEPS)


def test_a_selection_has_only_the_cells_that_were_asked_for() -> None:
    assert cells(["4.20"], ["7.2"], ["hvm"]) == [Cell("4.20", "7.2", "hvm")]
