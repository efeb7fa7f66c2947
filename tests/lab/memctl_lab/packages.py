"""Debian packages, unpacked into a cache and not installed: no root needed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import lzma
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memctl_lab.errors import LabError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HVM_PACKAGES = ("qemu-system-xen", "seabios", "qemu-system-data", "ipxe-qemu")


@dataclass(frozen=True)
class Release:
    """Xen and Linux, e.g. "4.17" and "6.1"."""

    xen: str
    linux: str

    def __str__(self) -> str:
        return f"Xen {self.xen}, Linux {self.linux}"


@dataclass(frozen=True)
class Packages:
    """An unpacked set of packages."""

    root: Path
    versions: dict[str, str]

    def one(self, pattern: str) -> Path:
        """The only file below the root, or below its usr, that matches `pattern`.

        Debian 12 has programs and kernel modules outside usr, Debian 13 has them inside.
        """
        found = sorted([*self.root.glob(pattern), *self.root.glob(f"usr/{pattern}")])
        if len(found) != 1:
            raise LabError(f"expected one {pattern} in the Debian packages, found {len(found)}")
        return found[0]

    @property
    def xen(self) -> Path:
        """The directory of this Xen release's programs, e.g. ROOT/usr/lib/xen-4.17."""
        return self.one("usr/lib/xen-[0-9]*")

    @property
    def kernel(self) -> Path:
        return self.one("boot/vmlinuz-*")

    def modules(self, names: Iterable[str]) -> dict[str, bytes]:
        """Those of the kernel modules that the kernel does not have built in."""
        directory = self.one("lib/modules/*")
        builtin = (directory / "modules.builtin").read_text(encoding="utf-8").splitlines()
        known = {Path(line).stem for line in builtin}
        found = {}
        for name in names:
            if name in known:
                continue
            plain = next(directory.glob(f"kernel/**/{name}.ko"), None)
            compressed = next(directory.glob(f"kernel/**/{name}.ko.xz"), None)
            if plain is not None:
                found[name] = plain.read_bytes()
            elif compressed is not None:
                found[name] = lzma.decompress(compressed.read_bytes())
            else:
                raise LabError(f"{self.kernel.name} has no module {name}")
        return found

    @property
    def release(self) -> Release:
        return _release_of(self.versions)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keeps two runs from filling one cache at the same time."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch(cache: Path, hvm: bool = False) -> Packages:
    """The packages of the lab. Downloads those that the cache lacks."""
    with locked(cache):
        names = _names(cache)
        base = _fetch_set(cache, "base", names)
        return _fetch_set(cache, "hvm", [*names, *HVM_PACKAGES]) if hvm else base


def wanted(cache: Path) -> dict[str, str]:
    """The packages that a boot would use now, hvm's included, with their versions."""
    return _candidates([*_names(cache), *HVM_PACKAGES])


def versions_to_boot(cache: Path) -> Release:
    """The Xen and the Linux that a boot would use now."""
    return _release_of(_names(cache))


def _release_of(names: Iterable[str]) -> Release:
    text = " ".join(names)
    xen = re.search(r"xen-hypervisor-(\d+\.\d+)", text)
    linux = re.search(r"linux-image-(\d+\.\d+)", text)
    assert xen and linux, text
    return Release(xen[1], linux[1])


def _names(cache: Path) -> list[str]:
    """Follows Debian's metapackages to the Xen release and the kernel of this machine's release."""
    try:
        hypervisor = dependency("xen-system-amd64", r"xen-hypervisor-[0-9.]+-amd64")
        kernel = dependency("linux-image-amd64", r"linux-image-[0-9].*")
    except LabError:
        known = _load(cache / "packages" / "base")
        if known is None:
            raise
        return list(known.versions)
    release = hypervisor.split("-")[2]
    return [
        hypervisor,
        f"xen-utils-{release}",
        f"libxenmisc{release}",
        "xen-utils-common",
        "xenstore-utils",
        kernel,
        "busybox-static",
    ]


def _mirror() -> str:
    """Where this machine's apt has Debian's packages from."""
    debian = ("Created-By: Packages", "Origin: Debian", "Label: Debian")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", *debian]
    mirrors = call(command, "apt does not tell its mirrors").split()
    if not mirrors:
        raise LabError("apt knows no mirror of Debian; has `apt-get update` been run?")
    return mirrors[0]


