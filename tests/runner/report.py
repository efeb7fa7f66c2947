"""The output of a run: a line for each job, the summary, and the same as JSON."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from jobs import ROOT
from results import Failure, Result

TAIL_LINES = 60
#: Of each failed test. The last lines say what was expected.
FAILURE_LINES = 25
FAILURES = 8
FULL_DISK = "No space left on device"


@dataclass
class Part:
    """One line of the summary. Several jobs can belong to it."""

    name: str
    passed: bool = True
    seconds: float = 0
    """From the start of the first job to the end of the last."""
    ran: int = 0
    tests: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    earlier: str = ""
    """The date of the oldest result from an earlier run."""
    failed: list[str] = field(default_factory=list)
    _begin: float = field(default_factory=time.monotonic)

    def add(self, result: Result) -> None:
        self.passed = self.passed and result.passed
        self.tests += result.tests
        self.skipped.update(result.skipped)
        if result.earlier:
            self.earlier = min(filter(None, (self.earlier, result.date)))
        else:
            self.ran += 1
            self._begin = min(self._begin, time.monotonic() - result.seconds)
            self.seconds = time.monotonic() - self._begin
        if not result.passed:
            self.failed.append(result.job)

    def ending(self) -> str:
        if self.failed:
            return f"FAILED: {', '.join(self.failed)}"
        if self.earlier and not self.ran:
            return f"passed on {self.earlier[:16].replace('T', ' ')}, nothing changed since"
        return "passed" + (", in part earlier" if self.earlier else "")


class Report:
    """Prints results as they come, and a summary at the end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}
        self._slowest: list[tuple[float, str]] = []
        self._failures: list[Failure] = []
        self._status = ""

    def tell(self, result: Result) -> None:
        """Prints one line, and what the failed tests say, or else the job's last output."""
        with self._lock:
            self._parts.setdefault(result.part, Part(result.part)).add(result)
            self._slowest = sorted([*self._slowest, *result.slowest], reverse=True)[:10]
            self._failures += result.failures
            self._clear()
            if result.earlier:
                return
            count = f"{result.tests} tests, " if result.tests else ""
            word = "ok    " if result.passed else "FAILED"
            print(f"{word} {result.job:<34} {count}{minutes(result.seconds)}", flush=True)
            if result.note:
                print(f"       {result.note}")
            if not result.passed:
                self._explain(result)

    def not_run(self, part: str, why: str) -> None:
        """Records a part that was asked for and could not run."""
        with self._lock:
            self._parts.setdefault(part, Part(part)).failed.append(f"not run, {why}")
            self._parts[part].passed = False

    def status(self, text: str) -> None:
        """Shows the running jobs in one line of a terminal, which it overwrites again and again."""
        if not sys.stdout.isatty():
            return
        with self._lock:
            self._clear()
            self._status = text[:78]
            print(f"\r{self._status}", end="", flush=True)

    def summary(self, seconds: float, file: Path) -> bool:
        """Prints the parts and the slowest tests, and writes `file`. Returns whether all passed."""
        with self._lock:
            self._clear()
        parts = list(self._parts.values())
        width = max(len(part.name) for part in parts) + 2
        print(f"\n{'part':<{width}}{'time':>7}{'tests':>7}{'skipped':>9}  ended")
        for part in parts:
            skipped = sum(part.skipped.values())
            print(
                f"{part.name:<{width}}{minutes(part.seconds):>7}{part.tests or '':>7}"
                f"{skipped or '':>9}  {part.ending()}"
            )
        reasons: Counter[str] = Counter()
        for part in parts:
            reasons.update(part.skipped)
        if reasons:
            print("\nskipped:")
        for reason, count in reasons.most_common():
            print(f"  {count:4}  {reason}")
        if self._failures:
            print("\nfailed:")
        for failure in self._failures:
            print(f"  {failure.name}\n    {failure.reason()}")
        if self._slowest:
            print("\nslowest:")
        for taken, name in self._slowest:
            print(f"  {taken:6.1f} s  {name}")
        passed = all(part.passed for part in parts)
        print(f"\n{'all passed' if passed else 'FAILED'} after {minutes(seconds)} min")
        values = {
            "passed": passed,
            "seconds": round(seconds, 1),
            "parts": [
                {
                    "name": part.name,
                    "passed": part.passed,
                    "seconds": round(part.seconds, 1),
                    "tests": part.tests,
                    "skipped": dict(part.skipped),
                    "earlier": part.earlier or None,
                    "failed": part.failed,
                }
                for part in parts
            ],
            "failures": [
                {"name": failure.name, "text": failure.text} for failure in self._failures
            ],
            "slowest": [{"seconds": taken, "name": name} for taken, name in self._slowest],
        }
        scratch = file.with_suffix(".new")
        scratch.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
        scratch.rename(file)
        return passed

    def _clear(self) -> None:
        if self._status:
            print("\r" + " " * len(self._status) + "\r", end="")
            self._status = ""

    def _explain(self, result: Result) -> None:
        """A failed test's own words tell more than the end of the log, where others may stand."""
        log = ROOT / result.log
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if any(FULL_DISK in line for line in lines) or shutil.disk_usage(log).free < 1 << 20:
            print("    the disk is full: make room, and run the same command again")
        elif result.failures:
            for failure in result.failures[:FAILURES]:
                _indent([f"{failure.name}:", *failure.text.splitlines()[-FAILURE_LINES:]])
        else:
            _indent(lines[-TAIL_LINES:])
        print(f"    (all of it: {result.log})", flush=True)


def _indent(lines: list[str]) -> None:
    print("\n".join(f"    {line}" for line in lines))


def minutes(seconds: float) -> str:
    """m:ss"""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
