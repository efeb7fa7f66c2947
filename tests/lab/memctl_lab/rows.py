"""A row of the comparison: a request by xl, the same through memctl, and the ending of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from memctl_lab.checks import check_sound
from memctl_lab.comparison import MIB, RESERVE_KIB, Ending
from memctl_lab.errors import LabError
from memctl_lab.figures import Figures
from memctl_lab.memctl import Resized, resize
from memctl_lab.scenario import ScenarioGuest, ScenarioHost

PROCESS_MIB = 16
"""The size of the process that runs in every guest, and has to survive."""
POOL_MIB = 16
"""A paging pool that is large enough for every request."""
NEARLY_KIB = 4 * MIB
"""The memory that Xen needs for a domain beside its size, and pages that Xen is scrubbing."""


def size_of(guest: ScenarioGuest) -> int:
    """Xen's count in MiB."""
    domain = guest.domain()
    if domain is None:
        raise LabError(f"{guest.name} is gone")
    return round(domain.tot_kib / MIB)


def free_kib(host: ScenarioHost) -> int:
    """The host's memory that is neither allocated nor claimed."""
    facts = host.facts()
    return (facts.free_pages - facts.outstanding_pages) * 4


def guest_for_xl(
    host: ScenarioHost, name: str, type: str, *, process_mib: int = PROCESS_MIB, **options: object
) -> ScenarioGuest:
    """A guest with a process in it, which onlines memory by itself."""
    values: dict[str, object] = {"online_policy": "online_kernel", "agent": False, **options}
    guest = host.create_guest(name, type, **values)
    guest.hold_memory(process_mib)
    return guest


def guest_for_memctl(
    host: ScenarioHost, name: str, type: str, *, process_mib: int = PROCESS_MIB, **options: object
) -> ScenarioGuest:
    """The same guest with memctl's agent, which onlines memory."""
    guest = host.create_guest(name, type, **options)
    guest.wait_for_agent()
    guest.hold_memory(process_mib)
    return guest


def by_xl(guest: ScenarioGuest, mib: int) -> str:
    """Resizes by both xl commands, as a person does, and waits. Returns what xl said."""
    growing = mib >= size_of(guest)
    if guest.snapshot().limit_kib < mib * MIB:
        guest.mem_max(mib).check()
    done = guest.mem_set(mib)
    guest.settle(mib if growing else None)
    return f"rc {done.status}"


def by_memctl(
    guest: ScenarioGuest, mib: int, options: str = "", *, video_ram_mib: int = 0
) -> Resized:
    """Resizes through memctl, and checks what memctl promises.

    When an hvm guest's balloon starts, it takes as much as the video RAM, and keeps that.
    """
    before, total_before = size_of(guest), guest.facts().mem_total_kib
    done = resize(guest, f"{mib}m", options, timeout=300)
    check_kept_safe(guest, done)
    if done.status == 0:
        assert abs(size_of(guest) + video_ram_mib - mib) <= 1
        seen_by_guest = guest.facts().mem_total_kib - total_before
        seen_by_xen = (size_of(guest) - before) * MIB
        assert abs(seen_by_guest - seen_by_xen) <= 2 * MIB
    return done


def ask_memctl(
    guest: ScenarioGuest,
    mib: int,
    options: str = "",
    *,
    refused: str | None = None,
    video_ram_mib: int = 0,
) -> Resized:
    """As `by_memctl`, but memctl has to verify the size, or to refuse it for that cause.

    After a refusal every limit has to be unchanged.
    """
    before = guest.snapshot()
    done = by_memctl(guest, mib, options, video_ram_mib=video_ram_mib)
    if refused is None:
        assert done.ending == (0, "verified", None), done.told
    else:
        assert done.ending == (3, "refused", refused), done.told
        assert guest.snapshot() == before
    return done


def check_kept_safe(guest: ScenarioGuest, done: Resized) -> None:
    """Checks what holds after every resize without interference, however it ended."""
    check_sound(guest)
    assert guest.runs_programs()
    assert done.report["outcome"] in ("verified", "refused"), done.told
    assert (done.report["cause"] is None) == (done.status == 0)
    assert guest.facts().offline_blocks == ()
    assert free_kib(guest.host) >= RESERVE_KIB


