"""What scripts/in-release says before it makes a root. The rest is tested where a root is made."""

from __future__ import annotations

import os
import subprocess

import pytest

from jobs import ROOT

SCRIPT = ROOT / "scripts" / "in-release"


def in_release(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((SCRIPT, *arguments), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "name a release and a command"),
        (("trixie",), "name a release and a command"),
        (("../trixie", "true"), '"../trixie" is no release of Debian'),
        (("", "true"), '"" is no release of Debian'),
        (("--packages",), "--packages needs a value"),
        (("--name", "", "trixie", "true"), "--name needs a value"),
        (("--name", "../x", "trixie", "true"), 'a root cannot be called "../x"'),
        (("--name", "tree", "trixie", "true"), 'a root cannot be called "tree"'),
        (("--architecture", "../x", "trixie", "true"), '"../x" is no architecture of Debian'),
        (("--fast", "trixie", "true"), "there is no option --fast"),
    ],
)
def test_a_wrong_call_is_told_in_one_line(arguments: tuple[str, ...], said: str) -> None:
    done = in_release(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("scripts/in-release: ") and said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_names_every_option() -> None:
    done = in_release("--help")
    assert done.returncode == 0 and not done.stderr
    for option in ("--packages LIST", "--name NAME", "--architecture NAME"):
        assert option in done.stdout


def test_only_root_enters_a_root() -> None:
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups", str(SCRIPT), "trixie", "true"]
    else:
        command = [str(SCRIPT), "trixie", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "only root" in done.stderr


def test_no_release_has_no_list_of_packages() -> None:
    command = (ROOT / "scripts" / "install-dependencies", "--list", "")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("usage: ")


def test_the_list_of_packages_follows_the_release() -> None:
    def listed(release: str) -> set[str]:
        command = (ROOT / "scripts" / "install-dependencies", "--list", release)
        return set(
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        )

    old, new = listed("bookworm"), listed("trixie")
    assert old - new == {"libboost1.81-dev"} and new - old == {"libboost-dev"}
