"""The two images: dom0's initramfs with this build, and in it the guests' initramfs."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from memctl_lab import kernel, libraries, tools
from memctl_lab.config import REPOSITORY, LabConfig, release, xl_configuration
from memctl_lab.cpio import Tree
from memctl_lab.errors import LabError
from memctl_lab.packages import (
    Packages,
    Release,
    digest,
    emulator,
    fetch,
    identity,
    lists_of,
    locked,
    unpacked,
)

ROOTFS = Path(__file__).resolve().parents[1] / "rootfs"
LIBRARY_DIRECTORY = "usr/lib/x86_64-linux-gnu"
KEPT_IMAGES = 6
# The order matters: xenfs before xen-privcmd leaves /proc/xen/privcmd without a driver.
DOM0_MODULES = (
    "xen-privcmd",
    "xenfs",
    "xen-evtchn",
    "xen-gntdev",
    "xen-gntalloc",
    "virtio_ring",
    "virtio",
    "virtio_pci_legacy_dev",
    "virtio_pci_modern_dev",
    "virtio_pci",
    "virtio_console",
)
DOM0_TOOLS = (
    "lab-dom0d",
    "lab-guest",
    "lab-journal",
    "lab-probe",
    "lab-rival",
    "lab-sparse",
    "lab-stopwatch",
)
XEN_PROGRAMS = (
    "xl",
    "xenconsoled",
    "xenconsole",
    "xen-init-dom0",
    "libxl-save-helper",
)


@dataclass(frozen=True)
class Disk:
    """A disk of the host. What a run writes to it is thrown away."""

    serial: str
    """The disk is /dev/disk/by-id/virtio-SERIAL."""
    file: Path


@dataclass(frozen=True)
class Images:
    """The files with which QEMU starts."""

    xen: Path
    kernel: Path
    initramfs: Path
    root_options: str
    """Where dom0's kernel finds its root."""
    disks: tuple[Disk, ...] = ()
    release: Release | None = None
    """What boots, if it comes from the lab's packages."""
    emulator: tuple[str, ...] = ("qemu-system-x86_64",)


def build(config: LabConfig) -> Images:
    """Brings packages, programs and images up to date."""
    if config.guests_of_32_bits and (config.cpus > 1 or config.other_agent is None):
        raise LabError("guests of 32 bits need a host with one processor, and an agent of i386")
    packages = fetch(config.cache, config.hvm)
    with locked(config.cache):
        programs = tools.build(config.cache)
        (config.cache / "images").mkdir(parents=True, exist_ok=True)
        linux = kernel.plain(packages.kernel, config.cache / "images")
        guest = _store(_guest_tree(config, packages, programs), config.cache / "images")
        tree = _dom0_tree(config, packages, programs)
        tree.file("lab/vmlinux", linux)
        tree.file("lab/guest.cpio", guest)
        if config.hvm:
            tree.file("lab/guest.cpio.gz", _compressed(guest))
        dom0 = _store(tree, config.cache / "images")
        xen = plain_xen(packages.one("boot/xen-[0-9]*-amd64.gz"), config.cache / "images")
        images = Images(xen, linux, dom0, "rootfstype=ramfs", release=packages.release)
    if config.guests_of_32_bits:
        command = (*emulator(config.cache), "-plugin", str(programs["lab-svm"]))
        return replace(images, emulator=command)
    return images


