"""Bad input: a line says what is wrong, the exit status fits, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Lab, ScenarioGuest, ScenarioHost
from memctl_lab.figures import Figures
from memctl_lab.memctl import resize


@pytest.fixture(scope="module")
def guest(host: ScenarioHost) -> Iterator[ScenarioGuest]:
    made = host.create_guest("input-pvh", "pvh")
    made.wait_for_agent()
    yield made
    made.destroy()


@pytest.mark.parametrize(
    "size",
    [
        "0",
        "-1",
        "12x",
        "99999999t",
        "",
        "99999999999999999999999",
        "1.5g",
        "+0",
        "1gb",
        "--",
        "x",
    ],
)
def test_a_wrong_size_is_a_usage_error(guest: ScenarioGuest, size: str) -> None:
    before = guest.snapshot()
    done = guest.host.memctl("resize", guest.name, size).wait()
    assert done.status == 2
    assert done.stdout == ""
    assert 1 <= len(done.stderr.splitlines()) <= 2
    assert guest.snapshot() == before


@pytest.mark.parametrize("name", ["nobody", "4711", "", "Domain-0", "0"])
def test_an_unknown_guest_is_refused(host: ScenarioHost, name: str) -> None:
    done = host.memctl("resize", name, "1g").wait()
    assert done.status == 3
    assert "no_such_domain" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_less_than_the_guest_needs_is_refused(guest: ScenarioGuest, figures: Figures) -> None:
    before = guest.snapshot()
    done = resize(guest, "16m")
    assert done.ending == (3, "refused", "below_floor")
    assert guest.snapshot() == before
    figures.record_resize("16 MiB", guest, done)


def test_an_ordinary_user_is_refused(lab: Lab) -> None:
    done = lab.run("memctl resize nobody 1g", user="nobody")
    assert done.status == 3
    assert "not_permitted" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("words", ["", "resize", "resize a", "grow a 1g", "resize a 1g --stall 0"])
def test_a_wrong_command_line_is_a_usage_error(host: ScenarioHost, words: str) -> None:
    done = host.memctl(*words.split()).wait()
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr
