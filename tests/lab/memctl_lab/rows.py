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
"""Of the process that runs in every guest, and is to go on running."""
POOL_MIB = 16
"""A paging pool that is large enough for whatever is asked for."""
NEARLY_KIB = 4 * MIB
"""What Xen needs for a domain beside its memory, and what is being scrubbed."""


def size_of(guest: ScenarioGuest) -> int:
    """Xen's count in MiB."""
    domain = guest.domain()
    if domain is None:
        raise LabError(f"{guest.name} is gone")
    return round(domain.tot_kib / MIB)


def free_kib(host: ScenarioHost) -> int:
    """What no domain has, and nobody has claimed."""
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
    """The same guest with memctl's agent, which sees to the rest."""
    guest = host.create_guest(name, type, **options)
    guest.wait_for_agent()
    guest.hold_memory(process_mib)
    return guest


def by_xl(guest: ScenarioGuest, mib: int) -> str:
    """What a person does: both commands; then the guest does what it can. Returns what xl said."""
    growing = mib >= size_of(guest)
    if guest.snapshot().limit_kib < mib * MIB:
        guest.mem_max(mib).check()
    done = guest.mem_set(mib)
    guest.settle(mib if growing else None)
    return f"rc {done.status}"


def by_memctl(
    guest: ScenarioGuest, mib: int, options: str = "", *, video_ram_mib: int = 0
) -> Resized:
    """The same through memctl, held against what it promises.

    An hvm guest's balloon takes as much as the video RAM when it starts, and keeps that.
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
    """The same where the answer is known: memctl verifies the size, or refuses it for that cause.

    A refusal leaves every limit as it was.
    """
    before = guest.snapshot()
    done = by_memctl(guest, mib, options, video_ram_mib=video_ram_mib)
    if refused is None:
        assert done.ending == (0, "verified", None), done.report
    else:
        assert done.ending == (3, "refused", refused), done.report
        assert guest.snapshot() == before
    return done


def check_kept_safe(guest: ScenarioGuest, done: Resized) -> None:
    """What holds after every resize that none interfered with, however it ended."""
    check_sound(guest)
    assert guest.runs_programs()
    assert done.report["outcome"] in ("verified", "refused"), done.report
    assert (done.report["cause"] is None) == (done.status == 0)
    assert guest.facts().offline_blocks == ()
    assert free_kib(guest.host) >= RESERVE_KIB


def harmed(guest: ScenarioGuest) -> bool:
    """Whether it has died, or lost its process."""
    return not guest.alive() or guest.killed_processes() > 0


def ending(guest: ScenarioGuest, done: Resized | str) -> Ending:
    """What became of the guest, after what memctl reported or xl returned."""
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
    """The words in which its kernel gave up, without the details of this one."""
    for line in guest.crashes():
        return line.partition(" - ")[0].partition(":493")[0]
    return "the guest is lost"


Step = Callable[[ScenarioGuest], str | None]
"""What happens to a guest, or has to be true of it. Returns what xl said, if it has asked xl."""


@dataclass(frozen=True)
class Ask:
    """A size for memctl, where the number alone does not say enough: see `ask_memctl`."""

    mib: int
    options: str = ""
    refused: str | None = None


@dataclass(frozen=True)
class Row:
    """A request: the steps by xl in one guest, and through memctl in another one like it.

    A step that is a number asks for so many MiB, and memctl has to reach them. The table of the
    comparison shows what the last number came to.
    """

    request: str
    """Its name in docs/comparison.json: with other words it is another row there."""
    guest: str
    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of both guests: GuestConfig's, and `process_mib`."""
    xl_options: Mapping[str, Any] = field(default_factory=dict)
    """Of xl's guest alone, where memctl sees to the same thing."""
    xl: tuple[int | Step, ...] = ()
    memctl: tuple[int | Ask | Step, ...] = ()
    xl_is_recorded: bool = False
    """Both hosts must agree on the limits that xl leaves, too."""
    each_is_recorded: bool = False
    """They must agree on memctl's figures after each size, and not only at the end."""
    but: tuple[str, ...] = ()
    """Those of memctl's figures on which they need not agree."""

    def __str__(self) -> str:
        return self.request


def may_die(guest: ScenarioGuest) -> None:
    guest.crash_expected = True


def pool_by_hand(guest: ScenarioGuest) -> None:
    """xl never raises the pool, and these rows are about another danger."""
    guest.set_pool(POOL_MIB)


def run_by_xl(row: Row, host: ScenarioHost, figures: Figures) -> None:
    """Takes xl's steps, and tells what came of them."""
    guest = guest_for_xl(host, row.guest, row.type, **{**row.options, **row.xl_options})
    said = ""
    for step in row.xl:
        said = (by_xl(guest, step) if isinstance(step, int) else step(guest)) or said
    if row.xl_is_recorded:
        figures.record_guest("xl", guest)
    figures.tell(row.request, "xl", ending(guest, said))


def run_by_memctl(row: Row, host: ScenarioHost, figures: Figures) -> None:
    """Takes memctl's steps, and tells what came of them."""
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
    """The step that looks whether the guest has that size."""

    def check(guest: ScenarioGuest) -> None:
        assert size_of(guest) == mib

    return check
