"""The same scenario ends with the same figures on the simulator and on real Xen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

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
    """A scenario that ended otherwise on one of the hosts."""


@dataclass
class Ledger:
    """What every scenario has recorded in this run, on each host."""

    entries: dict[tuple[str, str], dict[str, dict[str, Figure]]] = field(default_factory=dict)
    endings: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """What became of a request, by what made it, by host."""

    def record(self, scenario: str, what: str, host: str, figures: dict[str, Figure]) -> None:
        """Keeps the figures, and holds them against those of the other host, if it has any."""
        hosts = self.entries.setdefault((scenario, what), {})
        for other, known in hosts.items():
            if other != host and known != figures:
                table = compare({other: known, host: figures})
                raise FiguresDiffer(f"{scenario}: {what}: the hosts differ\n{table}")
        hosts[host] = figures

    def comparison(self) -> str:
        """A line for each request: what became of it by xl, and through memctl."""
        if not self.endings:
            return ""
        makers = list(dict.fromkeys(by for request in self.endings.values() for by in request))
        rows = [["request", *makers]]
        for request, endings in self.endings.items():
            rows.append([request, *(_on_hosts(endings.get(by, {})) for by in makers)])
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ("  ".join(cell.ljust(wide) for cell, wide in zip(row, widths)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)

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
    """A line for each figure that is not the same everywhere."""
    keys = dict.fromkeys(key for figures in hosts.values() for key in figures)
    lines = []
    for key in keys:
        values = {host: _text(figures.get(key)) for host, figures in hosts.items()}
        if len(set(values.values())) > 1:
            lines.append(f"  {key:<16}" + "  ".join(f"{h}: {v:<14}" for h, v in values.items()))
    return "\n".join(lines)


def _on_hosts(endings: Mapping[str, str]) -> str:
    """The ending on every host: once, where it is the same."""
    if len(set(endings.values())) <= 1:
        return next(iter(endings.values()), "-")
    return "; ".join(f"{host}: {ending}" for host, ending in endings.items())


def _text(value: Figure) -> str:
    return "-" if value is None else str(value)


class Figures:
    """What one scenario ends with: no times, and nothing of a random moment."""

    def __init__(self, ledger: Ledger, scenario: str, host: str) -> None:
        self._ledger = ledger
        self._scenario = scenario
        self._host = host

    def record(self, what: str, **figures: Figure) -> None:
        """Figures by name. Fails where the other host had other ones."""
        self._ledger.record(self._scenario, what, self._host, figures)

    def tell(self, request: str, by: str, ending: str) -> None:
        """What became of a request that was made by "xl" or "memctl": for the table at the end."""
        self._ledger.endings.setdefault(request, {}).setdefault(by, {})[self._host] = ending

    def record_guest(self, what: str, guest: ScenarioGuest) -> None:
        """Whether the guest is alive, and every limit that it has."""
        alive = guest.alive()
        limits = asdict(guest.snapshot()) if alive else {}
        self.record(what, alive=alive, **limits)

    def record_resize(
        self, what: str, guest: ScenarioGuest, done: Resized, *, but: tuple[str, ...] = ()
    ) -> None:
        """A resize's ending and figures with the guest's limits; `but`: those that may differ."""
        reported: dict[str, Figure] = {"status": done.status}
        reported |= {key: done.report[key] for key in REPORTED}
        reported |= {f"{layer}_verified": good for layer, good in done.report["verified"].items()}
        if guest.alive():
            reported |= asdict(guest.snapshot())
        self.record(what, **{key: value for key, value in reported.items() if key not in but})
