"""The results of jobs, read from their reports, and kept if the job has passed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jobs import Job


@dataclass
class Failure:
    """A test that failed."""

    name: str
    text: str
    """What the framework tells about it."""

    def reason(self) -> str:
        """The line that says it shortest: pytest marks it with E, GoogleTest puts it second."""
        lines = self.text.splitlines() or ["no reason given"]
        marked = [line[1:].strip() for line in lines if line.startswith("E ")]
        return (marked or lines[1:] or lines)[0][:200]


@dataclass
class Result:
    """How one job ended."""

    job: str
    part: str
    key: str
    passed: bool
    date: str
    """When the job ran, perhaps in an earlier run."""
    seconds: float
    tests: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """How many tests were skipped, by their reasons."""
    slowest: list[tuple[float, str]] = field(default_factory=list)
    earlier: bool = False
    """Whether the job passed in an earlier run with the same key, and did not run again."""
    log: str = ""
    note: str = ""
    failures: list[Failure] = field(default_factory=list)


class Store:
    """The results of jobs that have passed, in one file each, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def passed(self, job: Job, key: str) -> Result | None:
        """The job's result, if it has passed with this key."""
        try:
            values = json.loads(self._file(job).read_text(encoding="utf-8"))
            result = Result(**values)
        except (OSError, ValueError, TypeError):
            return None  # there is none, or another version of this program wrote it
        if result.key != key or not result.passed:
            return None
        result.slowest = [(seconds, name) for seconds, name in result.slowest]
        result.earlier = True
        return result

    def forget(self, job: Job) -> None:
        """Removes the result before the job runs, so that an interrupted job has none."""
        self._file(job).unlink(missing_ok=True)

    def keep(self, job: Job, result: Result) -> None:
        """Keeps the result of a job that has passed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._file(job).with_suffix(".new")
        scratch.write_text(json.dumps(asdict(result)), encoding="utf-8")
        scratch.rename(self._file(job))

    def _file(self, job: Job) -> Path:
        return self._folder / f"{job.name}.json"


def read_reports(paths: Iterable[Path], result: Result) -> str:
    """Adds up what JUnit files of GoogleTest and pytest say.

    Returns what is wrong with the reports. A job without a report has tested nothing.
    """
    problem = ""
    skipped: Counter[str] = Counter()
    times: list[tuple[float, str]] = []
    for path in paths:
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError) as error:
            problem = f"{result.job} wrote no report: {error}"
            continue
        if not cases:
            problem = f"{result.job} ran no test"
        for case in cases:
            name = f"{case.get('classname', '')}.{case.get('name', '')}"
            for told in (*case.findall("failure"), *case.findall("error")):
                text = (told.text or told.get("message") or "").strip()
                result.failures.append(Failure(name, text))
                problem = f"{result.job}: {case.get('name')} failed"
            skip = case.find("skipped")
            if skip is not None or case.get("status") == "notrun":
                skipped[_reason(skip)] += 1
                continue
            result.tests += 1
            times.append((float(case.get("time", "0")), name))
    result.skipped = dict(skipped)
    result.slowest = sorted(times, reverse=True)[:10]
    return problem


def _reason(skip: ElementTree.Element | None) -> str:
    if skip is None:
        return "disabled"
    # GoogleTest's message is FILE:LINE and, below it, the text.
    text = (skip.get("message") or "no reason given").strip()
    return text.splitlines()[-1].removeprefix("Skipped: ")
