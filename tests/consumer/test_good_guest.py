# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library is a good guest in another program's process: it leaves what is not its own alone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from installed import BUILD, WARNINGS, Installed, run

FOLDER = Path(__file__).with_name("guest")

#: What would end the process, write to its outputs, or change what belongs to all of it.
FORBIDDEN = re.compile(
    # the end of the process
    r"(_?exit|_Exit|quick_exit|abort|raise"
    # its outputs
    r"|v?printf|__v?f?printf_chk|v?fprintf|v?dprintf|puts|fputs|fwrite|putchar|putc|fputc|perror"
    r"|stdout|stderr|std::(__1::)?(cout|cerr|clog|wcout|wcerr|wclog)|v?syslog|openlog"
    # signals
    r"|signal|sigaction|sigprocmask|sigaltstack|sigsuspend|sigwait|siglongjmp|alarm|setitimer"
    r"|ualarm|pthread_kill|killpg|signalfd"
    # children
    r"|v?fork|clone|posix_spawnp?|system|popen|exec[vl]p?e?|wait|wait3|wait4|waitid|waitpid"
    # what belongs to the whole process
    r"|setenv|putenv|unsetenv|clearenv|setlocale|std::locale::global.*|umask|f?chdir|chroot"
    r"|std::set_terminate.*|std::set_new_handler.*|atexit|on_exit|at_quick_exit|s?rand(om)?"
    r"|setrlimit|prlimit|nice|setpriority|set[er]?[ug]id|tzset|mlockall|prctl|mallopt)"
)

#: What lasts longer than a handle and can change, and why. All else belongs to one handle.
LASTING = {
    "memctl::Handles::all()::one": "C's handles, which are numbers that are never used again",
    "memctl::(anonymous namespace)::mutex()::one": "the lock of those handles",
    "memctl::c::(anonymous namespace)::callbacks": "whether this thread is in a callback",
    "memctl::(anonymous namespace)::calling": "whose on_event this thread is calling",
}
#: What is written once, before anybody reads it.
CONSTANT = {
    "memctl::error_category()::category",
    "memctl::c::(anonymous namespace)::no_memory()::error",
    "memctl::(anonymous namespace)::causes",
    "memctl::(anonymous namespace)::units",
    "memctl::agent::(anonymous namespace)::policy_names",
    *(
        f"memctl::host::sim::(anonymous namespace)::{table}"
        for table in "action_kinds autoballoon_words conducts policies rule_actions types".split()
    ),
    *(
        f"memctl::host::sim::ToolstackModel::{function}"
        "(memctl::DomainId, memctl::Quantity<memctl::KibUnit>)::call"
        for function in ("set_limit", "set_size")
    ),
}
#: What protoc makes for the messages: their defaults, and the names of their numbers.
MESSAGES = "memctl::wire::"


@pytest.fixture(scope="module")
def good_guest(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("guest") / "good_guest"
    flags = ("-std=c++20", *WARNINGS, *installed.pkg_config("--cflags", "memctl"))
    source = FOLDER / "good_guest.cpp"
    run("g++", *flags, source, "-o", program, *installed.link_options(), "-pthread")
    return program


@pytest.mark.parametrize(
    "check",
    ["threads", "signals", "children", "silence", "belongings", "two-hosts", "closing-one"],
)
def test_the_library_leaves_alone(good_guest: Path, check: str, tmp_path: Path) -> None:
    """The program goes on to its end, and writes to no output: the library wrote what is there."""
    report = tmp_path / "report"
    outputs = [tmp_path / "stdout", tmp_path / "stderr"]
    with outputs[0].open("w") as out, outputs[1].open("w") as err:
        command = [str(good_guest), check, str(report)]
        done = subprocess.run(command, stdout=out, stderr=err, check=False, timeout=300)
    assert [path.read_text(errors="replace") for path in outputs] == ["", ""]
    assert done.returncode in (0, 1), f"ended by {done.returncode}"
    assert report.read_text().splitlines() == ["looked"]


def test_the_library_can_be_loaded_and_unloaded(installed: Installed, tmp_path: Path) -> None:
    program = tmp_path / "plugin"
    flags = installed.pkg_config("--cflags", "memctl")
    warnings = ("-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Werror")
    run("gcc", *warnings, *flags, FOLDER / "plugin.c", "-o", program, "-ldl")
    done = run(program, installed.library())
    assert not done.stdout and not done.stderr


def test_the_library_imports_nothing_that_would_act_on_the_whole_process(
    installed: Installed,
) -> None:
    options = ("--dynamic", "--undefined-only", "--demangle", "--without-symbol-versions")
    lines = run("nm", *options, installed.library()).stdout.splitlines()
    imports = [line.split(maxsplit=1)[1] for line in lines]
    assert {"pthread_sigmask", "libxl_set_memory_target"} <= set(imports)
    assert [name for name in imports if FORBIDDEN.fullmatch(name)] == []


def test_what_two_hosts_could_share_is_known() -> None:
    """Every variable of memctl's own that is not constant. The installed library has no names."""
    table = run("objdump", "--syms", "--demangle", BUILD / "libmemctl" / "libmemctl.so").stdout
    variable = re.compile(r"^\S+ .{7} (?:\.t?bss|\.t?data)\s+\S+\s+(?:\.hidden )?(memctl.*)$")
    found = {match[1] for line in table.splitlines() if (match := variable.match(line))}
    assert any(name.startswith(MESSAGES) for name in found)
    known = {*LASTING, *CONSTANT}
    assert {name for name in found if not name.startswith(MESSAGES)} == known
