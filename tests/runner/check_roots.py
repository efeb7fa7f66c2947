"""What scripts/in-release promises of a root of another release. Makes the root, which needs root.

scripts/test starts this with pytest, in the part other-release.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import table
from jobs import BUILD, ROOT

OTHER = table.other()
PLACE = BUILD / "releases" / OTHER
COMMAND = (str(ROOT / "scripts" / "in-release"), OTHER)


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*COMMAND, "sh", "-c", script), cwd=ROOT, capture_output=True, text=True, check=False
    )


@contextmanager
def running() -> Iterator[subprocess.Popen[str]]:
    """A command that has begun, and ends when its input does."""
    script = "echo begun; read -r line; echo $line"
    with subprocess.Popen(
        (*COMMAND, "sh", "-c", script), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        yield process


def mounted() -> list[str]:
    """What is mounted below the place of the roots, as this program sees it."""
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return [line for line in mounts if str(PLACE) in line]


def test_the_command_runs_in_that_release_and_ends_with_its_own_status() -> None:
    done = run('. /etc/os-release; echo "$VERSION_CODENAME"; echo wrong >&2; exit 7')
    assert (done.returncode, done.stdout) == (7, f"{OTHER}\n")
    assert done.stderr.endswith("wrong\n")


def test_it_sees_the_sources_and_has_a_build_of_its_own() -> None:
    done = run("pwd; ls CMakeLists.txt; echo kept >build/check-roots")
    assert (done.returncode, done.stdout) == (0, f"{ROOT}\nCMakeLists.txt\n")
    made = PLACE / "tree" / "check-roots"
    assert made.read_text(encoding="utf-8") == "kept\n"
    made.unlink()
    assert not (BUILD / "check-roots").exists()


def test_it_sees_the_packages_out_here_and_cannot_change_them() -> None:
    made = BUILD / "packages" / "check-roots"
    made.parent.mkdir(exist_ok=True)
    made.write_text("a package\n", encoding="utf-8")
    done = run("cat build/packages/check-roots; ! echo changed >build/packages/check-roots")
    assert (done.returncode, done.stdout) == (0, "a package\n")
    assert made.read_text(encoding="utf-8") == "a package\n"
    made.unlink()


def test_variables_that_name_folders_out_here_stay_out_here() -> None:
    given = {"MEMCTL_BUILD": "/x", "MEMCTL_LAB_CACHE": "/x", "MEMCTL_LAB_MEMORY": "7000"}
    done = subprocess.run(
        (*COMMAND, "sh", "-c", "env | grep ^MEMCTL_"),
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "MEMCTL_LAB_MEMORY=7000\n"), done.stderr


def test_what_it_writes_into_the_root_is_gone() -> None:
    assert run("echo changed >/etc/debian_version; touch /usr/bin/new").returncode == 0
    assert run("! grep -q changed /etc/debian_version && ! [ -e /usr/bin/new ]").returncode == 0


def test_nothing_stays_mounted_however_it_ends() -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with running() as process:
            process.send_signal(number)
            assert process.wait(60) == -number
        assert mounted() == []


def test_two_commands_run_at_the_same_time() -> None:
    with running() as first, running() as second:
        for process in (first, second):
            assert process.communicate("ended\n", timeout=60)[0] == "ended\n"
            assert process.returncode == 0
    assert mounted() == []


def test_a_release_that_the_mirror_lacks_is_told() -> None:
    command = (COMMAND[0], "nosuchrelease", "true")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "no release called nosuchrelease" in done.stderr
    assert not (PLACE.parent / "nosuchrelease").exists()