def _store(tree: Tree, directory: Path) -> Path:
    target = directory / f"{tree.key}.cpio"
    if target.exists():
        target.touch()
        return target
    scratch = target.with_suffix(".new")
    tree.write(scratch)
    scratch.rename(target)
    by_age = sorted(directory.glob("*.cpio"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[KEPT_IMAGES:]:
        old.unlink()
        old.with_suffix(".gz").unlink(missing_ok=True)
    return target


def _compressed(image: Path) -> Path:
    """The compressed image, because an hvm guest's firmware reads it byte by byte."""
    target = image.with_suffix(".gz")
    if not target.exists():
        scratch = target.with_suffix(".new")
        scratch.write_bytes(gzip.compress(image.read_bytes(), mtime=0))
        scratch.rename(target)
    return target


def plain_xen(source: Path, directory: Path) -> Path:
    """Xen's ELF file, because QEMU's multiboot loader does not read gzip."""
    target = directory / f"xen-{digest(identity(source))}"
    if not target.exists():
        scratch = target.with_suffix(".new")
        with gzip.open(source) as compressed, open(scratch, "wb") as plain:
            shutil.copyfileobj(compressed, plain)
        scratch.rename(target)
    return target


def _base_tree(
    packages: Packages, init: str, modules: tuple[str, ...] = (), xenstored: str = ""
) -> Tree:
    tree = Tree()
    for name in ("dev", "proc", "sys", "run", "tmp", "root", "sbin", "usr/sbin", "var/lib"):
        tree.directory(name)
    tree.device("dev/console", 5, 1)
    tree.device("dev/null", 1, 3)
    tree.symlink("var/run", "../run")
    tree.symlink("var/lock", "../run/lock")
    busybox = packages.one("bin/busybox")
    tree.file("bin/busybox", busybox)
    for applet in _applets(busybox):
        tree.symlink(f"bin/{applet}", "busybox")
    loaded = packages.modules(modules)
    for module, data in loaded.items():
        tree.data(f"lib/modules/{module}.ko", data)
    text = (ROOTFS / init).read_text(encoding="utf-8")
    text = text.replace("@MODULES@", " ".join(loaded)).replace("@XEN@", _installed_xen(packages))
    text = text.replace("@XENSTORED@", xenstored)
    tree.text("init", text, 0o755)
    tree.text("etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n")
    tree.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
    tree.text("etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    return tree


def _applets(busybox: Path) -> list[str]:
    output = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True)
    return [name for name in output.stdout.split() if name != "busybox"]


def _installed_xen(packages: Packages) -> str:
    return "/" + str(packages.xen.relative_to(packages.root))


def _guest_tree(config: LabConfig, packages: Packages, programs: dict[str, Path]) -> Tree:
    tree = _base_tree(packages, "guest-init")
    if config.guests_of_32_bits:
        programs = tools.build_for_i386(config.cache)
        tree.file("bin/busybox", _busybox_of_i386(config.cache))
    for name in tools.IN_GUESTS:
        tree.file(f"usr/sbin/{name}", programs[name])
    # Process 1 is no init, so libxl's shutdown and reboot call these commands.
    tree.text("sbin/poweroff", "#!/bin/sh\nexec busybox poweroff -f\n", 0o755)
    tree.text("sbin/reboot", "#!/bin/sh\nexec busybox reboot -f\n", 0o755)
    if config.agent.exists():
        tree.file("usr/sbin/memctl-agent", config.agent, 0o755)
    return tree


def _busybox_of_i386(cache: Path) -> Path:
    target = cache / "tools" / f"busybox-i386-{release()}"
    if not target.exists():
        lists = lists_of(cache, release(), "i386")
        with unpacked(cache, ["busybox-static"], lists) as root:
            (found,) = [*root.glob("bin/busybox"), *root.glob("usr/bin/busybox")]
            scratch = target.with_suffix(".new")
            shutil.copy(found, scratch)
            scratch.rename(target)
    return target


def _dom0_tree(config: LabConfig, packages: Packages, programs: dict[str, Path]) -> Tree:
    tree = _base_tree(packages, "dom0-init", DOM0_MODULES, config.xenstored)
    xen = _installed_xen(packages)
    programs_of_xen = (*XEN_PROGRAMS, config.xenstored)
    binaries = {f"{xen}/bin/{name}": packages.xen / "bin" / name for name in programs_of_xen}
    for client in sorted(packages.root.glob("usr/bin/xenstore*")):
        binaries[f"usr/bin/{client.name}"] = client
    for name in DOM0_TOOLS:
        binaries[f"usr/sbin/{name}"] = programs[name]
    binaries["usr/lib/lab-other-xen.so"] = programs["lab-other-xen"]
    if config.memctl.exists():
        binaries["usr/bin/memctl"] = config.memctl
        _add_xl_commands(tree, config, packages, binaries)
    if config.contract_test.exists():
        binaries["usr/bin/memctl-contract-test"] = config.contract_test
    if config.hvm:
        _add_device_model(tree, packages, binaries)
    if config.python:
        _add_python(tree, config, binaries)
    for path, source in binaries.items():
        tree.file(path, source, 0o755)
    _add_libraries(tree, config, packages, binaries)
    boots = ("hvmloader", "xen-shim") if config.shim else ("hvmloader",)
    for name in boots:
        tree.file(f"{xen}/boot/{name}", packages.xen / "boot" / name)
    tree.tree("etc/xen/scripts", packages.root / "etc/xen/scripts")
    tree.text("etc/xen/xl.conf", xl_configuration(config.autoballoon))
    if config.xenstored == "oxenstored":
        tree.file("etc/xen/oxenstored.conf", packages.root / "etc/xen/oxenstored.conf")
    tree.text("etc/profile", f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin:{xen}/bin\n")
    return tree


def _add_xl_commands(
    tree: Tree, config: LabConfig, packages: Packages, binaries: dict[str, Path]
) -> None:
    """Adds memctl's front and its commands of xl, and Debian's own /usr/sbin/xl."""
    wrapper = "usr/lib/xen-common/bin/xen-utils-wrapper"
    binaries[wrapper] = packages.root / wrapper
    tree.symlink("usr/sbin/xl", f"/{wrapper}")
    if config.xl_front.exists():
        binaries["usr/libexec/memctl/xl"] = config.xl_front
    for name in ("xl-mem-resize", "xl-mem-status", "xl-mem-doctor"):
        tree.symlink(f"usr/bin/{name}", "memctl")
        tree.symlink(f"usr/libexec/memctl/{name}", "../../bin/memctl")


def _add_libraries(
    tree: Tree, config: LabConfig, packages: Packages, binaries: dict[str, Path]
) -> None:
    directories = [packages.root / LIBRARY_DIRECTORY, config.build / "libmemctl"]
    # The commands load it by name when they write to the system's journal.
    journal = libraries.find("libsystemd.so.0", directories)
    found = libraries.resolve((*binaries.values(), journal), directories)
    found["libsystemd.so.0"] = journal
    # libc loads it by name when a thread is cancelled, and libxl cancels threads.
    found["libgcc_s.so.1"] = libraries.find("libgcc_s.so.1", directories)
    for name, path in found.items():
        loader = name.startswith("ld-linux")
        tree.file(f"lib64/{name}" if loader else f"{LIBRARY_DIRECTORY}/{name}", path, 0o755)


def _add_device_model(tree: Tree, packages: Packages, binaries: dict[str, Path]) -> None:
    tree.file("lab/vmlinuz", packages.kernel)  # the device model wants it compressed
    path = "usr/libexec/xen-qemu-system-i386"
    binaries[path] = packages.root / path
    share = packages.root / "usr/share"
    tree.tree("usr/share/qemu/keymaps", share / "qemu" / "keymaps")
    firmware = [share / "seabios" / name for name in ("bios-256k.bin", "vgabios-stdvga.bin")]
    for item in [*firmware, *(share / "qemu").glob("linuxboot*.bin")]:
        tree.file(str(item.relative_to(packages.root)), item)


#: Debian's Python packages for pytest and Ansible.
PYTHON_PACKAGES = (
    "_pytest",
    "pytest",
    "pluggy",
    "iniconfig",
    "packaging",
    "attr",
    "attrs",
    "ansible",
    "jinja2",
    "markupsafe",
    "yaml",
    "py",
    "py.py",
    "[Jj]inja2-*-info",  # Ansible looks for its version there
)


def _add_python(tree: Tree, config: LabConfig, binaries: dict[str, Path]) -> None:
    """Adds the interpreter, the package, its tests and examples, and their Debian packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    tree.symlink("usr/bin/python3", version)
    binaries[f"usr/bin/{version}"] = Path("/usr/bin", version)
    caches = ("__pycache__", ".mypy_cache", ".pytest_cache")
    without = (*caches, "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "pydoc_data")
    debian = Path("/usr/lib/python3/dist-packages")
    parts = {
        "usr/lib/locale/C.utf8": Path("/usr/lib/locale/C.utf8"),
        f"usr/lib/{version}": Path("/usr/lib", version),
        "usr/lib/python3/dist-packages/memctl": config.build / "bindings/python/package/memctl",
        **{
            f"usr/lib/python3/dist-packages/{found.name}": found
            for pattern in PYTHON_PACKAGES
            for found in debian.glob(pattern)
        },
        "root/memctl/tests/python": REPOSITORY / "tests" / "python",
        "root/memctl/docs/schema": REPOSITORY / "docs" / "schema",
        "root/memctl/examples/python": REPOSITORY / "examples" / "python",
    }
    tree.file("usr/bin/ansible-playbook", Path("/usr/bin/ansible-playbook"), 0o755)
    for path, source in parts.items():
        if source.is_file():
            tree.file(path, source)
            continue
        tree.tree(path, source, without if source.parent == Path("/usr/lib") else caches)
        for module in source.glob("**/*.so"):
            if module.name.startswith("_tkinter"):  # needs libraries of a desktop
                continue
            binaries[f"{path}/{module.relative_to(source)}"] = module
