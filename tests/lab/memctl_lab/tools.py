"""The lab's own small programs, compiled on first use."""

from __future__ import annotations

import subprocess
from pathlib import Path

from memctl_lab.errors import LabError
from memctl_lab.packages import digest

SOURCES = Path(__file__).resolve().parents[1] / "tools"
LIBRARIES = {
    "lab-dom0d": ("-static", "-lutil"),
    "lab-drip": ("-static",),
    "lab-guest": ("-lxenstore",),
    "lab-guestd": ("-static",),
    "lab-hog": ("-static",),
    "lab-journal": ("-static",),
    "lab-other-xen": ("-shared", "-fPIC", "-ldl"),
    "lab-probe": ("-lxenctrl",),
    "lab-rival": ("-lxenlight", "-lxenctrl", "-lxentoollog"),
    "lab-sparse": ("-static",),
    "lab-stopwatch": ("-lxenctrl", "-lxenstore"),
    "lab-uevents": ("-static",),
}


def build(cache: Path) -> dict[str, Path]:
    """Each program's path by its name."""
    return {name: _build(name, cache / "tools") for name in LIBRARIES}


def _build(name: str, directory: Path) -> Path:
    source = SOURCES / f"{name}.c"
    flags = ["-O2", "-Wall", "-Wextra", "-s"]
    key = digest(source.read_text(encoding="utf-8"), flags, LIBRARIES[name])
    target = directory / f"{name}-{key}"
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    scratch = target.with_suffix(".new")
    command = ["cc", *flags, "-o", str(scratch), str(source), *LIBRARIES[name]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError("cc is not installed") from error
    if done.returncode != 0:
        raise LabError(f"compiling {source.name} (needs libxen-dev):\n{done.stderr.strip()}")
    scratch.rename(target)
    return target
