# SPDX-License-Identifier: LGPL-2.1-or-later
"""A full disk on standard output, and a reader that has gone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable

import pytest
from memctl_command import Run, command_path

LOST = "memctl: standard output could not be written\n"
#: Each command, with its exit status if a full disk refuses its output.
COMMANDS = [
    ("memctl --version", 74),
    ("memctl --help", 74),
    ("memctl resize --help", 74),
    ("memctl config", 74),
    ("memctl config --json", 74),
    ("memctl status --host sim:", 74),
    ("memctl status --host sim: --json", 74),
    ("memctl status --host sim: --noheadings -o name demo-pv", 74),
    ("memctl doctor --host sim:", 74),
    ("memctl doctor --host sim: -v", 74),
    ("memctl doctor --host sim: --json", 74),
    ("memctl plan --host sim: demo-pv 2g", 74),
    ("memctl plan --host sim: demo-pv 2g --json", 74),
    ("memctl plan --host sim: demo-pv 900g --json", 74),
    ("memctl resize --host sim: demo-pv 2g --dry-run", 74),
    ("memctl recover --host sim:", 74),
    ("memctl recover --host sim: --json", 74),
    ("memctl watch --host sim:", 74),
    ("memctl watch --host sim: --json", 74),
    ("xl-mem-status --host sim:", 74),
    ("xl-mem-doctor --host sim:", 74),
    ("xl-mem-resize --host sim: -N demo-pv 2g", 74),
    ("xl-mem-resize --help", 74),
    # What became of a domain counts more.
    ("memctl resize --host sim: demo-pv 2g", 0),
    ("memctl resize --host sim: demo-pv 2g --json", 0),
    ("memctl resize --host sim: demo-pv 900g --json", 3),
    ("memctl resize --host sim: --all +1m", 0),
    ("memctl recover --host sim: nobody --json", 3),
    ("xl-mem-resize --host sim: -v demo-pv 2g", 0),
]


@pytest.fixture
def start(tmp_path: Path, memctl: Callable[..., Run]) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command line with this standard output."""

    def start(line: str, out: int) -> subprocess.Popen[str]:
        name, *arguments = line.split()
        link = tmp_path / name
        link.symlink_to(Path(command_path()).resolve())
        return subprocess.Popen(
            [link, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.mark.parametrize("line, code", COMMANDS)
def test_a_full_disk_is_told_in_one_line(
    start: Callable[..., subprocess.Popen[str]], line: str, code: int
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = start(line, full.fileno())
        _, err = process.communicate(timeout=60)
    assert err.endswith(LOST)
    # With -v a resize has a line for each phase before.
    assert err == LOST or " -v " in line
    assert process.returncode == code


@pytest.mark.parametrize("line, code", COMMANDS)
def test_a_reader_that_has_gone_is_no_error(
    start: Callable[..., subprocess.Popen[str]], line: str, code: int
) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start(line, write)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert err == "" or " -v " in line
    refused = "900g" in line or "nobody" in line
    assert process.returncode == (3 if refused else 0)


def test_what_writes_nothing_loses_nothing(start: Callable[..., subprocess.Popen[str]]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = start("xl-mem-resize --host sim: demo-pv 2g", full.fileno())
        assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)
