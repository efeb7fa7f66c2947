# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions of asyncio: the loop goes on while guests are asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Awaitable, Callable, Coroutine

import pytest

import memctl

Simulate = Callable[..., str]
Question = Callable[[], Coroutine[Any, Any, object]]


@pytest.fixture
def silent(simulate: Simulate) -> str:
    """Eight guests whose agents died. A question waits 5 s for an agent, half a second here."""
    guests = [
        {"name": f"g{n}", "type": "pv", "memory": "1GiB", "agent": "killed"} for n in range(8)
    ]
    return simulate(host="64GiB", pace=10, guests=guests)


async def longest_pause(waiting: Awaitable[Any]) -> tuple[Any, float]:
    """Awaits, and returns the result and for how long the loop stood still at most."""
    task = asyncio.ensure_future(waiting)
    longest = 0.0
    while not task.done():
        begun = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - begun)
    return task.result(), longest


def test_a_dead_agent_does_not_block_the_loop(silent: str) -> None:
    async def ask(host: memctl.Host) -> None:
        domain = host["g0"]
        begun = time.monotonic()
        status, pause = await longest_pause(domain.status_async())
        assert status.agent is None and status.domain == domain.identity
        assert time.monotonic() - begun > 0.4 and pause < 0.3
        findings, pause = await longest_pause(domain.doctor_async())
        assert pause < 0.3
        severities = {finding.check: finding.severity for finding in findings}
        assert severities[memctl.Check.AGENT] != memctl.Severity.GOOD

    with memctl.Host(silent) as host:
        asyncio.run(ask(host))


def test_many_dead_agents_take_the_time_of_one(silent: str) -> None:
    async def ask(host: memctl.Host) -> list[memctl.Status]:
        return await asyncio.gather(*(domain.status_async() for domain in host))

    with memctl.Host(silent) as host:
        begun = time.monotonic()
        statuses = asyncio.run(ask(host))
        assert time.monotonic() - begun < 2  # one after the other they take 4 s
        assert [status.domain.name for status in statuses] == [f"g{n}" for n in range(8)]


def test_the_answers_are_those_of_the_calls_that_block(host: memctl.Host) -> None:
    async def ask(domain: memctl.Domain) -> None:
        assert await domain.status_async() == domain.status()
        assert await domain.plan_async("+1g") == domain.plan("+1g")
        assert await domain.doctor_async() == domain.doctor()
        assert await domain.recover_async() == domain.recover()
        assert await host.doctor_async() == host.doctor()
        assert await host.recover_async() == host.recover()

    asyncio.run(ask(host["demo-pvh"]))
    assert not host._switchboards


def test_a_question_has_the_errors_of_the_call_that_blocks(host: memctl.Host) -> None:
    domain = host["demo-pv"]
    with pytest.raises(memctl.Refused) as refused:
        asyncio.run(domain.plan_async("100GiB"))
    assert refused.value.domain == domain.identity and refused.value.range is not None
    with pytest.raises(ValueError):
        asyncio.run(domain.plan_async("lots"))
    gone = memctl.Domain(host, memctl.DomainIdentity(99, "gone", memctl.DomainType.PV))
    questions: list[Question] = [gone.status_async, gone.doctor_async, gone.recover_async]
    for question in questions:
        with pytest.raises(memctl.NoSuchDomain) as missing:
            asyncio.run(question())
        assert missing.value.domain == gone.identity


def test_one_recovery_that_fails_leaves_the_others(simulate: Simulate) -> None:
    guests = [
        {"name": "damaged", "type": "pv", "memory": "1GiB", "journal": "nonsense"},
        {"name": "sound", "type": "pv", "memory": "1GiB"},
    ]
    with memctl.Host(simulate(host="16GiB", guests=guests)) as host:
        damaged, sound = asyncio.run(host.recover_async())
    assert damaged.error is not None and damaged.error.cause == memctl.Cause.JOURNAL_DAMAGED
    assert damaged.error.domain == damaged.domain
    assert sound.error is None


def test_a_cancelled_question_ends_at_once(silent: str) -> None:
    async def ask(domain: memctl.Domain) -> float:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await domain.status_async()
        return time.monotonic() - begun

    with memctl.Host(silent) as host:
        assert asyncio.run(ask(host["g0"])) < 0.3
        assert not host._switchboards
        assert asyncio.run(host["g1"].status_async()).agent is None


