# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resizes under way: callbacks, signals, asyncio, closing, forks and threads."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from random import Random
from typing import Any, Callable

import pytest

import memctl

Simulate = Callable[..., str]


def run_python(code: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs the code in another interpreter, as a user's script."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_a_callback_may_do_what_it_likes(domain: memctl.Domain) -> None:
    """A callback runs on the caller's thread, so it may call the host."""
    seen: list[tuple[int, memctl.Size]] = []

    def look(event: memctl.Event) -> None:
        seen.append((threading.get_ident(), domain.status().allocated))

    domain.resize("2g", on_event=look)
    assert {thread for thread, _ in seen} == {threading.get_ident()}


def test_events_that_are_not_read_do_not_pile_up(host: memctl.Host) -> None:
    """Only the newest event of each phase and stage waits for a reader that comes late."""
    events: list[memctl.Event] = []
    guest = host["demo-pv"]
    operation = guest.start_resize("32g", on_event=events.append)
    while guest.status().allocated < memctl.Size("32767m"):  # its last pages may be missing
        time.sleep(0.01)
    assert operation.wait().reached == memctl.Size("32g")
    steps = [(event.phase, event.stage) for event in events]
    assert len(set(steps)) >= 4
    # The first event may have been read while a newer one came.
    assert len(steps) <= 2 * len(set(steps))
    assert (events[-1].phase, events[-1].now) == (memctl.Phase.VERIFY, memctl.Size("32g"))


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_callback_that_raises_cancels_the_resize(slow: str, asynchronous: bool) -> None:
    """As in C++: the guest is restored, and the callback is not called again."""
    calls: list[memctl.Event] = []

    def fail(event: memctl.Event) -> None:
        if event.phase == memctl.Phase.POPULATE:
            calls.append(event)
            raise ZeroDivisionError("in the callback")

    with memctl.Host(slow) as host:
        domain = host["g"]
        with pytest.raises(memctl.Cancelled) as cancelled:
            if asynchronous:
                asyncio.run(domain.resize_async("4g", on_event=fail))
            else:
                domain.resize("4g", on_event=fail)
        error = cancelled.value
        assert isinstance(error.__cause__, ZeroDivisionError) and len(calls) == 1
        assert str(error) == "g: on_event raised ZeroDivisionError('in the callback')"
        assert error.report is not None and error.report.outcome == memctl.Outcome.RESTORED
        assert domain.status().target == memctl.Size("1g")


def test_a_callback_that_raises_after_the_end_is_logged(
    domain: memctl.Domain, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(event: memctl.Event) -> None:
        raise ZeroDivisionError("in the callback")

    with caplog.at_level(logging.ERROR, "memctl"):
        operation = domain.start_resize("2g", on_event=fail)
        while domain.status().target != memctl.Size("2g"):
            pass
        while True:
            with contextlib.suppress(memctl.Busy):
                domain.resize("2g")
                break  # the first resize has ended
        assert operation.wait().outcome == memctl.Outcome.VERIFIED
    assert len(caplog.records) == 1
    assert "ZeroDivisionError: in the callback" in caplog.text


def test_other_threads_run_while_one_waits(slow: str) -> None:
    with memctl.Host(slow) as host:
        counted = 0
        waiting = threading.Thread(target=host["g"].resize, args=("2g",))
        waiting.start()
        while waiting.is_alive():
            counted += 1
            time.sleep(0.001)
        assert counted > 100
        assert host["g"].status().target == memctl.Size("2g")


def test_many_threads_resize_many_guests(simulate: Simulate) -> None:
    guests = [{"name": f"g{n}", "type": "pvh", "memory": "256MiB"} for n in range(16)]
    with memctl.Host(simulate(host="64GiB", guests=guests)) as host:
        reports: list[memctl.Report] = []

        def work(name: str) -> None:
            reports.extend(host[name].resize(f"{300 + n}m") for n in range(10))

        workers = [threading.Thread(target=work, args=(guest["name"],)) for guest in guests]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(reports) == 160 and all(report.verified.all for report in reports)


INTERRUPTED = """
    import memctl, sys
    shown = []
    def show(event):
        if event.phase == "populate" and event.now > memctl.Size("3g") and not shown:
            shown.append(event)
            print("populating", flush=True)
    with memctl.Host(sys.argv[1]) as host:
        try:
            host["g"].resize("8g", on_event=show)
        except KeyboardInterrupt as interrupt:
            status = host["g"].status()
            print("interrupted", status.target, status.limit, interrupt.__notes__, flush=True)
            print("report:", memctl.report_of(interrupt).outcome, flush=True)
            raise
"""


def test_ctrl_c_cancels_and_restores(slow: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED), slow],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "populating\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    note = "memctl: the resize of g ended restored, at 1024 MiB"
    assert f"interrupted 1024 MiB 1024 MiB ['{note}']" in out
    assert "report: restored\n" in out
    assert "KeyboardInterrupt" in err


def test_ctrl_c_of_asyncio_restores_too(slow: str) -> None:
    code = """
        import asyncio, memctl, os, signal, sys
        async def main(host):
            asyncio.get_running_loop().call_later(2, os.kill, os.getpid(), signal.SIGINT)
            await host["g"].resize_async("8g")
        with memctl.Host(sys.argv[1]) as host:
            try:
                asyncio.run(main(host))
            except KeyboardInterrupt as interrupt:
                print(host["g"].status().target, host["g"].status().limit)
                print(memctl.report_of(interrupt).outcome)
    """
    done = run_python(code, slow)
    assert (done.stdout, done.returncode) == ("1024 MiB 1024 MiB\nrestored\n", 0), done.stderr


def test_an_interruption_at_any_moment_never_hangs(simulate: Simulate) -> None:
    """Ctrl-C may come at any moment. The resize has ended when the caller goes on."""

    class Interruption(BaseException):
        pass

    def interrupt(number: int, frame: object) -> None:
        raise Interruption

    guest = {"name": "g", "type": "pv", "memory": "1GiB", "kernel_free": "900MiB"}
    random = Random(1)
    interrupted = 0
    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        with memctl.Host(simulate(host="16GiB", pace=50, guests=[guest])) as host:
            for _ in range(100):
                operation = host["g"].start_resize(random.choice(["2g", "3g"]), on_event=print)
                try:
                    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 1e-2))
                    operation.wait()
                except Interruption:
                    interrupted += 1
                    if not operation.done:  # the signal came before the wait began
                        operation.wait()
                except memctl.Error:
                    pass
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                assert operation.done
            assert host["g"].resize("4g").outcome == memctl.Outcome.VERIFIED
    finally:
        signal.signal(signal.SIGALRM, earlier)
    assert interrupted > 0


