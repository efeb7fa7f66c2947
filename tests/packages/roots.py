# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clean roots of a release of Debian, in which memctl's packages can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]


def _version() -> str:
    changelog = SOURCES / "packaging" / "debian" / "changelog"
    first = changelog.read_text(encoding="utf-8").split("\n", 1)[0]
    match = re.match(r"memctl \((.+)-[^-]+\) ", first)
    assert match, first
    return match[1]


VERSION = _version()
"""memctl's own, without that of the packages."""

#: The architectures for which there is a static agent.
ARCHITECTURES = ("amd64", "i386")

#: What each script in a root begins with. `build` is a folder of the root's own, which stays.
PRELUDE = """
set -eu
export DEBIAN_FRONTEND=noninteractive
offered=$PWD/build/offered
[ ! -f "$offered/Packages" ] ||
  echo "deb [trusted=yes] file:$offered ./" >/etc/apt/sources.list.d/memctl.list
archives=$PWD/build/archives
mkdir -p "$archives/partial"
apt_get() {  # what it says is shown only if it fails
  apt-get -y -o Dir::Cache::archives="$archives" -o APT::Sandbox::User=root \\
    -o APT::Install-Recommends=false "$@" >/tmp/apt.log 2>&1 || { cat /tmp/apt.log >&2; return 1; }
}
ours() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | sed -n '/memctl/s/^ii *//p'; }
apt_get update
"""


@dataclass(frozen=True)
class Release:
    """A release of Debian, and the packages for it."""

    name: str

    @property
    def made(self) -> Path:
        """What scripts/package leaves."""
        return SOURCES / "build" / "packages" / self.name

    def make(self) -> None:
        """Makes the packages."""
        command = [str(SOURCES / "scripts" / "package"), self.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def archives(self) -> list[Path]:
        """The archives of the static agent, one for each architecture."""
        found = [self.made.glob(f"memctl-agent-*-linux-{name}.tar.gz") for name in ARCHITECTURES]
        return [archive for (archive,) in found]

    def offer(self, *files: Path) -> None:
        """Shows the files to the roots, in which `build` is another folder."""
        offered = SOURCES / "build" / "releases" / self.name / "tree" / "offered"
        shutil.rmtree(offered, ignore_errors=True)
        offered.mkdir(parents=True)
        for path in files:
            shutil.copy2(path, offered)

    def run(self, script: str) -> str:
        """Runs a script of sh, which has to succeed, in a fresh root. Returns its output."""
        # dpkg needs no more than the minimal system has. The list cannot be empty.
        root = ("scripts/in-release", "--name", "minimal", "--packages", "apt", self.name)
        done = subprocess.run(
            [*root, "sh", "-c", PRELUDE + script],
            cwd=SOURCES,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
