"""How the lab reads what happens while a command runs in dom0."""

from __future__ import annotations

import pytest

from memctl_lab.errors import LabError
from memctl_lab.stopwatch import parse

ONE_STAGE = """\
0.0 pages 40960
12.0 line {"event":"progress","phase":"facts"}
20.0 line {"event":"progress","phase":"reserve"}
50.0 line {"event":"progress","phase":"online"}
300.0 online 1
350.0 online 2
400.0 pages 41472
405.0 line {"event":"progress","phase":"populate"}
900.0 pages 131072
910.0 line {"event":"progress","phase":"verify"}
920.0 line {"event":"report","outcome":"verified"}
930.0 ended 0
"""
TWO_STAGES = """\
0.0 pages 1000
100.0 online 1
150.0 pages 1100
200.0 pages 1200
300.0 online 2
310.0 online 3
390.0 pages 1300
490.0 pages 1400
500.0 ended 0
"""


def test_a_growth_is_blocks_then_a_gap_then_pages_and_then_it_is_known() -> None:
    span = parse(ONE_STAGE).span
    assert (span.blocks, span.gaps, span.populating, span.knowing) == (350, (50,), 500, 30)


def test_the_stages_of_a_growth_are_added_up() -> None:
    course = parse(TWO_STAGES)
    span = course.span
    assert (span.blocks, span.gaps, span.populating) == (100 + 110, (50, 80), 50 + 100)
    assert span.blocks + sum(span.gaps) + span.populating + span.knowing == course.ended


def test_a_shrinking_has_no_blocks_and_no_gap() -> None:
    span = parse("0.0 pages 900\n70.0 pages 800\n90.0 pages 500\n95.0 ended 0\n").span
    assert (span.blocks, span.gaps, span.populating, span.knowing) == (70, (), 20, 5)


def test_nothing_that_moves_is_all_waiting() -> None:
    span = parse("0.0 pages 900\n95.0 ended 0\n").span
    assert (span.blocks, span.gaps, span.populating, span.knowing) == (0, (), 0, 95)


def test_phases_take_until_the_next_begins() -> None:
    assert parse(ONE_STAGE).phases == {
        "start": 12,
        "facts": 8,
        "reserve": 30,
        "online": 355,
        "populate": 505,
        "verify": 10,
        "end": 10,
    }


def test_a_course_without_an_end_is_an_error() -> None:
    with pytest.raises(LabError):
        parse("0.0 pages 1000\n")
