"""What memctl does with guests of each kernel and type: a cell of the matrix is one of each.

`scripts/matrix` runs the cells on real Xen, and `matrix_table.py` shows them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from memctl_lab.checks import check_sound
from memctl_lab.errors import LabError
from memctl_lab.guest import GUEST_FAULT, Guest
from memctl_lab.kernels import DEBIAN
from memctl_lab.memctl import doctor, resize
from memctl_lab.scenario import ScenarioGuest, ScenarioHost

MIB = 1024
FOUR_GIB = 4 << 30

TYPES = ("pv", "pvh", "hvm")
XENS = {"4.17": "bookworm", "4.20": "trixie"}
"""The releases of Xen, and the release of Debian that has each."""

HOST_MIB = 7680
"""Room for a guest that has addresses past 4 GiB."""

PAST_BOOT, PAST_4_GIB, SHRUNK, REGROWN = 1024, 4736, 512, 1200
KERNEL_ZONE, MOVABLE_ZONE, RESTORED = 512, 896, 1200
AUTO_MOVABLE = "memory_hotplug.online_policy=auto-movable"
"""Since 5.15 the kernel may choose the movable zone by itself, if the policy is just `online`."""

PASSED, FAILED, LEFT_OUT = "passed", "failed", "left out"


@dataclass(frozen=True)
class Cell:
    """A kernel, a type of guest, and the release of Xen."""

    xen: str
    kernel: str
    type: str

    def __str__(self) -> str:
        return f"Xen {self.xen}, Linux {self.kernel}, {self.type}"

    @property
    def key(self) -> str:
        return f"{self.xen}-{self.kernel}-{self.type}"


def cells(xens: list[str], kernels: list[str], types: list[str]) -> list[Cell]:
    """The cells in the order in which they run: those of quick guests first."""
    return [
        Cell(xen, kernel, type)
        for xen in XENS
        for type in TYPES
        for kernel in DEBIAN
        if xen in xens and kernel in kernels and type in types
    ]


class StepFailed(Exception):
    """A step did not do what it has to do; the text says what memctl answered."""


class StepLeftOut(Exception):
    """A step that cannot be tried here; the text says why."""


def must(condition: bool, text: str) -> None:
    if not condition:
        raise StepFailed(text)


def resized(guest: ScenarioGuest, mib: int, options: str = "") -> None:
    """Resizes the guest. memctl, Xen and the guest's kernel have to agree on the size."""
    done = resize(guest, f"{mib}m", options, timeout=900)
    report = done.report
    must(
        done.ending == (0, "verified", None),
        f"{report['outcome']}, {report['cause']}: {report['message']}",
    )
    domain, facts = guest.domain(), guest.facts()
    must(domain is not None and abs(domain.tot_kib - mib * MIB) <= MIB, f"Xen counts {domain}")
    must(not facts.offline_blocks, f"{len(facts.offline_blocks)} blocks are offline")
    try:
        check_sound(guest)
    except AssertionError as error:
        raise StepFailed(f"the guest is not sound: {error or guest.crashes()}") from error


def zones(guest: ScenarioGuest) -> dict[int, str | None]:
    return {block.number: block.zone for block in guest.facts().blocks}


def added(guest: ScenarioGuest, before: dict[int, str | None]) -> set[str]:
    """The zones of the blocks that have come."""
    return {str(zone) for number, zone in zones(guest).items() if number not in before}


def asked_and_told(guest: ScenarioGuest) -> None:
    found = doctor(guest.host, guest)
    bad = [each for each in found.of(guest) if each["severity"] == "bad"]
    must(not bad, "; ".join(f"doctor: {each['message']}" for each in bad))


def past_boot(guest: ScenarioGuest) -> None:
    resized(guest, PAST_BOOT)
    must(guest.snapshot().limit_kib >= PAST_BOOT * MIB, "the limit has not risen")


def past_4_gib(guest: ScenarioGuest) -> None:
    free = guest.host.facts().free_pages * 4 // MIB
    if free < PAST_4_GIB - PAST_BOOT + 256:
        raise StepLeftOut(f"the host has only {free} MiB free")
    resized(guest, PAST_4_GIB)
    facts = guest.facts()
    high = [block for block in facts.blocks if block.number * facts.block_bytes >= FOUR_GIB]
    must(bool(high), "no block lies past 4 GiB")


def kernel_zone(guest: ScenarioGuest) -> None:
    before = zones(guest)
    resized(guest, KERNEL_ZONE, "--online kernel")
    come = added(guest, before)
    must(bool(come) and "Movable" not in come, f"the added blocks are in {come}")


def movable_zone(guest: ScenarioGuest) -> None:
    before = zones(guest)
    resized(guest, MOVABLE_ZONE, "--online movable")
    come = added(guest, before)
    must(come == {"Movable"}, f"the added blocks are in {come}")


