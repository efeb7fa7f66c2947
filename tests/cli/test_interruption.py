# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals, closed pipes and terminals, on a simulated host that takes real time."""

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
from test_recover import RECORD

Simulate = Callable[..., str]

CANCELLING = "cancelling: back to 1024 MiB (Ctrl-C again stops now and leaves g half-way)"


@pytest.fixture
def slow(simulate: Simulate) -> str:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"}
    return simulate(host="16GiB", pace=1, guests=[guest])


def start(
    uri: str, *options: str, stderr: int = subprocess.PIPE, name: str = "g"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [command_path(), "--host", uri, "resize", name, "4g", *options],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        process_group=0,  # a group of its own, because SIGTSTP stops no orphaned group
        env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm"},
    )


def wait_for(process: subprocess.Popen[str], phase: str, kib: int = 0) -> None:
    """Waits until the phase has come so far."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("phase") == phase and event["now_kib"] >= kib:
            return
    raise AssertionError(f"it ended before {phase} came to {kib} KiB")


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits for a state in /proc, which no event tells."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.01)


def writes_in_vain(process: subprocess.Popen[str]) -> bool:
    """Whether a thread is blocked in write(2) to stderr."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return any((thread / "syscall").read_text().startswith("1 0x2 ") for thread in threads)


def took_signals(process: subprocess.Popen[str]) -> bool:
    """Whether no signal is pending, or the process has ended."""
    if process.poll() is not None:
        return True
    status = Path(f"/proc/{process.pid}/status").read_text()
    pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
    return int(pending.split()[1], 16) == 0


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
            time.sleep(0.6)  # sooner, it counts as the same signal
        process.send_signal(second)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 5, out + err
    report = json.loads(out.splitlines()[-1])
    SCHEMAS["report"].validate(report)
    assert (report["outcome"], report["cause"]) == ("failed", "cancelled")
    assert "memctl recover g" in report["hint"]


def test_the_command_to_recover_with_has_the_domain_as_one_word(simulate: Simulate) -> None:
    name = "web; touch x"
    guest = {"name": name, "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"}
    uri = simulate(host="16GiB", pace=1, guests=[guest])
    with start(uri, "--json", name=name) as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(signal.SIGINT)
        wait_for(process, "restore")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert json.loads(out.splitlines()[-1])["hint"] == "to restore them: memctl recover 1"


def test_a_second_signal_is_answered_in_words(slow: str) -> None:
    with start(slow, "--verbose") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "online" in line:
                break
        time.sleep(1)  # the guest populates 1 GiB, and giving that back takes as long
        process.send_signal(signal.SIGINT)
        for line in process.stderr:
            if CANCELLING in line:
                break
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert " -" not in err.replace("->", ""), "times go forwards"
    assert "interrupted again" in err and "hint: to restore them: memctl recover g\n" in err


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (signal.SIGTERM, signal.SIGHUP),
        (signal.SIGHUP, signal.SIGTERM),
        (signal.SIGTERM, signal.SIGTERM),  # timeout(1) sends it to its child and to the group
    ],
)
def test_a_signal_sent_beside_another_is_no_second_signal(
    slow: str, first: signal.Signals, second: signal.Signals
) -> None:
    with start(slow, "--verbose", "--json") as process:
        wait_for(process, "populate", 3 << 20)
        process.send_signal(first)
        until(lambda: took_signals(process), "it took the first")  # or both could become one
        process.send_signal(second)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err


def test_a_third_signal_ends_a_command_that_cannot_write(slow: str) -> None:
    """The command cannot write, because its reader has stopped and the pipe is full."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    with start(slow, "--verbose", stderr=writer) as process:
        until(lambda: writes_in_vain(process), "it writes into the full pipe")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            assert process.poll() is None
            process.send_signal(number)
            until(lambda: took_signals(process), f"it took {number.name}")
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


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["resize", "g", "4g", "--timeout", "2", "--json"], 5),
        (["status", "g"], 3),
        (["recover", "g"], 3),
        (["doctor", "g"], 3),
    ],
)
def test_a_lock_that_another_tool_holds_keeps_no_command_from_ending(
    simulate: Simulate, command: list[str], code: int
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"}
    if command[0] == "recover":
        guest["journal"] = json.dumps(RECORD)
    held = {"at": 0.5 if command[0] == "resize" else 0, "do": "hold-libxl-lock", "guest": "g"}
    uri = simulate(host="16GiB", pace=50, guests=[guest], actions=[held])
    done = subprocess.run(
        [command_path(), "--host", uri, *command], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code, done
    assert "libxl has not answered" in done.stdout + done.stderr


def test_cancelling_is_said_once(slow: str) -> None:
    with start(slow, "--verbose") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "reserve" in line:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count(CANCELLING) == 1
    assert "memctl: interrupted; g is " in err


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
