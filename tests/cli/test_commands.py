# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands do and write, on the simulated host."""

from __future__ import annotations

from typing import Callable

import pytest
from memctl_command import Run

Memctl = Callable[..., Run]
SIM = ("--host", "sim:")
GIB = 1 << 20


@pytest.mark.parametrize("guest", ["demo-pv", "demo-pvh", "1"])
def test_a_guest_grows_past_its_boot_limit(memctl: Memctl, guest: str) -> None:
    run = memctl(*SIM, "resize", guest, "4g")
    assert run.code == 0, run.err
    assert run.err == ""
    assert len(run.out.splitlines()) == 1
    assert "1024 MiB -> 4096 MiB in " in run.out
    assert "verified: Xen 4096 MiB, all blocks online, guest MemTotal " in run.out


@pytest.mark.parametrize(
    "size, reached",
    [("-512m", GIB // 2), ("+512m", GIB * 3 // 2), ("512", GIB // 2), ("+1m", GIB + 1024)],
)
@pytest.mark.parametrize("separator", [[], ["--"]])
def test_sizes_may_be_relative(
    memctl: Memctl, size: str, reached: int, separator: list[str]
) -> None:
    run = memctl(*SIM, "resize", "--json", "demo-pv", *separator, size)
    report = run.objects()[-1]
    assert run.code == 0
    assert (report["from_kib"], report["reached_kib"]) == (GIB, reached)


def test_json_is_progress_and_a_report_at_the_end(memctl: Memctl) -> None:
    run = memctl(*SIM, "resize", "demo-pvh", "4g", "--json")
    *progress, report = run.objects()
    assert run.err == ""
    assert {event["event"] for event in progress} == {"progress"}
    phases = [event["phase"] for event in progress]
    assert list(dict.fromkeys(phases)) == ["facts", "reserve", "online", "populate", "verify"]
    elapsed = [event["elapsed_ms"] for event in progress]
    assert elapsed == sorted(elapsed)
    assert report["event"] == "report"
    assert report["domain"] == {"id": 2, "name": "demo-pvh", "type": "pvh"}
    assert report["verified"] == {"xen": True, "blocks": True, "guest_total": True}
    assert set(report["phase_ms"]) == set(phases)


def test_without_a_terminal_verbose_has_a_line_per_phase(memctl: Memctl) -> None:
    run = memctl(*SIM, "resize", "demo-pv", "2g", "--verbose", LC_ALL="C")
    assert [line.split()[:2] for line in run.err.splitlines()] == [
        ["ok", phase] for phase in ("facts", "reserve", "online", "populate", "verify")
    ]
    assert "\x1b" not in run.err


def test_more_than_the_host_has_is_refused_with_the_sizes_that_work(memctl: Memctl) -> None:
    run = memctl(*SIM, "resize", "demo-pv", "100g")
    assert run.code == 3
    assert "(host_memory)\n  possible now: 135 MiB to " in run.err
    (*_, report) = memctl(*SIM, "resize", "demo-pv", "100g", "--json").objects()
    largest = report["range"]["largest"]["size_kib"]
    assert memctl(*SIM, "resize", "demo-pv", f"{largest}k").code == 0


def test_a_plan_is_a_dry_run(memctl: Memctl) -> None:
    plan = memctl(*SIM, "plan", "demo-pvh", "40g")
    assert plan.code == 0
    assert plan.out == memctl(*SIM, "resize", "demo-pvh", "40g", "--dry-run").out
    assert "STAGE" in plan.out and "possible now: 135 MiB to " in plan.out
    (answer,) = memctl(*SIM, "plan", "demo-pvh", "40g", "--json").objects()
    assert answer["event"] == "plan"
    assert answer["stages"][-1]["size_kib"] == answer["to_kib"] == 40 * GIB


def test_a_plan_shows_the_pool_that_it_stores(memctl: Memctl, simulate: Callable[..., str]) -> None:
    guest = {"name": "g", "type": "pvh", "memory": "1GiB", "freeze_pool": True}
    run = memctl("--host", simulate(host="64GiB", guests=[guest]), "plan", "g", "8g")
    assert "\n  stored paging pool: " in run.out, run.err
    assert "stored" not in memctl(*SIM, "plan", "demo-pvh", "8g").out


def test_a_refused_plan_is_a_report(memctl: Memctl) -> None:
    run = memctl(*SIM, "plan", "demo-pv", "100g", "--json")
    (report,) = run.objects()
    assert run.code == 3
    assert (report["event"], report["cause"]) == ("report", "host_memory")


def test_status_shows_all_guests_or_those_named(memctl: Memctl) -> None:
    every = memctl(*SIM, "status")
    assert every.code == 0
    assert [line.split()[0] for line in every.out.splitlines()] == [
        "NAME",
        "demo-pv",
        "demo-pvh",
        "demo-hvm",
        "host:",
    ]
    assert len(memctl(*SIM, "status", "--json").objects()) == 3
    (only,) = memctl(*SIM, "status", "demo-pvh", "--json").objects()
    assert only["domain"]["name"] == "demo-pvh"


def test_status_of_a_missing_guest_shows_the_others_too(memctl: Memctl) -> None:
    run = memctl(*SIM, "status", "demo-pv", "nope")
    assert run.code == 3
    assert [line.split()[0] for line in run.out.splitlines()] == ["NAME", "demo-pv", "host:"]
    assert "(no_such_domain)" in run.err
    found, missing = memctl(*SIM, "status", "demo-pv", "nope", "--json").objects()
    assert found["domain"]["name"] == "demo-pv"
    assert (missing["domain"], missing["cause"]) == (None, "no_such_domain")


def test_without_an_agent_only_agentless_works(
    memctl: Memctl, simulate: Callable[..., str]
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "online_policy": "online"}
    uri = simulate(host="16GiB", guests=[{**guest, "agent": "absent"}])
    (*_, report) = memctl("--host", uri, "resize", "g", "2g", "--json").objects()
    assert (report["outcome"], report["cause"]) == ("refused", "agent_absent")
    run = memctl("--host", uri, "resize", "g", "2g", "--agentless")
    assert run.code == 0, run.err
    assert "the guest was not asked" in run.out


def test_several_guests_are_resized_at_once(memctl: Memctl) -> None:
    run = memctl(*SIM, "resize", "demo-pv", "2", "demo-hvm", "4g", "--json")
    objects = run.objects()
    reports = [each for each in objects if each["event"] == "report"]
    assert run.code == 0
    assert {each["domain"]["name"] for each in reports} == {"demo-pv", "demo-pvh", "demo-hvm"}
    assert {each["outcome"] for each in reports} == {"verified"}
    assert {each["domain"]["name"] for each in objects if each["event"] == "progress"} == {
        "demo-pv",
        "demo-pvh",
        "demo-hvm",
    }


@pytest.mark.parametrize("size", ["+256m", "-256m", "2g"])
def test_all_guests_are_resized(memctl: Memctl, size: str) -> None:
    run = memctl(*SIM, "resize", "--all", size)
    assert (run.code, run.err) == (0, "")
    assert len(run.out.splitlines()) == 3
    assert memctl(*SIM, "resize", "--all", "--quiet", size) == Run(0, "", "")
    assert memctl(*SIM, "plan", "--all", size).code == 0


def test_host_memory_for_some_goes_to_some_and_the_exit_code_is_the_worst(memctl: Memctl) -> None:
    run = memctl(*SIM, "resize", "--all", "40g", "--json")
    reports = [each for each in run.objects() if each["event"] == "report"]
    assert sorted(each["outcome"] for each in reports) == ["refused", "refused", "verified"]
    assert {each["cause"] for each in reports} == {None, "host_memory"}
    assert run.code == 3
    plan = memctl(*SIM, "plan", "--all", "40g", "--json")
    assert plan.code == 3
    *plans, together = plan.objects()
    assert [each["event"] for each in plans] == ["plan"] * 3
    assert (together["cause"], together["domain"]) == ("host_memory", None)
    assert together["message"].startswith("together they need ")


def test_a_guest_named_twice_or_unknown_lets_none_begin(memctl: Memctl) -> None:
    twice = memctl(*SIM, "resize", "demo-pv", "demo-pvh", "1", "2g")
    assert (twice.code, twice.out) == (2, "")
    assert twice.err.startswith('memctl: demo-pv is named twice, also as "1" (invalid_argument)')
    (report,) = memctl(*SIM, "resize", "demo-pv", "demo-pv", "2g", "--json").objects()
    assert (report["cause"], report["domain"]["name"]) == ("invalid_argument", "demo-pv")
    unknown = memctl(*SIM, "resize", "demo-pv", "4g", "2g")
    assert (unknown.code, unknown.out) == (3, "")
    assert 'no guest is called "4g"' in unknown.err and "nothing was begun" in unknown.err


def test_that_there_is_no_guest_is_said(memctl: Memctl, simulate: Callable[..., str]) -> None:
    uri = simulate(host="16GiB", guests=[])
    for command in ("resize", "plan"):
        said = Run(0, "no guest runs: nothing to do\n", "")
        assert memctl("--host", uri, command, "--all", "2g") == said


def test_a_reserve_leaves_the_host_more(memctl: Memctl) -> None:
    assert memctl(*SIM, "resize", "demo-pv", "4g", "--reserve", "50g").code == 0
    run = memctl(*SIM, "resize", "demo-pv", "4g", "--reserve", "60g")
    assert run.code == 3
    assert "(host_memory)" in run.err


@pytest.mark.parametrize(
    "wait, code", [([], 3), (["--wait-agent", "60"], 0), (["--wait-agent=5s"], 3)]
)
def test_a_guest_that_boots_is_waited_for(
    memctl: Memctl, simulate: Callable[..., str], wait: list[str], code: int
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "booted": False, "boot_time": 20}
    run = memctl("--host", simulate(host="16GiB", guests=[guest]), "resize", "g", "2g", *wait)
    assert run.code == code, run.err
    assert "(agent_absent)" in run.err or code == 0


@pytest.mark.parametrize(
    "action, options, code, outcome, cause, said",
    [
        ({"do": "destroy"}, [], 6, "gone", "domain_gone", "(domain_gone)\n"),
        ({"do": "mem-set", "size": "1500MiB"}, [], 5, "superseded", "superseded", "(superseded)\n"),
        ({}, ["--timeout", "2"], 4, "restored", "deadline", " of 4096 MiB; back at 1024 MiB\n"),
        (
            {},
            ["--timeout", "2", "--on-failure", "keep"],
            5,
            "kept",
            "deadline",
            " of 4096 MiB; kept there (--on-failure keep)\n",
        ),
    ],
)
def test_the_exit_code_tells_how_it_ended(
    memctl: Memctl,
    simulate: Callable[..., str],
    action: dict[str, str],
    options: list[str],
    code: int,
    outcome: str,
    cause: str,
    said: str,
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "512MiB"}
    actions = [{"at": 1.0, "guest": "g", **action}] if action else []
    uri = simulate(host="16GiB", guests=[guest], actions=actions)
    run = memctl("--host", uri, "resize", "g", "4g", *options)
    assert run.code == code, run.err
    assert said in run.err
    (*_, report) = memctl("--host", uri, "resize", "g", "4g", *options, "--json").objects()
    assert (report["outcome"], report["cause"]) == (outcome, cause)


@pytest.mark.parametrize(
    "host, guest, actions, size",
    [
        (
            "600GiB",
            {"type": "pv", "memory": "512MiB"},
            [{"at": 0, "do": "mem-set", "guest": "g", "size": "524285KiB"}],
            "536870916k",
        ),
        ("16GiB", {"type": "pvh", "memory": "512MiB", "block_size": "8GiB"}, [], "800m"),
        ("16GiB", {"type": "pv", "memory": "700MiB", "bits": 32}, [], "4g"),
    ],
)
def test_a_size_that_is_refused_is_refused_at_once(
    memctl: Memctl,
    simulate: Callable[..., str],
    host: str,
    guest: dict[str, object],
    actions: list[dict[str, object]],
    size: str,
) -> None:
    uri = simulate(host=host, guests=[{"name": "g", **guest}], actions=actions)
    run = memctl("--host", uri, "plan", "g", size)
    assert run.code == 3, run.out
    assert "possible now: " in run.err


def test_a_size_that_max_pages_forbids_is_reached_and_not_only_said(
    memctl: Memctl, simulate: Callable[..., str]
) -> None:
    def act(at: float, do: str, size: str) -> dict[str, object]:
        return {"at": at, "do": do, "guest": "vm", "size": size}

    uri = simulate(
        host="16GiB",
        guests=[{"name": "vm", "type": "pv", "memory": "1GiB", "agent_latency": 2}],
        actions=[
            act(0, "write-target", "1000MiB"),
            act(0.5, "set-max-pages", "1000MiB"),
            act(0.6, "write-target", "1001MiB"),
        ],
    )
    run = memctl("--host", uri, "resize", "vm", "1001m", "--json")
    *events, report = run.objects()
    assert run.code == 0, run.err
    assert report["reached_kib"] == 1001 << 10
    assert report["stages"] > 0
    (found,) = [
        each
        for each in memctl("--host", uri, "doctor", "vm", "--json").objects()
        if each["check"] == "max_pages"
    ]
    assert (found["severity"], found["remedy"]) == ("note", "memctl resize vm 1001m")
