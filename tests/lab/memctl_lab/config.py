"""The configuration of a boot of the lab."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def default_build() -> Path:
    """The build that the lab boots: MEMCTL_BUILD, or the preset `release`."""
    return Path(os.environ.get("MEMCTL_BUILD") or REPOSITORY / "build" / "release").resolve()


def default_cache() -> Path:
    """The directory of packages and images: MEMCTL_LAB_CACHE, or `build/lab`."""
    return Path(os.environ.get("MEMCTL_LAB_CACHE") or REPOSITORY / "build" / "lab").resolve()


def release() -> str:
    """The codename of this machine's release of Debian, such as bookworm. Empty: it has none."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "")


def xl_configuration(autoballoon: bool | None) -> str:
    """/etc/xen/xl.conf. None: as Debian ships it, which leaves autoballoon to xl."""
    if autoballoon is None:
        return '#autoballoon="auto"\n'
    return f'autoballoon="{int(autoballoon)}"\n'


@dataclass(frozen=True)
class LabConfig:
    """One boot. Two boots of equal configurations are interchangeable."""

    memory_mib: int = 6144
    cpus: int = 1
    """On two cores, two hosts with one processor each need half the time of one host with two. The
    two processors of one host wait for each other, and for the guest that both want to run."""
    numa_nodes: int = 1
    """With several, each node has one processor and an equal part of the memory. As many processors
    as nodes."""
    dom0_memory_mib: int | None = 1024
    """None: no dom0_mem on Xen's command line, so dom0 begins with all of the host's memory."""
    xen_options: str = ""
    dom0_options: str = ""
    autoballoon: bool | None = False
    xenstored: str = "xenstored"
    """The program that is xenstore: `xenstored`, or `oxenstored`, which Debian starts."""
    hvm: bool = False
    """Adds hvm's device model to dom0, some 100 MB. So only scenarios that need it set this."""
    shim: bool = False
    """Adds Xen's shim to dom0, 6 MB: a small Xen that runs a pv guest inside a pvh domain."""
    python: bool = False
    """Adds the build machine's Python 3, memctl's package, its tests and examples: 100 MB."""
    other_agent: Path | None = None
    """The guests' agent, instead of the one of the build."""
    guests_of_32_bits: bool = False
    """The guests' programs are i386's, and QEMU is one on which a kernel of 32 bits boots. Needs
    `other_agent`, and one processor, because the plugin of QEMU has no locks."""
    boot_timeout: float = 300.0
    build: Path = field(default_factory=default_build)
    cache: Path = field(default_factory=default_cache)

    @property
    def memctl(self) -> Path:
        """The command line program; it need not exist."""
        return self.build / "cli" / "memctl"

    @property
    def xl_front(self) -> Path:
        """memctl's front for xl; it need not exist."""
        return self.build / "cli" / "front" / "xl"

    @property
    def agent(self) -> Path:
        """The guest's daemon, a static binary; it need not exist."""
        return self.other_agent or self.build / "agent" / "memctl-agent"

    @property
    def contract_test(self) -> Path:
        """The contract of the host's port; it need not exist."""
        return self.build / "tests" / "contract" / "memctl-contract-test"

    @property
    def debs(self) -> Path:
        """memctl's Debian packages for this machine's release, as scripts/package leaves them."""
        return REPOSITORY / "build" / "packages" / release()
