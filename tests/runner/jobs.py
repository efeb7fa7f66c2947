"""A job of a test run, what it depends on, and the key that changes with any of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from errors import RunError

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
from memctl_lab.config import default_cache  # noqa: E402
from memctl_lab.errors import LabError  # noqa: E402
from memctl_lab.packages import wanted  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"

#: The variables that reach a job, beside those with these prefixes. They are part of its key.
#: Variables that are not in the key reach no job.
VARIABLES = ("HOME", "PATH", "TMPDIR", "USER")
PREFIXES = tuple(
    "MEMCTL GTEST_ RC_ PYTEST CMAKE_ CXX CC LD LIBRARY_ CPLUS_ PKG_CONFIG BOOST"
    " ASAN_ UBSAN_ TSAN_ LSAN_ http no_proxy".split()
)
FIXED = {"LANG": "C.UTF-8", "TERM": "dumb", "PYTHONNOUSERSITE": "1"}

FORMAT = "${Package} ${Architecture} ${Version} ${db:Status-Status}\\n"

#: Every job depends on these: this program decides what runs, and the scripts decide how.
OWN_FILES = ("scripts", "tests/runner")
#: pytest reads these if they exist, whatever it runs.
PYTEST_FILES = ("conftest.py", "pytest.ini", "setup.cfg", "tests/conftest.py", "tox.ini")


@dataclass(frozen=True)
class Inputs:
    """A job's inputs, beside the machine, its packages, the environment and this program."""

    sources: tuple[str, ...] = ()
    """Files and folders of the repository, without those that git ignores."""
    built: tuple[Path, ...] = ()
    """Files and folders of a build. Their bytes cover sources and compilers."""
    tools: tuple[str, ...] = ()
    """Programs that the job starts by name."""
    lab_packages: bool = False
    """Whether the job depends on the Debian packages that the lab boots without installing them."""


@dataclass(frozen=True)
class Job:
    """One command, which passes or fails."""

    name: str
    part: str
    """The line of the summary to which the job belongs."""
    command: tuple[str, ...]
    inputs: Inputs = Inputs()
    environment: dict[str, str] = field(default_factory=dict)
    timeout: float = 3600
    build: bool = False
    """Whether it is a build. It runs each time, and finds out by itself what has changed."""
    reports: tuple[Path, ...] = ()
    """The JUnit files that the job writes."""

    def key(self) -> str:
        """A key that changes with everything on which the job's result depends."""
        digest = hashlib.sha256()

        def add(kind: str, *values: object) -> None:
            digest.update(repr((kind, *values)).encode())

        add("command", *self.command)
        add("environment", *sorted(self.environment.items()), *sorted(environment().items()))
        add("machine", *machine())
        pytest_files = [name for name in PYTEST_FILES if (ROOT / name).is_file()]
        for name, found in files(*OWN_FILES, *self.inputs.sources, *pytest_files):
            add("source", name, digest_of(found))
        for path in self.inputs.built:
            for file in below(path):
                add("built", str(file.relative_to(ROOT)), digest_of(file))
        for tool in self.inputs.tools:
            where = shutil.which(tool)
            add("tool", tool, where, digest_of(Path(where).resolve()) if where else None)
        if self.inputs.lab_packages:
            add("lab", *lab_packages())
        return digest.hexdigest()


def environment() -> dict[str, str]:
    """The variables of this program that a job gets."""
    return FIXED | {
        name: value
        for name, value in os.environ.items()
        if name in VARIABLES or name.startswith(PREFIXES)
    }


def machine() -> list[str]:
    """The kernel, the user, every Debian package, and Python's packages from elsewhere."""
    system = os.uname()
    return [system.release, system.machine, str(os.geteuid()), *packages()]


def files(*where: str) -> list[tuple[str, Path]]:
    """Every file below these paths that git does not ignore, with its path in the repository."""
    output = _output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *where)
    names = sorted(set(filter(None, output.split("\0"))))
    for each in where:
        if not any(name == each or name.startswith(f"{each}/") or each == "." for name in names):
            raise RunError(f"a job depends on {each}, which is not there")
    return [(name, ROOT / name) for name in names if (ROOT / name).is_file()]


@cache
def packages() -> list[str]:
    """Every installed Debian package with its version, and the packages in Python's path."""
    local = sorted(Path("/usr/local/lib").glob("python3*/dist-packages/*"))
    return [*sorted(_output("dpkg-query", "-W", "-f", FORMAT).splitlines()), *map(str, local)]


@cache
def lab_packages() -> list[tuple[str, str]]:
    """The packages that the lab would boot now, with their versions."""
    try:
        return sorted(wanted(default_cache()).items())
    except LabError as error:
        raise RunError(str(error)) from error


def below(path: Path) -> Iterable[Path]:
    """The files of a built file or folder."""
    if path.is_dir():
        return sorted(
            file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts
        )
    if not path.is_file():
        raise RunError(f"{path.relative_to(ROOT)} has not been built")
    return [path]


def digest_of(path: Path) -> str:
    """The digest of a file's bytes, and of whether it can be executed."""
    mode = "x" if os.access(path, os.X_OK) else "-"
    with open(path, "rb") as file:
        return mode + hashlib.file_digest(file, "sha256").hexdigest()


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunError(f"{command[0]} failed: {done.stderr.strip() or 'no message'}")
    return done.stdout
