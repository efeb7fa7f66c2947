# SPDX-License-Identifier: LGPL-2.1-or-later
"""What resizes and recoveries leave in systemd's journal.

The program under test is memctl, but that it notes the resizes of simulated hosts, too.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from memctl_command import ROOT, command_path
from test_recover import BEGUN, GIB, RECORD, host

Simulate = Callable[..., str]
Entry = dict[str, str]

NOTED = os.environ.get(
    "MEMCTL_NOTED", str(ROOT / "build" / "release" / "tests" / "cli" / "memctl-noted")
)
UNSHARE = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    tried = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/run"], capture_output=True)
    if tried.returncode != 0:
        pytest.skip(f"no mount namespace here: {tried.stderr.decode().strip()}")


def begin(
    *words: str, journal: str = "reads", program: str = NOTED, **variables: str
) -> subprocess.Popen[str]:
    fake = str(Path(__file__).with_name("fake_journal.py"))
    return subprocess.Popen(
        [*UNSHARE, sys.executable, fake, journal, program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8", **variables},
    )


def end(process: subprocess.Popen[str]) -> tuple[int, list[Entry]]:
    """The exit status and the entries. No entry has a field twice."""
    out, _ = process.communicate(timeout=90)
    entries = []
    for fields in json.loads(out.splitlines()[-1]):
        entry = dict(fields)
        assert len(entry) == len(fields), fields
        entries.append(entry)
    return process.returncode, entries


def entries_of(*words: str, **options: str) -> tuple[int, list[Entry]]:
    return end(begin(*words, **options))


def test_a_resize_leaves_one_entry() -> None:
    code, entries = entries_of("--host", "sim:", "resize", "demo-pv", "2g", SUDO_USER="mallory")
    (entry,) = entries
    assert code == 0
    assert entry["MESSAGE"].startswith("demo-pv: 1024 MiB -> 2048 MiB in ")
    assert entry["SYSLOG_IDENTIFIER"] == "memctl"
    expected = {
        "MEMCTL_ENDED": "resize",
        "MEMCTL_DOMAIN": "demo-pv",
        "MEMCTL_DOMAIN_ID": "1",
        "MEMCTL_FROM_KIB": str(GIB),
        "MEMCTL_REQUESTED_KIB": str(2 * GIB),
        "MEMCTL_REACHED_KIB": str(2 * GIB),
        "MEMCTL_LIMIT_KIB": str(2 * GIB),
        "MEMCTL_OUTCOME": "verified",
        "MEMCTL_UID": "0",
        "MEMCTL_CLAIMED_SUDO_USER": "mallory",
        "PRIORITY": "6",
    }
    assert {name: entry.get(name) for name in expected} == expected
    assert int(entry["MEMCTL_ELAPSED_MS"]) >= 0
    assert len(entry["MESSAGE_ID"]) == 32
    assert "CODE_FILE" not in entry


def test_a_refused_resize_leaves_an_entry() -> None:
    code, (entry,) = entries_of("--host", "sim:", "resize", "demo-pv", "100g", "--json")
    assert code == 3
    assert (entry["MEMCTL_OUTCOME"], entry["MEMCTL_CAUSE"]) == ("refused", "host_memory")
    assert entry["MEMCTL_REQUESTED_KIB"] == str(100 * GIB)


def test_the_commands_of_xl_leave_an_entry(tmp_path: Path) -> None:
    (tmp_path / "xl-mem-resize").symlink_to(NOTED)
    program = str(tmp_path / "xl-mem-resize")
    code, (entry,) = entries_of("--host", "sim:", "demo-pv", "2g", program=program)
    assert (code, entry["MEMCTL_OUTCOME"]) == (0, "verified")


@pytest.mark.parametrize("words", [["status"], ["plan", "demo-pv", "2g"], ["recover"], ["doctor"]])
def test_what_changes_nothing_leaves_nothing(words: list[str]) -> None:
    assert entries_of("--host", "sim:", *words)[1] == []


def test_a_simulated_host_is_not_noted_by_the_real_command() -> None:
    code, entries = entries_of("--host", "sim:", "resize", "demo-pv", "2g", program=command_path())
    assert (code, entries) == (0, [])


@pytest.mark.parametrize("record", [RECORD, "rubbish"])
def test_a_recovery_leaves_an_entry(simulate: Simulate, record: Any) -> None:
    code, (entry,) = entries_of("--host", simulate(**host(record, BEGUN)), "recover")
    assert entry["MEMCTL_ENDED"] == "recovery"
    assert entry["MEMCTL_DOMAIN"] == "g"
    if record == RECORD:
        assert (code, entry["MEMCTL_OUTCOME"]) == (0, "restored")
        assert entry["MEMCTL_REQUESTED_KIB"] == str(2 * GIB)
    else:
        assert (code, entry["MEMCTL_CAUSE"]) == (3, "journal_damaged")


@pytest.mark.parametrize(
    ("signals", "code", "outcome"),
    [([signal.SIGINT], 130, "restored"), ([signal.SIGINT, signal.SIGTERM], 5, "failed")],
)
def test_an_interrupted_resize_leaves_one_entry(
    simulate: Simulate, signals: list[signal.Signals], code: int, outcome: str
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "1GiB"}
    uri = simulate(host="16GiB", pace=1, guests=[guest])
    process = begin("--host", uri, "resize", "g", "4g", "--json")
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("phase") == "populate" and event["now_kib"] > 2 * GIB:
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for number in signals:
        os.kill(int(children[-1]), number)
    ended, (entry,) = end(process)
    assert ended == code
    assert (entry["MEMCTL_OUTCOME"], entry["MEMCTL_CAUSE"]) == (outcome, "cancelled")
    assert entry["MEMCTL_REQUESTED_KIB"] == str(4 * GIB)
    assert entry["MESSAGE"].count("g: ") == 1
    assert entry["PRIORITY"] == "4"


def test_a_domains_name_forges_no_field(simulate: Simulate) -> None:
    name = "x\nMEMCTL_OUTCOME=refused\nMEMCTL_UID=4\n\x1b[2J" + 1500 * "y"
    uri = simulate(host="16GiB", guests=[{"name": name, "type": "pv", "memory": "1GiB"}])
    code, (entry,) = entries_of("--host", uri, "resize", "1", "2g")
    assert code == 0
    assert (entry["MEMCTL_OUTCOME"], entry["MEMCTL_UID"]) == ("verified", "0")
    assert entry["MEMCTL_DOMAIN"].startswith("x MEMCTL_OUTCOME=refused MEMCTL_UID=4 ?[2Jyyy")
    assert all(len(value) <= 1100 and "\n" not in value for value in entry.values())


@pytest.mark.parametrize("journal", ["absent", "hangs"])
def test_without_a_journal_a_resize_is_as_ever(journal: str) -> None:
    process = begin("--host", "sim:", "resize", "demo-pv", "2g", journal=journal)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.startswith("demo-pv: 1024 MiB -> 2048 MiB in ")
    assert err == ""
