# SPDX-License-Identifier: LGPL-2.1-or-later
"""The configuration file: what it sets, what the command line can change, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest
from memctl_command import ROOT, Run, command_path

Memctl = Callable[..., Run]
Simulate = Callable[..., str]
Configure = Callable[[str], str]
SIM = ("--host", "sim:")
GIB = 1 << 20
USUAL = Path("/etc/memctl/memctl.toml")
COMMANDS = (
    ["resize", "demo-pv", "2g"],
    ["plan", "demo-pv", "2g"],
    ["status"],
    ["doctor"],
    ["recover"],
    ["config"],
)


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Writes a configuration file, and returns its path."""

    def write(text: str) -> str:
        file = tmp_path / "memctl.toml"
        file.write_text(text)
        file.chmod(0o644)
        return str(file)

    return write


def assert_nothing_runs(memctl: Memctl, file: str, said: str) -> None:
    """Each command says what is wrong with the file, and does nothing else."""
    for command in COMMANDS:
        run = memctl(*SIM, "--config", file, *command)
        assert (run.code, run.out) == (2, ""), command
        message, hint = run.err.splitlines()
        assert message == f"memctl: {file}{said} (invalid_argument)"
        assert hint.startswith("  hint: ")
        run = memctl(*SIM, "--config", file, *command, "--json")
        (answer,) = run.objects()
        assert (run.code, run.err) == (2, "")
        assert (answer["event"], answer["cause"]) == (
            "report" if command[0] in ("resize", "plan") else command[0],
            "invalid_argument",
        )
        assert answer["message"] == file + said


@pytest.mark.skipif(USUAL.exists(), reason="this host has a configuration")
def test_without_a_file_all_is_as_by_default(memctl: Memctl) -> None:
    run = memctl("config")
    assert run.code == 0
    assert all(line.endswith("default") for line in run.out.splitlines()[1:-1])
    assert run.out.splitlines()[-1] == f"there is no {USUAL}"
    (answer,) = memctl("config", "--json").objects()
    assert (answer["found"], answer["file"], answer["domains"]) == (False, str(USUAL), [])
    assert set(answer["lines"].values()) == {None}


