"""The contract of the host's port on real Xen, with `--full`. ctest checks the simulated host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.memctl import doctor

pytestmark = pytest.mark.full

TYPES = ("pv", "pvh")
PROGRAM = "memctl-contract-test --host xen: --gtest_color=no"


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[dict[str, Guest]]:
    if not lab.config.contract_test.exists():
        pytest.skip(f"{lab.config.contract_test} is not built")
    wanted = [(f"contract-{type}", type) for type in TYPES]
    made = lab.create_guests(wanted, agent=False, online_policy="offline")
    yield {guest.config.type: guest for guest in made}
    for guest in made:
        guest.destroy()


def keeps_the_contract(lab: Lab, guests: list[Guest], tests: str) -> None:
    """Runs these tests in dom0, prints GoogleTest's summary, and shows the tests that failed."""
    options = " ".join(f"--guest {guest.config.type}:{guest.name}" for guest in guests)
    done = lab.run(f"{PROGRAM} {options} --gtest_filter='{tests}'", timeout=600)
    summary = re.search(r"^\[=+\] \d+ tests? .*ran\..*", done.stdout, re.MULTILINE | re.DOTALL)
    print(summary[0] if summary else done.stdout)
    assert done.status == 0, failures(done.stdout) + done.stderr
    assert summary and "[  PASSED  ] 0 tests" not in summary[0]


def failures(output: str) -> str:
    """The output without the tests that passed."""
    return re.sub(r"^\[ RUN      \] (.*)\n\[       OK \] \1 .*\n", "", output, flags=re.MULTILINE)


@pytest.mark.parametrize("type", TYPES)
def test_port_keeps_its_contract_with_a_guest(
    lab: Lab, guests: dict[str, Guest], type: str
) -> None:
    guest = guests[type]
    before = guest.snapshot()
    keeps_the_contract(lab, [guest], "Guest/*")
    assert guest.snapshot() == before
    assert guest.alive()


def test_the_doctor_names_the_program_that_is_xenstore(lab: Lab) -> None:
    named = doctor(lab).finding("xenstored")
    assert named["severity"] == "good"
    assert named["message"].startswith(f"{lab.config.xenstored}, which")


def test_port_keeps_its_contract_with_the_host(lab: Lab, guests: dict[str, Guest]) -> None:
    keeps_the_contract(lab, list(guests.values()), "-Guest/*")
