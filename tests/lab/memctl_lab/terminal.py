"""Connects a person's terminal to a dom0 command."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from memctl_lab.channel import Window
from memctl_lab.host import Lab
from memctl_lab.scenario import Completed

LEAVE = b"\x1d"  # Ctrl-]


def window() -> Window:
    """The size of the terminal of this process."""
    size = shutil.get_terminal_size()
    return Window(rows=size.lines, columns=size.columns)


def show(data: bytes) -> None:
    """Writes to standard output at once, even while it is non-blocking or slow."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(sys.stdout.fileno(), view) :]
        except BlockingIOError:
            select.select([], [sys.stdout.fileno()], [])


@contextmanager
def waiting(text: str) -> Iterator[None]:
    """Prints the text while the body runs. On a terminal it also counts the seconds."""
    print(text, end="", file=sys.stderr, flush=True)
    done = threading.Event()

    def count() -> None:
        began = time.monotonic()
        while not done.wait(1):
            print(f"\r{text} {time.monotonic() - began:.0f} s", end="", file=sys.stderr, flush=True)

    counter = threading.Thread(target=count, daemon=True)
    if sys.stderr.isatty():
        counter.start()
    try:
        yield
    finally:
        done.set()
        if counter.ident is not None:
            counter.join()
        print(file=sys.stderr, flush=True)


def stream(lab: Lab, command: str, *, timeout: float = 600, terminal: bool = True) -> Completed:
    """Runs a dom0 command and shows its output as it comes.

    With `terminal` the command has a pseudo-terminal of this terminal's size, so that memctl draws
    its live progress. The command gets no input.
    """
    sys.stdout.flush()
    size = window() if terminal else None
    return lab.start(command, terminal=size, on_output=show).wait(timeout)


def attach(lab: Lab, command: str = "exec sh -l") -> bool:
    """Joins this terminal to a dom0 command. Returns False if it was left by Ctrl-]."""
    keyboard = sys.stdin.fileno()
    ended, tell_end = os.pipe()
    running = lab.start(
        command, terminal=window(), on_output=show, on_exit=lambda: os.close(tell_end)
    )

    def on_resize(number: int, frame: FrameType | None) -> None:
        running.resize(window())

    before = signal.signal(signal.SIGWINCH, on_resize)
    try:
        with _raw(keyboard):
            while True:
                ready, _, _ = select.select([keyboard, ended], [], [])
                if ended in ready:
                    return True
                data = os.read(keyboard, 4096)
                if LEAVE in data or not data:
                    return False
                running.send(data)
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(ended)


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    attributes = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, attributes)
