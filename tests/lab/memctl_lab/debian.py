"""Debian as it installs itself: the full images of dom0 and of a guest, made by mmdebstrap.

Each image is an ext4 file system with systemd, made of Debian's packages alone. What belongs to the
lab and to this build is on a disk of its own, mounted at /lab: so a change of memctl makes no image
anew. No run changes an image, because QEMU writes what a run changes to a file that it throws away.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memctl_lab import images, kernel, tools
from memctl_lab.config import LabConfig, release
from memctl_lab.errors import LabError
from memctl_lab.images import Disk, Images
from memctl_lab.packages import call, digest, dependency, fetch, identity, locked

GUESTS = 8
"""How many guests a boot can make. Each has a disk of its own."""
INCLUDE = {
    "dom0": (
        "initramfs-tools",
        "linux-image-amd64",
        "xen-system-amd64",
        "qemu-system-xen",
        "seabios",
        "ipxe-qemu",
        "libvirt-daemon-system",
        "libvirt-daemon-driver-xen",
        "libvirt-clients",
        "man-db",
    ),
    "guest": (),
}
EVERYWHERE = ("systemd-sysv", "udev", "dbus")
#: What memctl's packages depend on, by Debian's -dev package. apt has no network in the host.
NEEDED_BY_MEMCTL = {
    "libabsl-dev": r"libabsl[0-9]+\w*",
    "libprotobuf-dev": r"libprotobuf-lite[0-9]+\w*",
}
IMAGE_MIB = {"dom0": 2048, "guest": 768}
#: What only takes time in a host that lives for minutes. Nothing here is of Xen or libvirt.
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "logrotate.timer",
    "man-db.timer",
)
#: The initramfs is dom0's and the guests'. It has what finds their roots and no more.
INITRAMFS = {
    "etc/initramfs-tools/conf.d/lab": "MODULES=list",
    "usr/share/initramfs-tools/modules.d/lab": "virtio_pci virtio_blk xen-blkfront ext4",
}
CUSTOMIZE = Path(__file__).resolve().parents[1] / "rootfs" / "debian-customize"
#: Commands of busybox that Debian's minimal system lacks.
APPLETS = ("killall", "usleep")


@dataclass(frozen=True)
class _Root:
    """A root file system, and the files of its /boot."""

    image: Path
    boot: Path

    def one(self, pattern: str) -> Path:
        (found,) = self.boot.glob(pattern)
        return found


def build(config: LabConfig) -> Images:
    """Brings the images up to date. Making both takes two to five minutes."""
    packages = fetch(config.cache)
    with locked(config.cache):
        programs = tools.build(config.cache)
        directory = config.cache / "debian"
        directory.mkdir(parents=True, exist_ok=True)
        dom0, guest = _root(directory, "dom0"), _root(directory, "guest")
        compressed = dom0.one("vmlinuz-*")
        linux = kernel.plain(compressed, dom0.boot)
        shared = {
            **{f"bin/{name}": path for name, path in programs.items()},
            "bin/busybox": packages.one("bin/busybox"),
            "vmlinux": linux,
            "vmlinuz": compressed,
            "initrd": dom0.one("initrd.img-*"),
            **{f"packages/{deb.name}": deb for deb in _debs(config)},
        }
        lab = _lab_disk(directory, shared)
        guests = tuple(Disk(f"guest{number}", guest.image) for number in range(GUESTS))
        return Images(
            images.plain_xen(dom0.one("xen-[0-9]*-amd64.gz"), dom0.boot),
            linux,
            dom0.one("initrd.img-*"),
            "root=/dev/vda ro",
            (Disk("root", dom0.image), Disk("lab", lab), Disk("guestlab", lab), *guests),
        )


def _included(name: str) -> list[str]:
    needed = [dependency(package, pattern) for package, pattern in NEEDED_BY_MEMCTL.items()]
    return [*EVERYWHERE, *INCLUDE[name], *(needed if name == "dom0" else ())]


def _root(directory: Path, name: str) -> _Root:
    """The root file system `dom0` or `guest`.

    One that is in the cache is never renewed for newer packages. Remove it to have it made anew.
    """
    included = _included(name)
    key = digest(release(), included, MASKED, INITRAMFS, CUSTOMIZE.read_text(encoding="utf-8"))
    target = directory / f"{name}-{release()}-{key}"
    if not target.exists():
        for old in directory.glob(f"{name}-{release()}-*"):
            shutil.rmtree(old)
        with _scratch(directory) as scratch:
            _make(scratch, name, included)
            (scratch / "made").rename(target)
    return _Root(target / "root.ext4", target / "boot")


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=directory, prefix="new-") as scratch:
        yield Path(scratch)


def _make(scratch: Path, name: str, included: list[str]) -> None:
    archive, made = scratch / "root.tar", scratch / "made"
    configured = "; ".join(
        f"echo {words} | tr ' ' '\\n' | install -D -m 644 /dev/stdin \"$1/{path}\""
        for path, words in INITRAMFS.items()
    )
    call(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(included)}"),
            f"--essential-hook={configured}",
            f"--customize-hook=sh {CUSTOMIZE} {name} '{' '.join(MASKED)}' \"$1\"",
            *(release(), str(archive)),
        ],
        f"making the root file system of {name} (needs mmdebstrap)",
    )
    (made / "boot").mkdir(parents=True)
    (scratch / "root").mkdir()
    image = made / "root.ext4"
    # The file system has to hold the owners of the files. Without root, a namespace has them.
    as_root = ["unshare", "--user", "--map-root-user", "--map-auto"] if os.geteuid() else []
    command = f"""set -e
        tar --extract --numeric-owner --file {archive} --directory {scratch}/root
        cp -r {scratch}/root/boot/. {made}/boot
        mkfs.ext4 -q -d {scratch}/root {image} {IMAGE_MIB[name]}M
        rm -rf {scratch}/root"""
    call([*as_root, "sh", "-c", command], f"making the image of {name}")


def _debs(config: LabConfig) -> list[Path]:
    debs = [path for path in sorted(config.debs.glob("*.deb")) if "-dbgsym_" not in path.name]
    if not debs:
        raise LabError(f"there are no packages in {config.debs}: run scripts/package")
    return debs


def _lab_disk(directory: Path, files: dict[str, Path]) -> Path:
    """The disk with the lab's tools, the kernel for guests, and memctl's packages."""
    key = digest([(name, identity(path)) for name, path in files.items()], APPLETS)
    target = directory / f"lab-{key}.ext4"
    if target.exists():
        return target
    for old in directory.glob("lab-*.ext4"):
        old.unlink()
    with _scratch(directory) as scratch:
        tree = scratch / "tree"
        for name, source in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)
        for applet in APPLETS:
            (tree / "bin" / applet).symlink_to("busybox")
        (agent,) = (tree / "packages").glob("memctl-agent_*.deb")
        _add_newer(agent, scratch)
        image = scratch / target.name
        call(
            ["mkfs.ext4", "-q", "-E", "root_owner=0:0", "-d", str(tree), str(image), "512M"],
            "making the lab's disk",
        )
        image.rename(target)
    return target


def _add_newer(package: Path, scratch: Path) -> None:
    """Puts a package of a higher version into the directory `newer` beside this package."""
    tree, control = scratch / "newer", scratch / "newer" / "DEBIAN" / "control"
    call(["dpkg-deb", "--raw-extract", str(package), str(tree)], f"unpacking {package.name}")
    fields = control.read_text(encoding="utf-8")
    control.write_text(re.sub(r"(?m)^(Version: .*)$", r"\1+newer1", fields), encoding="utf-8")
    (package.parent / "newer").mkdir()
    command = ["dpkg-deb", "--root-owner-group", "--build", str(tree), f"{package.parent}/newer"]
    call(command, f"making a newer {package.name}")
