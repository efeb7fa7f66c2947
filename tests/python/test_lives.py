# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that boot and reboot."""

from __future__ import annotations

import asyncio
import time
from typing import Callable

import pytest

import memctl
from memctl.domain import present_life

Simulate = Callable[..., str]


@pytest.fixture
def booting(simulate: Simulate) -> str:
    """A guest whose agent does not answer the first questions."""
    return simulate(
        host="16GiB",
        libxl_call=0.02,  # so the host's time passes while it is asked
        guests=[{"name": "g", "type": "pv", "memory": "1GiB"}],
        actions=[
            {"at": 0, "do": "pause", "guest": "g"},
            {"at": 0.05, "do": "unpause", "guest": "g"},
        ],
    )


@pytest.fixture
def silent(simulate: Simulate) -> str:
    """A guest without an agent."""
    return simulate(
        host="16GiB", guests=[{"name": "g", "type": "pv", "memory": "1GiB", "agent": "absent"}]
    )


def test_a_rebooted_guest_is_found_again(simulate: Simulate) -> None:
    reboot = {"at": 0.2, "do": "reboot", "guest": "g"}
    guests = [{"name": name, "type": "pv", "memory": "1GiB"} for name in ("g", "other")]
    with memctl.Host(simulate(host="16GiB", guests=guests, actions=[reboot])) as host:
        earlier = host["g"]
        with pytest.raises(memctl.DomainGone):
            earlier.resize("8GiB")
        with pytest.raises(memctl.NoSuchDomain):
            earlier.status()
        domain = earlier.refresh()
        assert domain.name == "g" and domain.id != earlier.id and domain != earlier
        assert domain.refresh() == domain and domain.status().domain == domain.identity


def test_a_guest_that_does_not_run_is_not_found_again(host: memctl.Host) -> None:
    gone = memctl.Domain(host, memctl.DomainIdentity(99, "gone", memctl.DomainType.PV, "a-uuid"))
    with pytest.raises(memctl.NoSuchDomain, match='"gone"') as missing:
        gone.refresh()
    assert missing.value.domain == gone.identity


def identity(number: int, name: str, uuid: str) -> memctl.DomainIdentity:
    return memctl.DomainIdentity(number, name, memctl.DomainType.PV, uuid)


@pytest.mark.parametrize(
    ("running", "found"),
    [
        ([identity(7, "g", "u")], 7),
        ([identity(7, "renamed", "u"), identity(8, "g", "other")], 7),
        ([identity(7, "g--incoming", "u"), identity(8, "g", "u")], 8),
        ([identity(7, "g", "anew"), identity(8, "other", "")], 7),
    ],
)
def test_a_guest_is_known_by_its_uuid_or_else_its_name(
    running: list[memctl.DomainIdentity], found: int
) -> None:
    assert present_life(identity(1, "g", "u"), tuple(running)).id == found


def test_a_guest_without_a_uuid_is_known_by_its_name() -> None:
    running = (identity(7, "other", ""), identity(8, "g", "u"))
    assert present_life(identity(1, "g", ""), running).id == 8


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_agent_of_a_booting_guest_is_waited_for(booting: str, asynchronous: bool) -> None:
    with memctl.Host(booting) as host:
        domain = host["g"]
        assert domain.status().agent is None
        if asynchronous:
            status = asyncio.run(domain.wait_for_agent_async(20))
        else:
            status = domain.wait_for_agent(20)
        assert status.agent is not None and status.domain == domain.identity


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_agent_that_does_not_come_is_a_timeout_error(silent: str, asynchronous: bool) -> None:
    with memctl.Host(silent) as host:
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="^g: no agent has answered within 0.7 s$") as late:
            if asynchronous:
                asyncio.run(host["g"].wait_for_agent_async(0.7))
            else:
                host["g"].wait_for_agent(timeout=0.7)
        assert 0.7 <= time.monotonic() - begun < 2
        assert isinstance(late.value, memctl.DeadlineExceeded)
        assert late.value.domain == host["g"].identity and "doctor g" in late.value.hint


def test_a_domain_that_ends_ends_the_wait_for_its_agent(silent: str) -> None:
    with memctl.Host(silent) as host:
        gone = memctl.Domain(host, memctl.DomainIdentity(99, "gone", memctl.DomainType.PV))
        with pytest.raises(memctl.NoSuchDomain):
            gone.wait_for_agent(60)
    with pytest.raises(memctl.HostClosed):
        gone.wait_for_agent(60)


def test_a_wait_for_an_agent_has_a_time(host: memctl.Host) -> None:
    with pytest.raises(ValueError, match="timeout is 0 s"):
        host["demo-pv"].wait_for_agent(0)
