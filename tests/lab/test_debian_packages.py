"""memctl from its Debian packages, in a dom0 and in guests as Debian makes them, with systemd.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from memctl_lab import Guest
from memctl_lab.checks import check_sound
from memctl_lab.debian_host import (
    APT,
    DOM0_MIB,
    INSTALL_TIMEOUT,
    DebianLab,
    list_files,
    new_files,
)
from memctl_lab.memctl import doctor, resize, status

pytestmark = pytest.mark.full

MIB = 1024
AGENT = "/lab/packages/memctl-agent_*.deb"
NEWER_AGENT = "/lab/packages/newer/memctl-agent_*.deb"


@pytest.fixture(scope="module", params=["pv", "pvh", "hvm"])
def guest(debian: DebianLab, request: pytest.FixtureRequest) -> Iterator[Guest]:
    """A guest of 256 MiB in which apt has installed the agent. Nothing else of memctl is in it.

    The scenarios share it, because Debian takes long to boot under emulation.
    """
    guest = debian.create_guest(f"debian-{request.param}", request.param)
    list_files(guest)
    install(guest, AGENT)
    yield guest
    guest.destroy()


def install(guest: Guest, package: str) -> None:
    guest.check(f"{APT} install {package}", timeout=INSTALL_TIMEOUT)
    guest.wait_for_agent()


def size_is(guest: Guest, mib: int) -> None:
    """By Xen's count, and by what the guest's kernel has and its blocks are."""
    domain, facts = guest.domain(), guest.facts()
    assert domain is not None and abs(domain.tot_kib - mib * MIB) <= MIB
    assert not facts.offline_blocks
    # The kernel keeps some memory for itself, more in a larger guest.
    assert mib * 0.8 < facts.mem_total_kib / MIB <= mib, facts.mem_total_kib


def test_xl_mem_resize_grows_a_guest_past_its_boot_limit(debian: DebianLab, guest: Guest) -> None:
    found = doctor(debian, guest)
    print(f"{guest.name}: {found.faults}")
    assert found.status == 0

    assert guest.snapshot().limit_kib == 256 * MIB
    done = debian.run(f"xl mem-resize {guest.name} 1g")
    assert done.status == 0, done.stderr
    print(debian.check("export COLUMNS=80; memctl status; xl mem-status; memctl doctor; xl list"))
    size_is(guest, 1024)

    assert debian.run(f"xl mem-resize {guest.name} 300").status == 0
    domain = guest.domain()
    assert domain is not None and abs(domain.tot_kib - 300 * MIB) <= MIB
    assert doctor(debian, guest).status == 0
    check_sound(guest)


def test_what_dom0_has_no_guest_can_get(debian: DebianLab, guest: Guest) -> None:
    """dom0 has most memory, as after an installation. The refusal names the size that works."""
    free = debian.facts().free_pages * 4 // MIB
    debian.set_dom0(DOM0_MIB + free - 600)
    try:
        refused = resize(guest, "3g")
        assert refused.ending == (3, "refused", "host_memory"), refused.told
        largest = refused.report["range"]["largest"]["size_kib"]
        print(refused.report["message"])
        assert 300 * MIB < largest < 1000 * MIB
        before = guest.snapshot()
        assert resize(guest, f"{largest + 4}k").ending == (3, "refused", "host_memory")
        assert guest.snapshot() == before
        done = resize(guest, f"{largest}k")
        assert done.ending == (0, "verified", None), done.told
    finally:
        debian.set_dom0(DOM0_MIB)
    assert resize(guest, "300m").ending == (0, "verified", None)
    check_sound(guest)


def main_process(guest: Guest) -> str:
    return guest.check("systemctl show --property MainPID --value memctl-agent").strip()


#: The kernel lets root write these without a capability. The first names a program that the kernel
#: runs as root, outside of any sandbox.
OTHERS_FILES = ("/proc/sys/kernel/core_pattern", "/sys/power/state")


def may_write(guest: Guest, pid: str, path: str) -> bool:
    """Whether the file can be opened for writing as the process sees it. Nothing is written.

    The shell that opens it has all capabilities, so only the process's mounts can refuse it.
    """
    return guest.run(f": >>/proc/{pid}/root{path}").status == 0


def check_sandbox(guest: Guest, pid: str) -> None:
    """Checks the process's view of files and of other processes; process 1 has the guest's."""
    for path in OTHERS_FILES:
        assert may_write(guest, "1", path) and not may_write(guest, pid, path), path
    # A guest without this kernel module has no such file. Debian mounts it at its first use.
    assert not may_write(guest, pid, "/proc/sys/fs/binfmt_misc/register")
    assert may_write(guest, pid, "/sys/devices/system/memory/auto_online_blocks")
    # The last line of a path is the mount on top.
    lines = guest.check(f"cut -d ' ' -f 5,6 /proc/{pid}/mountinfo").splitlines()
    mounts = {path: options.split(",") for path, options in (line.split(" ") for line in lines)}
    print(mounts)
    writable = {path for path, options in mounts.items() if "rw" in options}
    memory = "/sys/devices/system/memory"
    assert writable == {"/proc", "/run/memctl-agent", memory, "/tmp", "/var/tmp"}
    executable = {path for path, options in mounts.items() if "noexec" not in options}
    assert "/usr/sbin/memctl-agent" in executable
    assert executable <= {"/usr/sbin/memctl-agent", "/usr/lib", "/usr/lib32", "/usr/lib64"}
    assert guest.run("/proc/1/root/bin/true").status == 0
    assert guest.run(f"/proc/{pid}/root/bin/true").status != 0
    assert "hidepid=ptraceable" in guest.check(f"grep ' /proc ' /proc/{pid}/mountinfo")
    names = ("MemoryMax", "RestrictAddressFamilies", "TasksMax")
    shown = guest.check(f"systemctl show memctl-agent --property {','.join(names)}")
    assert sorted(shown.split()) == [
        f"MemoryMax={256 * MIB * 1024}",
        "RestrictAddressFamilies=AF_NETLINK",
        "TasksMax=4",
    ]


def test_a_starving_guest_grows_with_the_agents_unit_in_its_sandbox(guest: Guest) -> None:
    guest.check("systemctl is-active memctl-agent && systemctl is-enabled memctl-agent")
    print(guest.check("systemctl status --no-pager memctl-agent"))
    pid = main_process(guest)
    process = dict(
        line.split(":\t", 1) for line in guest.check(f"cat /proc/{pid}/status").splitlines()
    )
    assert process["Name"] == "memctl-agent"
    assert (process["Seccomp"], process["NoNewPrivs"]) == ("2", "1")
    assert int(process["CapEff"], 16) == int(process["CapBnd"], 16) == 0
    for namespace in ("mnt", "net"):
        own, init = guest.check(
            f"readlink /proc/{pid}/ns/{namespace} /proc/1/ns/{namespace}"
        ).split()
        assert own != init
    check_sandbox(guest, pid)

    rated = guest.check("systemd-analyze security --no-pager memctl-agent")
    exposure = re.search(r"Overall exposure level for memctl-agent.service: ([0-9.]+)", rated)
    assert exposure is not None, rated
    print(exposure.group(0))
    assert float(exposure.group(1)) < 2.0, rated

    guest.hold_memory(guest.facts().mem_available_kib // MIB - 12)
    left = guest.facts().mem_available_kib
    print(f"{guest.name}: {left} KiB left")
    assert left < 16 * MIB
    grows(guest, pid)
    guest.release_memory()
    assert resize(guest, "300m").ending == (0, "verified", None)

    # Without what it keeps of its files, Debian would answer nobody. So 5 MiB are free beside that.
    for _ in range(5):  # it gives up some of its files meanwhile
        guest.leave_free(5)
        free = guest.facts().mem_free_kib
        if free < 8 * MIB:
            break
    print(f"{guest.name}: {free} KiB free")
    assert free < 8 * MIB
    grows(guest, pid)
    guest.check("umount /fill && rmdir /fill")
    assert resize(guest, "300m").ending == (0, "verified", None)


def grows(guest: Guest, pid: str) -> None:
    """The guest grows to 1 GiB, and its agent, the process `pid`, is reloaded."""
    done = resize(guest, "1g")
    assert done.ending == (0, "verified", None), done.told
    size_is(guest, 1024)
    guest.check("systemctl reload memctl-agent")
    assert main_process(guest) == pid
    check_sound(guest)


HOTADD = "/etc/udev/rules.d/40-hotadd.rules"
HOTADD_RULES = """\
SUBSYSTEM=="memory", ACTION=="add", TEST=="state", ATTR{state}!="online", \\
  ATTR{state}="online_movable"