def test_a_thousand_resizes_in_one_loop(simulate: Simulate) -> None:
    guests = [{"name": f"g{n}", "type": "pv", "memory": "128MiB"} for n in range(1000)]
    uri = simulate(host="1TiB", guests=guests)
    gc.collect()  # errors of other tests refer to their resizes
    before = threads()
    descriptors = len(os.listdir("/proc/self/fd"))

    async def grow(host: memctl.Host) -> list[memctl.Report]:
        return await asyncio.gather(*(domain.resize_async("192m") for domain in host))

    with memctl.Host(uri) as host:
        reports = asyncio.run(grow(host))
        assert threads() <= before + 2  # only the host's threads, however many resizes there are
    assert len(reports) == 1000
    assert {str(report.reached) for report in reports} == {"192 MiB"}
    assert all(report.verified.all for report in reports)
    assert threads() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_timeout_of_asyncio_restores_the_guest(slow: str) -> None:
    async def grow(domain: memctl.Domain) -> None:
        async with asyncio.timeout(2):
            await domain.resize_async("8g")

    with memctl.Host(slow) as host:
        domain = host["g"]
        with pytest.raises(TimeoutError):
            asyncio.run(grow(domain))
        status = domain.status()
        assert (status.target, status.limit) == (memctl.Size("1g"), memctl.Size("1g"))


