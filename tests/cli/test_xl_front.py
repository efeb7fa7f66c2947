# SPDX-License-Identifier: LGPL-2.1-or-later
"""memctl's front for xl runs the commands beside it, and the real xl for everything else."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from xl_host import COMMANDS, HELP, XlHost, front_path, front_under_test, make, write_program

#: What a process inherits, as the shell itself sees it: with a child, its signals would be blocked.
INHERITED = """
while read -r line; do
    case $line in SigIgn*|SigBlk*|PPid*|Umask*) echo "$line" ;; esac
done </proc/self/status
for fd in /proc/self/fd/*; do echo "fd ${fd##*/}"; done
pwd -P
env | sort
"""


@pytest.fixture
def xl(tmp_path: Path) -> XlHost:
    if not front_under_test().exists():
        pytest.skip("the front is not built")
    return make(tmp_path)


class TestEverythingElse:
    @pytest.mark.parametrize(
        "arguments",
        [
            [],
            ["list"],
            ["create", "a b", "", "*", "$HOME", "`id`", "it's", 'say "x"', "two\nlines", "\\"],
            ["-v", "-N", "create", "/dev/null", "name='a b'"],
            ["--", "list"],
            ["-", "list"],
            ["--help"],
            ["help", "list"],
            ["help", "list", "mem-resize"],
            ["-z", "probe"],  # an option of a newer xl
            ["-vz", "probe"],
            ["prob"],  # xl knows a command by its beginning, but not the front's
            ["probes"],
            ["list", "probe"],
            ["xl-probe"],
            ["./probe"],
            ["../probe"],
            ["/probe"],
            ["x/../probe"],
            ["", "probe"],
        ],
    )
    def test_goes_to_the_real_xl_word_for_word(self, xl: XlHost, arguments: list[str]) -> None:
        xl.command("probe")
        (xl.folder / "xl-x").mkdir()
        done = xl.run(*arguments)
        told = "|".join([str(xl.xl), *arguments]) + ("\n" if arguments else "|\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, told, "")

    def test_bytes_that_are_no_text_arrive(self, xl: XlHost) -> None:
        done = subprocess.run(
            [xl.front, b"list", b"\xff\xfe"], capture_output=True, env=xl.environment, timeout=60
        )
        assert done.stdout == str(xl.xl).encode() + b"|list|\xff\xfe\n"

    @pytest.mark.parametrize("status", [0, 1, 3, 127, 255])
    def test_keeps_its_exit_status(self, xl: XlHost, status: int) -> None:
        xl.real_xl(f"exit {status}\n")
        assert xl.run("list").returncode == status

    def test_keeps_its_standard_streams_apart(self, xl: XlHost) -> None:
        xl.real_xl("cat; echo error >&2\n")
        done = xl.run("console", "web1", input="typed\n")
        assert (done.stdout, done.stderr) == ("typed\n", "error\n")

    def test_inherits_what_it_would_inherit_without_the_front(self, xl: XlHost) -> None:
        xl.real_xl(INHERITED)
        spare, other = os.pipe()

        def prepare() -> None:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            os.umask(0o137)

        def ask(program: Path) -> str:
            done = subprocess.run(
                [program, "list"],
                capture_output=True,
                check=True,
                text=True,
                env=xl.environment,
                cwd=xl.path,
                pass_fds=(spare, other),
                preexec_fn=prepare,
            )
            return done.stdout

        told = ask(xl.front)
        assert told == ask(xl.xl)
        os.close(spare)
        os.close(other)
        for line in (f"fd {spare}", "Umask:\t0137", f"PPid:\t{os.getpid()}", str(xl.path)):
            assert line in told.splitlines()
        blocked = re.search(r"^SigBlk:\s+([0-9a-f]+)$", told, re.MULTILINE)
        ignored = re.search(r"^SigIgn:\s+([0-9a-f]+)$", told, re.MULTILINE)
        assert blocked and int(blocked[1], 16) & 1 << signal.SIGUSR1 - 1
        assert ignored and int(ignored[1], 16) & 1 << signal.SIGUSR2 - 1

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    def test_is_the_process_that_was_started(self, xl: XlHost, number: signal.Signals) -> None:
        """So a signal to that process reaches it, and nothing stands between."""
        xl.real_xl("trap 'echo trapped; exit 9' TERM INT HUP\necho $$\nread line\n")
        process = xl.start("list", stdin=subprocess.PIPE)
        assert process.stdout is not None
        assert int(process.stdout.readline()) == process.pid
        process.send_signal(number)
        assert process.communicate(timeout=60)[0] == b"trapped\n"
        assert process.returncode == 9

    def test_a_signal_ends_it_as_it_would_end_xl(self, xl: XlHost) -> None:
        xl.real_xl("kill -TERM $$\n")
        assert xl.run("list").returncode == -signal.SIGTERM

    def test_says_that_there_is_no_xl(self, xl: XlHost) -> None:
        xl.xl.unlink()
        for arguments in (["list"], ["help"]):
            done = xl.run(*arguments)
            assert (done.returncode, done.stdout) == (127, "")
            assert done.stderr == (
                f"xl: memctl's front for xl cannot execute {xl.xl}: No such file or directory\n"
            )

    def test_says_that_xl_is_no_program(self, xl: XlHost) -> None:
        xl.xl.chmod(0o644)
        for arguments in (["list"], ["help"]):
            done = xl.run(*arguments)
            assert (done.returncode, done.stdout) == (126, "")
            assert done.stderr.endswith(f"cannot execute {xl.xl}: Permission denied\n")


class TestCommands:
    @pytest.mark.parametrize(
        "line, told",
        [
            (["probe"], [""]),
            (["probe", "a b", "", "-v", "--", "-512m"], ["a b", "", "-v", "--", "-512m"]),
            (["-v", "probe", "x"], ["-v", "x"]),
            (["-vN", "-f", "-tT", "probe", "x"], ["-vN", "-f", "-tT", "x"]),
            (["-v", "--", "probe", "x"], ["-v", "x"]),
            (["help", "probe"], ["--help"]),
            (["-v", "help", "probe"], ["--help"]),
        ],
    )
    def test_beside_the_front_run_with_xls_options_first(
        self, xl: XlHost, line: list[str], told: list[str]
    ) -> None:
        command = xl.command("probe")
        done = xl.run(*line)
        assert done.stdout == "|".join([str(command), *told]) + "\n"

    def test_are_the_process_that_was_started(self, xl: XlHost) -> None:
        write_program(xl.folder / "xl-probe", "#!/bin/sh\necho $$; exit 5\n")
        process = xl.start("probe")
        out = process.communicate(timeout=60)[0]
        assert (int(out), process.returncode) == (process.pid, 5)

    def test_elsewhere_are_never_run(self, xl: XlHost, tmp_path: Path) -> None:
        """Not in PATH, not where the link to the front is, not in the current folder."""
        for folder in (xl.path, tmp_path):
            write_program(folder / "xl-probe", "#!/bin/sh\necho wrong\n")
        environment = {**xl.environment, "PATH": f"{tmp_path}:.:{xl.environment['PATH']}"}
        done = xl.run("probe", cwd=tmp_path, env=environment)
        assert done.stdout == f"{xl.xl}|probe\n"

    def test_are_programs(self, xl: XlHost) -> None:
        (xl.folder / "xl-text").write_text("no program")
        (xl.folder / "xl-folder").mkdir()
        (xl.folder / "xl-gone").symlink_to("nowhere")
        for name in ("text", "folder", "gone"):
            assert xl.run(name).stdout == f"{xl.xl}|{name}\n"

    def test_that_cannot_be_executed_are_not_passed_over(self, xl: XlHost) -> None:
        write_program(xl.folder / "xl-probe", "#!/no/such/interpreter\n")
        done = xl.run("probe")
        assert (done.returncode, done.stdout) == (127, "")
        assert f"cannot execute {xl.folder}/xl-probe: " in done.stderr


class TestFindingItself:
    @pytest.mark.parametrize("arguments", [["list"], ["help"], [], ["-v", "list"]])
    @pytest.mark.parametrize(
        "way", ["link", "link to a link", "hard link", "copy", "link to a copy"]
    )
    def test_in_the_place_of_the_real_xl_ends(
        self, xl: XlHost, tmp_path: Path, way: str, arguments: list[str]
    ) -> None:
        xl.xl.unlink()
        if way == "link":
            xl.xl.symlink_to(xl.folder / "xl")
        elif way == "link to a link":
            xl.xl.symlink_to(xl.front)
        elif way == "hard link":
            xl.xl.hardlink_to(xl.folder / "xl")
        elif way == "copy":
            shutil.copy(xl.folder / "xl", xl.xl)
        else:
            shutil.copy(xl.folder / "xl", tmp_path / "copy")
            xl.xl.symlink_to(tmp_path / "copy")
        done = xl.run(*arguments)
        assert (done.returncode, done.stdout) == (126, "")
        assert done.stderr == (
            f"xl: {xl.xl} is memctl's front for xl, and it would execute itself for ever\n"
        )

    def test_under_the_name_of_a_command_does_not_count(self, xl: XlHost) -> None:
        (xl.folder / "xl-probe").symlink_to("xl")
        assert xl.run("probe", "probe").stdout == f"{xl.xl}|probe|probe\n"

    def test_first_in_path_does_not_count(self, xl: XlHost) -> None:
        """The front executes a fixed file, whatever comes first in PATH."""
        done = subprocess.run(
            ["xl", "list"], capture_output=True, text=True, env=xl.environment, timeout=60
        )
        assert done.stdout == f"{xl.xl}|list\n"

    def test_as_a_copy_elsewhere_still_runs_the_real_xl(self, xl: XlHost, tmp_path: Path) -> None:
        xl.command("probe")
        xl.front.unlink()
        shutil.copy(xl.folder / "xl", xl.front)
        assert xl.run("probe").stdout == f"{xl.xl}|probe\n"


class TestHelp:
    @pytest.fixture
    def xl(self, xl: XlHost) -> XlHost:
        """Our commands lie beside the front, and the real xl prints its help."""
        xl.real_xl(f"cat <<'END'\n{HELP}END\n[ $# -gt 0 ]\n")
        for name in COMMANDS:
            xl.command(name)
        return xl

    @pytest.mark.parametrize("arguments", [["help"], ["-v", "help"], ["--", "help"]])
    def test_has_our_commands_below_xls(self, xl: XlHost, arguments: list[str]) -> None:
        done = xl.run(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(HELP)
        added = done.stdout.removeprefix(HELP).splitlines()
        assert [line.split()[0] for line in added] == list(COMMANDS)
        # As xl has it: its completion takes the first word of each line of this form.
        for line in added:
            assert re.fullmatch(r" [a-z-]{1,19} +\S.*", line)
            assert line[20] == " " and line[21] != " " and len(line) <= 100

    def test_has_only_commands_that_are_there(self, xl: XlHost) -> None:
        (xl.folder / "xl-mem-status").unlink()
        added = xl.run("help").stdout.removeprefix(HELP).splitlines()
        assert [line.split()[0] for line in added] == ["mem-resize", "mem-doctor"]

    def test_of_a_call_without_a_command_stays_as_it_is(self, xl: XlHost) -> None:
        done = xl.run()
        assert (done.returncode, done.stdout) == (1, HELP)

    def test_that_fails_stays_as_it_is(self, xl: XlHost) -> None:
        xl.real_xl("echo cannot init xl context >&2; exit 1\n")
        done = xl.run("help")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "cannot init xl context\n"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE])
    def test_that_is_killed_ends_the_front_alike(self, xl: XlHost, number: signal.Signals) -> None:
        xl.real_xl(f"kill -{int(number)} $$\n")
        done = xl.run("help")
        assert (done.returncode, done.stdout) == (-number, "")

    def test_on_a_full_disk_says_so(self, xl: XlHost) -> None:
        xl.real_xl("exit 0\n")
        with open("/dev/full", "w") as full:
            done = xl.run("help", stdout=full)
        assert done.returncode == 74
        assert done.stderr == "xl: memctl's front for xl cannot write its output\n"


@pytest.mark.skipif(os.path.exists("/usr/sbin/xl"), reason="this machine has an xl")
def test_the_front_of_an_installation_reads_no_variable(xl: XlHost) -> None:
    shutil.copy(front_path(), xl.folder / "xl")
    done = xl.run("list")
    assert done.returncode == 127
    assert "cannot execute /usr/sbin/xl: No such file or directory" in done.stderr