def saved_and_restored(guest: ScenarioGuest) -> None:
    must(guest.save_and_restore(), "xl restore failed")
    guest.wait_for_agent()
    domain = guest.domain()
    must(
        domain is not None and abs(domain.tot_kib - MOVABLE_ZONE * MIB) <= MIB,
        f"Xen counts {domain}",
    )
    resized(guest, RESTORED)


Step = Callable[[ScenarioGuest], None]

#: The steps of a cell, with the words that the table has for them.
STEPS = {
    "boot": "boots, and the doctor finds nothing bad",
    "past boot": f"grows past its boot limit, to {PAST_BOOT} MiB",
    "past 4 GiB": f"grows past 4 GiB of addresses, to {PAST_4_GIB} MiB",
    "shrink": f"shrinks to {SHRUNK} MiB",
    "regrow": f"grows again, to {REGROWN} MiB",
    "kernel zone": f"grows to {KERNEL_ZONE} MiB with `--online kernel`, "
    "although its kernel would rather take the movable zone",
    "movable zone": f"grows to {MOVABLE_ZONE} MiB with `--online movable`",
    "save": f"is saved and restored by xl with {MOVABLE_ZONE} MiB, and grows to {RESTORED} MiB",
}


@dataclass(frozen=True)
class Course:
    """A guest, and the steps that it goes through one after the other."""

    name: str
    options: dict[str, object]
    steps: dict[str, Step]


COURSES = (
    Course(
        "sizes",
        {},
        {
            "boot": asked_and_told,
            "past boot": past_boot,
            "past 4 GiB": past_4_gib,
            "shrink": lambda guest: resized(guest, SHRUNK),
            "regrow": lambda guest: resized(guest, REGROWN),
        },
    ),
    Course(
        "zones",
        {"memory_mib": 256, "online_policy": "online", "kernel_options": AUTO_MOVABLE},
        {"kernel zone": kernel_zone, "movable zone": movable_zone, "save": saved_and_restored},
    ),
)


@dataclass
class Result:
    """A cell that has been run. `steps` has the outcome, what was told and the seconds."""

    cell: Cell
    xen: str
    linux: str = ""
    policy: str = ""
    block_mib: int = 0
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(step["outcome"] != FAILED for step in self.steps.values())

    def data(self) -> dict[str, Any]:
        return {
            "xen": self.cell.xen,
            "kernel": self.cell.kernel,
            "type": self.cell.type,
            "xen_version": self.xen,
            "linux_version": self.linux,
            "online_policy": self.policy,
            "block_mib": self.block_mib,
            "steps": self.steps,
        }


def run_cell(host: ScenarioHost, cell: Cell, xen: str, say: Callable[[str], None]) -> Result:
    """Runs all steps of a cell. Whatever a guest does becomes a part of the result."""
    result = Result(cell, xen)
    for course in COURSES:
        _run_course(host, cell, course, result, say)
    return result


def _run_course(
    host: ScenarioHost,
    cell: Cell,
    course: Course,
    result: Result,
    say: Callable[[str], None],
) -> None:
    options = dict(course.options)
    if cell.type == "hvm":
        options.setdefault("memory_mib", 256)
    if host.kind == "sim":
        options.pop("kernel_options", None)
    name = f"{course.name}-{cell.kernel}-{cell.type}"
    failed: str | None = None
    guest: ScenarioGuest | None = None
    for step, does in course.steps.items():
        started = time.monotonic()
        outcome, told = PASSED, ""
        if failed is not None:
            outcome, told = LEFT_OUT, f"not reached: the step {failed!r} failed"
        else:
            try:
                if guest is None:
                    guest = host.create_guest(name, cell.type, kernel=cell.kernel, **options)
                    guest.wait_for_agent()
                    _describe(guest, result)
                does(guest)
            except StepLeftOut as reason:
                outcome, told = LEFT_OUT, str(reason)
            except (StepFailed, LabError) as error:
                outcome, told = FAILED, one_line(error, guest)
                failed = step
        seconds = round(time.monotonic() - started, 1)
        result.steps[step] = {"outcome": outcome, "told": told, "seconds": seconds}
        say(f"  {step}: {outcome}{': ' if told else ''}{told} ({seconds} s)")
    if guest is not None:
        guest.crash_expected = True  # a crash is in the result
        guest.destroy()


def _describe(guest: ScenarioGuest, result: Result) -> None:
    if result.linux:
        return
    facts = guest.facts()
    result.policy, result.block_mib = facts.online_policy, facts.block_bytes >> 20
    if isinstance(guest, Guest):
        build = guest.check("uname -v").strip()
        debian = re.search(r"Debian (\S+)", build)
        result.linux = debian[1] if debian else build


def one_line(error: Exception, guest: ScenarioGuest | None) -> str:
    """The error without the consoles that a LabError brings along."""
    crash = GUEST_FAULT.search(guest.console()) if guest is not None else None
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return f"{first}; its console: {crash.group(0)}" if crash else first