@pytest.mark.parametrize(
    ("on_failure", "outcome"),
    [("restore", memctl.Outcome.RESTORED), ("keep", memctl.Outcome.KEPT)],
)
@pytest.mark.parametrize("wait_for", [False, True])
def test_the_timeout_error_of_asyncio_has_the_report(
    slow: str, on_failure: Any, outcome: memctl.Outcome, wait_for: bool
) -> None:
    async def grow(domain: memctl.Domain) -> None:
        resizing = domain.resize_async("8g", on_failure=on_failure)
        if wait_for:
            await asyncio.wait_for(resizing, 2)
        async with asyncio.timeout(2):
            await resizing

    with memctl.Host(slow) as host:
        domain = host["g"]
        with pytest.raises(TimeoutError) as late:
            asyncio.run(grow(domain))
        report = memctl.report_of(late.value)
        assert report is not None and report.outcome == outcome
        assert report.domain == domain.identity and report.cause == memctl.Cause.CANCELLED
        assert report.reached == domain.status().allocated
        assert (report.reached == memctl.Size("1g")) == (on_failure == "restore")


def test_a_cancelled_task_tells_how_its_resize_ended(slow: str) -> None:
    async def grow(domain: memctl.Domain) -> memctl.Report | None:
        task = asyncio.create_task(domain.resize_async("8g"))
        await asyncio.sleep(1.5)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as cancelled:
            return memctl.report_of(cancelled)
        raise AssertionError

    with memctl.Host(slow) as host:
        report = asyncio.run(grow(host["g"]))
        assert report is not None and report.outcome == memctl.Outcome.RESTORED


def test_an_error_of_another_program_has_no_report() -> None:
    circle = ValueError()
    circle.__context__ = TypeError()
    circle.__context__.__context__ = circle
    assert memctl.report_of(circle) is None and memctl.report_of(None) is None


def test_the_deadline_is_a_timeout_error(slow: str) -> None:
    with memctl.Host(slow) as host:
        for asynchronous in (False, True):
            with pytest.raises(TimeoutError) as late:
                if asynchronous:
                    asyncio.run(host["g"].resize_async("4g", timeout=1.5))
                else:
                    host["g"].resize("4g", timeout=1.5)
            assert isinstance(late.value, memctl.DeadlineExceeded)
            assert late.value.report is not None
            assert late.value.report.outcome == memctl.Outcome.RESTORED


def test_a_second_cancellation_does_not_wait(slow: str) -> None:
    async def grow(domain: memctl.Domain) -> float:
        task = asyncio.create_task(domain.resize_async("8g"))
        await asyncio.sleep(2)
        begun = time.monotonic()
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begun

    with memctl.Host(slow) as host:
        assert asyncio.run(grow(host["g"])) < 0.5
        host.close()  # closing waits