SUBSYSTEM=="cpu", ACTION=="add", RUN+="/bin/touch /run/cpu-was-added"
"""
POLICY = "/sys/devices/system/memory/auto_online_blocks"


def test_a_udev_rule_is_mended_and_the_one_for_processors_stays(
    debian: DebianLab, guest: Guest
) -> None:
    """udev alone brings the blocks online here: no agent runs, and the kernel does nothing."""
    size_mib = guest.snapshot().target_kib // MIB
    policy = guest.check(f"cat {POLICY}").strip()
    guest.check(f"printf %s {shlex.quote(HOTADD_RULES)} >{HOTADD}")
    guest.check("udevadm control --reload && systemctl restart memctl-agent")
    guest.wait_for_agent()
    found = doctor(debian, guest).finding("udev_rule", guest)
    assert found["severity"] == "bad" and HOTADD in found["message"]
    guest.check(found["remedy"].removeprefix("in the guest: "))
    guest.wait_for_agent()
    assert doctor(debian, guest).finding("udev_rule", guest)["severity"] == "good"

    guest.check(f"systemctl stop memctl-agent && echo offline >{POLICY}")
    try:
        done = resize(guest, f"{size_mib + 256}m", "--agentless")
        assert done.ending == (0, "verified", None), done.told
        guest.check("udevadm settle")
        facts = guest.facts()
        assert not facts.offline_blocks
        assert "Movable" not in {block.zone for block in facts.blocks}
        guest.check("udevadm trigger --action=add --subsystem-match=cpu && udevadm settle")
        guest.check("test -e /run/cpu-was-added")
    finally:
        guest.check(f"rm -f {HOTADD} /etc/udev/rules.d/00-memctl.rules /run/cpu-was-added")
        guest.check(f"udevadm control --reload && echo {policy} >{POLICY}")
        guest.check("systemctl start memctl-agent")
        guest.wait_for_agent()
    assert resize(guest, f"{size_mib}m").ending == (0, "verified", None)


def hello(guest: Guest) -> str:
    """What the agent has said of itself. It differs at each start. Empty: no agent runs now."""
    return guest.lab.run(f"xenstore-read {guest.path}/data/memctl/hello").stdout


def test_growths_survive_an_upgrade_of_the_agent(guest: Guest) -> None:
    """The guest grows and shrinks in turn while apt upgrades the agent in it.

    One command at a time runs in the guest, so the hello tells when the new agent has started. apt
    takes some hundred MiB meanwhile, so the guest always has more than that.
    """
    before = guest.check("dpkg-query --show memctl-agent")
    pid = main_process(guest)
    upgrade = shlex.quote(f"{APT} install {NEWER_AGENT}")
    job = guest.lab.start(f"lab-guest -t {INSTALL_TIMEOUT} {guest.domid} {upgrade}")
    size, resizes, overlapped = 300, 0, False
    while job.status is None:
        size = 1024 if size < 1024 else 700
        earlier = hello(guest)
        # A resize that begins while no agent runs is refused, unless it is to wait for one.
        done = resize(guest, f"{size}m", "--wait-agent 30s")
        assert done.ending == (0, "verified", None), done.told
        overlapped |= hello(guest) != earlier
        resizes += 1
    job.wait().check()
    print(f"{guest.name}: {resizes} resizes during the upgrade")
    assert resizes > 1 and overlapped, "the agent began anew during none of them"
    assert guest.check("dpkg-query --show memctl-agent") != before
    assert main_process(guest) != pid
    size_is(guest, size)
    # The guest may use more memory than before the upgrade, and then it cannot shrink to 300 MiB.
    (seen,) = status(guest.lab, guest.name)
    smallest = seen["range"]["smallest"]["size_kib"] // MIB + 1
    done = resize(guest, f"{max(300, smallest)}m")
    assert done.ending == (0, "verified", None), done.told
    print(f"{guest.name}: shrunk to {max(300, smallest)} MiB")
    check_sound(guest)


def test_a_purge_leaves_no_file_in_a_guest(debian: DebianLab, guest: Guest) -> None:
    assert "/usr/sbin/memctl-agent" in new_files(guest)
    guest.check(f"{APT} purge memctl-agent", timeout=INSTALL_TIMEOUT)
    try:
        assert not guest.agent_runs()
        assert new_files(guest) == []
        assert guest.check("systemctl --failed --quiet --no-legend") == ""
        (seen,) = status(debian, guest.name)
        assert seen["agent"] is None
    finally:
        install(guest, AGENT)


def test_a_purge_leaves_no_file_in_dom0(debian: DebianLab) -> None:
    assert debian.run("memctl status").status == 0
    assert debian.run("memctl doctor").status == 0
    assert len(new_files(debian)) > 20
    debian.purge_memctl()
    try:
        assert new_files(debian) == []
        assert debian.run("command -v memctl").status != 0
        assert debian.run("xl help | grep mem-resize").status != 0
    finally:
        debian.install_memctl()
