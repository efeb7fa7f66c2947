"""The kernels that a guest can boot besides the lab's own: Debian's, and one that is built here."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from memctl_lab import kernel, packages
from memctl_lab.errors import LabError
from memctl_lab.packages import call, digest, locked

NO_HOTPLUG = "no-hotplug"
"""A kernel without CONFIG_XEN_BALLOON_MEMORY_HOTPLUG. No kernel of Debian lacks the option."""

OPTIONS = Path(__file__).resolve().parents[1] / "kernels" / "no-hotplug.config"


@dataclass(frozen=True)
class Simulated:
    """What the simulator has to know of a kernel."""

    release: str
    online_policy: str = "offline"
    hotplug: bool = True


@dataclass(frozen=True)
class Kernel:
    """A kernel. The suite of Debian that has it; None: the lab builds it."""

    suite: str | None
    simulated: Simulated


KERNELS = {
    "5.10": Kernel("bullseye", Simulated("5.10.223")),
    "6.1": Kernel("bookworm", Simulated("6.1.176")),
    "6.12": Kernel("trixie", Simulated("6.12.117", "online")),
    "7.2": Kernel("sid", Simulated("7.2.13", "online")),
    NO_HOTPLUG: Kernel(None, Simulated("6.1.176", hotplug=False)),
}
DEBIAN = [name for name in KERNELS if name != NO_HOTPLUG]


def image(cache: Path, name: str, compressed: bool = False) -> Path:
    """The kernel's file. If the cache lacks it, it is downloaded or built, which takes minutes.

    A kernel that is in the cache stays as it is. Remove the file to get a newer one.
    """
    if name not in KERNELS:
        raise LabError(f"there is no kernel {name!r}, only {', '.join(KERNELS)}")
    suite = KERNELS[name].suite
    key = name if suite else f"{name}-{digest(OPTIONS.read_text(encoding='utf-8'))}"
    directory = cache / "kernels" / key
    with locked(directory):
        target = directory / "vmlinuz"
        if not target.exists():
            scratch = target.with_suffix(".new")
            if suite:
                _download(cache, name, suite, scratch)
            else:
                _build(cache, scratch)
            scratch.rename(target)
        return target if compressed else kernel.plain(target, directory)


def _download(cache: Path, name: str, suite: str, target: Path) -> None:
    lists = packages.lists_of(cache, suite)
    package = packages.dependency(
        "linux-image-amd64", rf"linux-image-{re.escape(name)}[.-].*", lists
    )
    try:  # Debian's Linux 7.2 is in this package
        package = packages.dependency(package, r"linux-binary-.*", lists)
    except LabError:
        pass
    with packages.unpacked(cache, [package], lists) as root:
        (found,) = [*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz")]
        shutil.copyfile(found, target)


def _build(cache: Path, target: Path) -> None:
    """Builds the kernel from Debian's source with the named options, and nothing else."""
    package = packages.dependency("linux-source", r"linux-source-[0-9.]+")
    with packages.unpacked(cache, [package]) as root:
        (archive,) = root.glob("usr/src/linux-source-*.tar.xz")
        call(["tar", "--extract", "--file", str(archive)], f"unpacking {archive.name}", root)
        source = root / archive.name.removesuffix(".tar.xz")
        make = ["nice", "make", "--silent", f"--jobs={os.cpu_count()}"]
        call([*make, f"KCONFIG_ALLCONFIG={OPTIONS}", "allnoconfig"], "configuring a kernel", source)
        _check_options(source / ".config")
        failure = "building a kernel (needs bc, bison, flex and libelf-dev)"
        call([*make, "bzImage"], failure, source)
        shutil.copyfile(source / "arch/x86/boot/bzImage", target)


def _check_options(made: Path) -> None:
    """Linux says nothing if it leaves an option out because another option is missing."""
    have = set(made.read_text(encoding="utf-8").splitlines())
    named = OPTIONS.read_text(encoding="utf-8").splitlines()
    missing = [line for line in named if "CONFIG_" in line and line not in have]
    if missing:
        raise LabError(f"{OPTIONS.name} does not fit this kernel: it lacks {', '.join(missing)}")
