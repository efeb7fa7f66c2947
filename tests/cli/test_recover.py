# SPDX-License-Identifier: LGPL-2.1-or-later
"""What killed resizes leave on simulated hosts, and what recover does about it."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from memctl_command import Run

Memctl = Callable[..., Run]
Simulate = Callable[..., str]

GIB = 1 << 20
RECORD: dict[str, Any] = {
    "format": 1,
    "owner": "nobody",
    "operation": 7,
    "size_kib": GIB,
    "present_kib": GIB,
    "limit_kib": GIB,
    "max_pages_kib": GIB + 1024,
    "settled_offset_kib": 64,
    "to_kib": 2 * GIB,
}
# What the operation of RECORD had done when it died: the limit, the claim, the target.
BEGUN: list[dict[str, Any]] = [
    {"at": 0, "do": "mem-max", "guest": "g", "size": "2GiB"},
    {"at": 0, "do": "claim", "guest": "g", "size": "2GiB"},
    {"at": 0, "do": "mem-set", "guest": "g", "size": "2GiB"},
]


def host(
    record: str | dict[str, Any], actions: list[dict[str, Any]] | None = None, **guest: Any
) -> dict[str, Any]:
    """A host with a guest that has this record, and a guest without a record."""
    text = record if isinstance(record, str) else json.dumps(record)
    left = {"name": "g", "type": "pvh", "memory": "1GiB", "journal": text, **guest}
    sound = {"name": "sound", "type": "pv", "memory": "1GiB"}
    return {"host": "16GiB", "guests": [left, sound], "actions": actions or []}


@pytest.mark.parametrize("names", [[], ["g"], ["1"], ["sound", "g"]])
def test_the_leftover_of_a_dead_process_is_restored(
    memctl: Memctl, simulate: Simulate, names: list[str]
) -> None:
    uri = simulate(**host(RECORD, BEGUN))
    run = memctl("--host", uri, "recover", *names)
    assert (run.code, run.err) == (0, "")
    done = "g: restored after an unfinished resize to 2048 MiB: 1024 MiB, limit 1024 MiB"
    assert run.out.splitlines()[-1] == done
    assert ("sound: nothing was left behind" in run.out) == ("sound" in names)

    found = memctl("--host", uri, "recover", *names, "--json").objects()
    (recovered,) = [each for each in found if each["outcome"] != "nothing"]
    assert recovered["outcome"] == "restored"
    assert recovered["cause"] is recovered["message"] is recovered["hint"] is None
    assert recovered["domain"] == {"id": 1, "name": "g", "type": "pvh"}
    keys = ("from_kib", "requested_kib", "reached_kib", "limit_kib")
    assert [recovered[key] for key in keys] == [GIB, 2 * GIB, GIB, GIB]


def test_nothing_left_behind_is_a_success(memctl: Memctl) -> None:
    run = memctl("--host", "sim:", "recover")
    assert (run.code, run.out, run.err) == (0, "nothing was left behind\n", "")
    named = memctl("--host", "sim:", "recover", "demo-pv")
    assert named.out == "demo-pv: nothing was left behind\n"
    objects = memctl("--host", "sim:", "recover", "--json").objects()
    assert [each["outcome"] for each in objects] == ["nothing"] * 3


def test_a_resize_that_was_to_keep_its_size_keeps_it(memctl: Memctl, simulate: Simulate) -> None:
    record = {**RECORD, "size_kib": GIB // 2, "present_kib": GIB // 2, "keep": True}
    uri = simulate(**host(record, BEGUN[:1]))
    run = memctl("--host", uri, "recover")
    assert run.code == 5
    assert "is kept, as it had asked: " in run.out


def test_a_silent_guest_keeps_what_it_has(memctl: Memctl, simulate: Simulate) -> None:
    # By the record, the guest has grown by 512 MiB since.
    record = {**RECORD, "size_kib": GIB // 2, "present_kib": GIB // 2}
    uri = simulate(**host(record, agent="killed"))
    run = memctl("--host", uri, "recover")
    assert run.code == 5
    text = "restored in part after an unfinished resize to 2048 MiB"
    assert f"{text}: 1024 MiB, limit 1024 MiB" in run.out
    assert "(agent_absent)" in run.out
    (left, _) = memctl("--host", uri, "recover", "--json").objects()
    assert (left["outcome"], left["cause"]) == ("kept", "agent_absent")


@pytest.mark.parametrize("record", ["{}", "nonsense", {**RECORD, "format": "2"}])
def test_a_damaged_record_is_left_alone(
    memctl: Memctl, simulate: Simulate, record: str | dict[str, Any]
) -> None:
    uri = simulate(**host(record, BEGUN[:2]))
    run = memctl("--host", uri, "recover")
    assert run.code == 3
    assert run.err.startswith("memctl: g: ") and "(journal_damaged)" in run.err
    assert "xenstore-rm /libxl/1/memctl" in run.err
    (left, sound) = memctl("--host", uri, "recover", "--json").objects()
    assert (left["outcome"], left["cause"]) == ("refused", "journal_damaged")
    assert (sound["outcome"], sound["cause"]) == ("nothing", None)


def test_a_claim_without_a_record_is_told_and_left_alone(
    memctl: Memctl, simulate: Simulate
) -> None:
    uri = simulate(**host("", BEGUN[:2]))
    run = memctl("--host", uri, "recover")
    assert run.code == 0
    # The claimed 2 GiB less what the domain has, 64 KiB of firmware pages included.
    assert run.out.startswith("g: 1048512 KiB are claimed for it by no operation of memctl's")
    (claimed, _) = memctl("--host", uri, "recover", "--json").objects()
    assert (claimed["outcome"], claimed["unknown_claim_kib"]) == ("nothing", GIB - 64)


def test_a_missing_guest_does_not_hide_the_others(memctl: Memctl, simulate: Simulate) -> None:
    uri = simulate(**host(RECORD, BEGUN))
    run = memctl("--host", uri, "recover", "nope", "g")
    assert run.code == 3
    assert "(no_such_domain)" in run.err
    assert "an unfinished resize" in run.out


def test_a_record_of_a_newer_memctl_is_left_to_that_memctl(
    memctl: Memctl, simulate: Simulate
) -> None:
    uri = simulate(**host({"format": 2, "owner": "nobody", "news": [1]}))
    for words in (["recover"], ["resize", "g", "2g"], ["plan", "g", "2g"]):
        run = memctl("--host", uri, *words)
        assert run.code == 3
        assert "a newer memctl left the record of an operation that died" in run.err
        assert "install that memctl again" in run.err
    found = memctl("--host", uri, "doctor", "g", "--json").objects()
    assert "a newer memctl" in str(found)


@pytest.mark.parametrize(
    ("protocol", "told"),
    [(2, "the agent is newer: install the memctl in dom0 that goes with it")],
)
def test_an_agent_of_another_protocol_is_refused_by_name(
    memctl: Memctl, simulate: Simulate, protocol: int, told: str
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "agent_protocol": protocol}
    run = memctl("--host", simulate(host="16GiB", guests=[guest]), "resize", "g", "2g")
    assert run.code == 3
    assert "(agent_incompatible)" in run.err
    assert f"speaks protocol {protocol} to {protocol}, this library 1 to 1" in run.err
    assert told in run.err
