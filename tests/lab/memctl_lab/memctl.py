"""memctl, as a scenario uses it. Every line that it prints is checked against its schema."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from memctl_lab.errors import LabError
from memctl_lab.scenario import Completed, Job, ScenarioGuest, ScenarioHost

SCHEMAS = Path(__file__).resolve().parents[3] / "docs" / "schema"

Json = dict[str, Any]


@cache
def _schema(event: str) -> Json:
    loaded: Json = json.loads((SCHEMAS / f"{event}.schema.json").read_text(encoding="utf-8"))
    return loaded


def parse_line(line: str) -> Json:
    """One line of `memctl --json`, checked key by key."""
    value: Json = json.loads(line)
    jsonschema.validate(value, _schema(value["event"]))
    return value


@dataclass(frozen=True)
class Resized:
    """A `memctl resize --json` that ended. The report is its last line."""

    status: int
    events: list[Json]
    report: Json
    stderr: str

    @property
    def ending(self) -> tuple[int, str, str | None]:
        """Exit status, outcome and cause, which a scenario asserts first."""
        return self.status, self.report["outcome"], self.report["cause"]

    @property
    def told(self) -> str:
        """The whole report for an assertion: what is no text, pytest shortens."""
        return json.dumps(self.report)


def _resized(done: Completed) -> Resized:
    lines = [parse_line(line) for line in done.stdout.splitlines()]
    if not lines or lines[-1]["event"] != "report":
        raise LabError(f"{done.command}: no report\n{done.stdout}{done.stderr}")
    return Resized(done.status, lines[:-1], lines[-1], done.stderr)


def resize(guest: ScenarioGuest, size: str, options: str = "", *, timeout: float = 120) -> Resized:
    """Resizes a guest, and returns how the resize ended."""
    return finish(start_resize(guest, size, options), timeout=timeout)


def start_resize(guest: ScenarioGuest, size: str, options: str = "") -> Job:
    """Starts a resize. `finish` waits for its end."""
    return guest.host.memctl("resize", "--json", *shlex.split(options), guest.name, size)


def finish(running: Job, *, timeout: float = 120) -> Resized:
    """Waits for a resize that `start_resize` began."""
    return _resized(running.wait(timeout))


def plan(guest: ScenarioGuest, size: str, options: str = "") -> Json:
    """`memctl plan --json`: the plan, or the report of a refusal."""
    words = ("plan", "--json", *shlex.split(options), guest.name, size)
    return parse_line(guest.host.memctl(*words).wait().stdout.splitlines()[-1])


def status(host: ScenarioHost, *names: str) -> list[Json]:
    """`memctl status --json` of these guests, or of all."""
    done = host.memctl("status", "--json", *names).wait().check()
    return [parse_line(line) for line in done.stdout.splitlines()]


@dataclass(frozen=True)
class Examined:
    """A `memctl doctor --json` that ended, with its findings in the order in which they came."""

    status: int
    findings: list[Json]

    def of(self, guest: ScenarioGuest | None) -> list[Json]:
        """The findings about a guest and its domain; None: about the host."""
        return [each for each in self.findings if _name(each) == (guest.name if guest else None)]

    def finding(self, check: str, guest: ScenarioGuest | None = None) -> Json:
        """The only finding of that check; None: the host's."""
        (found,) = (each for each in self.of(guest) if each["check"] == check)
        return found

    @property
    def faults(self) -> dict[str, str]:
        """The severity of each check that is not good."""
        return {
            each["check"]: each["severity"] for each in self.findings if each["severity"] != "good"
        }


def _name(line: Json) -> str | None:
    return None if line["domain"] is None else str(line["domain"]["name"])


def doctor(host: ScenarioHost, *guests: ScenarioGuest) -> Examined:
    """`memctl doctor --json` of the host and of these guests, or of all."""
    done = host.memctl("doctor", "--json", *(guest.name for guest in guests)).wait()
    findings = [parse_line(line) for line in done.stdout.splitlines()]
    if done.status not in (0, 1) or done.stderr:
        raise LabError(f"{done.command}: status {done.status}\n{done.stdout}{done.stderr}")
    return Examined(done.status, findings)


@dataclass(frozen=True)
class Recovered:
    """A `memctl recover --json` that ended, with what became of each domain."""

    status: int
    domains: list[Json]

    def of(self, guest: ScenarioGuest) -> Json:
        """What became of that guest's domain."""
        (found,) = (each for each in self.domains if _name(each) == guest.name)
        return found


def recover(host: ScenarioHost, *guests: ScenarioGuest) -> Recovered:
    """`memctl recover --json` of these guests, or of all."""
    done = host.memctl("recover", "--json", *(guest.name for guest in guests)).wait(300)
    return Recovered(done.status, [parse_line(line) for line in done.stdout.splitlines()])
