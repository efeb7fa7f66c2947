"""The lab itself reports every guest's crash, also if the guest is destroyed by then."""

from __future__ import annotations

from typing import cast

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.guest import GuestConfig
from memctl_lab.scenario import ScenarioGuest, ScenarioHost, unexpected_crashes

PANIC = "Kernel panic - not syncing: Out of memory\n"
NO_DOMAIN = """{"total_pages": 1, "free_pages": 1, "scrub_pages": 0, "outstanding_pages": 0,
 "domains": []}"""


class Consoles:
    """The part of a Lab that a guest needs after its domain's end: its console."""

    def __init__(self) -> None:
        self.guests: dict[str, Guest] = {}
        self.destroyed: list[ScenarioGuest] = []
        self.machine = self
        self.printed = ""

    def console(self, name: str) -> str:
        return self.printed

    def check(self, command: str) -> str:
        return NO_DOMAIN

    def create(self) -> Guest:
        self.guests["web"] = Guest(cast(Lab, self), GuestConfig("web"))
        return self.guests["web"]


@pytest.fixture
def consoles() -> Consoles:
    return Consoles()


def told(consoles: Consoles) -> list[str]:
    return unexpected_crashes(cast(ScenarioHost, consoles))


def test_a_crash_is_told_once(consoles: Consoles) -> None:
    guest = consoles.create()
    consoles.printed += "booting\n" + PANIC
    assert told(consoles) == [f"web crashed: {PANIC.rstrip()}"]
    guest.destroy()
    assert told(consoles) == []


def test_a_guest_that_was_destroyed_after_its_crash_is_told(consoles: Consoles) -> None:
    guest = consoles.create()
    consoles.printed += PANIC
    guest.destroy()
    consoles.create()
    assert told(consoles) == [f"web crashed: {PANIC.rstrip()}"]


def test_a_crash_of_the_next_guest_of_that_name_is_its_own(consoles: Consoles) -> None:
    consoles.create().destroy()
    following = consoles.create()
    following.crash_expected = True
    consoles.printed += PANIC
    assert told(consoles) == []


def test_a_crash_that_was_expected_is_not_told(consoles: Consoles) -> None:
    guest = consoles.create()
    guest.crash_expected = True
    consoles.printed += PANIC
    guest.destroy()
    assert told(consoles) == []