def test_closing_answers_the_questions_under_way(silent: str) -> None:
    async def ask() -> memctl.Status:
        with memctl.Host(silent) as host:
            task = asyncio.create_task(host["g0"].status_async())
            await asyncio.sleep(0.05)
        return await task

    assert asyncio.run(ask()).agent is None


def test_a_closed_host_answers_no_question() -> None:
    with memctl.Host("sim:") as host:
        domain = host["demo-pv"]
    questions: list[Question] = [domain.status_async, domain.doctor_async, host.doctor_async]
    for question in questions:
        with pytest.raises(memctl.HostClosed):
            asyncio.run(question())


def test_movable_memory_is_bounded_unless_it_is_forced(host: memctl.Host) -> None:
    domain = host["demo-pv"]
    with pytest.raises(memctl.Error) as caught:
        domain.plan("32GiB", online="movable")
    assert caught.value.cause is memctl.Cause.GUEST_MEMMAP
    assert domain.plan("32GiB", online="movable", force_movable=True).to_size == memctl.Size(
        "32GiB"
    )
    report = domain.resize("32GiB", online="movable", force_movable=True)
    assert report.verified.all


def test_a_shrink_without_a_way_back_says_so(simulate: Simulate) -> None:
    guest = {"name": "g", "type": "pv", "memory": "4GiB"}
    policy = memctl.Policy(domains=[memctl.DomainPolicy("g", maximum="3584MiB")])
    with memctl.Host(simulate(guests=[guest]), policy=policy) as host:
        plan = host["g"].plan("3GiB")
        why = "no way back to 4096 MiB: the administrator allows at most 3584 MiB"
        assert plan.no_way_back == why
        assert plan.to_dict()["no_way_back"] == why
    actions = [{"at": 0, "do": "take-host-memory", "size": "12GiB"}]
    with memctl.Host(simulate(host="16GiB", guests=[guest], actions=actions)) as host:
        assert host["g"].plan("3GiB").no_way_back is None


def test_growth_is_told_by_numa_node_and_bounded_by_an_option_or_the_policy(
    simulate: Simulate,
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "numa_nodes": [1]}
    uri = simulate(host="8GiB", numa_nodes=2, guests=[guest])
    with memctl.Host(uri) as host:
        domain = host["g"]
        forecast = domain.plan("2GiB").numa_forecast
        assert forecast == memctl.NumaForecast((1,), memctl.Size("1GiB"))
        assert domain.plan("2GiB").to_dict()["numa_forecast"]["local_kib"] == 1 << 20
        local = domain.status().numa_forecast
        assert local is not None and local.local is not None and local.local < 3 << 30
        with pytest.raises(memctl.Refused) as caught:
            domain.resize("5GiB", numa="local")
        assert caught.value.cause is memctl.Cause.HOST_MEMORY
        assert "its NUMA node 1 has no more" in str(caught.value)
        with pytest.raises(ValueError, match='numa is .*: it has to be "any" or "local"'):
            domain.plan("2GiB", numa="near")  # type: ignore[arg-type]
        estimate = domain.resize("2GiB", numa="local").numa_estimate
        assert estimate is not None and estimate.nodes == (1,)
        assert estimate.local == 1 << 30
        assert [change.free for change in estimate.changes] == [0, -(1 << 30)]
    with memctl.Host(uri, policy=memctl.Policy(numa="local")) as host:
        with pytest.raises(memctl.Refused):
            host["g"].plan("5GiB")
    with memctl.Host("sim:") as host:
        assert host["demo-pv"].plan("2GiB", numa="local").numa_forecast is None
        assert host["demo-pv"].status().numa_forecast is None
        assert host["demo-pv"].resize("2GiB").numa_estimate is None


@pytest.mark.parametrize("name", ["web; touch x", "-x", "a b", "12", "w\n", "web1"])
def test_a_hint_has_the_domain_as_one_word(simulate: Simulate, name: str) -> None:
    guest = {"name": name, "agent": "absent"}
    with memctl.Host(simulate(guests=[guest])) as host:
        (domain,) = host
        with pytest.raises(memctl.DeadlineExceeded) as caught:
            domain.wait_for_agent(0.1)
    word = "web1" if name == "web1" else "1"
    assert caught.value.hint == f"memctl doctor {word} tells what the guest lacks"
