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
    "lab-svm": ("-shared", "-fPIC", "-fvisibility=hidden"),
    "lab-uevents": ("-static",),
}
IN_GUESTS = ("lab-guestd", "lab-drip", "lab-hog", "lab-uevents")


def build(cache: Path) -> dict[str, Path]:
    """Each program's path by its name."""
    return {name: _build(name, cache / "tools") for name in LIBRARIES}


def build_for_i386(cache: Path) -> dict[str, Path]:
    """The programs that guests have, as programs of 32 bits."""
    return {name: _build(name, cache / "tools", ("-m32",)) for name in IN_GUESTS}


def _build(name: str, directory: Path, more_flags: tuple[str, ...] = ()) -> Path:
    source = SOURCES / f"{name}.c"
    flags = ["-O2", "-Wall", "-Wextra", "-s", *more_flags]
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
        needs = "gcc-multilib" if more_flags else "libxen-dev"
        raise LabError(f"compiling {source.name} (needs {needs}):\n{done.stderr.strip()}")
    scratch.rename(target)
    return target
