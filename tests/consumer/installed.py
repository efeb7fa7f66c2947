# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installation of memctl, and how a program finds it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("MEMCTL_BUILD", SOURCES / "build" / "release"))

#: What a careful program turns on. memctl's headers have to pass it, too.
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


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

    def link_options(self) -> list[str]:
        """What links a program that finds the library where it is installed."""
        (directory,) = self.pkg_config("--variable=libdir", "memctl")
        return [*self.pkg_config("--libs", "memctl"), f"-Wl,-rpath,{directory}"]


def install(prefix: Path, *components: str) -> None:
    for component in components:
        run("cmake", "--install", BUILD, "--prefix", prefix, "--component", component)


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
