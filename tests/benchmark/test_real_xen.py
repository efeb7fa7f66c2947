"""What the part on real Xen makes of the courses that it has seen."""

from __future__ import annotations

from benchmark.figures import IN_ALL, Measured
from benchmark.real_xen import Step, Taken, thinned
from benchmark.rivals import KERNEL, MEMCTL, RULE
from memctl_lab.stopwatch import Course, parse

GROWN = Step("pv", 160, 512)


def course(first_page: int, last_page: int, ended: int) -> Course:
    return parse(
        "0.0 pages 40960\n"
        '1.0 line {"event":"progress","phase":"facts"}\n'
        "300.0 online 1\n"
        f"{first_page} pages 50000\n"
        f"{last_page} pages 131072\n"
        f"{ended} ended 0\n"
    )


def taken() -> Taken:
    seen = Taken()
    for ended in (1100, 1200, 1000):
        seen.courses[GROWN][KERNEL.name].append(course(900, ended - 10, ended))
        seen.courses[GROWN][MEMCTL.name].append(course(350, ended - 410, ended - 400))
    seen.failed[GROWN, RULE.name] = 3
    return seen


def test_memctl_is_judged_by_the_kernels_own_policy() -> None:
    times = taken().times(GROWN)
    measured = Measured("real_xen", times)
    assert [figure.median for figure in times] == [1100, None, 700]
    assert measured.met(times[2]) is True
    assert times[1].note == "3 of 3 runs failed."


def test_the_sleep_of_the_balloon_is_from_the_last_block_to_the_first_page() -> None:
    sleeps = taken().sleeps(GROWN)
    assert [figure.values for figure in sleeps] == [(600,) * 3, (), (50,) * 3]


def test_the_parts_of_a_growth_are_the_whole() -> None:
    figures = [each for each in taken().spans(GROWN) if MEMCTL.name in each.group]
    whole = next(each for each in figures if each.name == IN_ALL)
    parts = [each for each in figures if each is not whole]
    for run, value in enumerate(whole.values):
        assert sum(part.values[run] for part in parts) == value


def test_the_plot_has_the_run_with_the_median() -> None:
    by_xl, by_memctl = taken().median_curves(GROWN)
    assert (by_xl.marks["known"], by_memctl.marks["known"]) == (1100, 700)


def test_larger_growths_and_shrinking_have_goals_of_their_own() -> None:
    bounds = {
        end: Step("pv", start, end).goal.bound
        for start, end in ((160, 512), (160, 1024), (1024, 3072), (3072, 600))
    }
    assert bounds == {512: 0.8, 1024: 1.0, 3072: 1.0, 600: 1.1}


def test_a_curve_keeps_what_a_plot_can_show() -> None:
    steps = [(float(at), 160.0) for at in range(100)]
    steps += [(100.0 + at, 160 + at / 10) for at in range(10_000)]
    kept = thinned(steps)
    assert kept[0] == steps[0] and kept[-1] == steps[-1]
    assert 150 < len(kept) < 250
    for point in steps:
        shown = [size for at, size in kept if at <= point[0]][-1]
        assert abs(point[1] - shown) <= 1000 / 200 + 0.2
    assert thinned([]) == ()
