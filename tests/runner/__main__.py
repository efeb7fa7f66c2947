#!/usr/bin/python3
"""Builds memctl and tests it. scripts/test starts this."""

from __future__ import annotations

import argparse
import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import table
from ctest import DAEMONS, daemons, tests_of
from engine import Engine, Stopped
from errors import RunError
from jobs import BUILD, ROOT, Job
from memctl_lab.config import release
from packaged import why_unfit
from report import Report, minutes
from results import Store

EXAMPLES = """\
parts:
{parts}
examples:
  scripts/test                 everything that has to pass before a change lands
  scripts/test style release   without the lab and the sanitizers: while you write
  scripts/test --full          everything, before a release
  scripts/test --full lab      only the lab, with its long scenarios

A part that has passed runs again only if something that it depends on has changed: docs/testing.md.
"""


def parse() -> argparse.Namespace:
    parts = "".join(f"  {name:<14} {what}\n" for name, what in table.PARTS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description="Builds memctl and tests it.",
        epilog=EXAMPLES.format(parts=parts),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="run only these parts (default: style, release, lab, asan-ubsan)",
    )
    parser.add_argument(
        "--full", action="store_true", help="every part, and the lab's long scenarios"
    )
    parser.add_argument("--no-lab", action="store_true", help="leave the lab out")
    parser.add_argument("--fresh", action="store_true", help="run again what has passed before")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in table.PARTS]
    if unknown:
        parser.error(f'no part is called "{unknown[0]}"; there are {", ".join(table.PARTS)}')
    if not options.parts:
        options.parts = list(table.PARTS if options.full else table.DEFAULT)
    if options.no_lab:
        options.parts = [part for part in options.parts if part != "lab"]
    tell_left_out(options.parts)
    if not has_style():
        options.parts = [part for part in options.parts if part != "tidy"]
    if not options.parts:
        parser.error("nothing is left to run")
    return options


class Run:
    """One run, in two lanes.

    The lab's hosts often wait, but an emulated processor must never wait for another job. So the
    second lane begins with the lab, and runs on what the lab leaves.
    """

    def __init__(self, engine: Engine, options: argparse.Namespace, report: Report) -> None:
        self._engine = engine
        self._options = options
        self._report = report
        self._has_release = False
        self._failed_packages: set[str] = set()
        self._width = (os.cpu_count() or 1) + 1  # some tests mostly wait
        self._second_may_begin = threading.Event()
        self._packages_are_tried = threading.Event()
        self._error: Exception | None = None

    def carry_out(self, watch: Callable[[], None]) -> None:
        """Runs both lanes, and calls `watch` about once a second. Raises what ended a lane."""
        lanes = [
            threading.Thread(target=self._guarded, args=(lane,), daemon=True)
            for lane in (self._first, self._second)
        ]
        for lane in lanes:
            lane.start()
        while any(lane.is_alive() for lane in lanes):
            watch()
            for lane in lanes:
                lane.join(0.5)
        if self._error is not None:
            raise self._error

    def _guarded(self, lane: Callable[[], None]) -> None:
        try:
            lane()
        except Stopped:
            pass
        except Exception as error:  # the main thread reports it
            self._error = self._error or error
            self._engine.stop()
        finally:
            self._second_may_begin.set()
            self._packages_are_tried.set()

    def _first(self) -> None:
        parts = self._options.parts
        if "style" in parts:
            style = [table.style()] if has_style() else []
            self._engine.run([*style, table.runner()], self._width)
        wanted = {"release tests": "release"} | {name: name for name in ("lab", "daemon", "inputs")}
        needing = [name for name, part in wanted.items() if part in parts]
        self._has_release = bool(needing) and self._build("release", needing)
        if self._has_release and "release" in parts:
            self._engine.run(tests_of("release"), self._width)
        self._second_may_begin.set()
        if self._has_release and "lab" in parts:
            self._engine.run(table.lab(self._options.full), 2)
            if self._options.full:
                self._full_image(release(), table.debian())
        if "other-release" in parts:
            self._other_release()

    def _full_image(self, name: str, jobs: list[Job]) -> None:
        self._packages_are_tried.wait()
        why = why_unfit(name, self._failed_packages)
        if why:
            self._report.not_run(f"full image of {name}", f"since {why}")
        else:
            self._engine.run(jobs, 1)

    def _second(self) -> None:
        self._second_may_begin.wait()
        parts = self._options.parts
        idle = bool({"lab", "other-release"} & set(parts))
        for preset in ("asan-ubsan", "tsan"):
            needing = [f"{preset} tests"] if preset in parts else []
            needing += ["daemon"] if preset == "asan-ubsan" and "daemon" in parts else []
            built = bool(needing) and self._build(preset, needing, idle)
            if built and preset in parts:
                self._engine.run(tests_of(preset), self._width, idle)
            if built and "daemon" in needing and self._has_release:
                self._engine.run(daemons(), len(DAEMONS), idle)
        jobs = [table.tidy()] if "tidy" in parts else []
        jobs += [table.coverage()] if "coverage" in parts else []
        self._engine.run(jobs, 1, idle)
        for job in table.packages() if "packages" in parts else []:
            if not self._engine.run([job], 1, idle):
                self._failed_packages.add(job.name)
        self._packages_are_tried.set()
        if "inputs" in parts and self._has_release:
            self._engine.run([table.inputs()], 1, idle)

    def _other_release(self) -> None:
        left = table.other_release(self._options.fresh, not self._options.no_lab)
        while left:
            job = left.pop(0)
            if not self._engine.run([job], 1):
                break
        else:
            if self._options.full and not self._options.no_lab:
                self._full_image(table.other(), table.debian_elsewhere())
        for job_without_it in left:
            self._report.not_run(job_without_it.part, f"since {job.name} failed")

    def _build(self, preset: str, needing: list[str], idle: bool = False) -> bool:
        built = self._engine.run([table.build(preset, self._options.fresh)], 1, idle)
        for part in needing if not built else []:
            self._report.not_run(part, f"since {preset}.build failed")
        return built