def lists_of(cache: Path, suite: str, architecture: str = "amd64") -> tuple[str, ...]:
    """Fetches the package lists of another release of Debian. Returns apt's options for them."""
    directory = cache / "apt" / (suite if architecture == "amd64" else f"{suite}-{architecture}")
    (directory / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    source = directory / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n", encoding="utf-8")
    settings: dict[str, object] = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "Dir::Etc::SourceList": source,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": directory / "lists",
        "Dir::State::Status": "/dev/null",
        "Dir::Cache": directory,
        # A mirror may stand still for weeks. What it has is signed all the same.
        "Acquire::Check-Valid-Until": "false",
    }
    options = tuple(f"--option={name}={value}" for name, value in settings.items())
    with locked(directory):
        call(["apt-get", "update", *options], f"fetching the package lists of Debian's {suite}")
    return options


@contextmanager
def unpacked(cache: Path, names: list[str], options: Sequence[str] = ()) -> Iterator[Path]:
    """The files of packages, which are removed afterwards."""
    with tempfile.TemporaryDirectory(dir=cache, prefix="unpacked-") as directory:
        _unpack(names, Path(directory), options)
        yield Path(directory) / "root"


def dependency(package: str, pattern: str, options: Sequence[str] = ()) -> str:
    """The name of the package on which another package depends."""
    command = ["apt-cache", *options, "depends", "--important", package]
    output = call(command, f"apt does not know {package}")
    match = re.search(rf"Depends: ({pattern})$", output, re.MULTILINE)
    if match is None:
        raise LabError(f"{package} does not depend on {pattern}; has `apt-get update` been run?")
    return match.group(1)


def emulator(cache: Path) -> tuple[str, ...]:
    """The command of the QEMU of Debian's sid, with every library that it needs.

    One that is in the cache stays as it is. Remove its folder to get a newer one.
    """
    target = cache / "packages" / "qemu-sid"
    with locked(target.parent):
        if not target.exists():
            lists = lists_of(cache, "sid")
            names = _with_all_that_it_needs("qemu-system-x86", lists)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix="new-") as directory:
                _unpack(names, Path(directory), lists)
                (Path(directory) / "root").rename(target)
    usr = target / "usr"
    return (
        str(usr / "lib64/ld-linux-x86-64.so.2"),
        *("--library-path", str(usr / "lib/x86_64-linux-gnu")),
        str(usr / "bin/qemu-system-x86_64"),
        *("-L", str(usr / "share/qemu"), "-L", str(usr / "share/seabios")),
    )


def _with_all_that_it_needs(package: str, options: Sequence[str]) -> list[str]:
    """The packages that a system without any would have to install."""
    command = ["apt-get", *options, "--option=Debug::NoLocking=1", "--yes", "--print-uris"]
    output = call([*command, "--no-install-recommends", "install", package], f"apt on {package}")
    return re.findall(r"^'\S+' ([^_ ]+)_", output, re.MULTILINE)


def _fetch_set(cache: Path, name: str, names: list[str]) -> Packages:
    target = cache / "packages" / name
    known = _load(target)
    try:
        wanted = _candidates(names)
    except LabError:
        if known is not None and set(known.versions) == set(names):
            return known
        raise
    if known is not None and known.versions == wanted:
        return known
    scratch = target.with_suffix(".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    _unpack([f"{package}={version}" for package, version in wanted.items()], scratch)
    (scratch / "versions.json").write_text(json.dumps(wanted, indent=1), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)
    return Packages(target / "root", wanted)


def _load(target: Path) -> Packages | None:
    try:
        text = (target / "versions.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return Packages(target / "root", json.loads(text))


def _candidates(names: list[str]) -> dict[str, str]:
    output = call(["apt-cache", "policy", *names], "apt-cache policy failed")
    found = re.findall(r"^(\S+):\n.*\n\s+Candidate: (\S+)$", output, re.MULTILINE)
    versions = {name: version for name, version in found if version != "(none)"}
    missing = [name for name in names if name not in versions]
    if missing:
        raise LabError(f"apt does not know {', '.join(missing)}; has `apt-get update` been run?")
    return {name: versions[name] for name in names}


def _unpack(specifications: list[str], scratch: Path, options: Sequence[str] = ()) -> None:
    command = ["apt-get", *options, "download", *specifications]
    call(command, "downloading Debian packages failed", scratch)
    (scratch / "root").mkdir()
    for package in sorted(scratch.glob("*.deb")):
        call(["dpkg", "-x", str(package), str(scratch / "root")], f"unpacking {package.name}")
        package.unlink()


def call(command: list[str], failure: str, directory: Path | None = None) -> str:
    """Runs a command that has to succeed; returns its output."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"{failure}: {command[0]} is not installed") from error
    if done.returncode != 0:
        lines = (done.stderr.strip() or "no message").splitlines()
        raise LabError(f"{failure}: {lines[-1]}")
    return done.stdout


def digest(*parts: object) -> str:
    """A short key for a set of inputs."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def identity(path: Path) -> tuple[str, int, int]:
    """A value that changes when the file changes."""
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns
