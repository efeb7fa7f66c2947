# SPDX-License-Identifier: LGPL-2.1-or-later
"""memctl status: the table on terminals of any width and in a pipe, its columns and its units."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from typing import Callable

import pytest
from memctl_command import ROOT, Run, command_path

Memctl = Callable[..., Run]
SIM = ("--host", "sim:")
USUAL = ["NAME", "ID", "TYPE", "SIZE", "USED", "STATE", "LIMIT", "SMALLEST", "LARGEST"]


def on_terminal(columns: int, *arguments: str) -> list[str]:
    """The lines that memctl writes on a terminal of that width."""
    screen, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    with subprocess.Popen(
        [command_path(), *arguments],
        stdout=end,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    ) as process:
        os.close(end)
        written = b""
        while True:
            try:
                part = os.read(screen, 65536)
            except OSError:  # the terminal's other end is closed
                break
            written += part
        assert process.wait(timeout=60) == 0
    os.close(screen)
    return written.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_the_table_fits_the_terminal(simulate: Callable[..., str], columns: int) -> None:
    names = ["db", "n" * 200, "\u00e4" * 70, "new\nline\x1b[2J\u202e"]
    guests = [{"name": name, "type": "pv", "memory": "512MiB"} for name in names]
    lines = on_terminal(columns, "--host", simulate(host="64GiB", guests=guests), "status")
    assert len(lines) == len(names) + 2, lines
    assert max(len(line) for line in lines) <= columns, lines
    assert lines[0].startswith("NAME ") and lines[-1].startswith("host: 66560 MiB")
    assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)
    assert set(USUAL) <= set(lines[0].split()) or columns < 80


def test_a_pipe_gets_whole_names_and_the_usual_columns(
    memctl: Memctl, simulate: Callable[..., str]
) -> None:
    guests = [{"name": "n" * 200, "type": "pv", "memory": "512MiB"}]
    uri = simulate(host="64GiB", guests=guests)
    for width in ("20", "300"):
        run = memctl("--host", uri, "status", COLUMNS=width)
        assert run.out.splitlines()[0].split() == USUAL
        assert run.out.splitlines()[1].split()[0] == "n" * 200


def test_columns_units_and_headings_are_the_users_choice(memctl: Memctl) -> None:
    run = memctl(*SIM, "status", "-b", "--noheadings", "-o", "size,name", "demo-pv")
    assert (run.code, run.out) == (0, f"{1 << 30}  demo-pv\n")
    run = memctl(*SIM, "status", "--human", "--output=name,SIZE,limit", "demo-pv")
    assert run.out.splitlines() == ["NAME     SIZE  LIMIT", "demo-pv    1G     1G"]
    more = memctl(*SIM, "status", "-o", "+agent,kernel").out.splitlines()
    assert more[0].split() == [*USUAL, "AGENT", "KERNEL"]


@pytest.mark.parametrize(
    "columns, says",
    [
        ("sized", 'unknown column "sized"; did you mean SIZE?'),
        ("name,colour", 'unknown column "colour"'),
        ("name,,size", "a column's name is missing"),
    ],
)
def test_a_wrong_column_is_named(memctl: Memctl, columns: str, says: str) -> None:
    run = memctl(*SIM, "status", f"--output={columns}")
    assert (run.code, run.out) == (2, "")
    assert says in run.err
    assert run.err.splitlines()[1] == "  hint: memctl status --help shows how"


def test_no_guests_and_many(memctl: Memctl, simulate: Callable[..., str]) -> None:
    none = memctl("--host", simulate(host="64GiB", guests=[]), "status")
    assert [line.split()[0] for line in none.out.splitlines()] == ["NAME", "host:"]
    guests = [{"name": f"vm{n}", "type": "pv", "memory": "64MiB"} for n in range(1000)]
    many = memctl("--host", simulate(host="128GiB", guests=guests), "status")
    assert many.code == 0, many.err
    assert len(many.out.splitlines()) == 1002


def test_help_and_the_man_page_tell_of_every_column(memctl: Memctl) -> None:
    helped = memctl("status", "--help").out
    columns = re.findall(r"^  ([A-Z]+(?:-[A-Z]+)*)  ", helped.split("Columns:")[1], re.MULTILINE)
    assert set(USUAL) < set(columns)
    page = (ROOT / "packaging" / "man" / "memctl.1").read_text().replace("\\", "")
    completion = (ROOT / "packaging" / "completions" / "memctl").read_text()
    for column in columns:
        assert f"\n.TP\n.B {column}\n" in page, column
        assert re.search(rf"\b{column}\b", completion), column
