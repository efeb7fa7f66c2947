# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main uses of the package. These tests also run in dom0 of a real Xen."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Iterator
from typing import Callable

import pytest

import memctl


@pytest.fixture
def host(simulate: Callable[..., str]) -> Iterator[memctl.Host]:
    """A host. A simulated host takes real time here, so that there is time to cancel."""
    guest = {"name": "demo-pv", "type": "pv", "memory": "512MiB", "populated_per_second": "4GiB"}
    uri = os.environ.get("MEMCTL_TEST_URI") or simulate(host="16GiB", pace=1, guests=[guest])
    with memctl.Host(uri) as opened:
        yield opened


def test_a_guest_is_found_and_tells_its_status(host: memctl.Host, domain: memctl.Domain) -> None:
    assert domain in host.domains()
    assert domain.name in host and domain.id in host
    assert host[domain.id] == domain
    status = domain.status()
    assert status.domain == domain.identity
    assert status.agent is not None and status.agent.block_size >= memctl.Size("128MiB")
    assert status.range is not None and status.range.largest.size > status.target
    assert status.boot_limit is not None and status.allocated >= status.target - memctl.Size("1m")


def test_a_plan_tells_what_a_resize_does_and_changes_nothing(domain: memctl.Domain) -> None:
    before = domain.status()
    plan = domain.plan("+256MiB")
    assert plan.to_size - plan.from_size == memctl.Size("256MiB")
    assert plan.stages and plan.stages[-1].size == plan.to_size
    assert plan.earlier_limit == before.limit and plan.limit >= plan.to_size
    assert domain.status().limit == before.limit


def test_a_guest_grows_past_its_boot_limit_and_shrinks_again(domain: memctl.Domain) -> None:
    events: list[memctl.Event] = []
    before = domain.status()
    assert before.boot_limit is not None
    size = before.boot_limit + memctl.Size("512MiB")
    report = domain.resize(size, timeout=120, on_event=events.append)
    assert report.outcome == memctl.Outcome.VERIFIED and report.cause is None
    assert report.verified.all and report.reached == report.requested == size
    assert domain.status().target == size
    phases = [event.phase for event in events]
    assert phases[0] == memctl.Phase.FACTS and phases[-1] == memctl.Phase.VERIFY
    assert all(0 <= event.fraction <= 1 for event in events)
    assert events[-1].fraction == 1

    back = domain.resize(before.target)
    assert (back.from_size, back.reached) == (size, before.target)


def test_a_resize_that_is_refused_names_the_sizes_that_work(domain: memctl.Domain) -> None:
    with pytest.raises(memctl.Refused) as refused:
        domain.resize("300GiB")
    error = refused.value
    assert error.cause in (memctl.Cause.HOST_MEMORY, memctl.Cause.GUEST_MEMMAP)
    assert error.report is not None and error.report.outcome == memctl.Outcome.REFUSED
    assert error.range is not None and error.range.largest.size == error.nearest
    assert error.domain == domain.identity and error.hint
    assert domain.plan(error.nearest).to_size == error.nearest


def test_a_cancelled_resize_restores_the_guest(domain: memctl.Domain) -> None:
    before = domain.status()
    operation = domain.start_resize(before.target + memctl.Size("512MiB"))
    operation.cancel()
    with pytest.raises(memctl.Cancelled) as cancelled:
        operation.wait()
    assert operation.done
    report = cancelled.value.report
    assert report is not None and report.reached == before.target
    assert domain.status().limit == before.limit


def test_asyncio_resizes_and_restores(domain: memctl.Domain) -> None:
    before = domain.status()

    async def grow() -> memctl.Report:
        return await domain.resize_async("+256MiB")

    async def grow_and_be_cancelled() -> None:
        task = asyncio.create_task(grow())
        await asyncio.sleep(0)
        task.cancel()
        await task

    assert asyncio.run(grow()).reached == before.target + memctl.Size("256MiB")
    domain.resize(before.target)
    limit = domain.status().limit
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(grow_and_be_cancelled())
    after = domain.status()
    assert (after.target, after.limit) == (before.target, limit)


def test_the_doctor_and_the_recovery_find_nothing(host: memctl.Host, domain: memctl.Domain) -> None:
    findings = {finding.check: finding for finding in domain.doctor()}
    assert findings[memctl.Check.AGENT].severity == memctl.Severity.GOOD
    assert findings[memctl.Check.LEFTOVER].severity == memctl.Severity.GOOD
    assert [finding.subject for finding in host.doctor()] == [memctl.Subject.HOST] * 6
    recovery = domain.recover()
    assert recovery.report is None and recovery.error is None
    assert domain.identity in [one.domain for one in host.recover()]


def test_reports_can_be_kept(domain: memctl.Domain) -> None:
    for value in (domain.status(), domain.plan("+128MiB"), domain.doctor(), domain.recover()):
        assert pickle.loads(pickle.dumps(value)) == value


def test_unknown_names_are_refused(host: memctl.Host) -> None:
    with pytest.raises(LookupError) as missing:
        host["no such guest"]
    assert isinstance(missing.value, memctl.NoSuchDomain)
    assert missing.value.cause == memctl.Cause.NO_SUCH_DOMAIN
    assert "no such guest" not in host
    with pytest.raises(memctl.NoSuchDomain, match="dom0"):
        host[0]
