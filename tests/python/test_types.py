# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stubs for type checkers are correct."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import memctl

PACKAGE = Path(memctl.__file__).parent
ALLOWLIST = Path(__file__).with_name("stubtest_allowlist.txt")


def test_the_stubs_are_the_modules(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--allowlist", str(ALLOWLIST), "memctl._core"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,  # mypy leaves its cache there
        env={**os.environ, "MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": str(PACKAGE.parent)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert set(memctl.__all__) == {name for name in memctl.__all__ if hasattr(memctl, name)}
