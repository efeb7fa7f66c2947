# SPDX-License-Identifier: LGPL-2.1-or-later
"""Wrong input: a line that says what is wrong, a line that says what to do, and the exit code."""

from __future__ import annotations

import os
import re
from typing import Callable

import pytest
from memctl_command import Run

Memctl = Callable[..., Run]

BAD_SIZES = ["0", "12x", "99999999t", "", "9223372036854775807g", "99999999999999999999999", "1.5g"]
BAD_SIZES += ["+0", "+", "1gb", "x", "0x10", "١g"]


def assert_one_error(run: Run, code: int, cause: str) -> None:
    lines = run.err.splitlines()
    assert run.code == code, run.err
    assert run.out == ""
    assert lines[0].startswith("memctl: ") and lines[0].endswith(f"({cause})")
    assert [line for line in lines[1:] if not line.startswith("  possible now")] == lines[-1:]
    assert lines[-1].startswith("  hint: ")


@pytest.mark.parametrize("size", BAD_SIZES)
@pytest.mark.parametrize("command", ["resize", "plan"])
def test_a_wrong_size_is_a_usage_error(memctl: Memctl, command: str, size: str) -> None:
    assert_one_error(memctl("--host", "sim:", command, "demo-pv", size), 2, "invalid_size")
    report = memctl("--host", "sim:", command, "demo-pv", size, "--json").objects()[-1]
    assert (report["outcome"], report["cause"]) == ("refused", "invalid_size")
    assert report["requested_kib"] is None


@pytest.mark.parametrize("domain", ["nope", "Domain-0", "0", "", "4294967297", "-1", "a\nb"])
def test_a_domain_that_is_no_guest_is_refused(memctl: Memctl, domain: str) -> None:
    assert_one_error(memctl("--host", "sim:", "resize", domain, "2g"), 3, "no_such_domain")
    (report,) = memctl("--host", "sim:", "resize", domain, "2g", "--json").objects()
    assert (report["outcome"], report["cause"]) == ("refused", "no_such_domain")
    assert report["domain"] is None
    assert report["requested_kib"] == 2 << 20


@pytest.mark.skipif(os.path.exists("/proc/xen/privcmd"), reason="this is a Xen host")
def test_without_xen_every_command_says_so(memctl: Memctl) -> None:
    for arguments in (
        ["resize", "web1", "1g"],
        ["plan", "web1", "1g"],
        ["status"],
        ["doctor"],
        ["recover"],
    ):
        assert_one_error(memctl(*arguments), 3, "no_xen")
        (answer,) = memctl(*arguments, "--json").objects()
        assert answer["cause"] == "no_xen"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["grow", "demo-pv", "1g"],
        ["resize", "demo-pv"],
        ["resize", "demo-pv", "--"],
        ["resize", "--all", "demo-pv", "1g"],
        ["resize", "--all"],
        ["resize", "demo-pv", "1g", "--reserve", "1m"],
        ["resize", "demo-pv", "1g", "--timeout", "2m"],
        ["resize", "demo-pv", "1g", "--stall", "0"],
        ["resize", "demo-pv", "1g", "--timeout", "nan"],
        ["resize", "demo-pv", "1g", "--timeout", "-5"],
        ["resize", "demo-pv", "1g", "--on-failure", "ignore"],
        ["status", "--dry-run"],
        ["doctor", "--agentless"],
        ["recover", "--on-failure", "keep"],
        ["config", "web1"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(memctl: Memctl, arguments: list[str]) -> None:
    run = memctl(*arguments)
    assert run.code == 2
    assert run.out == ""
    assert run.err.startswith("memctl: ")
    assert len(run.err.splitlines()) == 2


def test_an_unknown_kind_of_host_is_refused(memctl: Memctl) -> None:
    for command in (["status"], ["doctor"], ["recover"], ["plan", "web1", "1g"]):
        assert_one_error(memctl("--host", "vmware:", *command), 3, "invalid_argument")
        (answer,) = memctl("--host", "vmware:", *command, "--json").objects()
        assert answer["cause"] == "invalid_argument"


def test_help_and_version(memctl: Memctl) -> None:
    assert memctl("--version").out.startswith("memctl ")
    every = memctl("--help").out
    commands = re.findall(r"^  ([a-z]+)  ", every.split("Commands:")[1], re.MULTILINE)
    assert {"resize", "plan", "status", "doctor", "recover", "config"} <= set(commands)
    assert [line for line in every.splitlines() if len(line) > 80] == []
    for command in commands:
        run = memctl(command, "--help")
        assert run.code == 0
        assert f"  memctl {command} " in run.out
        assert [line for line in run.out.splitlines() if len(line) > 80] == []
