# SPDX-License-Identifier: LGPL-2.1-or-later
"""An installation works under every prefix."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from installed import BUILD, SOURCES, Installed, install, run


def test_the_command_finds_its_library(installed: Installed) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    command = installed.prefix / "bin" / "memctl"
    grown = run(command, "--host", "sim:", "resize", "demo-pv", "2g", environment=bare)
    assert "demo-pv: 1024 MiB -> 2048 MiB" in grown.stdout
    match = re.search(r"libmemctl\.so\.0 => (\S+)", run("ldd", command, environment=bare).stdout)
    assert match and Path(match[1]).samefile(installed.library())


def test_the_commands_of_xl_find_memctl_with_and_without_the_front(installed: Installed) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    front = installed.prefix / "libexec" / "memctl" / "xl"
    for name in ("mem-resize", "mem-status", "mem-doctor"):
        arguments = ["--host", "sim:", *(["demo-pv", "2g"] if name == "mem-resize" else [])]
        command = installed.prefix / "bin" / f"xl-{name}"
        told = run(command, *arguments, environment=bare).stdout
        assert ("demo-pv" in told) == (name == "mem-status")
        assert run(front, name, *arguments, environment=bare).stdout == told
        page = installed.prefix / "share" / "man" / "man1" / f"xl-{name}.1"
        assert page.read_text() == page.with_name("xl-mem.1").read_text()
        completions = installed.prefix / "share" / "bash-completion" / "completions"
        assert (completions / f"xl-{name}").samefile(completions / "memctl")


def test_no_installed_text_names_the_place_where_memctl_was_built(installed: Installed) -> None:
    texts = [path for path in installed.prefix.rglob("*") if path.is_file()]
    texts = [path for path in texts if path.suffix in (".cmake", ".hpp", ".pc", ".1")]
    assert len(texts) > 15
    for path in texts:
        for place in (BUILD, SOURCES, installed.prefix.with_name("first")):
            assert str(place) not in path.read_text(), f"{path} names {place}"


@pytest.mark.parametrize("prefix", ["usr", "opt/memctl"])
@pytest.mark.parametrize(
    ("unit", "component", "program"),
    [
        ("memctl-agent.service", "guest", "sbin/memctl-agent"),
        ("memctl-recover.service", "host", "bin/memctl"),
    ],
)
def test_a_unit_starts_the_program_that_was_installed_with_it(
    tmp_path: Path, prefix: str, unit: str, component: str, program: str
) -> None:
    install(tmp_path / prefix, component)
    units = tmp_path / prefix / "lib/systemd/system"
    match = re.search(r"^ExecStart=(\S+)", (units / unit).read_text(), re.MULTILINE)
    assert match and Path(match[1]) == tmp_path / prefix / program
    assert "memctl" in run(match[1], "--version").stdout
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for each in units.iterdir():
        told = run("systemd-analyze", "verify", "--man=no", each)
        assert told.stdout + told.stderr == ""
    rated = run("systemd-analyze", "security", "--offline=yes", "--no-pager", units / unit).stdout
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", rated)
    assert exposure and float(exposure[1]) < 2.0, rated


def test_nothing_recovers_by_itself_until_the_administrator_says_so(installed: Installed) -> None:
    units = installed.prefix / "lib/systemd/system"
    assert (units / "memctl-recover.timer").is_file()
    assert [path for path in installed.prefix.rglob("*.wants*")] == []
    assert "[Install]" not in (units / "memctl-recover.service").read_text()
