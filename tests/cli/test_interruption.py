# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals, closed pipes and terminals, with a simulated host that takes real time."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_leaves_the_rest_and_says_how_to_recover(
    slow: str, number: signal.Signals
) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(number)
        wait_for(process, "restore")
        process.send_signal(number)
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


def test_a_lost_terminal_beside_a_signal_is_no_second_one(slow: str) -> None:
    with start(slow, "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(signal.SIGTERM)
        wait_for(process, "restore")
        process.send_signal(signal.SIGHUP)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err


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
