"""What scripts/package says before it makes a root. tests/packages makes the packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import packaged
from jobs import ROOT

SCRIPT = ROOT / "scripts" / "package"


@pytest.mark.parametrize("word", ["", "Trixie", "--all", "../trixie", "trixie/x"])
def test_a_word_that_is_no_release_is_told_in_one_line(word: str) -> None:
    done = subprocess.run([SCRIPT, "bookworm", word], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f'scripts/package: "{word}" is no release of Debian')
    assert len(done.stderr.splitlines()) == 1


def test_help_names_what_is_made() -> None:
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr
    assert "build/packages/RELEASE" in done.stdout and "install.sh" in done.stdout


def test_only_root_makes_packages() -> None:
    command = [str(SCRIPT), "trixie"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "only root" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_digest_follows_what_git_tracks(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy2(SCRIPT, tmp_path / "scripts")

    def digest() -> str:
        command = [str(tmp_path / "scripts" / "package"), "--digest"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    tracked = tmp_path / "tracked"
    tracked.write_text("a", encoding="utf-8")
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    first = digest()
    os.utime(tracked, (1, 1))
    (tmp_path / "other").write_text("git does not know it", encoding="utf-8")
    assert digest() == first
    tracked.write_text("b", encoding="utf-8")
    assert digest() != first
    tracked.unlink()
    assert digest() != first


def test_only_packages_of_these_sources_are_fit_for_the_full_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "packages" / "bookworm"
    monkeypatch.setattr(packaged, "BUILD", tmp_path)
    monkeypatch.setattr(packaged, "digest", lambda: "1234")
    assert packaged.why_unfit("bookworm", set()) == "scripts/package has made no packages"
    made.mkdir(parents=True)
    other = "the packages are of other sources: run scripts/package"
    assert packaged.why_unfit("bookworm", set()) == other
    (made / "sources").write_text("1235\n", encoding="utf-8")
    assert packaged.why_unfit("bookworm", set()) == other
    (made / "sources").write_text("1234\n", encoding="utf-8")
    assert packaged.why_unfit("bookworm", {"packages.trixie"}) == ""
    assert packaged.why_unfit("bookworm", {"packages.bookworm"}) == "packages.bookworm failed"
