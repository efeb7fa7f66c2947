"""What scripts/package says before it makes a root. tests/packages makes the packages."""

from __future__ import annotations

import os
import subprocess

import pytest

from jobs import ROOT

SCRIPT = ROOT / "scripts" / "package"


@pytest.mark.parametrize("word", ["", "Trixie", "--all", "../trixie", "trixie/x"])
def test_a_word_that_is_no_release_is_told_in_one_line(word: str) -> None:
    done = subprocess.run([SCRIPT, "bookworm", word], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f'scripts/package: "{word}" is no release of Debian')
    assert len(done.stderr.splitlines()) == 1


def test_help_names_what_is_made() -> None:
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr
    assert "build/packages/RELEASE" in done.stdout and "install.sh" in done.stdout


def test_only_root_makes_packages() -> None:
    command = [str(SCRIPT), "trixie"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "only root" in done.stderr
    assert len(done.stderr.splitlines()) == 1
