# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installation of memctl, and how a program finds it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MEMCTL_BUILD", SOURCES / "build" / "release"))

#: What a careful program turns on. memctl's headers have to pass it, too.
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
C99 = ("-std=c99", "-D_POSIX_C_SOURCE=200809L", *WARNINGS)


@dataclass(frozen=True)
class Installed:
    """A prefix with memctl below it."""

    prefix: Path

    def library(self) -> Path:
        (library,) = self.prefix.glob("lib/**/libmemctl.so.0")
        return library

    def headers(self) -> list[Path]:
        return sorted((self.prefix / "include" / "memctl").iterdir())

    def environment(self) -> dict[str, str]:
        """Where CMake and pkg-config look for memctl."""
        return {
            **os.environ,
            "CMAKE_PREFIX_PATH": str(self.prefix),
            "PKG_CONFIG_PATH": str(self.library().parent / "pkgconfig"),
        }

    def pkg_config(self, *question: str) -> list[str]:
        """The words with which pkg-config answers."""
        return run("pkg-config", *question, environment=self.environment()).stdout.split()

    def link_options(self, *packages: str) -> list[str]:
        """What links a program that finds the library where it is installed."""
        (directory,) = self.pkg_config("--variable=libdir", "memctl")
        return [*self.pkg_config("--libs", "memctl", *packages), f"-Wl,-rpath,{directory}"]

    def compile(
        self, compiler: Sequence[str], sources: Iterable[Path], program: Path, *packages: str
    ) -> None:
        """Builds a program with memctl, and with other packages of pkg-config."""
        flags = self.pkg_config("--cflags", "memctl >= 0.1", *packages)
        run(*compiler, *flags, *sources, "-o", program, *self.link_options(*packages))


def install(prefix: Path, *components: str) -> None:
    """Installs as a package does: without what only debuggers read, which is ten times as large."""
    for component in components:
        where = ("--prefix", prefix, "--component", component)
        run("cmake", "--install", BUILD, "--strip", *where)


def run(
    *command: str | Path, environment: dict[str, str] | None = None, status: int = 0
) -> subprocess.CompletedProcess[str]:
    """Runs a command, which has to end with this status."""
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}{done.stderr}"
    return done
