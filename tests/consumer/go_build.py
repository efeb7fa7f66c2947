# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds Go programs, offline, with the installed sources of the package."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from installed import BUILD, Installed, run


class Go:
    """Debian's Go, and the installed package."""

    def __init__(self, installed: Installed) -> None:
        self.package = installed.prefix / "share" / "gocode" / "src" / "memctl"
        # Go's cache does not notice other headers or another library. Their digest makes it notice.
        digest = hashlib.sha256(installed.library().read_bytes())
        for header in installed.headers():
            digest.update(header.read_bytes())
        self.environment = installed.environment() | {
            "CGO_CFLAGS": f"-O1 -DMEMCTL_INSTALLED_{digest.hexdigest()[:16]}",
            "CGO_LDFLAGS": f"-Wl,-rpath,{installed.library().parent}",
            "GOCACHE": str(BUILD / "go" / "cache"),
            "GOENV": "off",
            "GOFLAGS": "-mod=mod",
            "GOPATH": str(BUILD / "go" / "path"),
            "GOPROXY": "off",
        }

    def __call__(self, module: Path, *words: str | Path) -> str:
        """Runs a command of Go's in a module, and returns its output."""
        command = ("env", f"--chdir={module}", "/usr/bin/go", *words)
        return run(*command, environment=self.environment).stdout

    def copy(self, module: Path, to: Path) -> None:
        """Copies a module, whose copy takes the installed package."""
        shutil.copytree(module, to)
        self(to, "mod", "edit", f"-replace=memctl={self.package}")
