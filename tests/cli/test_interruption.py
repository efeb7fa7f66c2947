# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals, closed pipes and terminals, with a simulated host that takes real time."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Callable

import pytest
from memctl_command import SCHEMAS, command_path

Simulate = Callable[..., str]


@pytest.fixture
def slow(simulate: Simulate) -> str:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"}
    return simulate(host="16GiB", pace=1, guests=[guest])


def start(uri: str, *options: str, stderr: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [command_path(), "--host", uri, "resize", "g", "4g", *options],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        process_group=0,  # a group whose parent is in it cannot be stopped by SIGTSTP
        env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"},
    )


def wait_for(process: subprocess.Popen[str], phase: str, kib: int = 0) -> None:
    """Until the phase has come so far."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("phase") == phase and event["now_kib"] >= kib:
            return
    raise AssertionError(f"it ended before {phase} came to {kib} KiB")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_and_restores(slow: str, number: signal.Signals) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    report = json.loads(out.splitlines()[-1])
    SCHEMAS["report"].validate(report)
    assert (report["outcome"], report["cause"]) == ("restored", "cancelled")
    assert report["reached_kib"] == report["from_kib"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGINT, signal.SIGINT),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGTERM),
    ],
)
def test_a_second_signal_leaves_the_rest_and_says_how_to_recover(
    slow: str, first: signal.Signals, second: signal.Signals
) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(first)
        wait_for(process, "restore")
        if second == first:
            time.sleep(0.6)  # sooner, it counts as the same
        process.send_signal(second)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 5, out + err
    report = json.loads(out.splitlines()[-1])
    SCHEMAS["report"].validate(report)
    assert (report["outcome"], report["cause"]) == ("failed", "cancelled")
    assert "memctl recover g" in report["hint"]


def test_a_second_signal_is_answered_in_words(slow: str) -> None:
    with start(slow, "--verbose") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "online" in line:
                break
        time.sleep(1)  # the guest populates 1 GiB meanwhile, which it gives back no faster
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if "cancelling, restoring..." in line:
                break
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert " -" not in err.replace("->", ""), "times go forwards"
    assert "interrupted again" in err and "hint: to bring them back: memctl recover g\n" in err


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGTERM, signal.SIGHUP),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGTERM),  # as timeout(1) sends it: to its child, and to the group
    ],
)
def test_what_is_sent_beside_a_signal_is_no_second_one(
    slow: str, first: signal.Signals, second: signal.Signals
) -> None:
    with start(slow, "--verbose", "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(first)
        time.sleep(0.05)  # or one pending signal would stand for both
        process.send_signal(second)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err


def test_a_third_signal_ends_what_cannot_even_say_so(slow: str) -> None:
    """Its reader has stopped reading, and the pipe is full."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    with start(slow, "--verbose", stderr=writer) as process:
        time.sleep(1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            assert process.poll() is None
            process.send_signal(number)
            time.sleep(0.2)
        try:
            assert process.wait(timeout=10) == 5
        finally:
            process.kill()
            os.close(reader)
            os.close(writer)


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGTTOU])
def test_a_terminal_does_not_stop_a_resize(slow: str, number: signal.Signals) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(number)
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, out + err


@pytest.mark.parametrize("command", ["status", "doctor", "recover", "plan"])
def test_a_terminal_stops_no_command_that_opens_a_host(
    slow: str, tmp_path: Path, command: str
) -> None:
    host = Path(slow.removeprefix("sim:")).read_text()
    file = tmp_path / "host"
    os.mkfifo(file)
    size = ["2g"] if command == "plan" else []
    with subprocess.Popen(
        [command_path(), "--host", f"sim:{file}", command, "g", *size],
        stdout=subprocess.PIPE,
        process_group=0,
    ) as process:
        with file.open("w") as pipe:  # once the command has begun to read
            process.send_signal(signal.SIGTSTP)
            pipe.write(host)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode in (0, 1)


def test_cancelling_is_said_once(slow: str) -> None:
    with start(slow, "--verbose") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "reserve" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("cancelling, restoring...") == 1
    assert "(cancelled)" in err


def test_a_closed_pipe_does_not_end_a_resize(slow: str) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_on_a_terminal_there_is_a_bar_and_the_cursor_comes_back(slow: str) -> None:
    terminal, child = pty.openpty()
    with start(slow, stderr=child) as process:
        os.close(child)
        seen = b""
        while True:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # EIO: the command has closed its side
                break
            seen += part
        out, _ = process.communicate(timeout=60)
    os.close(terminal)
    text = seen.decode()
    assert process.returncode == 0
    assert "verified" in out
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert "━" in text and "✓" in text
    assert text.index("\x1b[?25h") > text.rindex("verify")
