# SPDX-License-Identifier: LGPL-2.1-or-later
"""Go programs build the installed sources of the package, offline, and run on a simulated host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from go_build import Go
from installed import SOURCES, Installed, run

EXAMPLE = SOURCES / "examples" / "go" / "ensure"


@pytest.fixture(scope="module")
def go(installed: Installed) -> Go:
    return Go(installed)


def test_the_package_is_installed_whole_and_written_as_go_is(go: Go) -> None:
    tree = SOURCES / "bindings" / "go"
    sources = [path for path in tree.iterdir() if path.suffix in (".go", ".c", ".h", ".mod")]
    assert {path.name for path in go.package.iterdir()} == {path.name for path in sources}
    assert run("gofmt", "-l", go.package, EXAMPLE).stdout == ""
    go(go.package, "vet", ".")


def test_the_tests_of_the_package_pass_with_the_race_detector(go: Go) -> None:
    assert "PASS" in go(go.package, "test", "-race", "-count=1", "-timeout=300s", "-v", ".")


def test_a_program_outside_the_tree_ensures_a_size(go: Go, tmp_path: Path) -> None:
    module = tmp_path / "ensure"
    go.copy(EXAMPLE, module)
    go(module, "vet", ".")
    go(module, "test", "-count=1", ".")
    go(module, "build", ".")

    def ensure(size: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        return run(module / "ensure", "sim:", "demo-pv", size, status=status)

    assert ensure("2g").stdout.splitlines()[-1] == "demo-pv has 2048 MiB now"
    assert ensure("1g").stdout == "demo-pv has 1024 MiB already\n"
    refused = ensure("1t", status=1).stderr.splitlines()
    assert refused[-1].startswith("the nearest size that works is ")
    assert "nobody can ensure" in ensure("+1g", status=1).stderr
    run(module / "ensure", status=2)
