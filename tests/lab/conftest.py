"""One boot of the lab for all scenarios, and the consoles under every failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from memctl_lab import Guest, Lab, LabConfig  # noqa: E402

LAB = pytest.StashKey[Lab]()


@pytest.fixture(scope="session")
def lab_config() -> LabConfig:
    """The boot that the scenarios share."""
    return LabConfig(memory_mib=int(os.environ.get("MEMCTL_LAB_MEMORY", "6144")))


@pytest.fixture(scope="session")
def lab(lab_config: LabConfig, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The booted host. A scenario removes the guests it made: see `fresh_guests`."""
    with Lab(lab_config) as booted:
        request.config.stash[LAB] = booted
        yield booted


@pytest.fixture
def fresh_guests(lab: Lab) -> Iterator[Lab]:
    """The host; guests made by the scenario are destroyed after it."""
    before = set(lab.guests)
    yield lab
    for name in set(lab.guests) - before:
        lab.guests[name].destroy()


@pytest.fixture(autouse=True)
def no_guest_crashed(request: pytest.FixtureRequest) -> Iterator[None]:
    """A kernel that gave up fails the scenario, unless the scenario said so before."""
    yield
    booted = request.config.stash.get(LAB, None)
    guests: list[Guest] = list(booted.guests.values()) if booted else []
    for guest in guests:
        crashes = guest.crashes()
        if crashes and not guest.crash_expected:
            guest.crash_expected = True  # told once
            pytest.fail(f"{guest.name} crashed: {crashes[0]}")


def pytest_exception_interact(node: pytest.Item, report: pytest.TestReport) -> None:
    """Puts the end of every console under the failure."""
    booted = node.config.stash.get(LAB, None)
    if booted is not None:
        report.sections.append(("consoles of the lab", booted.machine.tails()))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says what goes into the lab."""
    chosen = LabConfig()
    have = {"memctl": chosen.memctl, "memctl-agent": chosen.agent}
    missing = [name for name, path in have.items() if not path.exists()]
    notice = f"; NOT BUILT: {', '.join(missing)}" if missing else ""
    return [f"lab: build {chosen.build}{notice}"]
