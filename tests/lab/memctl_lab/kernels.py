"""The kernels that a guest can boot besides the lab's own: Debian's, and two built here."""

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

BITS_32 = "32-bit"
"""A kernel of 32 bits with Xen's memory hotplug. No kernel of Debian has the option on i386."""

OPTIONS = Path(__file__).resolve().parents[1] / "kernels"


@dataclass(frozen=True)
class Recipe:
    """How the lab builds a kernel from Debian's source. Its options are in kernels/NAME.config."""

    source: str
    """The name, as a pattern, of the package that linux-source depends on."""
    suite: str | None = None
    """Debian's release that has the package. None: this machine's."""
    architecture: str = "x86_64"
    changed: tuple[str, str, str] | None = None
    """A file of the source, a text in it, and the text that takes its place."""


@dataclass(frozen=True)
class Simulated:
    """What the simulator has to know of a kernel."""

    release: str
    online_policy: str = "offline"
    hotplug: bool = True
    bits: int = 64


@dataclass(frozen=True)
class Kernel:
    """A kernel: the suite of Debian that has it, or how the lab builds it."""

    origin: str | Recipe
    simulated: Simulated


KERNELS = {
    "5.10": Kernel("bullseye", Simulated("5.10.223")),
    "6.1": Kernel("bookworm", Simulated("6.1.176")),
    "6.12": Kernel("trixie", Simulated("6.12.117", "online")),
    "7.2": Kernel("sid", Simulated("7.2.13", "online")),
    NO_HOTPLUG: Kernel(Recipe(r"linux-source-[0-9.]+"), Simulated("6.1.176", hotplug=False)),
    BITS_32: Kernel(
        Recipe(
            r"linux-source-5\.10",
            "bullseye",
            "i386",
            # Linux 5.10 marks memory hotplug as broken on 32 bits, but still has its code.
            ("mm/Kconfig", "depends on 64BIT || BROKEN", "depends on 64BIT || X86_32"),
        ),
        Simulated("5.10.223", bits=32),
    ),
}
DEBIAN = [name for name, kernel in KERNELS.items() if isinstance(kernel.origin, str)]


def image(cache: Path, name: str, compressed: bool = False) -> Path:
    """The kernel's file. If the cache lacks it, it is downloaded or built, which takes minutes.

    A kernel that is in the cache stays as it is. Remove the file to get a newer one.
    """
    if name not in KERNELS:
        raise LabError(f"there is no kernel {name!r}, only {', '.join(KERNELS)}")
    origin = KERNELS[name].origin
    options = OPTIONS / f"{name}.config"
    key = name
    if isinstance(origin, Recipe):
        key += f"-{digest(options.read_text(encoding='utf-8'), origin)}"
    directory = cache / "kernels" / key
    with locked(directory):
        target = directory / "vmlinuz"
        if not target.exists():
            scratch = target.with_suffix(".new")
            if isinstance(origin, Recipe):
                _build(cache, origin, options, scratch)
            else:
                _download(cache, name, origin, scratch)
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


def _build(cache: Path, recipe: Recipe, options: Path, target: Path) -> None:
    """Builds the kernel from Debian's source with the named options, and nothing else."""
    lists = packages.lists_of(cache, recipe.suite) if recipe.suite else ()
    package = packages.dependency("linux-source", recipe.source, lists)
    with packages.unpacked(cache, [package], lists) as root:
        (archive,) = root.glob("usr/src/linux-source-*.tar.xz")
        call(["tar", "--extract", "--file", str(archive)], f"unpacking {archive.name}", root)
        source = root / archive.name.removesuffix(".tar.xz")
        if recipe.changed:
            _change(source, *recipe.changed)
        make = ["nice", "make", "--silent", f"ARCH={recipe.architecture}"]
        make.append(f"--jobs={os.cpu_count()}")
        call([*make, f"KCONFIG_ALLCONFIG={options}", "allnoconfig"], "configuring a kernel", source)
        _check_options(source / ".config", options)
        failure = "building a kernel (needs bc, bison, flex and libelf-dev)"
        call([*make, "bzImage"], failure, source)
        shutil.copyfile(source / "arch/x86/boot/bzImage", target)


def _change(source: Path, name: str, old: str, new: str) -> None:
    file = source / name
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise LabError(f"{name} of this kernel lacks {old!r}")
    file.write_text(text.replace(old, new), encoding="utf-8")


def _check_options(made: Path, options: Path) -> None:
    """Linux says nothing if it leaves an option out because another option is missing."""
    have = set(made.read_text(encoding="utf-8").splitlines())
    named = options.read_text(encoding="utf-8").splitlines()
    missing = [line for line in named if "CONFIG_" in line and line not in have]
    if missing:
        raise LabError(f"{options.name} does not fit this kernel: it lacks {', '.join(missing)}")
