# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package that `cmake --install` installs works without the build directory."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import memctl


def test_the_installed_package_works(tmp_path: Path) -> None:
    build = os.environ.get("MEMCTL_BUILD")
    if build is None:
        pytest.skip("MEMCTL_BUILD names no build")
    for component in ("host", "python"):
        subprocess.run(
            ["cmake", "--install", build, "--prefix", str(tmp_path), "--component", component],
            check=True,
            capture_output=True,
        )
    (package,) = tmp_path.glob("lib/python3*/dist-packages/memctl")
    assert {file.name for file in package.iterdir()} == {
        file.name for file in Path(memctl.__file__).parent.iterdir() if file.suffix != ".pyc"
    } - {"__pycache__"}
    assert not any(file.is_symlink() for file in package.iterdir())
    # Debian's python3 looks for packages there, below the prefix that the build was made for.
    place = package.parent.relative_to(tmp_path)
    assert {f"/usr/local/{place}", f"/usr/{place}"} & set(sys.path)
    (metadata,) = package.parent.glob("*.dist-info")
    assert {file.name for file in metadata.iterdir()} == {"METADATA", "INSTALLER"}
    code = """
        import importlib.metadata, memctl
        known = importlib.metadata.metadata("memctl")
        assert known["Name"] == "memctl" and known["Version"] == memctl.__version__
        assert known["Summary"] and known["License"] == "LGPL-2.1-or-later"
        with memctl.Host("sim:") as host:
            print(memctl.__file__, host["demo-pv"].resize("2GiB").reached)
    """
    env = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.stdout == f"{package / '__init__.py'} 2048 MiB\n", done.stderr
    if importlib.util.find_spec("pip") is None:
        return
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    assert f"memctl=={memctl.__version__}" in listed.stdout.splitlines()
