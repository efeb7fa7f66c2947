# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples work on simulated hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any, Callable

import pytest

import memctl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "python"
CALLBACKS = Path(__file__).with_name("ansible_callbacks")

Simulate = Callable[..., str]


def run(example: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_guest_grows() -> None:
    done = run("grow_one.py", "--host", "sim:", "demo-pv", "+1GiB")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "demo-pv: 1024 MiB -> 2048 MiB, verified\n"


def test_one_guest_cannot_grow() -> None:
    done = run("grow_one.py", "--host", "sim:", "demo-pv", "200GiB")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("host_memory: ")


def test_the_neediest_guests_are_raised_within_what_the_host_has(simulate: Simulate) -> None:
    def guest(name: str, free: str) -> dict[str, Any]:
        return {"name": name, "type": "pv", "memory": "1GiB", "kernel_free": free}

    guests = [guest("rich", "900MiB"), guest("poor", "20MiB"), guest("poorest", "10MiB")]
    uri = simulate(host="3472MiB", guests=guests)
    done = run("raise_pressured.py", "--host", uri)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "poorest: 1024 MiB -> 1280 MiB\n"


def test_a_growth_is_drawn_with_its_three_layers(tmp_path: Path) -> None:
    picture = tmp_path / "growth.svg"
    host = f"sim:{EXAMPLES / 'host.json'}"
    done = run("plot_growth.py", "--host", host, "web1", "8GiB", str(picture))
    assert done.returncode == 0, done.stderr
    root = xml.parse(picture).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = picture.read_text()
    for colour in ("#9ecae1", "#08519c", "#d94801"):
        assert colour in text


class Ansible:
    """Plays the example's playbook on localhost."""

    def __init__(self, directory: Path, uri: str) -> None:
        self.directory = directory
        self.uri = uri

    def play(self, *options: str, **guests: str) -> dict[str, Any]:
        """Plays the playbook, and returns the result for each guest."""
        variables = {
            "memctl_host": self.uri,
            "guests": [{"name": name, "size": size} for name, size in guests.items()],
            "ansible_python_interpreter": sys.executable,
            "ansible_become": False,
        }
        done = subprocess.run(
            ["ansible-playbook", "-i", "localhost,", "-c", "local", "playbook.yml"]
            + ["-e", json.dumps(variables), *options],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=EXAMPLES / "ansible",
            env={
                **os.environ,
                "ANSIBLE_STDOUT_CALLBACK": "items",
                "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
                "ANSIBLE_LOCAL_TEMP": str(self.directory),
                "ANSIBLE_REMOTE_TEMP": str(self.directory),
                "ANSIBLE_HOME": str(self.directory),
                "LC_ALL": "C.UTF-8",
            },
        )
        results = [json.loads(line) for line in done.stdout.splitlines() if line[:1] == "{"]
        assert len(results) == len(guests), done.stdout + done.stderr
        return {result["item"]["name"]: result for result in results}


@pytest.fixture
def ansible(tmp_path: Path) -> Ansible:
    if "MEMCTL_SANITIZED" in os.environ:
        pytest.skip("Ansible loads libcrypt, in which the sanitizer's preloaded runtime crashes")
    return Ansible(tmp_path, "sim:")


def test_ansible_grows_guests_that_need_it_and_leaves_the_others(ansible: Ansible) -> None:
    results = ansible.play(**{"demo-pv": "2GiB", "demo-pvh": "1GiB"})
    grown, left = results["demo-pv"], results["demo-pvh"]
    assert grown["changed"] and grown["report"]["outcome"] == "verified"
    assert grown["diff"]["after"] == {"target": "2048 MiB", "limit": "2048 MiB"}
    assert not left["changed"] and left["diff"]["before"] == left["diff"]["after"]


def test_ansible_checks_without_a_change_and_shows_the_difference(ansible: Ansible) -> None:
    result = ansible.play("--check", "--diff", **{"demo-pv": "40GiB"})["demo-pv"]
    assert result["changed"] and "report" not in result
    assert result["diff"] == {
        "before": {"target": "1024 MiB", "limit": "1024 MiB"},
        "after": {"target": "40960 MiB", "limit": "40960 MiB"},
    }
    assert result["plan"]["to_kib"] == 40 << 20


@pytest.mark.parametrize("options", [(), ("--check",)])
@pytest.mark.parametrize(
    ("name", "size", "words"),
    [
        ("demo-pv", "200GiB", "host_memory: "),
        ("demo-pv", "+1GiB", "is relative"),
        ("demo-pv", "lots", "is not a size"),
        ("nobody", "1GiB", "no_such_domain: "),
    ],
)
def test_ansible_is_told_what_is_wrong(
    ansible: Ansible, name: str, size: str, words: str, options: tuple[str, ...]
) -> None:
    result = ansible.play(*options, **{name: size})[name]
    assert result["failed"] and not result["changed"]
    assert words in result["msg"] and result["hint"]


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_ansible_is_told_which_sizes_are_possible(
    ansible: Ansible, options: tuple[str, ...]
) -> None:
    result = ansible.play(*options, **{"demo-pv": "200GiB"})["demo-pv"]
    with memctl.Host("sim:") as host:
        sizes = host["demo-pv"].status().range
    assert sizes is not None and result["range"] == sizes.to_dict()
    assert result["nearest_kib"] == result["range"]["largest"]["size_kib"]
    missing = ansible.play(*options, nobody="1GiB")["nobody"]
    assert missing["range"] is None and missing["nearest_kib"] is None


def test_the_module_documents_its_options() -> None:
    documented = subprocess.run(
        ["ansible-doc", "-j", "-M", str(EXAMPLES / "ansible" / "library"), "memctl_domain"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    doc = json.loads(documented.stdout)["memctl_domain"]["doc"]
    assert {"name", "size", "timeout", "host"} < set(doc["options"])
    assert memctl.Size(doc["options"]["host_reserve"]["default"]) == memctl.Size("64MiB")