def test_one_failure_of_many_leaves_the_others(simulate: Simulate) -> None:
    async def grow() -> tuple[Any, Any, Any]:
        return await asyncio.gather(
            host["g"].resize_async("2g"),
            host["other"].resize_async("200g"),
            host["g"].resize_async("3g"),
            return_exceptions=True,
        )

    guests = [
        {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"},
        {"name": "other", "type": "pvh", "memory": "1GiB"},
    ]
    with memctl.Host(simulate(host="16GiB", pace=1, guests=guests)) as host:
        first, second, third = asyncio.run(grow())
    assert isinstance(second, memctl.Refused)
    for one in (first, third):  # one of them is busy, or comes second
        assert isinstance(one, (memctl.Report, memctl.Busy)), one
    assert isinstance(first, memctl.Report) or isinstance(third, memctl.Report)


def test_closing_ends_the_resizes_under_way(slow: str) -> None:
    with memctl.Host(slow) as host:
        operation = host["g"].start_resize("8g")
    with pytest.raises(memctl.Cancelled) as cancelled:
        operation.wait()
    assert cancelled.value.report is not None
    assert cancelled.value.report.outcome in (memctl.Outcome.RESTORED, memctl.Outcome.REFUSED)


def test_objects_outlive_their_host_and_say_so(slow: str) -> None:
    with memctl.Host(slow) as other:
        survivor = other["g"]
        finished = survivor.start_resize("2g")
    assert other.closed and repr(other).endswith(", closed>")
    other.close()
    uses: list[Callable[[], object]] = [
        other.domains,
        other.doctor,
        other.recover,
        lambda: other["g"],
        survivor.status,
        survivor.doctor,
        survivor.recover,
        lambda: survivor.plan("2g"),
        lambda: survivor.resize("2g"),
        lambda: asyncio.run(survivor.resize_async("2g")),
    ]
    for use in uses:
        with pytest.raises(memctl.Error, match="has been closed") as closed:
            use()
        assert isinstance(closed.value, memctl.HostClosed) and closed.value.cause is None
    finished.cancel()
    with pytest.raises(memctl.Cancelled):
        finished.wait()
    assert survivor.name == "g" and "g" in repr(survivor)


def test_an_unclosed_host_warns_and_is_closed() -> None:
    before = threads()
    with pytest.warns(ResourceWarning, match="unclosed <memctl.Host 'sim:'>"):
        memctl.Host("sim:")
    assert threads() == before


def test_the_interpreters_end_in_the_middle_restores(slow: str) -> None:
    code = """
        import contextlib, memctl, sys, threading, time
        host = memctl.Host(sys.argv[1])
        def grow():
            # A daemon thread that writes a traceback while the interpreter ends can abort it.
            with contextlib.suppress(memctl.Error):
                host["g"].resize("8g")
        threading.Thread(target=grow, daemon=True).start()
        time.sleep(0.5)
        print("leaving", flush=True)
    """
    done = run_python(code, slow)
    assert (done.stdout, done.returncode) == ("leaving\n", 0), done.stderr
    assert "Fatal" not in done.stderr


def test_a_forked_child_cannot_use_the_host_and_can_exec(slow: str) -> None:
    code = """
        import memctl, os, subprocess, sys
        host = memctl.Host(sys.argv[1])
        operation = host["g"].start_resize("2g")
        subprocess.run(["true"], check=True)
        child = os.fork()
        if child == 0:
            try:
                host["g"].status()
            except memctl.HostClosed as error:
                print(error, host.closed, flush=True)
            try:
                operation.wait()
            except memctl.HostClosed as error:
                print(error, flush=True)
            host.close()
            sys.exit(7)  # through the interpreter's whole end
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        child = os.fork()
        if child == 0:
            os.execvp("true", ["true"])
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        print(operation.wait().reached)
        host.close()
    """
    done = run_python(code, slow)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "the host was opened by another process True",
        "the resize was begun by another process",
        "2048 MiB",
    ]


def test_hosts_that_cannot_be_opened(tmp_path: Any) -> None:
    for uri in ("esx:", "", f"sim:{tmp_path}/missing.json"):
        with pytest.raises(memctl.Error) as refused:
            memctl.Host(uri)
        assert refused.value.hint
    with pytest.raises(TypeError):
        memctl.Host(5)  # type: ignore[arg-type]


@pytest.mark.skipif("MEMCTL_SANITIZED" in os.environ, reason="a sanitizer keeps what is freed")
def test_nothing_grows_with_the_number_of_resizes(simulate: Simulate) -> None:
    """After the first resizes, 10,000 more take less than 1 MiB."""
    guest = {"name": "g", "type": "pv", "memory": "256MiB"}
    with memctl.Host(simulate(host="8GiB", guests=[guest])) as host:
        domain = host["g"]

        def resize(times: int) -> None:
            for _ in range(times // 2):
                domain.resize("300m", on_event=lambda event: None)
                domain.resize("256m")

        def resident() -> int:
            with open("/proc/self/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        resize(1000)
        before = resident()
        resize(10000)
        assert resident() - before < 1 << 20
