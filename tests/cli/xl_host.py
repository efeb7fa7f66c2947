# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder with memctl's front for xl, with commands beside it, and a real xl that is a script."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from memctl_command import ROOT, command_path

BUILD = ROOT / "build" / "release"
COMMANDS = ("mem-resize", "mem-status", "mem-doctor")

#: The output of `xl help`, and of `xl` alone, has this form.
HELP = """Usage xl [-vfNtT] <subcommand> [args]

xl full list of subcommands:

 list                List information about all/some domains
 pci-assignable-remove 
                     Remove a device from being assignable
 mem-set             Set the current memory usage for a domain
"""  # noqa: W291

#: Tells how it was called, byte by byte.
TELLS = r"""#!/bin/sh
printf '%s' "$0"; printf '|%s' "$@"; printf '\n'
"""


def front_path() -> Path:
    return Path(os.environ.get("XL_FRONT", BUILD / "cli" / "front" / "xl"))


def front_under_test() -> Path:
    default = BUILD / "tests" / "cli" / "memctl-xl-under-test"
    return Path(os.environ.get("XL_FRONT_UNDER_TEST", default))


@dataclass
class XlHost:
    """The front lies in `folder`, and an administrator's link to it in `path`, as xl."""

    folder: Path
    path: Path
    xl: Path

    @property
    def front(self) -> Path:
        return self.path / "xl"

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.path}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "XL_UNDER_TEST": str(self.xl), "LC_ALL": "C.UTF-8"}

    def real_xl(self, script: str) -> None:
        write_program(self.xl, "#!/bin/sh\n" + script)

    def command(self, name: str) -> Path:
        """A command of xl that tells how it was called."""
        return write_program(self.folder / f"xl-{name}", TELLS)

    def memctl_commands(self) -> None:
        """Puts memctl's own commands beside the front, as an installation does."""
        for name in COMMANDS:
            (self.folder / f"xl-{name}").symlink_to(Path(command_path()).resolve())

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [self.front, *arguments],
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                "env": self.environment,
                **options,
            },
        )

    def run(
        self, *arguments: str, input: str | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """Calls the front as an administrator's shell would."""
        extra = {"stdin": subprocess.PIPE} if input is not None else {}
        process = self.start(*arguments, **extra, **options)
        out, err = process.communicate(None if input is None else input.encode(), timeout=60)
        return subprocess.CompletedProcess(
            arguments, process.returncode, (out or b"").decode(), (err or b"").decode()
        )


def write_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def make(directory: Path) -> XlHost:
    host = XlHost(directory / "libexec", directory / "sbin", directory / "real" / "xl")
    for folder in (host.folder, host.path, host.xl.parent):
        folder.mkdir()
    shutil.copy(front_under_test(), host.folder / "xl")
    host.front.symlink_to(host.folder / "xl")
    write_program(host.xl, TELLS)
    return host
