"""Bad input: one line that says what is wrong, the exit status of its kind, nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab


@pytest.fixture(scope="module")
def guest(lab: Lab) -> Iterator[Guest]:
    made = lab.create_guest("input-pvh", "pvh")
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
        "''",
        "99999999999999999999999",
        "1.5g",
        "+0",
        "1gb",
        "--",
        "x",
    ],
)
def test_no_size(guest: Guest, size: str) -> None:
    before = guest.snapshot()
    done = guest.lab.run(f"memctl resize {guest.name} {size}")
    assert done.status == 2
    assert done.stdout == ""
    assert 1 <= len(done.stderr.splitlines()) <= 2
    assert guest.snapshot() == before


@pytest.mark.parametrize("name", ["nobody", "4711", "''", "Domain-0", "0"])
def test_no_guest(lab: Lab, name: str) -> None:
    done = lab.run(f"memctl resize {name} 1g")
    assert done.status == 3
    assert "no_such_domain" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_less_than_the_guest_needs(guest: Guest) -> None:
    before = guest.snapshot()
    done = guest.lab.run(f"memctl resize {guest.name} 16m")
    assert done.status == 3
    assert "below_floor" in done.stderr
    assert guest.snapshot() == before


def test_no_permission(guest: Guest) -> None:
    done = guest.lab.run(f"memctl resize {guest.name} 1g", user="nobody")
    assert done.status == 3
    assert "not_permitted" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("words", ["", "resize", "resize a", "grow a 1g", "resize a 1g --stall 0"])
def test_no_command(lab: Lab, words: str) -> None:
    done = lab.run(f"memctl {words}")
    assert done.status == 2
    assert done.stdout == ""
    assert done.stderr
