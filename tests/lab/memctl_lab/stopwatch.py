"""What happens to a guest, and when, while a command runs in dom0. lab-stopwatch tells it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memctl_lab.errors import LabError
from memctl_lab.facts import PAGE_KIB
from memctl_lab.guest import Guest


@dataclass(frozen=True)
class Span:
    """How long each part of a growth took, in milliseconds. Stages are added up."""

    blocks: float
    """Until the last block of a stage was online; if a stage adds none, until its first page."""
    gaps: tuple[float, ...]
    """From the last block of each stage to the first page that Xen gave for it."""
    populating: float
    """From a stage's first page to its last."""
    knowing: float
    """From the last page to the end of the command."""


@dataclass(frozen=True)
class Course:
    """Times are milliseconds since the command's start."""

    pages: tuple[tuple[float, int], ...]
    """Xen's count: at the start, and whenever it had changed."""
    online: tuple[float, ...]
    """When a memory block came online, as the guest's kernel told `lab-uevents`."""
    lines: tuple[tuple[float, str], ...]
    """What the command printed."""
    ended: float
    status: int

    @property
    def events(self) -> list[tuple[float, dict[str, Any]]]:
        """The lines of `memctl --json`."""
        return [(at, json.loads(line)) for at, line in self.lines]

    @property
    def sizes(self) -> list[tuple[float, float]]:
        """Xen's count in MiB, for a plot."""
        return [(at, count * PAGE_KIB / 1024) for at, count in self.pages]

    @property
    def span(self) -> Span:
        """Divides the time of a growth, or of a shrinking, which adds no blocks."""
        blocks = populating = 0.0
        gaps: list[float] = []
        since = 0.0
        last_block: float | None = None
        last_page: float | None = None
        for at, is_page in sorted(
            [(at, False) for at in self.online] + [(at, True) for at, _ in self.pages[1:]]
        ):
            if is_page:
                if last_block is not None:
                    blocks += last_block - since
                    gaps.append(at - last_block)
                elif last_page is None:
                    blocks += at - since
                else:
                    populating += at - last_page
                last_block, last_page = None, at
            else:
                if last_page is not None:
                    since, last_page = last_page, None
                last_block = at
        end = self.pages[-1][0] if len(self.pages) > 1 else 0.0
        return Span(blocks, tuple(gaps), populating, self.ended - end)

    @property
    def phases(self) -> dict[str, float]:
        """How long each of memctl's phases took, and its program before and after them."""
        times: dict[str, float] = {}
        phase, since = "start", 0.0
        for at, event in self.events:
            times[phase] = times.get(phase, 0.0) + at - since
            phase, since = event.get("phase", "end"), at
        times[phase] = times.get(phase, 0.0) + self.ended - since
        return times


def parse(text: str) -> Course:
    """Reads what lab-stopwatch prints."""
    pages, online, lines = [], [], []
    for each in text.splitlines():
        at, kind, rest = each.split(" ", maxsplit=2)
        if kind == "pages":
            pages.append((float(at), int(rest)))
        elif kind == "online":
            online.append(float(at))
        elif kind == "line":
            lines.append((float(at), rest))
        elif kind == "ended":
            return Course(tuple(pages), tuple(online), tuple(lines), float(at), int(rest))
    raise LabError(f"lab-stopwatch did not tell how its command ended:\n{text}")


def count_blocks(guest: Guest, *, bring_online: bool = False) -> None:
    """Starts lab-uevents in the guest. It may also bring blocks online as a rule of udev does."""
    option = " -o" if bring_online else ""
    told = guest.check(
        "rm -f /tmp/uevents; mkfifo /tmp/uevents; "
        f"(lab-uevents{option} >/tmp/uevents 2>/dev/console &) && "
        'read -r line </tmp/uevents && echo "$line"'
    )
    if told != "listening\n":
        raise LabError(f"{guest.name}: lab-uevents does not listen: {told}")


def watch(guest: Guest, command: Sequence[str], *, timeout: float = 300) -> Course:
    """Runs a command in dom0, and watches the guest meanwhile."""
    stopwatch = shlex.join(["lab-stopwatch", str(guest.domid), *command])
    done = guest.lab.run(stopwatch, timeout=timeout)
    course = parse(done.stdout)
    if course.status != 0:
        raise LabError(f"{done.command}: status {course.status}\n{done.stdout}{done.stderr}")
    return course
