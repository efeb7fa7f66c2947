"""memctl in dom0, as a scenario uses it: every line that it prints is held against its schema."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from memctl_lab.errors import LabError
from memctl_lab.guest import Guest
from memctl_lab.host import Completed, Lab, Running

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
    """A `memctl resize --json` that ended: the report is its last line."""

    status: int
    events: list[Json]
    report: Json
    stderr: str

    @property
    def ending(self) -> tuple[int, str, str | None]:
        """What a scenario asserts first: exit status, outcome and cause."""
        return self.status, self.report["outcome"], self.report["cause"]


def _command(guest: str, size: str, options: str) -> str:
    return f"memctl resize --json {options} {shlex.quote(guest)} {shlex.quote(size)}"


def _resized(done: Completed) -> Resized:
    lines = [parse_line(line) for line in done.stdout.splitlines()]
    if not lines or lines[-1]["event"] != "report":
        raise LabError(f"{done.command}: no report\n{done.stdout}{done.stderr}")
    return Resized(done.status, lines[:-1], lines[-1], done.stderr)


def resize(guest: Guest, size: str, options: str = "", *, timeout: float = 120) -> Resized:
    """Resizes a guest and returns how that ended."""
    return _resized(guest.lab.run(_command(guest.name, size, options), timeout=timeout))


def start_resize(guest: Guest, size: str, options: str = "") -> Running:
    """Begins a resize; `finish` waits for its end."""
    return guest.lab.start(_command(guest.name, size, options))


def finish(running: Running, *, timeout: float = 120) -> Resized:
    """Waits for a resize that `start_resize` began."""
    return _resized(running.wait(timeout))


def status(lab: Lab, *names: str) -> list[Json]:
    """`memctl status --json` of these guests, or of all."""
    words = " ".join(shlex.quote(name) for name in names)
    return [parse_line(line) for line in lab.check(f"memctl status --json {words}").splitlines()]
