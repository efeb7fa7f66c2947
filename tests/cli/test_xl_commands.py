# SPDX-License-Identifier: LGPL-2.1-or-later
"""xl-mem-resize, xl-mem-status and xl-mem-doctor: memctl with xl's options and in xl's manner."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest
from memctl_command import ROOT, SCHEMAS, Run, run
from xl_host import COMMANDS, XlHost, front_under_test, make

MAN_PAGE = ROOT / "packaging" / "man" / "xl-mem.1"
PHASES = ["facts", "reserve", "online", "populate", "verify"]


@pytest.fixture
def xl(tmp_path: Path, memctl: Callable[..., Run]) -> XlHost:
    if not front_under_test().exists():
        pytest.skip("the front is not built")
    host = make(tmp_path)
    host.memctl_commands()
    return host


def simulated(xl: XlHost, line: str) -> Run:
    """Calls xl on the simulated host."""
    words = line.split()
    at = next(i for i, word in enumerate(words) if word in COMMANDS)
    done = xl.run(*words[: at + 1], "--host", "sim:", *words[at + 1 :])
    return Run(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("size", ["4g", "-512m", "+1g", "1024"])
@pytest.mark.parametrize("guest", ["demo-pv", "demo-pvh", "1"])
def test_a_resize_prints_nothing_if_all_went_well(xl: XlHost, guest: str, size: str) -> None:
    assert simulated(xl, f"mem-resize {guest} {size}") == Run(0, "", "")


@pytest.mark.parametrize("line", ["-v mem-resize", "mem-resize -v", "-vvv mem-resize -v"])
def test_verbose_has_each_phase_and_the_result(xl: XlHost, line: str) -> None:
    done = simulated(xl, f"{line} demo-pv 2g")
    assert done.code == 0
    assert [each.split()[1] for each in done.err.splitlines()] == PHASES
    assert done.out.startswith("demo-pv: 1024 MiB -> 2048 MiB in ")
    assert "verified: Xen 2048 MiB, all blocks online" in done.out


def test_a_failure_is_said_without_verbose(xl: XlHost) -> None:
    done = simulated(xl, "mem-resize demo-pv 900g")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("memctl: demo-pv: ") and "possible now: " in done.err


@pytest.mark.parametrize("line", ["-N mem-resize", "mem-resize -N", "-tNfT mem-resize --dry-run"])
def test_a_dry_run_is_the_plan(xl: XlHost, line: str) -> None:
    done = simulated(xl, f"{line} demo-pv 2g")
    assert done == run("--host", "sim:", "plan", "demo-pv", "2g")
    assert "STAGE" in done.out


def test_a_bar_moves_without_a_terminal_if_that_is_asked_for(xl: XlHost) -> None:
    done = simulated(xl, "-t mem-resize demo-pv 2g")
    assert (done.code, done.out) == (0, "")
    assert "\r" in done.err and "100%" in done.err


def test_json_tells_of_success_too(xl: XlHost) -> None:
    done = simulated(xl, "mem-resize --json demo-pv 2g")
    report = done.objects()[-1]
    SCHEMAS["report"].validate(report)
    assert report["outcome"] == "verified"


@pytest.mark.parametrize("name, command", [("mem-status", "status"), ("mem-doctor", "doctor")])
@pytest.mark.parametrize("options", ["", "-v", "-ftT"])
def test_status_and_doctor_are_memctls(xl: XlHost, name: str, command: str, options: str) -> None:
    verbose = ["-v"] if options == "-v" else []
    asked = simulated(xl, f"{options} {name} demo-pv demo-pvh")
    assert asked == run("--host", "sim:", command, *verbose, "demo-pv", "demo-pvh")
    assert asked.code == 0
    # Without -v the doctor tells only what is not good.
    if command == "status" or verbose:
        assert "demo-pvh" in asked.out
        assert "demo-hvm" in simulated(xl, f"{options} {name}").out


@pytest.mark.parametrize("line", ["-N mem-status", "mem-doctor -N"])
def test_what_changes_nothing_has_no_dry_run(xl: XlHost, line: str) -> None:
    done = simulated(xl, line)
    assert (done.code, done.out) == (2, "")
    assert "has no dry run: it changes nothing" in done.err


@pytest.mark.parametrize(
    "line, says",
    [
        ("mem-resize demo-pv", "xl-mem-resize needs a domain and a size"),
        ("mem-resize --all demo-pv 2g", '"demo-pv" is too much'),
        ("mem-resize demo-pv 1g --dry-runs", "did you mean --dry-run?"),
        ("mem-resize demo-pv 1g --on-failure ignore", '"ignore" is neither restore nor keep'),
        ("mem-status --agentless", 'xl-mem-status has no option "--agentless"'),
        ("mem-doctor -x", 'xl-mem-doctor has no option "-x"'),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(xl: XlHost, line: str, says: str) -> None:
    done = simulated(xl, line)
    assert (done.code, done.out) == (2, "")
    assert says in done.err.splitlines()[0]
    assert re.fullmatch(r"  hint: xl-mem-[a-z]+ --help shows how", done.err.splitlines()[1])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_the_man_page_name_every_option(xl: XlHost, name: str) -> None:
    helped = xl.run("help", name)
    assert helped.returncode == 0
    assert helped.stdout == xl.run(name, "--help").stdout == xl.run(name, "-h").stdout
    assert f"  xl-{name} " in helped.stdout
    assert [line for line in helped.stdout.splitlines() if len(line) > 80] == []
    options = re.findall(r"^  (-\S+)", helped.stdout, re.MULTILINE)
    page = MAN_PAGE.read_text().replace("\\", "")
    for option in (each for group in options for each in group.split(",")):
        assert re.search(rf"^\.(B|BR|BI) .*{option}(?![a-z-])", page, re.MULTILINE), option


def test_the_installed_name_decides(tmp_path: Path, xl: XlHost) -> None:
    """A name that is none of the three is memctl itself."""
    link = tmp_path / "xl-mem-other"
    link.symlink_to((xl.folder / "xl-mem-status").resolve())
    done = xl.run("list")
    assert done.stdout == f"{xl.xl}|list\n"
    link.rename(xl.folder / "xl-mem-other")
    assert xl.run("mem-other", "--version").stdout.startswith("memctl ")


@pytest.mark.parametrize(
    "words, expected",
    [
        (["xl-mem-resize", "--on-failure", ""], ["restore", "keep"]),
        (["/usr/bin/xl-mem-resize", "--dry"], ["--dry-run"]),
        (["xl-mem-status", "--js"], ["--json"]),
        (["xl-mem-doctor", "--dry"], []),
    ],
)
def test_words_are_completed(words: list[str], expected: list[str]) -> None:
    script = """source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _memctl_xl
        for word in "${COMPREPLY[@]}"; do echo "$word"; done"""
    completion = ROOT / "packaging" / "completions" / "memctl"
    done = subprocess.run(
        ["bash", "-c", script, "bash", completion, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.split(), done.stderr) == (expected, "")
