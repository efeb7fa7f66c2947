"""A booted Xen host of the full image: Debian with systemd in dom0 and in the guests."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace

from memctl_lab import debian
from memctl_lab.config import LabConfig
from memctl_lab.errors import LabError, LabTimeout
from memctl_lab.guest import Guest, GuestConfig
from memctl_lab.host import Lab
from memctl_lab.images import Images

HOST_MIB = 4096
GUEST_MIB = 256
DOM0_MIB = 1500
APT = "DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0"
INSTALL_TIMEOUT = 600
IN_DOM0 = ("libmemctl0", "memctl", "python3-memctl")
FRONT = "/usr/local/sbin/xl"
LIBXL = "/var/lib/xen"
#: Here apt, dpkg, man, the journal and libxl write, whatever is installed.
ELSEWHERE = ("/lab", "/tmp", "/var/cache", "/var/lib/apt", "/var/lib/dpkg", "/var/log", LIBXL)
FILES = (
    f"find / -xdev {' '.join(f'-path {path} -prune -o' for path in ELSEWHERE)} "
    "-path /etc/ld.so.cache -o -print | sort"
)
LISTED = "/tmp/files.before"
DISK = "phy:/dev/disk/by-id/virtio-"


class DebianLab(Lab):
    """A host as Debian sets it up: oxenstored, libvirtd, autoballoon and dom0's memory left to xl.

    memctl comes from its packages in /lab/packages, which the scenario installs.
    """

    def __init__(self) -> None:
        self._disks_used = 0
        super().__init__(
            LabConfig(
                memory_mib=HOST_MIB,
                dom0_memory_mib=None,
                autoballoon=None,
                boot_timeout=900,
            )
        )

    def build_images(self) -> Images:
        return debian.build(self.config)

    def install_memctl(self) -> None:
        """Installs memctl's packages in dom0, and links its front for xl, as the manual says."""
        list_files(self)
        packages = " ".join(f"/lab/packages/{name}_*.deb" for name in IN_DOM0)
        self.check(f"{APT} install {packages}", timeout=INSTALL_TIMEOUT)
        self.check(f"ln -s /usr/libexec/memctl/xl {FRONT}")

    def purge_memctl(self) -> None:
        self.check(f"rm {FRONT}")
        self.check(f"{APT} purge {' '.join(IN_DOM0)}", timeout=INSTALL_TIMEOUT)

    def set_dom0(self, mib: int) -> None:
        """Sets dom0's memory with xl, and waits until dom0 has it."""
        self.check(f"xl mem-set 0 {mib}")
        deadline = time.monotonic() + 120
        while abs(self.domains()[0].tot_kib // 1024 - mib) > 8:
            if time.monotonic() > deadline:
                raise LabTimeout(f"dom0 does not come to {mib} MiB")
            time.sleep(1)

    def boot_guests(self, wanted: Iterable[GuestConfig]) -> list[Guest]:
        """Boots Debian guests, each on a disk that no guest had before."""
        return super().boot_guests([self._with_disk(config) for config in wanted])

    def _with_disk(self, config: GuestConfig) -> GuestConfig:
        if self._disks_used == debian.GUESTS:
            raise LabError(f"a boot of this host has disks for {debian.GUESTS} guests")
        disk = f"{DISK}guest{self._disks_used}"
        self._disks_used += 1
        return replace(
            config,
            memory_mib=max(config.memory_mib, GUEST_MIB),
            kernel_options=f"root=/dev/xvdg ro {config.kernel_options}",
            extra_config=f'ramdisk = "/lab/initrd"\n'
            f'disk = ["{disk},xvdg,w", "{DISK}guestlab,xvdh,r"]\n{config.extra_config}',
        )

    def boot_again(self, guest: Guest) -> Guest:
        """Ends the guest, and boots it anew on its disk, with the memory that it was made with."""
        guest.check("sync", timeout=INSTALL_TIMEOUT)
        guest.destroy()
        return super().boot_guests([guest.config])[0]

    def create_guest_by_libvirt(self, name: str, type: str, maximum_mib: int) -> Guest:
        """Boots a guest of libvirt, and waits until it takes commands."""
        config = self._with_disk(GuestConfig(name=name, type=type, maxmem_mib=maximum_mib))
        path = f"/lab/{name}.xml"
        self.write_file(path, _domain_of_libvirt(config))
        guest = Guest(self, config)
        self.check(f"virsh --connect xen:/// create {path}", timeout=INSTALL_TIMEOUT)
        guest.refresh()
        self.guests[name] = guest
        guest.wait_until_ready()
        return guest


def list_files(machine: Lab | Guest) -> None:
    """Remembers which files there are in dom0 or in a guest."""
    machine.check(f"{FILES} >{LISTED}", timeout=INSTALL_TIMEOUT)


def new_files(machine: Lab | Guest) -> list[str]:
    """The files that are there since `list_files`."""
    command = f"{FILES} >{LISTED}.now; comm -13 {LISTED} {LISTED}.now"
    return machine.check(command, timeout=INSTALL_TIMEOUT).splitlines()


def _domain_of_libvirt(config: GuestConfig) -> str:
    system = "linux" if config.type == "pv" else "xenpvh"
    disks = "".join(
        f"<disk type='block' device='disk'><source dev='{path.removeprefix('phy:')}'/>"
        f"<target dev='{device}' bus='xen'/>{'<readonly/>' if mode == 'r' else ''}</disk>"
        for path, device, mode in re.findall(r'"(phy:[^,]*),(\w+),(\w)"', config.extra_config)
    )
    return f"""<domain type='xen'>
<name>{config.name}</name>
<memory unit='MiB'>{config.maxmem_mib}</memory>
<currentMemory unit='MiB'>{config.memory_mib}</currentMemory>
<vcpu>1</vcpu>
<os>
<type>{system}</type>
<kernel>/lab/vmlinux</kernel><initrd>/lab/initrd</initrd><cmdline>{config.command_line}</cmdline>
</os>
<on_crash>destroy</on_crash>
<devices>{disks}<console type='pty'><target type='xen'/></console></devices>
</domain>
"""
