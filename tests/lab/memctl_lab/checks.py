"""Checks that hold for a guest whatever happened to the guest or its resize."""

from __future__ import annotations

from memctl_lab.memctl import status
from memctl_lab.scenario import ScenarioGuest


def check_sound(guest: ScenarioGuest) -> None:
    """The guest and its processes live, its agent answers, and memctl left nothing behind."""
    assert guest.alive() and guest.killed_processes() == 0
    assert not guest.has_journal()
    assert guest.snapshot().claim_pages == 0
    assert status(guest.host, guest.name)[0]["agent"] is not None
