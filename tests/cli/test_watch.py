# SPDX-License-Identifier: LGPL-2.1-or-later
"""memctl watch follows guests: as lines, as JSON, and as a table on a terminal."""

from __future__ import annotations

import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import Any, Callable, Iterator

import pytest
from memctl_command import SCHEMAS, Run, command_path

Simulate = Callable[..., str]
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
#: Time passes on the simulated host as on a real one.
LIVELY: dict[str, Any] = {
    "host": "16GiB",
    "pace": 1,
    "guests": [{"name": "web1", "type": "pv"}, {"name": "db1", "memory": "512MiB"}],
    "actions": [
        {"at": 0.5, "do": "mem-set", "guest": "db1", "size": "400MiB"},
        {"at": 1.5, "do": "reboot", "guest": "web1"},
        {"at": 2.5, "do": "destroy", "guest": "db1"},
    ],
}
QUIET: dict[str, Any] = {
    "host": "16GiB",
    "pace": 1,
    "guests": [{"name": f"guest-{number:02}", "type": "pv"} for number in range(30)],
}


class Watch:
    """memctl watch under way. Without a pipe it has a terminal of its own."""

    def __init__(self, *arguments: str, size: tuple[int, int] | None = None, term: str = "xterm"):
        command = [command_path(), "watch", *arguments]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "TERM": term}
        self.seen = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # a read may end inside a character
        if size is None:
            read, write = os.pipe()
            self.process: int = subprocess.Popen(command, stdout=write, env=environment).pid
            os.close(write)
            self.out = read
        else:
            self.process, self.out = pty.fork()
            if self.process == 0:
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
                os.execve(command[0], command, environment)

    def until(self, pattern: str) -> re.Match[str]:
        """Reads on until the output has this."""
        deadline = time.monotonic() + 30
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            assert self._read(deadline), f"{pattern!r} does not come after {self.seen!r}"
        return found

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.out], [], [], max(0, deadline - time.monotonic()))
        try:
            text = self.decoder.decode(os.read(self.out, 65536)) if ready else ""
        except OSError:  # a terminal that nobody has open any more
            text = ""
        self.seen += text
        return bool(text)

    def end(self, number: int = signal.SIGINT) -> str:
        """Everything that it wrote. It ends with 0."""
        os.kill(self.process, number)
        deadline = time.monotonic() + 30
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.process, 0)
        self.process = 0
        assert os.waitstatus_to_exitcode(status) == 0
        return self.seen

    def frames(self) -> list[list[str]]:
        """The tables that were drawn, line by line."""
        drawn = self.seen.split(LEAVE)[0].split("\x1b[H")[1:]
        tables = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part).split("\r\n") for part in drawn]
        return [table[:-1] for table in tables]


@pytest.fixture
def watch(memctl: Callable[..., Run], simulate: Simulate) -> Iterator[Callable[..., Watch]]:
    begun: list[Watch] = []

    def begin(scenario: dict[str, Any], *arguments: str, **options: Any) -> Watch:
        begun.append(Watch("--host", simulate(**scenario), *arguments, **options))
        return begun[-1]

    yield begin
    for each in begun:
        if each.process:
            os.kill(each.process, signal.SIGKILL)
            os.waitpid(each.process, 0)
        os.close(each.out)


def test_each_change_has_a_line_where_there_is_no_terminal(watch: Callable[..., Watch]) -> None:
    begun = watch(LIVELY)
    begun.until(r"ended db1 \(pvh, domain 2\)\n")
    lines = begun.end().splitlines()
    assert "\x1b" not in begun.seen
    assert lines[0].startswith("appeared web1 (pv, domain 1): size 160 MiB, target 160 MiB, limit ")
    assert lines[1].startswith("appeared db1 (pvh, domain 2): size 512 MiB")
    assert any(re.match(r"changed db1 .*, target 400 MiB", line) for line in lines)
    assert "ended web1 (pv, domain 1)" in lines
    assert any(line.startswith("appeared web1 (pv, domain 3)") for line in lines)


def test_programs_get_an_object_for_each_change(watch: Callable[..., Watch]) -> None:
    begun = watch(LIVELY, "--json", "web1")
    begun.until(r'"appeared","domain":\{"id":3')
    objects = [json.loads(line) for line in begun.end(signal.SIGTERM).splitlines()]
    for each in objects:
        SCHEMAS["watch"].validate(each)
    assert {each["domain"]["name"] for each in objects} == {"web1"}
    changes = [(each["change"], each["domain"]["id"]) for each in objects]
    assert changes[0] == ("appeared", 1) and ("ended", 1) in changes
    assert changes.index(("ended", 1)) < changes.index(("appeared", 3))


def test_a_host_that_cannot_be_opened_is_an_error(memctl: Callable[..., Run]) -> None:
    done = memctl("--host", "sim:/nowhere", "watch", "--json")
    assert (done.code, done.err) == (3, "")
    (told,) = done.objects()
    assert (told["event"], told["cause"]) == ("watch", "invalid_argument")


def test_a_terminal_has_a_table_that_follows_and_stays_clean(watch: Callable[..., Watch]) -> None:
    begun = watch(LIVELY, size=(24, 80))
    begun.until("db1 ")
    begun.until(r"shrinking|  400 ")
    begun.until(r"web1 +3 ")
    os.write(begun.out, b"\x03")  # Ctrl-C
    text = begun.end(0)
    assert text.startswith(ENTER) and text.count(LEAVE) == 1
    first = begun.frames()[0]
    assert "no guest runs" not in text
    assert any(frame[0].split()[:4] == ["NAME", "ID", "TYPE", "SIZE"] for frame in begun.frames())
    assert first[-1].startswith("host: ")
    # What was seen last stays on the terminal.
    after = text.split(LEAVE)[1]
    assert "\x1b" not in after.replace("^C", "") and "web1" in after


@pytest.mark.parametrize("size", [(24, 80), (24, 200), (24, 20), (5, 20), (1, 1)])
def test_a_table_has_room_on_any_terminal(
    watch: Callable[..., Watch], size: tuple[int, int]
) -> None:
    rows, columns = size
    begun = watch(QUIET, size=size)
    # Not every guest has been asked when the first tables are drawn.
    begun.until(r"\d+ more" if rows > 1 else r"\x1b\[J")
    begun.end()
    for frame in begun.frames():
        assert len(frame) <= max(rows - 1, 1)
        assert all(len(line) <= columns for line in frame)
    if rows > 1:
        assert any(re.fullmatch(r"\d+ more", line) for frame in begun.frames() for line in frame)


def test_a_resized_terminal_is_drawn_anew(watch: Callable[..., Watch]) -> None:
    begun = watch(QUIET, "--interval", "1h", size=(40, 80))
    begun.until("guest-29")
    fcntl.ioctl(begun.out, termios.TIOCSWINSZ, struct.pack("HHHH", 10, 30, 0, 0))
    begun.until(r"\x1b\[2J\x1b\[H.*\x1b\[J")
    begun.end()
    frame = begun.frames()[-1]
    assert len(frame) == 9 and max(map(len, frame)) <= 30


def test_a_terminal_that_cannot_redraw_has_lines(watch: Callable[..., Watch]) -> None:
    begun = watch(QUIET, "guest-07", size=(24, 80), term="dumb")
    begun.until("appeared guest-07 ")
    assert "\x1b" not in begun.end()


def test_a_host_without_guests_says_so(watch: Callable[..., Watch]) -> None:
    begun = watch({"host": "16GiB", "pace": 1, "guests": []}, size=(24, 80))
    begun.until("no guest runs")
    begun.end()
