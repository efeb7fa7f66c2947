# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the doctor finds on simulated hosts with one fault each."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any, Callable

import pytest
from memctl_command import Run

Memctl = Callable[..., Run]
Simulate = Callable[..., str]

RECORD = {
    "format": 1,
    "owner": "nobody",
    "operation": 7,
    "size_kib": 1 << 20,
    "present_kib": 1 << 20,
    "limit_kib": 1 << 20,
    "max_pages_kib": (1 << 20) + 1024,
    "settled_offset_kib": 0,
    "to_kib": 2 << 20,
}
CLAIM = [
    {"at": 0, "do": "mem-max", "guest": "g", "size": "2GiB"},
    {"at": 0, "do": "claim", "guest": "g", "size": "1500MiB"},
]
UDEV_RULE = "/lib/udev/rules.d/40-redhat.rules"


def on(**changes: Any) -> dict[str, Any]:
    """A sound host with one guest, which is sound except for these changes."""
    guest = {"name": "g", "type": "pvh", "memory": "1GiB", **changes}
    return {"host": "16GiB", "guests": [guest]}


def host(actions: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A sound guest on a host that is sound except for these changes."""
    return {**on(), **changes, "actions": actions or []}


FAULTS = [
    ("xen_version", "bad", host(xen_minor=16)),
    ("host_reserve", "bad", host([{"at": 0, "do": "take-host-memory", "size": "16GiB"}])),
    ("host_claims", "note", host(CLAIM)),
    ("autoballoon", "note", host(autoballoon="on")),
    ("autoballoon", "note", host(autoballoon="auto", dom0_mem=False)),
    ("autoballoon", "bad", host(autoballoon="on", xen_minor=21)),
    ("autoballoon", "unknown", host(autoballoon="unknown")),
    ("memory_manager", "bad", host(qmemman=True)),
    ("memory_manager", "bad", host(squeezed=True)),
    ("cold_start", "note", host([{"at": 0, "do": "mem-set", "guest": "g", "size": "900MiB"}])),
    ("state", "note", on(device_model_of=1, agent="absent", stored_configuration=False)),
    ("state", "bad", host([{"at": 0, "do": "pause", "guest": "g"}])),
    ("state", "bad", host([{"at": 0, "do": "crash", "guest": "g"}])),
    ("state", "bad", host([{"at": 0, "do": "begin-save", "guest": "g"}])),
    ("stored_configuration", "bad", on(stored_configuration=False)),
    ("stored_configuration", "bad", on(in_shim=True)),
    ("leftover", "bad", on(journal=json.dumps(RECORD))),
    ("leftover", "bad", on(journal="{}")),
    ("claims", "bad", host(CLAIM)),
    ("libvirt", "note", on(libvirt=True)),
    ("passthrough", "bad", on(passthrough_devices=1)),
    ("emulated_devices", "bad", on(type="hvm", emulated_dma_devices=True)),
    ("paging_pool", "note", host(CLAIM[:1])),
    ("frozen_pool", "good", on(freeze_pool=True)),
    ("frozen_pool", "bad", {**on(freeze_pool=True), "xen_minor": 21}),
    ("frozen_pool", "bad", on(freeze_pool=True, libvirt=True)),
    ("populate_on_demand", "bad", on(maxmem="2GiB")),
    ("reboot", "note", host([{"at": 0, "do": "mem-max", "guest": "g", "size": "64GiB"}])),
    (
        "max_pages",
        "note",
        {
            **on(type="pv", maxmem="2GiB"),
            "actions": [
                {"at": 0, "do": "set-max-pages", "guest": "g", "size": "1000MiB"},
                {"at": 0, "do": "write-target", "guest": "g", "size": "1500MiB"},
            ],
        },
    ),
    ("agent", "bad", on(agent="absent")),
    ("agent", "bad", on(agent="killed")),
    ("agent", "bad", on(agent="garbage")),
    ("agent_version", "note", on(agent_version="0.0.1")),
    ("agent_version", "bad", on(agent_protocol=7)),
    ("hotplug", "bad", on(hotplug=False)),
    ("kernel", "bad", on(kernel_release="5.10.46")),
    ("kernel", "bad", on(kernel_release="4.19.209")),
    ("kernel", "bad", on(kernel_release="custom")),
    ("online_policy", "note", on(online_policy="online_movable")),
    ("udev_rule", "note", on(udev_rule=UDEV_RULE)),
    ("udev_rule", "bad", on(udev_rule=UDEV_RULE, udev_rule_action="online_movable")),
    ("udev_rule", "good", on(udev_rule=UDEV_RULE, udev_rule_action="online_kernel")),
    ("udev_rule", "unknown", on(udev_rules_read=False)),
]


@pytest.mark.parametrize("uri", ["sim:", None])
def test_nothing_is_wrong_with_a_sound_host(
    memctl: Memctl, simulate: Simulate, uri: str | None
) -> None:
    run = memctl("--host", uri or simulate(**on()), "doctor")
    assert (run.code, run.err) == (0, "")
    assert run.out == "all good\n"
    assert "mend:" not in run.out
    findings = memctl("--host", uri or simulate(**on()), "doctor", "--json").objects()
    assert {finding["severity"] for finding in findings} == {"good"}


@pytest.mark.parametrize("check, severity, scenario", FAULTS)
def test_each_fault_is_found(
    memctl: Memctl, simulate: Simulate, check: str, severity: str, scenario: dict[str, Any]
) -> None:
    uri = simulate(**scenario)
    run = memctl("--host", uri, "doctor", "--json")
    findings = run.objects()
    (found,) = [finding for finding in findings if finding["check"] == check]
    assert found["severity"] == severity, found
    assert found["message"]
    if severity == "bad":
        assert found["remedy"]
    bad = any(finding["severity"] == "bad" for finding in findings)
    assert run.code == (1 if bad else 0)
    text = memctl("--host", uri, "doctor", "-v")
    assert text.code == run.code
    assert found["message"] in text.out
    brief = memctl("--host", uri, "doctor")
    assert brief.code == run.code
    assert (found["message"] in brief.out) == (severity != "good")
    assert "  ok  " not in brief.out
    assert text.out.count("mend: ") == sum(finding["remedy"] is not None for finding in findings)


@pytest.mark.parametrize(
    "scenario, check", [(on(journal=json.dumps(RECORD)), "leftover"), (host(CLAIM), "claims")]
)
def test_the_named_command_mends_what_was_left_behind(
    memctl: Memctl, simulate: Simulate, scenario: dict[str, Any], check: str
) -> None:
    uri = simulate(**scenario)
    findings = memctl("--host", uri, "doctor", "g", "--json").objects()
    (remedy,) = [finding["remedy"] for finding in findings if finding["check"] == check]
    program, *arguments = shlex.split(remedy)
    assert program == "memctl"
    run = memctl("--host", uri, *arguments)
    assert run.code == 0, run.err


HOSTILE = [
    "w; touch x",
    "-rf",
    "a b",
    "$(reboot)",
    "`x`",
    "a'b",
    'a"b',
    "a\nb",
    "\x1b[2J",
    "12",
    "*",
]
IN_THE_GUEST = "in the guest: "
PROGRAMS = ("memctl", "xl", "virsh", "systemctl", "echo", "xenstore-rm")


def called(scenario: dict[str, Any], name: str) -> dict[str, Any]:
    """The same host, with another name and other texts of its guest."""
    (guest,) = scenario["guests"]
    guest = {**guest, "name": name}
    if guest.get("udev_rule"):
        guest["udev_rule"] = "/etc/udev/rules.d/../../xen/$(reboot).conf"
    actions = [
        {**each, "guest": name} if "guest" in each else each for each in scenario.get("actions", [])
    ]
    return {**scenario, "guests": [guest], "actions": actions}


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_what_is_to_be_pasted_has_the_domain_as_one_word(
    memctl: Memctl, simulate: Simulate, number: int
) -> None:
    _, _, scenario = FAULTS[number]
    plain = memctl("--host", simulate(**called(scenario, "plain-name")), "doctor", "--json")
    name = HOSTILE[number % len(HOSTILE)]
    uri = simulate(**called(scenario, name))
    run = memctl("--host", uri, "doctor", "--json")
    remedies = [finding["remedy"] for finding in run.objects()]
    # Only the domain's number differs from what a plain name gives.
    assert remedies == [
        finding["remedy"] and finding["remedy"].replace("plain-name", "1")
        for finding in plain.objects()
    ]
    for remedy in remedies:
        command = (remedy or "").removeprefix(IN_THE_GUEST)
        if command.startswith(PROGRAMS):
            assert name not in shlex.split(command)
            assert subprocess.run(["sh", "-n", "-c", command]).returncode == 0, command
            assert "reboot)" not in command
    text = memctl("--host", uri, "doctor", "-v")
    assert "\x1b" not in text.out + text.err


def test_a_stub_domain_makes_no_host_bad_and_is_left_out_of_all(
    memctl: Memctl, simulate: Simulate
) -> None:
    stub = {
        "name": "g-dm",
        "type": "pvh",
        "memory": "128MiB",
        "agent": "absent",
        "stored_configuration": False,
        "device_model_of": 1,
    }
    sound = on()
    uri = simulate(**{**sound, "guests": [*sound["guests"], stub]})
    run = memctl("--host", uri, "doctor")
    assert run.code == 0
    assert "it is the device model of domain 1, and keeps the memory that it was built" in run.out
    assert memctl("--host", uri, "resize", "--all", "2g").code == 0
    for command in ("resize", "plan"):
        refused = memctl("--host", uri, command, "g-dm", "2g")
        assert refused.code == 3
        assert refused.err == (
            "memctl: g-dm: it is the device model of domain 1, and keeps the memory that it was "
            "built with (xen_unsupported)\n  hint: resize the guest: memctl resize 1 SIZE\n"
        )
    assert memctl("--host", uri, "resize", "1", "2g").code == 0
    both = memctl("--host", uri, "status", "--json").objects()
    assert [each["refused_by"] for each in both] == [None, "xen_unsupported"]


def test_the_report_is_grouped_by_host_domain_and_guest(memctl: Memctl, simulate: Simulate) -> None:
    run = memctl("--host", simulate(**on(agent="absent")), "doctor", "g")
    lines = run.out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "g, in the guest",
        "1 bad, 6 not known, 18 good",
    ]
    every = memctl("--host", simulate(**on(agent="absent")), "doctor", "g", "-v").out.splitlines()
    assert [line for line in every if not line.startswith(" ")] == [
        "host",
        "g (pvh, domain 1)",
        *[line for line in lines if not line.startswith(" ")],
    ]
    assert "        mend: in the guest: systemctl enable --now memctl-agent" in lines
    assert "  ?     6 checks need the agent" in lines


def test_a_missing_guest_does_not_hide_the_others(memctl: Memctl) -> None:
    run = memctl("--host", "sim:", "doctor", "nope", "demo-pv", "-v")
    assert run.code == 3
    assert "(no_such_domain)" in run.err
    assert "demo-pv (pv, domain 1)" in run.out and "demo-pvh" not in run.out
    objects = memctl("--host", "sim:", "doctor", "nope", "demo-pv", "--json").objects()
    assert [each["cause"] for each in objects if "cause" in each] == ["no_such_domain"]


def test_status_of_a_guest_without_an_agent_says_what_stands_in_the_way(
    memctl: Memctl, simulate: Simulate
) -> None:
    uri = simulate(**on(agent="absent"))
    row = memctl("--host", uri, "status").out.splitlines()[1].split()
    assert row == ["g", "1", "pvh", "1024", "-", "no-agent", "1024", "-", "-"]
    (status,) = memctl("--host", uri, "status", "--json").objects()
    assert status["agent"] is status["range"] is status["guest_total_kib"] is None
    assert status["refused_message"].startswith("g: no memctl-agent answers (not installed, ")
