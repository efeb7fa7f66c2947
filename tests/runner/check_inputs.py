#!/usr/bin/python3
"""Checks that each test reads only files that its key covers. Other files would give false passes.

Runs the release build's tests once more under strace, and the making of the lab's images. Leaves
out tests that only compute, for a minute and more.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import jobs
import table
from ctest import tests_of
from jobs import BUILD, ROOT, Job

LONG = ("property", "faults")
OPENED = re.compile(r'(?:open|openat|openat2)\(.*?"[^"]*", (?:\{flags=)?([A-Z_|]+).*= \d+<([^>]+)>')
STARTED = re.compile(r'execve\("([^"]+)"')
IMAGES = "from memctl_lab import LabConfig, images; images.build(LabConfig(hvm=True, python=True))"
#: Files that a run itself writes. Go's cache is keyed by what Go reads.
OWN = (BUILD / "lab", BUILD / "logs", BUILD / "release" / "go", ROOT / ".git")


def unknown(job: Job) -> list[str]:
    """The files of the repository and its builds that the job reads without naming them."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as trace:
        strace = ("strace", "-f", "-qq", "-y", "--seccomp-bpf", "-e", "status=successful")
        calls = ("-e", "trace=open,openat,openat2,execve", "-s", "4096", "-o", trace.name)
        done = subprocess.run(
            (*strace, *calls, *job.command),
            cwd=ROOT,
            env={**jobs.environment(), **job.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{job.name} failed under strace:\n{done.stdout}{done.stderr}")
        read = {Path(path) for path in _read(trace)}
    known = {path.resolve() for _, path in jobs.files(*jobs.OWN_FILES, *job.inputs.sources)}
    for built in job.inputs.built:
        known.update(path.resolve() for path in jobs.below(built))
    return sorted(
        str(path.relative_to(ROOT))
        for path in read
        if path.is_relative_to(ROOT)
        and path.is_file()
        and path not in known
        and "__pycache__" not in path.parts
        and "reports" not in path.parts
        and not _installs_nothing(path)
        and not any(path.is_relative_to(own) for own in OWN)
    )


def _installs_nothing(path: Path) -> bool:
    """Whether it is CMake's script of a folder that installs nothing. Installations read it."""
    return path.name == "cmake_install.cmake" and "file(INSTALL" not in path.read_text()


def _read(trace: Iterable[str]) -> set[str]:
    """The files that were opened for reading, or started."""
    found = set()
    for line in trace:
        if match := OPENED.search(line):
            flags, path = match.groups()
            if not re.search("O_WRONLY|O_CREAT|O_TRUNC|O_DIRECTORY", flags):
                found.add(path)
        elif match := STARTED.search(line):
            found.add(match.group(1))
    return {str(Path(path).resolve()) for path in found}


def main() -> int:
    watched = [job for job in tests_of("release") if job.part.rpartition(" ")[2] not in LONG]
    environment = {"PYTHONPATH": str(ROOT / "tests" / "lab"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = (table.PYTHON, "-c", IMAGES)
    watched.append(replace(table.lab(False)[0], command=command, environment=environment))
    failed = False
    for job in watched:
        files = unknown(job)
        failed = failed or bool(files)
        print(f"{job.name}: {'reads what its key does not know:' if files else 'good'}", flush=True)
        print("".join(f"  {file}\n" for file in files), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
