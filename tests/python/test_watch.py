# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host tells by itself, and what it is told: watches, logs, policies; all guests at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from typing import Any, Callable

import pytest

import memctl

Simulate = Callable[..., str]
Told = list[tuple[str, str]]

#: For calls that a type checker would not let pass.
UNTYPED: Any = memctl


@pytest.fixture
def coming(simulate: Simulate) -> str:
    """Two guests, of which one ends after a tenth of a second."""
    guests = [{"name": name, "type": "pv", "memory": "1GiB"} for name in ("web1", "web2")]
    ends = {"at": 0.1, "do": "destroy", "guest": "web1"}
    return simulate(host="16GiB", pace=1, guests=guests, actions=[ends])


EXPECTED: Told = [("appeared", "web1"), ("appeared", "web2"), ("ended", "web1")]


def test_a_watch_tells_of_guests_that_come_and_go(coming: str) -> None:
    told: Told = []
    with memctl.Host(coming) as host, host.watch() as watch:
        for change in watch:
            told.append((change.change.value, change.domain.name))
            if change.change == memctl.Change.ENDED:
                watch.close()
    assert told == EXPECTED


def test_a_watch_leaves_the_event_loop_free(coming: str) -> None:
    async def follow() -> tuple[Told, int]:
        told: Told = []
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        turning = asyncio.create_task(turn())
        with memctl.Host(coming) as host:
            async for change in host.watch():
                told.append((change.change.value, change.domain.name))
                if change.change == memctl.Change.ENDED:
                    break
        turning.cancel()
        return told, turns

    told, turns = asyncio.run(follow())
    assert told == EXPECTED and turns > 3


def test_a_watch_ends_with_its_host() -> None:
    host = memctl.Host("sim:")
    watch = host.watch()
    assert [next(watch).domain.name for _ in range(3)] == ["demo-pv", "demo-pvh", "demo-hvm"]
    rest: list[list[memctl.DomainChange]] = []
    waiting = threading.Thread(target=lambda: rest.append(list(watch)))
    waiting.start()
    host.close()
    waiting.join(30)
    assert rest == [[]] and not list(watch)
    watch.close()
    with pytest.raises(memctl.HostClosed):
        host.watch()


def test_a_forked_child_cannot_follow_its_parents_watch() -> None:
    with memctl.Host("sim:") as host, host.watch() as watch:
        child = os.fork()
        if child == 0:
            try:
                next(watch)
            except memctl.HostClosed:
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert next(watch).domain.name == "demo-pv"


def test_a_logger_hears_what_the_host_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="toolstack")
    with memctl.Host("sim:", logger=logging.getLogger("toolstack")) as host:
        domain = host["demo-pv"]
        domain.resize("2GiB")
        with pytest.raises(memctl.Refused):
            domain.resize("100GiB")
    records: list[Any] = [one for one in caplog.records if one.name == "toolstack"]
    messages = [one.getMessage() for one in records]
    assert messages[0] == "demo-pv: a resize begins, to 2048 MiB"
    assert "demo-pv: populate, stage 1, 1024 MiB -> 2048 MiB" in messages
    assert messages[-1].endswith("(refused: host_memory)"), "the last line was waited for"
    assert {one.domain.name for one in records} == {"demo-pv"}
    ends = [one for one in records if one.kind == "resize_ended"]
    assert [one.report.outcome for one in ends] == ["verified", "refused"]
    assert ends[0].report.reached == memctl.Size("2GiB")
    assert ends[1].report.cause == "host_memory"
    assert ends[1].report.requested == memctl.Size("100GiB")
    assert {one.kind for one in records if one.report is None} == {"other"}
    assert {one.threadName for one in records} == {"memctl-log"}
    assert (records[0].levelno, records[1].levelno) == (logging.INFO, logging.DEBUG)
    assert "memctl-log" not in [thread.name for thread in threading.enumerate()]


def test_a_logger_may_close_the_host() -> None:
    class Closing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            host.close()
            closed.set()

    closed = threading.Event()
    logger = logging.Logger("closing")
    logger.addHandler(Closing())
    host = memctl.Host("sim:", logger=logger)
    with contextlib.suppress(memctl.HostClosed):  # the first line may be faster than the call
        host["demo-pv"].start_resize("2GiB")
    assert closed.wait(30) and host.closed


def test_a_logger_that_raises_hears_the_next_line(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(str(args.exc_value)))

    class Failing(logging.Logger):
        def log(self, *_: object, **__: object) -> None:
            raise ValueError(f"out of paper, {threading.current_thread().name}")

    with memctl.Host("sim:", logger=Failing("failing")) as host:
        host["demo-pv"].resize("2GiB")
    assert len(raised) > 1
    assert set(raised) == {"out of paper, memctl-log"}


