"""The Python package in dom0 of a real Xen, with Debian's interpreter, in its own boot."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab, LabConfig

pytestmark = pytest.mark.full

TESTS = "/root/memctl/tests/python"
PLAYBOOK = "/root/memctl/examples/python/ansible"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabConfig(python=True, dom0_memory_mib=1536)) as booted:
        yield booted


@pytest.mark.parametrize("type", ["pv", "pvh"])
def test_the_main_cases(fresh_lab: Lab, type: str) -> None:
    guest = fresh_lab.create_guest(f"python-{type}", type)
    guest.wait_for_agent()
    done = fresh_lab.run(
        f"cd /tmp && MEMCTL_TEST_URI=xen: MEMCTL_TEST_GUEST={guest.name}"
        f" python3 -m pytest -q -p no:cacheprovider {TESTS}/test_main_cases.py",
        timeout=300,
    )
    print(done.stdout)
    assert done.status == 0, done.stdout + done.stderr
    assert " passed" in done.stdout and "skipped" not in done.stdout
    assert guest.alive() and fresh_lab.facts().outstanding_pages == 0


def play(guest: Guest, size: str, options: str = "") -> str:
    variables = {
        "guests": [{"name": guest.name, "size": size}],
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_become": False,
    }
    done = guest.lab.run(
        f"cd {PLAYBOOK} && HOME=/tmp LC_ALL=C.UTF-8 ANSIBLE_STDOUT_CALLBACK=items"
        f" ANSIBLE_CALLBACK_PLUGINS={TESTS}/ansible_callbacks"
        f" ansible-playbook -i localhost, -c local playbook.yml"
        f" -e '{json.dumps(variables)}' {options}",
        timeout=300,
    )
    print(done.stdout)
    assert done.status == 0, done.stdout + done.stderr
    return done.stdout


def test_ansible_gives_a_guest_its_size_and_then_leaves_it_alone(fresh_lab: Lab) -> None:
    guest = fresh_lab.create_guest("ansible", "pvh")
    guest.wait_for_agent()
    before = guest.snapshot()
    checked = json.loads(play(guest, "512MiB", "--check"))
    assert checked["changed"] and checked["plan"]["to_kib"] == 512 << 10
    assert guest.snapshot() == before
    grown = json.loads(play(guest, "512MiB"))
    assert grown["changed"] and grown["report"]["outcome"] == "verified"
    assert not json.loads(play(guest, "512MiB"))["changed"]
    assert guest.alive()