def test_bounds_and_reserve_are_kept_to_by_every_command(
    memctl: Memctl, configure: Configure
) -> None:
    file = configure(
        '[host]\nreserve = "59GiB"\n\n[[domain]]\nname = "demo-p*"\n'
        'minimum = "512MiB"\nmaximum = "1536MiB"\n'
    )
    by_file = (*SIM, "--config", file)
    run = memctl(*by_file, "resize", "demo-pv", "2g")
    assert run.code == 3
    assert "the administrator allows at most 1536 MiB (above_policy)" in run.err
    assert f'  hint: {file}:7 sets the maximum of "demo-p*"\n' in run.err
    (report,) = memctl(*by_file, "plan", "demo-pvh", "511m", "--json").objects()
    assert (report["cause"], report["nearest_kib"]) == ("below_policy", GIB // 2)
    assert report["hint"] == f'{file}:6 sets the minimum of "demo-p*"'
    assert memctl(*by_file, "resize", "demo-pv", "1536m").code == 0
    pv, _, hvm = memctl(*by_file, "status", "--json").objects()
    assert pv["range"]["smallest"]["size_kib"] == GIB // 2
    assert pv["range"]["largest"]["cause"] == "above_policy"
    assert hvm["range"]["largest"]["cause"] == "host_memory"
    (plan,) = memctl(*by_file, "plan", "demo-hvm", "512m", "--json").objects()
    assert plan["host_reserve_kib"] == 59 * GIB


def test_the_command_line_goes_before_the_defaults_of_the_file(
    memctl: Memctl, simulate: Simulate, configure: Configure
) -> None:
    guest = {"name": "g", "type": "pv", "memory": "1GiB", "populated_per_second": "512MiB"}
    uri = simulate(host="16GiB", guests=[guest])
    file = configure('[resize]\ntimeout = 2\non_failure = "keep"\n')

    def end(*options: str) -> tuple[int, str, str | None]:
        run = memctl("--host", uri, "--config", file, "resize", "g", "4g", "--json", *options)
        report = run.objects()[-1]
        return run.code, report["outcome"], report["cause"]

    assert end() == (5, "kept", "deadline")
    assert end("--on-failure", "restore") == (4, "restored", "deadline")
    assert end("--timeout", "60") == (0, "verified", None)
    assert end("--timeout", "never") == (0, "verified", None)


def test_status_and_doctor_tell_about_resizes_with_the_defaults_of_the_file(
    memctl: Memctl, simulate: Simulate, configure: Configure
) -> None:
    guest = {"name": "g", "type": "pvh", "memory": "1GiB", "kernel_release": "5.10.46"}
    uri = simulate(host="64GiB", guests=[guest])
    by_file = ("--host", uri, "--config", configure('[resize]\nonline = "movable"\n'))
    (status,) = memctl(*by_file, "status", "--json").objects()
    refused = memctl(*by_file, "plan", "g", "2g", "--json")
    (report,) = refused.objects()
    assert (refused.code, report["cause"]) == (3, "guest_kernel_fault")
    assert report["range"] == status["range"]
    assert memctl(*by_file, "plan", "g", "2g", "--online", "kernel").code == 0
    kernel = [
        {
            finding["check"]: finding["message"]
            for finding in memctl(*call, "doctor", "g", "--json").objects()
        }["kernel"]
        for call in (by_file, ("--host", uri))
    ]
    assert kernel[0] != kernel[1]


def test_config_shows_what_another_file_would_set(memctl: Memctl, configure: Configure) -> None:
    file = configure('[host]\nreserve = 2048\n[[domain]]\nname = "web*"\nmaximum = "8GiB"\n')
    run = memctl("config", "--config", file)
    assert run.code == 0
    rows = [re.split(r"  +", line) for line in run.out.splitlines()]
    assert rows[0] == ["SETTING", "VALUE", "SET BY"]
    assert ["host.reserve", "2048 MiB", f"{file}:2"] in rows
    assert ["resize.stall", "30 s", "default"] in rows
    assert ["maximum of web*", "8192 MiB", f"{file}:5"] in rows
    (answer,) = memctl("config", "--config", file, "--json").objects()
    assert (answer["reserve_kib"], answer["lines"]["reserve"]) == (2 * GIB, 2)
    assert answer["domains"][0]["lines"] == {"entry": 3, "minimum": None, "maximum": 5}


def test_a_wrong_line_is_named_and_nothing_runs(memctl: Memctl, configure: Configure) -> None:
    file = configure("[host]\nreserve = 1GiB\n")
    said = ":2: this line cannot be read: reserve = 1GiB; expected digit, saw 'G'"
    assert_nothing_runs(memctl, file, said)
    file = configure('[[domain]]\nname = "a"\nminimum = "2g"\nmaximum = "1g"\n')
    said = ':3: the minimum of "a", 2048 MiB, is above its maximum, 1024 MiB, in line 4'
    assert_nothing_runs(memctl, file, said)


def test_help_and_usage_need_no_configuration(memctl: Memctl, configure: Configure) -> None:
    file = configure("wrong")
    assert memctl("--config", file, "--help").code == 0
    run = memctl("--config", file, "status", "--frobnicate")
    assert (run.code, file in run.err) == (2, False)


def test_a_file_that_is_named_has_to_exist(memctl: Memctl, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    assert_nothing_runs(memctl, missing, ": cannot be read (No such file or directory)")
    assert "--config needs a value" in memctl(*SIM, "--config", "", "status").err


def test_only_a_regular_file_of_some_size_is_read(memctl: Memctl, tmp_path: Path) -> None:
    assert_nothing_runs(memctl, str(tmp_path), ": is a directory")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert_nothing_runs(memctl, str(fifo), ": is no regular file")
    assert_nothing_runs(memctl, "/dev/zero", ": is no regular file")
    large = tmp_path / "large.toml"
    large.write_text("#" * ((1 << 18) + 1))
    large.chmod(0o644)
    assert_nothing_runs(memctl, str(large), ": is larger than 256 KiB")
    large.write_text("#" * (1 << 18))
    assert memctl("config", "--config", str(large)).code == 0
    sparse = tmp_path / "sparse.toml"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    sparse.chmod(0o644)
    assert_nothing_runs(memctl, str(sparse), ": is larger than 256 KiB")


def test_a_file_that_others_may_write_to_is_refused(memctl: Memctl, configure: Configure) -> None:
    file = configure("")
    os.chmod(file, 0o646)
    assert_nothing_runs(memctl, file, ": others than root may write to it, and so lift its bounds")
    os.chmod(file, 0o664)  # the group is the caller's own
    assert memctl("config", "--config", file).code == 0
    if os.geteuid() != 0:
        return
    os.chown(file, 0, 65534)
    assert memctl("config", "--config", file).code == 2
    os.chmod(file, 0o644)
    assert memctl("config", "--config", file).code == 0
    os.chown(file, 65534, 0)
    assert memctl("config", "--config", file).code == 2


def test_a_file_that_may_not_be_read_is_named(configure: Configure) -> None:
    file = configure("")
    os.chmod(file, 0)
    # Root may read every file unless it lacks two capabilities.
    less = "-dac_override,-dac_read_search"
    without = ["setpriv", "--inh-caps", less, "--bounding-set", less] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*without, command_path(), *SIM, "--config", file, "status"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"memctl: {file}: cannot be read (Permission denied) (invalid_argument)\n"
        "  hint: run this as root, or let everybody read the file\n"
    )


def test_the_example_is_all_comments_and_true(memctl: Memctl, configure: Configure) -> None:
    example = (ROOT / "packaging" / "memctl.toml").read_text()
    assert all(line.startswith("#") for line in example.splitlines() if line)
    # A setting has no blank after its #, as in the files of systemd.
    settings = re.sub(r"(?m)^#(?=[^ \n])", "", example)
    (answer,) = memctl("config", "--config", configure(settings), "--json").objects()
    assert None not in answer["lines"].values()
    assert len(answer["domains"]) > 1
    (usual,) = memctl("config", "--config", configure(example), "--json").objects()
    assert set(usual["lines"].values()) == {None}
    assert [usual[key] for key in ("stall_ms", "on_failure", "online", "numa", "host_numa")] == [
        answer[key] for key in ("stall_ms", "on_failure", "online", "numa", "host_numa")
    ], "the example shows the defaults"


def manual(name: str) -> str:
    """A man page without its markup."""
    text = (ROOT / "packaging" / "man" / name).read_text()
    return re.sub(r"\\f.|\\", "", re.sub(r"(?m)^\.[A-Z]+ ?", "", text))


def test_the_manuals_have_every_key_and_the_command(memctl: Memctl) -> None:
    page = manual("memctl.toml.5")
    example = (ROOT / "packaging" / "memctl.toml").read_text()
    keys = re.findall(r"(?m)^#(\w+) = ", example)
    assert {
        "reserve",
        "timeout",
        "stall",
        "on_failure",
        "online",
        "numa",
        "name",
        "minimum",
    } <= set(keys)
    for key in keys:
        assert re.search(rf"(?m)^\"?{key}\b", page), key
    command = manual("memctl.1")
    for word in re.findall(r"(?m)^  (\w+) {4,}", memctl("--help").out):
        assert re.search(rf"(?m)^{word}$", command), word
    assert "--config" in command


@pytest.mark.parametrize(
    "words, offered",
    [
        (["con"], {"config"}),
        (["config", "--co"], {"--config"}),
        (["--config", "x.toml", "re"], {"resize", "recover"}),
        (["config", ""], set()),
    ],
)
def test_completion_knows_command_and_option(words: list[str], offered: set[str]) -> None:
    script = (
        f'source "{ROOT}/packaging/completions/memctl"; COMP_WORDS=(memctl "$@"); '
        'COMP_CWORD=$#; _memctl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == offered


def test_completion_offers_files_as_configuration(tmp_path: Path) -> None:
    (tmp_path / "here.toml").touch()
    script = (
        f'source "{ROOT}/packaging/completions/memctl"; COMP_WORDS=(memctl --config he); '
        'COMP_CWORD=2; _memctl; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "here.toml\n"