def has_style() -> bool:
    """Whether the style is checked on this machine."""
    return release() == table.STYLE_RELEASE


def tell_left_out(parts: list[str]) -> None:
    """Says what is left out on this machine, and why."""
    left_out = [part for part in ("style", "tidy") if part in parts and not has_style()]
    if left_out:
        print(
            f"left out: {' and '.join(left_out)}, since only the formatters and clang-tidy of "
            f"{table.STYLE_RELEASE} count, and this is {release() or 'another system'}"
        )


def install(full: bool) -> None:
    """Installs the packages for the run. The script itself says what is missing."""
    command = ["scripts/install-dependencies", *(["--full"] if full else [])]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        raise RunError("the packages could not be installed")


def heed(signals: tuple[signal.Signals, ...], handler: object) -> None:
    for number in signals:
        signal.signal(number, handler)  # type: ignore[arg-type]


def main() -> int:
    options = parse()
    # Each signal ends the run, as Ctrl-C does. A shell lets its background processes ignore SIGINT,
    # but tests send SIGINT. So it is set here, and the jobs have the default again.
    endings = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heed(endings, signal.default_int_handler)
    began = time.monotonic()
    engine = None
    summary = BUILD / "test-summary.json"
    try:
        BUILD.mkdir(exist_ok=True)
        with open(BUILD / "test.lock", "w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    "another scripts/test runs in this folder, or one of its jobs"
                ) from None
            summary.unlink(missing_ok=True)
            install(bool(set(options.parts) - set(table.DEFAULT)))
            report = Report()
            store = Store(BUILD / "results")
            engine = running = Engine(store, options.fresh, report.tell, (lock.fileno(),))
            Run(engine, options, report).carry_out(lambda: show_running(running, report))
            passed = report.summary(time.monotonic() - began, summary)
    except (RunError, OSError, KeyboardInterrupt) as error:
        heed(endings, signal.SIG_IGN)  # no signal interrupts the end
        if engine is not None:
            engine.stop()
        return tell_why(error)
    return 0 if passed else 1


def show_running(engine: Engine, report: Report) -> None:
    """Shows on a terminal which jobs run, the longest first."""
    running = sorted(engine.running().items(), key=lambda each: -each[1])
    report.status(", ".join(f"{name} {minutes(taken)}" for name, taken in running))


def tell_why(error: BaseException) -> int:
    """Prints one line, and returns the exit status."""
    if isinstance(error, KeyboardInterrupt):
        print("\nscripts/test: interrupted; what has passed is kept", file=sys.stderr)
        return 130
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        error = RunError("the disk is full: make room, and run the same command again")
    print(f"scripts/test: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
