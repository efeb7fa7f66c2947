# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real, interactive bash completes memctl and xl's mem- commands when the user presses Tab."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest
from memctl_command import ROOT, Run, command_path

COMPLETION = ROOT / "packaging" / "completions" / "memctl"
#: Tab lists what is possible at once, and asks nothing.
INPUTRC = """set show-all-if-ambiguous on
set bell-style none
set page-completions off
set completion-query-items 0
set enable-bracketed-paste off
"""
#: `words` shows the words of a line as memctl would get them. The real xl's completion comes first.
RC = f"""PS1=
words() {{ printf '<%s>' "$@"; echo; }}
_xl() {{ COMPREPLY=(theirs); }}
source {COMPLETION}
"""


class Shell:
    """An interactive bash on a terminal."""

    def __init__(self, folder: Path) -> None:
        (folder / "inputrc").write_text(INPUTRC)
        (folder / "rc").write_text(RC)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environment = {
                "PATH": f"{Path(command_path()).parent}:/usr/bin:/bin",
                "INPUTRC": str(folder / "inputrc"),
                "TERM": "dumb",
                "LC_ALL": "C.UTF-8",
                "COLUMNS": "500",
            }
            os.execve("/bin/bash", ["bash", "--rcfile", str(folder / "rc"), "-i"], environment)
        self.seen = ""

    def press(self, keys: str, until: str) -> str:
        """Returns what bash writes up to the text `until`."""
        os.write(self.terminal, keys.encode())
        deadline = time.monotonic() + 30
        while (found := self.seen.find(until)) < 0:
            ready, _, _ = select.select([self.terminal], [], [], deadline - time.monotonic())
            assert ready, f"bash did not write {until!r} but {self.seen!r}"
            self.seen += os.read(self.terminal, 65536).decode()
        written, self.seen = self.seen[:found], self.seen[found + len(until) :]
        return written

    def complete(self, line: str) -> tuple[list[str], list[str]]:
        """The words of the line after Tab, and the words that were offered."""
        written = self.press(f"{line}\t\x01words \n", "\n<")
        end = self.press("echo the''end\n", "theend")
        words = re.findall(r"<([^>]*)>", "<" + end.split("\n")[0])
        # The terminal and bash show the line itself several times.
        shown = (line.split()[0], "words")
        offered = [part for part in written.splitlines() if not any(one in part for one in shown)]
        return words, [word for part in offered for word in part.split()]

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def shell(tmp_path: Path, memctl: Callable[..., Run]) -> Iterator[Shell]:
    for name in ("host.json", "other.toml"):
        (tmp_path / name).write_text('{"guests": [{"name": "web 1"}, {"name": "web2"}]}')
    shell = Shell(tmp_path)
    yield shell
    shell.close()


@pytest.mark.parametrize(
    "line, words",
    [
        ("memctl sta", "memctl status"),
        ("memctl wat", "memctl watch"),
        ("memctl watch --inter", "memctl watch --interval"),
        ("memctl resize --allow", "memctl resize --allow-hvm-devices"),
        ("memctl --vers", "memctl --version"),
        ("memctl --host si", "memctl --host sim:"),
        ("memctl --host=si", "memctl --host=sim:"),
        ("memctl --host sim:ho", "memctl --host sim:host.json"),
        ("memctl --host=sim:ho", "memctl --host=sim:host.json"),
        ("memctl --config oth", "memctl --config other.toml"),
        ("memctl --config=oth", "memctl --config=other.toml"),
        ("memctl --host sim: status demo-h", "memctl --host sim: status demo-hvm"),
        ("memctl --host=sim: resize demo-h", "memctl --host=sim: resize demo-hvm"),
        ("memctl status --host sim: demo-h", "memctl status --host sim: demo-hvm"),
        (
            "memctl --host=sim: resize --timeout 5 demo-h",
            "memctl --host=sim: resize --timeout 5 demo-hvm",
        ),
        ("memctl status -o NAME,BOO", "memctl status -o NAME,BOOT-LIMIT"),
        ("memctl status --output=+UU", "memctl status --output=+UUID"),
        ("memctl plan x 1g --on-failure=k", "memctl plan x 1g --on-failure=keep"),
        ("xl-mem-doctor --js", "xl-mem-doctor --json"),
        ("xl-mem-resize --on-failure r", "xl-mem-resize --on-failure restore"),
        ("xl mem-resize --dry", "xl mem-resize --dry-run"),
        ("xl -v mem-status --host=sim: demo-h", "xl -v mem-status --host=sim: demo-hvm"),
        ("xl li", "xl theirs"),
    ],
)
def test_tab_completes_a_word(shell: Shell, line: str, words: str) -> None:
    assert shell.complete(line)[0] == words.split()


def test_a_name_with_a_space_is_one_word(shell: Shell) -> None:
    completed, _ = shell.complete("memctl --host=sim:host.json status web\\ ")
    assert completed == ["memctl", "--host=sim:host.json", "status", "web 1"]


def test_tab_lists_what_is_possible(shell: Shell) -> None:
    _, offered = shell.complete("memctl --host sim: doctor demo-")
    assert offered == ["demo-hvm", "demo-pv", "demo-pvh"]


def test_no_agent_is_asked_for_the_names(
    memctl: Callable[..., Run], simulate: Callable[..., str]
) -> None:
    """The simulated host says how long the answer of an agent that is silent was waited for."""
    guests = [{"name": f"g{n}", "agent": "killed"} for n in range(3)]
    uri = simulate(guests=guests, pace=0.05)  # so five seconds of the host take a hundred
    began = time.monotonic()
    done = memctl("--host", uri, "status", "--noheadings", "-o", "name,id,uuid,type")
    assert time.monotonic() - began < 60, "a silent agent is waited for"
    assert (done.code, [line.split()[0] for line in done.out.splitlines()]) == (
        0,
        ["g0", "g1", "g2"],
    )


@pytest.mark.parametrize(
    "command", ["resize", "plan", "status", "doctor", "recover", "watch", "config"]
)
def test_every_option_is_offered(memctl: Callable[..., Run], command: str) -> None:
    helped = memctl(command, "--help").out
    options = set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", helped, re.MULTILINE))
    script = f"""source "{COMPLETION}"
        COMP_WORDS=(memctl {command} --); COMP_CWORD=2; _memctl; echo "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == options