def harmed(guest: ScenarioGuest) -> bool:
    """Whether the guest has died or lost its process."""
    return not guest.alive() or guest.killed_processes() > 0


def ending(guest: ScenarioGuest, done: Resized | str) -> Ending:
    """The state of the guest, with what memctl reported or xl returned."""
    alive, domain = guest.alive(), guest.domain()
    said = done if isinstance(done, str) else str(done.report["outcome"])
    return Ending(
        said=said,
        cause=None if isinstance(done, str) else done.report["cause"],
        guest="alive" if alive else _death(guest),
        process=("killed" if guest.killed_processes() else "alive") if alive else None,
        size_mib=None if domain is None else size_of(guest),
        host_free_mib=free_kib(guest.host) // MIB,
        limits=guest.snapshot() if alive else None,
    )


def _death(guest: ScenarioGuest) -> str:
    """The message with which its kernel crashed, without details that differ from run to run."""
    for line in guest.crashes():
        return line.partition(" - ")[0].partition(":493")[0]
    return "the guest is lost"


Step = Callable[[ScenarioGuest], str | None]
"""An action on a guest, or a check. If it calls xl, it returns what xl said."""


@dataclass(frozen=True)
class Ask:
    """A size for memctl with options, or with the cause of its refusal: see `ask_memctl`."""

    mib: int
    options: str = ""
    refused: str | None = None


@dataclass(frozen=True)
class Row:
    """A request: the steps by xl in one guest, and the steps through memctl in an equal guest.

    If a step is a number, it asks for so many MiB, and memctl has to reach them. The table of the
    comparison shows the result of the last number.
    """

    request: str
    """The name of the row in docs/comparison.json. Another name makes another row."""
    guest: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of both guests: those of GuestConfig, and `process_mib`."""
    xl_options: Mapping[str, Any] = field(default_factory=dict)
    """Options of only xl's guest, for things that memctl does by itself."""
    xl: tuple[int | Step, ...] = ()
    memctl: tuple[int | Ask | Step, ...] = ()
    xl_is_recorded: bool = False
    """Both hosts also have to agree on the limits that xl leaves."""
    each_is_recorded: bool = False
    """Both hosts have to agree on memctl's figures after each size, not only at the end."""
    but: tuple[str, ...] = ()
    """The figures of memctl that may differ between the hosts."""

    def __str__(self) -> str:
        return self.request


def may_die(guest: ScenarioGuest) -> None:
    guest.crash_expected = True


def pool_by_hand(guest: ScenarioGuest) -> None:
    """Raises the pool, because xl never does, and these rows are about another danger."""
    guest.set_pool(POOL_MIB)


def run_by_xl(row: Row, host: ScenarioHost, figures: Figures) -> None:
    """Runs xl's steps, and records the result."""
    guest = guest_for_xl(host, row.guest, row.type, **{**row.options, **row.xl_options})
    said = ""
    for step in row.xl:
        said = (by_xl(guest, step) if isinstance(step, int) else step(guest)) or said
    if row.xl_is_recorded:
        figures.record_guest("xl", guest)
    figures.tell(row.request, "xl", ending(guest, said))


def run_by_memctl(row: Row, host: ScenarioHost, figures: Figures) -> None:
    """Runs memctl's steps, and records the result."""
    guest = guest_for_memctl(host, row.guest, row.type, **row.options)
    video_ram_mib = row.options.get("video_ram_mib", 0)
    done = None
    for step in row.memctl:
        if not isinstance(step, (int, Ask)):
            step(guest)
            continue
        ask = Ask(step) if isinstance(step, int) else step
        done = ask_memctl(
            guest, ask.mib, ask.options, refused=ask.refused, video_ram_mib=video_ram_mib
        )
        if row.each_is_recorded:
            figures.record_resize(f"memctl, {ask.mib} MiB", guest, done, but=row.but)
    assert done is not None, "nothing was asked for"
    if not row.each_is_recorded:
        figures.record_resize("memctl", guest, done, but=row.but)
    figures.tell(row.request, "memctl", ending(guest, done))


def reaches(mib: int) -> Step:
    """A step that checks whether the guest has that size."""

    def check(guest: ScenarioGuest) -> None:
        assert size_of(guest) == mib

    return check
