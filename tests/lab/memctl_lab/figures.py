"""The same scenario ends with the same figures on the simulator and on real Xen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from memctl_lab.comparison import Comparison, Ending
from memctl_lab.memctl import Resized
from memctl_lab.scenario import ScenarioGuest

Figure = int | str | bool | None | tuple[object, ...]
REPORTED = (
    "outcome",
    "cause",
    "from_kib",
    "requested_kib",
    "reached_kib",
    "limit_kib",
    "pool_kib",
    "stages",
    "residual_kib",
)


class FiguresDiffer(AssertionError):
    """A scenario ended with different figures on the two hosts."""


@dataclass
class Ledger:
    """Everything that scenarios recorded in this run, for each host."""

    entries: dict[tuple[str, str], dict[str, dict[str, Figure]]] = field(default_factory=dict)
    comparison: Comparison = field(default_factory=Comparison)

    def record(self, scenario: str, what: str, host: str, figures: dict[str, Figure]) -> None:
        """Keeps the figures, and compares them with the other host's, if there are any."""
        hosts = self.entries.setdefault((scenario, what), {})
        for other, known in hosts.items():
            if other != host and known != figures:
                table = compare({other: known, host: figures})
                raise FiguresDiffer(f"{scenario}: {what}: the hosts differ\n{table}")
        hosts[host] = figures

    def table(self) -> str:
        """Every entry, and whether both hosts have it."""
        lines = []
        for (scenario, what), hosts in self.entries.items():
            same = "both hosts" if len(hosts) > 1 else f"{next(iter(hosts))} only"
            figures = next(iter(hosts.values()))
            words = ", ".join(f"{key} {_text(value)}" for key, value in figures.items())
            lines.append(f"{scenario}: {what} ({same}): {words}")
        return "\n".join(lines)


def compare(hosts: Mapping[str, Mapping[str, Figure]]) -> str:
    """A line for each figure that differs."""
    keys = dict.fromkeys(key for figures in hosts.values() for key in figures)
    lines = []
    for key in keys:
        values = {host: _text(figures.get(key)) for host, figures in hosts.items()}
        if len(set(values.values())) > 1:
            lines.append(f"  {key:<16}" + "  ".join(f"{h}: {v:<14}" for h, v in values.items()))
    return "\n".join(lines)


def _text(value: Figure) -> str:
    return "-" if value is None else str(value)


class Figures:
    """The figures at the end of one scenario, without times and without random values."""

    def __init__(self, ledger: Ledger, scenario: str, host: str) -> None:
        self._ledger = ledger
        self._scenario = scenario
        self._host = host

    def record(self, what: str, **figures: Figure) -> None:
        """Records figures by name. Fails if the other host had different figures."""
        self._ledger.record(self._scenario, what, self._host, figures)

    def tell(self, request: str, by: str, ending: Ending) -> None:
        """Adds the result of a request by "xl" or "memctl" to the table at the end."""
        self._ledger.comparison.add(request, by, self._host, ending)

    def record_guest(self, what: str, guest: ScenarioGuest) -> None:
        """Records whether the guest is alive, and all of its limits."""
        alive = guest.alive()
        limits = asdict(guest.snapshot()) if alive else {}
        self.record(what, alive=alive, **limits)

    def record_resize(
        self, what: str, guest: ScenarioGuest, done: Resized, *, but: tuple[str, ...] = ()
    ) -> None:
        """Records a resize's report and the guest's limits. `but`: figures that may differ."""
        reported: dict[str, Figure] = {"status": done.status}
        reported |= {key: done.report[key] for key in REPORTED}
        reported |= {f"{layer}_verified": good for layer, good in done.report["verified"].items()}
        if guest.alive():
            reported |= asdict(guest.snapshot())
        self.record(what, **{key: value for key, value in reported.items() if key not in but})
