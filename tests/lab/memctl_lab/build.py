"""Builds memctl and its agent for a person's lab, without the tests; unpacks an agent of i386."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from memctl_lab.config import REPOSITORY, LabConfig
from memctl_lab.errors import LabError

TARGETS = ("memctl-cli", "memctl-xl", "memctl-agent")


def agent_of_i386(folder: Path) -> Path:
    """The agent from the archive that scripts/package has made, unpacked into the folder."""
    pattern = "memctl-agent-*-linux-i386.tar.gz"
    found = [*LabConfig().debs.glob(pattern)]
    if len(found) != 1:
        raise LabError(f"{LabConfig().debs} has no {pattern}: run scripts/package")
    subprocess.run(["tar", "-xzf", found[0], "-C", folder, "--strip-components=1"], check=True)
    return folder / "memctl-agent"


def build_what_boots() -> None:
    """Brings the preset `release` up to date, and shows each step as it is done.

    If MEMCTL_BUILD names a build, nothing is built.
    """
    if os.environ.get("MEMCTL_BUILD"):
        return
    if shutil.which("cmake") is None:
        raise LabError("cmake is not installed: run scripts/install-dependencies")
    print("building memctl and its agent", file=sys.stderr, flush=True)
    configured = subprocess.run(
        ["cmake", "--preset", "release"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if configured.returncode != 0:
        raise LabError(f"cmake --preset release failed:\n{configured.stdout.rstrip()}")
    # On a terminal ninja overwrites its one line; otherwise it prints a line for each step.
    built = subprocess.run(
        ["cmake", "--build", "--preset", "release", "--target", *TARGETS],
        cwd=REPOSITORY,
        stdout=sys.stderr,
        env={**os.environ, "NINJA_STATUS": "building %f of %t: "},
        check=False,
    )
    if built.returncode != 0:
        raise LabError("the build failed; the lines above say why")
