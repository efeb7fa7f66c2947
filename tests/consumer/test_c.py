# SPDX-License-Identifier: LGPL-2.1-or-later
"""C programs find the installed library, build as strict C99, and run on a simulated host."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from installed import C99, SOURCES, Installed, run

FOLDER = Path(__file__).with_name("c")
EXAMPLE = SOURCES / "examples" / "c" / "resize_with_poll.c"
OWN_LIBXL = Path(__file__).with_name("own_libxl")


@pytest.fixture(params=["gcc", "clang"])
def c_compiler(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def test_a_c_program_uses_each_kind_of_call(
    installed: Installed, c_compiler: str, tmp_path: Path
) -> None:
    installed.compile((c_compiler, *C99), [FOLDER / "use.c"], tmp_path / "use")
    run(tmp_path / "use", "sim:", "demo-pv")


def test_the_example_resizes_a_guest(installed: Installed, c_compiler: str, tmp_path: Path) -> None:
    installed.compile((c_compiler, *C99), [EXAMPLE], tmp_path / "resize_with_poll")
    done = run(tmp_path / "resize_with_poll", "sim:", "1", "+256m")
    assert done.stdout.splitlines()[-1] == "demo-pv has 1280 MiB (verified)"


def test_a_program_with_its_own_libxl_builds(
    installed: Installed, c_compiler: str, tmp_path: Path
) -> None:
    """tests/lab/test_consumers.py runs it, because it needs Xen."""
    sources = sorted(OWN_LIBXL.glob("*.c"))
    installed.compile((c_compiler, *C99), sources, tmp_path / "own", "xenlight", "xentoollog")


def test_the_c_functions_are_those_of_the_list(installed: Installed) -> None:
    """Until 1.0 the list may change, but never by accident."""
    options = ("--dynamic", "--defined-only", "--without-symbol-versions")
    symbols = run("nm", *options, installed.library()).stdout
    exported = sorted(re.findall(r" T (memctl_\w+)$", symbols, re.MULTILINE))
    assert exported == (FOLDER / "symbols.txt").read_text(encoding="utf-8").split()