def test_without_a_logger_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with memctl.Host("sim:") as host:
        host["demo-pv"].resize("2GiB")
    assert [one for one in caplog.records if one.name == "memctl"] == []


def test_a_policy_bounds_what_is_offered_and_granted() -> None:
    bounds = memctl.DomainPolicy("demo-pv*", minimum="512MiB", maximum="8GiB")
    with memctl.Host("sim:", policy=memctl.Policy("2GiB", [bounds])) as host:
        domain = host["demo-pv"]
        sizes = domain.status().range
        assert sizes is not None
        assert (str(sizes.smallest.size), str(sizes.largest.size)) == ("512 MiB", "8192 MiB")
        with pytest.raises(memctl.Refused) as refused:
            domain.resize("9GiB")
        assert refused.value.cause == memctl.Cause.ABOVE_POLICY
        host.set_policy(memctl.Policy())
        assert domain.resize("9GiB").reached == memctl.Size("9GiB")


def test_a_wrong_policy_is_refused_and_the_earlier_stays() -> None:
    crossed = memctl.Policy(domains=[memctl.DomainPolicy("web*", minimum="2GiB", maximum="1GiB")])
    with pytest.raises(memctl.InvalidArgument, match="web"):
        memctl.Host("sim:", policy=crossed)
    with pytest.raises(memctl.InvalidSize, match="minimum"):
        memctl.Host("sim:", policy=memctl.Policy(domains=[memctl.DomainPolicy("a", "+1GiB")]))
    with memctl.Host("sim:", policy=memctl.Policy("2GiB")) as host:
        with pytest.raises(memctl.InvalidArgument):
            host.set_policy(crossed)
        assert host["demo-pv"].plan("2GiB").host_reserve == memctl.Size("2GiB")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UNTYPED.Host(None), 'uri is a NoneType: give a str, such as "xen:"'),
        (lambda: UNTYPED.Host("sim:", logger="x"), "logger is a str: give a logging.Logger"),
        (lambda: UNTYPED.Host("sim:", policy=None), "policy is a NoneType: give a memctl.Policy"),
        (lambda: host_with(domains=5), "domains is a int: give a list"),
        (lambda: host_with(domains=[("a", "2g")]), "an entry of domains is a tuple"),
        (lambda: host_with(domains=[UNTYPED.DomainPolicy(5)]), "the name of an entry is a int"),
        (lambda: host_with("lots"), 'host_reserve: "lots" is not a size'),
        (lambda: host_with(1.5), "host_reserve: a float is no size"),
        (lambda: host_with(domains=[memctl.DomainPolicy("a*", 1, "2")]), "the minimum of 'a*'"),
    ],
)
def test_an_argument_of_a_wrong_kind_is_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises((TypeError, memctl.InvalidSize)) as wrong:
        make()
    assert str(wrong.value).startswith(message) and "\n" not in str(wrong.value)


def host_with(*reserve: Any, **domains: Any) -> memctl.Host:
    """A host with a policy of these."""
    return memctl.Host("sim:", policy=memctl.Policy(*reserve, **domains))


def test_closing_leaves_the_event_loop_free(slow: str) -> None:
    async def close_while_it_grows() -> tuple[memctl.Error, int]:
        turns = 0
        begun = asyncio.Event()

        def follow(event: memctl.Event) -> None:
            if event.phase == memctl.Phase.POPULATE and event.now > memctl.Size("1200MiB"):
                begun.set()

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0.01)
                turns += 1

        async with memctl.Host(slow) as host:
            growing = asyncio.create_task(host["g"].resize_async("3GiB", on_event=follow))
            await begun.wait()
            turning = asyncio.create_task(turn())
        turning.cancel()
        assert host.closed
        with pytest.raises(memctl.Cancelled) as cancelled:
            await growing
        return cancelled.value, turns

    cancelled, turns = asyncio.run(close_while_it_grows())
    assert cancelled.report is not None and cancelled.report.outcome == "restored"
    assert turns > 1


def test_all_guests_are_asked_at_once(simulate: Simulate) -> None:
    guests = [
        {"name": f"g{n}", "type": "pv", "memory": "1GiB", "agent": "killed"} for n in range(8)
    ]
    with memctl.Host(simulate(host="64GiB", pace=10, guests=guests)) as host:
        begun = time.monotonic()
        answers = host.status_all()
        assert time.monotonic() - begun < 2  # one after the other they take 4 s
        assert [domain.name for domain, _ in answers] == [f"g{n}" for n in range(8)]
        for domain, status in answers:
            assert isinstance(status, memctl.Status) and status.domain == domain.identity
        assert asyncio.run(host.status_all_async()) == answers
