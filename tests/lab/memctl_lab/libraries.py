"""The shared libraries that programs need, found by following ELF's NEEDED."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from memctl_lab.errors import LabError

SYSTEM = tuple(
    Path(path)
    for path in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64")
)


@lru_cache(maxsize=None)
def needed(path: Path) -> tuple[str, ...]:
    """The names in NEEDED; empty if the file is no dynamic ELF file."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return ()
    done = subprocess.run(
        ["readelf", "-dW", str(path)], capture_output=True, text=True, check=False
    )
    return tuple(re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout))


def resolve(programs: Iterable[Path], directories: Iterable[Path]) -> dict[str, Path]:
    """Every library that the programs need, by its name.

    The directories are searched in their order, then those of the build machine.
    """
    search = (*directories, *SYSTEM)
    found: dict[str, Path] = {}
    left = [(name, program) for program in programs for name in needed(program)]
    while left:
        name, user = left.pop()
        if name in found:
            continue
        path = next((d / name for d in search if (d / name).is_file()), None)
        if path is None:
            raise LabError(f"{user.name} needs {name}, which is not on this machine: install it")
        found[name] = path.resolve()
        left += [(other, path) for other in needed(found[name])]
    return found


def find(name: str, directories: Iterable[Path]) -> Path:
    """One library that is loaded by name at run time."""
    for directory in (*directories, *SYSTEM):
        if (directory / name).is_file():
            return (directory / name).resolve()
    raise LabError(f"{name} is not on this machine: install it")
