"""The results of the matrix: kept one file a cell, and shown as docs/kernels.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from memctl_lab.kernels import DEBIAN
from memctl_lab.matrix import FAILED, LEFT_OUT, STEPS, TYPES, XENS, Cell, Result

Json = dict[str, Any]

HEAD = """\
# Guests of each kernel

What memctl did with a guest of each of Debian's kernels and of each type, on real Xen under QEMU's
emulation. `scripts/matrix` makes this page anew, cell by cell, and [kernels.json](kernels.json) has
the same for programs.

"""


class Results:
    """One file for each cell that has been run."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def has(self, cell: Cell) -> bool:
        return self._file(cell).exists()

    def keep(self, result: Result) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._file(result.cell)
        scratch = file.with_suffix(".new")
        scratch.write_text(json.dumps(result.data(), indent=1) + "\n", encoding="utf-8")
        os.replace(scratch, file)

    def forget(self, cell: Cell) -> None:
        self._file(cell).unlink(missing_ok=True)

    def load(self) -> list[Json]:
        files = sorted(self._directory.glob("*.json"))
        return [json.loads(file.read_text(encoding="utf-8")) for file in files]

    def _file(self, cell: Cell) -> Path:
        return self._directory / f"{cell.key}.json"


def merged(earlier: Iterable[Json], later: Iterable[Json]) -> list[Json]:
    """Each cell's last result, in the order of the table."""
    by_cell = {_key(data): data for data in (*earlier, *later)}
    order = [(x, k, t) for x in XENS for k in DEBIAN for t in TYPES]
    return [by_cell[key] for key in order if key in by_cell]


def _key(data: Json) -> tuple[str, str, str]:
    return data["xen"], data["kernel"], data["type"]


def write(docs: Path, results: Results) -> None:
    """Brings docs/kernels.json and docs/kernels.md up to date."""
    file = docs / "kernels.json"
    earlier = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    data = merged(earlier, results.load())
    file.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (docs / "kernels.md").write_text(page(data), encoding="utf-8")


def page(data: list[Json]) -> str:
    """docs/kernels.md."""
    text = HEAD + "| step | the guest |\n|---|---|\n"
    text += "".join(f"| {step} | {words} |\n" for step, words in STEPS.items())
    for xen in XENS:
        text += "\n" + _of_xen(xen, {_key(each): each for each in data if each["xen"] == xen})
    return text


def _of_xen(xen: str, data: dict[tuple[str, str, str], Json]) -> str:
    versions = sorted({each["xen_version"] for each in data.values()})
    text = f"## Xen {xen}\n"
    text += f"Measured on Xen {', '.join(versions)}.\n\n" if versions else "Not run.\n\n"
    text += f"| Linux | type | policy | {' | '.join(STEPS)} |\n"
    text += "|---" * (3 + len(STEPS)) + "|\n"
    notes: list[str] = []
    for kernel in DEBIAN:
        for type in TYPES:
            text += _row(kernel, type, data.get((xen, kernel, type)), notes)
    if notes:
        text += "\n" + "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1))
    return text


def _row(kernel: str, type: str, data: Json | None, notes: list[str]) -> str:
    if data is None:
        return f"| {kernel} | {type} | |{' not run |' * len(STEPS)}\n"
    policy = f"`{data['online_policy']}`" if data["online_policy"] else ""
    cells = [_cell(data["steps"].get(step), notes) for step in STEPS]
    return f"| {data['linux_version'] or kernel} | {type} | {policy} | {' | '.join(cells)} |\n"


def _cell(step: Json | None, notes: list[str]) -> str:
    if step is None:
        return "not run"
    if step["outcome"] not in (FAILED, LEFT_OUT):
        return "yes"
    told = " ".join(step["told"].split()).replace("|", "\\|")
    if told not in notes:
        notes.append(told)
    word = "**no**" if step["outcome"] == FAILED else "left out"
    return f"{word} ({notes.index(told) + 1})"
