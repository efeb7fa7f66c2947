"""What became of the same requests by xl and through memctl: a table, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from memctl_lab.facts import Limits
from memctl_lab.packages import Release, locked

MIB = 1024
RESERVE_KIB = 64 * MIB
"""What memctl leaves free on the host."""
MAKERS = ("xl", "memctl")


@dataclass(frozen=True)
class Ending:
    """What xl or memctl said about a request, and the state afterwards."""

    said: str
    """memctl's outcome, or the status that xl's commands returned."""
    cause: str | None
    guest: str
    """alive, or the message with which it ended."""
    process: str | None
    """alive or killed; None: the guest is not alive, or none was started."""
    size_mib: int | None
    """Xen's count; None: there is no such domain any more."""
    host_free_mib: int
    limits: Limits | None

    def in_words(self) -> str:
        """One cell of the table."""
        words = [f"{self.said}: {self.cause}" if self.cause else self.said]
        if self.guest != "alive":
            words.append(f"**{self.guest}**")
        elif self.size_mib is not None:
            words.append(f"{self.size_mib} MiB")
        if self.process == "killed":
            words.append("**its process is killed**")
        if self.host_free_mib * MIB < RESERVE_KIB:
            words.append(f"**{self.host_free_mib} MiB left to the host**")
        return ", ".join(words)


@dataclass
class Comparison:
    """Rows in the order in which they came: request, maker (xl or memctl), host."""

    rows: dict[str, dict[str, dict[str, Ending]]] = field(default_factory=dict)

    def add(self, request: str, by: str, host: str, ending: Ending) -> None:
        self.rows.setdefault(request, {}).setdefault(by, {})[host] = ending

    def data(self, host: str) -> list[dict[str, Any]]:
        """The endings on that host, for JSON."""
        rows = []
        for request, makers in self.rows.items():
            row: dict[str, Any] = {"request": request}
            row |= {by: asdict(on[host]) for by, on in makers.items() if host in on}
            if len(row) > 1:
                rows.append(row)
        return rows

    def write(self, directory: Path, host: str, release: Release) -> None:
        """comparison.json and comparison.md: those rows that were told of by both makers here.

        Rows that stand there from another run, and not in this one, stay.
        """
        data = [
            {"request": row["request"], **asdict(release), **{by: row[by] for by in MAKERS}}
            for row in self.data(host)
            if all(by in row for by in MAKERS)
        ]
        if not data:
            return
        with locked(directory):
            path = directory / "comparison.json"
            known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
            known = [row for row in known if "xen" in row]  # without it, a row is of an older lab
            rows = {(row["request"], row["xen"], row["linux"]): row for row in [*known, *data]}
            merged = list(rows.values())
            path.write_text(json.dumps(merged, indent=1) + "\n", encoding="utf-8")
            (directory / "comparison.md").write_text(in_full(merged), encoding="utf-8")


def ending_of(data: dict[str, Any]) -> Ending:
    """What `data` wrote."""
    values = dict(data)
    if values["limits"] is not None:
        values["limits"] = Limits(**values["limits"])
    return Ending(**values)


def in_short(data: Iterable[dict[str, Any]]) -> str:
    """A line for each request: by xl, and through memctl."""
    rows = [["request", "`xl mem-max`, `xl mem-set`", "`memctl resize`"]]
    for row in data:
        cells = (ending_of(row[by]).in_words() if by in row else "-" for by in MAKERS)
        rows.append([row["request"], *cells])
    return markdown(rows)


def in_full(data: Iterable[dict[str, Any]]) -> str:
    """A line for each request and each maker, with every figure."""
    rows = [
        ["request", "Xen", "Linux", "by", "said", "cause", "the guest", "its process"]
        + ["MiB", "host's free MiB"]
        + ["max_pages", "limit KiB", "target KiB", "pool KiB"]
    ]
    for row in data:
        for by in MAKERS:
            if by in row:
                rows.append(
                    [row["request"], row["xen"], row["linux"], by, *_figures(ending_of(row[by]))]
                )
    return markdown(rows)


def _figures(ending: Ending) -> list[str]:
    figures: list[object] = [
        ending.said,
        ending.cause,
        ending.guest,
        ending.process,
        ending.size_mib,
        ending.host_free_mib,
    ]
    limits = ending.limits
    if limits is None:
        figures += [None] * 4
    else:
        pool = None if limits.pool_bytes is None else limits.pool_bytes // 1024
        figures += [limits.max_pages, limits.limit_kib, limits.target_kib, pool]
    return ["-" if figure is None else str(figure) for figure in figures]


def markdown(rows: list[list[str]]) -> str:
    """A table whose first row is its head, aligned so that it reads well as text too."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows = [rows[0], ["-" * wide for wide in widths], *rows[1:]]
    lines = ("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |" for row in rows)
    return "\n".join(lines) + "\n"
