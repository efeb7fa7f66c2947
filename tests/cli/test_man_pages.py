# SPDX-License-Identifier: LGPL-2.1-or-later
"""The man pages name every option, column, cause and file, and any terminal can show them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any, Callable, Iterator

import pytest
from memctl_command import ROOT, Run

Memctl = Callable[..., Run]
PAGES = ROOT / "packaging" / "man"
COMMANDS = ["resize", "plan", "status", "doctor", "recover", "watch", "config"]
#: What these programs read or write, beside /proc and the kernel's own files.
FILES = {
    "memctl.1": [
        "/etc/memctl/memctl.toml",
        "/etc/xen/xl.conf",
        "/run/libvirt/libxl/",
        "/var/lib/xen/",
        "/libxl/DOMID/memctl",
    ],
    "memctl.toml.5": ["/etc/memctl/memctl.toml"],
    "memctl-agent.8": [
        "/run/memctl-agent/",
        "/dev/xen/xenbus",
        "/sys/devices/system/memory/",
        "/etc/udev/rules.d/",
    ],
    "xl-mem.1": ["/etc/memctl/memctl.toml", "/usr/libexec/memctl/xl", "/usr/sbin/xl"],
}


def text(page: str) -> str:
    return (PAGES / page).read_text().replace("\\", "")


def entries(page: str, section: str) -> set[str]:
    """The words that have a paragraph of their own in a section."""
    (body,) = re.findall(rf"^\.SH {section}\n(.*?)(?=^\.SH |\Z)", text(page), re.M | re.S)
    return set(re.findall(r"^\.TP\n\.[BI] (\S+)$", body, re.M))


def enumerated(schema: Any) -> Iterator[list[str]]:
    """Each list of words that a schema allows."""
    if isinstance(schema, dict):
        if "enum" in schema:
            yield [word for word in schema["enum"] if word is not None]
        for value in schema.values():
            yield from enumerated(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from enumerated(value)


@pytest.mark.parametrize("command", [[], *[[name] for name in COMMANDS]])
def test_every_option_and_command_is_named(memctl: Memctl, command: list[str]) -> None:
    helped = memctl(*command, "--help").out
    page = text("memctl.1")
    options = re.findall(r"^  (-\S+)", helped, re.M)
    assert "-h,--help" in options
    for option in (each for group in options for each in group.split(",")):
        assert re.search(rf"^\.(B|BR|BI) .*{option}(?![a-z-])", page, re.M), option
    commands = (
        re.findall(r"^  ([a-z]+) ", helped.split("Commands:")[-1], re.M) if not command else []
    )
    assert not commands or set(commands) == set(COMMANDS)
    for name in COMMANDS:
        assert re.search(rf"^\.B {name}$", page, re.M), name


def test_every_column_is_named(memctl: Memctl) -> None:
    columns = re.findall(r"^  ([A-Z-]+)  ", memctl("status", "--help").out, re.M)
    assert len(columns) > 10
    assert entries("memctl.1", "COLUMNS") == set(columns)


def test_every_cause_is_named() -> None:
    schema = json.loads((ROOT / "docs" / "schema" / "report.schema.json").read_text())
    (causes,) = [words for words in enumerated(schema) if "no_xen" in words][:1]
    assert entries("memctl.1", "CAUSES") == set(causes)


@pytest.mark.parametrize("page", FILES)
def test_every_file_is_named(page: str) -> None:
    for file in FILES[page]:
        assert file in text(page), file


def test_the_agents_options_are_named() -> None:
    source = (ROOT / "agent" / "main.cpp").read_text()
    options = set(re.findall(r'"(--[a-z-]+)"', source))
    assert len(options) == 4
    for option in options:
        assert option in text("memctl-agent.8"), option


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.iterdir()))
def test_a_page_has_no_mistake_and_fits_the_terminal(page: str) -> None:
    if shutil.which("man") is None:
        pytest.skip("man-db is not installed")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(
        ["man", "--warnings", "-l", "-Tutf8", "-P", "cat", str(PAGES / page)],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stderr == ""
    plain = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    assert max(map(len, plain.splitlines())) <= 80
    for see in re.findall(r"memctl[a-z.-]*\([158]\)|xl-mem\([158]\)", plain.split("SEE ALSO")[-1]):
        name, section = see.rstrip(")").split("(")
        assert (PAGES / f"{name}.{section}").exists(), see
