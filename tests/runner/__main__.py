#!/usr/bin/python3
"""Builds memctl and proves it. scripts/test starts this."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import table
from ctest import tests_of
from engine import Engine, Stopped
from errors import RunError
from jobs import BUILD, ROOT
from report import Report, minutes
from results import Store

EXAMPLES = """\
parts:
{parts}
examples:
  scripts/test                 what has to pass before a change lands
  scripts/test style release   without the lab and the sanitizers: while you write
  scripts/test --full          everything, before a release

A part that has passed is not run again until something that it depends on changes: docs/testing.md.
"""


def parse() -> argparse.Namespace:
    parts = "".join(f"  {name:<12} {what}\n" for name, what in table.PARTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=__doc__.partition("\n")[0] if __doc__ else None,
        epilog=EXAMPLES.format(parts=parts),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="these parts alone")
    parser.add_argument("--full", action="store_true", help="every part, and every row of the lab")
    parser.add_argument("--no-lab", action="store_true", help="leave the lab out")
    parser.add_argument("--fresh", action="store_true", help="also what has passed before")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in table.PARTS]
    if unknown:
        parser.error(f'no part is called "{unknown[0]}"; there are {", ".join(table.PARTS)}')
    if not options.parts:
        options.parts = list(table.PARTS if options.full else table.DEFAULT)
    if options.no_lab:
        options.parts = [part for part in options.parts if part != "lab"]
    return options


class Run:
    """One run, in two lanes.

    The lab's hosts wait a good deal, but nothing may keep an emulated processor from running.
    So the second lane begins with the lab, and has what the lab leaves.
    """

    def __init__(self, engine: Engine, options: argparse.Namespace) -> None:
        self._engine = engine
        self._options = options
        self._width = (os.cpu_count() or 1) + 1  # some tests mostly wait
        self._second_may_begin = threading.Event()
        self._error: Exception | None = None

    def carry_out(self, watch: Callable[[], None]) -> None:
        """Calls `watch` about once a second meanwhile. Raises what ended a lane."""
        lanes = [
            threading.Thread(target=self._guarded, args=(lane,), daemon=True)
            for lane in (self._first, self._second)
        ]
        for lane in lanes:
            lane.start()
        while any(lane.is_alive() for lane in lanes):
            watch()
            time.sleep(1)
        if self._error is not None:
            raise self._error

    def _guarded(self, lane: Callable[[], None]) -> None:
        try:
            lane()
        except Stopped:
            pass
        except Exception as error:  # handed to the main thread, which tells it
            self._error = self._error or error
            self._engine.stop()
        finally:
            self._second_may_begin.set()

    def _first(self) -> None:
        parts = self._options.parts
        if "style" in parts:
            self._engine.run([table.style(), table.runner()], self._width)
        built = ("release" in parts or "lab" in parts) and self._build("release")
        if built and "release" in parts:
            self._engine.run(tests_of("release"), self._width)
        self._second_may_begin.set()
        if built and "lab" in parts:
            self._engine.run(table.lab(self._options.full), 2)

    def _second(self) -> None:
        self._second_may_begin.wait()
        parts, idle = self._options.parts, "lab" in self._options.parts
        for preset in ("asan-ubsan", "tsan"):
            if preset in parts and self._build(preset, idle):
                self._engine.run(tests_of(preset), self._width, idle)
        jobs = [table.tidy()] if "tidy" in parts else []
        jobs += [table.coverage()] if "coverage" in parts else []
        jobs += [table.inputs()] if "inputs" in parts and self._build("release", idle) else []
        self._engine.run(jobs, 1, idle)

    def _build(self, preset: str, idle: bool = False) -> bool:
        return self._engine.run([table.build(preset, self._options.fresh)], 1, idle)


def install(full: bool) -> None:
    """What the run needs. The script itself says what is missing."""
    command = ["scripts/install-dependencies", *(["--full"] if full else [])]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise RunError("the packages could not be installed")


def main() -> int:
    options = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what it began, as on Ctrl-C
    began = time.monotonic()
    report = Report()
    engine = Engine(Store(BUILD / "results"), options.fresh, report.tell)

    def watch() -> None:
        running = sorted(engine.running().items(), key=lambda each: -each[1])
        report.status(", ".join(f"{name} {minutes(time)}" for name, time in running))

    try:
        BUILD.mkdir(exist_ok=True)
        with open(BUILD / "test.lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError("another scripts/test runs in this folder") from None
            install(bool(set(options.parts) - set(table.DEFAULT)))
            Run(engine, options).carry_out(watch)
            passed = report.summary(time.monotonic() - began, BUILD / "test-summary.json")
    except (RunError, OSError) as error:
        engine.stop()
        print(f"scripts/test: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        engine.stop()
        print("\nscripts/test: interrupted; what has passed is kept", file=sys.stderr)
        return 130
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
