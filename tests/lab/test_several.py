"""Several guests are resized by one call, at the same time.

On real Xen with `--full`.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from memctl_lab import ScenarioGuest, ScenarioHost
from memctl_lab.checks import check_sound
from memctl_lab.memctl import parse_line
from memctl_lab.scenario import Completed

pytestmark = pytest.mark.full

NAMES = {"several-pv", "several-pvh"}
MIB = 1024


@pytest.fixture(scope="class")
def guests(host: ScenarioHost) -> Iterator[Sequence[ScenarioGuest]]:
    made = host.create_guests([("several-pv", "pv"), ("several-pvh", "pvh")])
    yield made
    for guest in made:
        guest.destroy()


def lines_of(done: Completed) -> list[dict[str, Any]]:
    return [parse_line(line) for line in done.stdout.splitlines()]


def endings(lines: list[dict[str, Any]]) -> dict[str, tuple[str, str | None]]:
    """Outcome and cause by guest."""
    return {
        line["domain"]["name"]: (line["outcome"], line["cause"])
        for line in lines
        if line["event"] == "report"
    }


class TestSeveral:
    def test_all_grow_at_the_same_time_once_their_agents_appear(
        self, host: ScenarioHost, guests: Sequence[ScenarioGuest]
    ) -> None:
        done = host.memctl("resize", "--all", "600m", "--wait-agent", "2min", "--json").wait(300)
        lines = lines_of(done)
        assert done.status == 0, done.stdout
        assert endings(lines) == dict.fromkeys(NAMES, ("verified", None))
        first = next(i for i, line in enumerate(lines) if line["event"] == "report")
        assert {line["domain"]["name"] for line in lines[:first]} == NAMES
        for guest in guests:
            assert guest.snapshot().target_kib == 600 * MIB
            check_sound(guest)

    def test_the_table_has_their_sizes(
        self, host: ScenarioHost, guests: Sequence[ScenarioGuest]
    ) -> None:
        done = host.memctl("status", "--noheadings", "-b", "-o", "name,size,state").wait().check()
        assert sorted(line.split() for line in done.stdout.splitlines()) == [
            [guest.name, str(600 << 20), "fine"] for guest in guests
        ]
        table = host.memctl("status").wait().check().stdout.splitlines()
        assert table[-1].startswith("host: ") and len(table) == 2 + len(guests)
        assert max(map(len, table)) <= 80

    def test_an_interruption_brings_all_back(
        self, host: ScenarioHost, guests: Sequence[ScenarioGuest]
    ) -> None:
        before = {guest.name: guest.snapshot().target_kib for guest in guests}
        names = [guest.name for guest in guests]
        running = host.memctl("resize", "--json", *names, "1400m")
        running.wait_for_output('"phase":"populate"')
        running.kill(signal.SIGINT)
        done = running.wait(300)
        told = endings(lines_of(done))
        assert done.status == 130, done.stdout
        assert set(told) == NAMES
        assert all(ending[1] == "cancelled" for ending in told.values()), told
        for guest in guests:
            assert guest.snapshot().target_kib == before[guest.name]
            check_sound(guest)
