"""A guest of the lab."""

from __future__ import annotations

import json
import re
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from memctl_lab.errors import LabError, LabTimeout
from memctl_lab.facts import DomainFacts, GuestFacts, Limits, parse_guest, parse_probe
from memctl_lab.host import Lab, Running
from memctl_lab.rivals import Rival
from memctl_lab.scenario import Completed

UNREACHABLE = 125
BOOT_TIMEOUT = 300
BALLOON = "/sys/devices/system/xen_memory/xen_memory0"
HOLDING_RATE = 200
"""How many MiB a second a process of `begin_to_hold` takes, as in the simulator."""
KILLED = "Out of memory: Killed process"
GUEST_FAULT = re.compile(r"Kernel panic.*|kernel BUG at.*|Oops:.*|LAB-FAIL.*")


@dataclass(frozen=True)
class GuestConfig:
    """The configuration of a guest. `online_policy` None keeps the kernel's default."""

    name: str
    type: str = "pv"
    memory_mib: int = 160
    maxmem_mib: int | None = None
    vcpus: int = 1
    agent: bool = True
    online_policy: str | None = None
    shadow_memory_mib: int | None = None
    """The size of the paging pool. libxl stores it in the configuration, so the pool is frozen."""
    autoballoon: bool = False
    """xl's setting while it creates and restores the guest: libxl then freezes the pool, too."""
    video_ram_mib: int = 0
    """hvm: a standard VGA with so much memory."""
    emulated_usb: bool = False
    """hvm: an emulated USB controller, which does DMA."""
    shim: bool = False
    """pvh: a pv guest inside Xen's shim. The host needs `LabConfig(shim=True)`."""
    kernel: str | None = None
    """A name of `kernels.KERNELS`. None is the lab's own kernel."""
    kernel_options: str = ""
    extra_config: str = ""

    @property
    def kernel_path(self) -> str:
        """Where dom0 has the guest's kernel. hvm's device model wants it compressed."""
        file = "vmlinuz" if self.type == "hvm" else "vmlinux"
        return f"/lab/{file}-{self.kernel}" if self.kernel else f"/lab/{file}"

    @property
    def command_line(self) -> str:
        """What the guest's kernel is told."""
        # Zeroing pages when they are allocated takes half of a balloon's time.
        words = ["console=hvc0", "mitigations=off", "nokaslr", "cryptomgr.notests"]
        words.append("init_on_alloc=0")
        words += [f"memctl.agent={int(self.agent)}"]
        if self.online_policy is not None:
            words.append(f"lab.online={self.online_policy}")
        return " ".join([*words, self.kernel_options]).strip()

    def text(self, host_cpus: int) -> str:
        """The configuration for xl. Keys of `extra_config` replace the others."""
        hvm = self.type == "hvm"
        values: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "kernel": self.kernel_path,
            "ramdisk": "/lab/guest.cpio.gz" if hvm else "/lab/guest.cpio",
            "cmdline": self.command_line,
            "memory": self.memory_mib,
            "maxmem": self.maxmem_mib or self.memory_mib,
            "vcpus": self.vcpus,
            "on_crash": "destroy",
        }
        if self.type != "pv":  # pvh and hvm share one processor: see `Lab.emulator_faults`
            values["cpus"] = str(host_cpus - 1)
        if hvm:
            values |= {"vga": "none", "nographic": 1, "vnc": 0, "serial": "none"}
        if self.video_ram_mib:
            values |= {"vga": "stdvga", "videoram": self.video_ram_mib}
        if self.emulated_usb:
            values["usb"] = 1
        if self.shim:
            values["pvshim"] = 1
        if self.shadow_memory_mib is not None:
            values["shadow_memory"] = self.shadow_memory_mib
        set_otherwise = set(re.findall(r"^\s*(\w+)\s*=", self.extra_config, re.MULTILINE))
        lines = [
            f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"'
            for key, value in values.items()
            if key not in set_otherwise
        ]
        return "\n".join([*lines, self.extra_config, ""])


class Guest:
    """A guest by its name. After a reboot or a restore the same object has a new domid."""

    def __init__(self, lab: Lab, config: GuestConfig) -> None:
        self.lab = lab
        self.config = config
        self.name = config.name
        self.domid = -1
        self.crash_expected = False
        self._writers_killed = 0
        self._console_start = len(lab.machine.console(self._console_name))
        self._console_end: int | None = None

    @classmethod
    def create(cls, lab: Lab, config: GuestConfig) -> Guest:
        """Starts the guest, without waiting until it has booted."""
        guest = cls(lab, config)
        if config.kernel:
            lab.bring_kernel(config.kernel, config.kernel_path, compressed=config.type == "hvm")
        path = f"/lab/{config.name}.cfg"
        lab.write_file(path, config.text(lab.config.cpus))
        lab.set_autoballoon(config.autoballoon)
        lab.run(f"xl create {path}", timeout=BOOT_TIMEOUT).check()
        guest.refresh()
        return guest

    def refresh(self) -> None:
        """Looks the domid up again: after a reboot or a restore."""
        self.domid = int(self.lab.check(f"xl domid {shlex.quote(self.name)}"))

    @property
    def host(self) -> Lab:
        return self.lab

    @property
    def type(self) -> str:
        return self.config.type

    @property
    def path(self) -> str:
        """The guest's directory in xenstore."""
        return f"/local/domain/{self.domid}"

    # Inside the guest

    def wait_until_ready(self) -> None:
        """Blocks until the guest takes commands."""
        timeout = self.lab.config.boot_timeout
        self._ask(f"lab-guest -t {timeout:.0f} -w {self.domid}", timeout)

    def wait_for_agent(self, timeout: int = 120) -> None:
        """Blocks until the agent has said hello."""
        self.wait_for_node("data/memctl/hello", timeout)

    def wait_for_node(self, name: str, timeout: int = 120) -> None:
        """Blocks until a node below its xenstore directory exists."""
        self._ask(f"lab-guest -t {timeout} -n {shlex.quote(name)} {self.domid}", timeout)

    def run(self, command: str, *, timeout: int = 120) -> Completed:
        """Runs a shell command in the guest. Only one runs at a time."""
        return self._ask(f"lab-guest -t {timeout} {self.domid} {shlex.quote(command)}", timeout)

    def check(self, command: str, *, timeout: int = 120) -> str:
        """Runs a command that has to succeed; returns its output."""
        return self.run(command, timeout=timeout).check().stdout

    def hold_memory(self, mib: int, *, timeout: int = 120) -> None:
        """Takes and touches memory until `release_memory`."""
        log = f"/tmp/hog.{mib}"
        command = (
            f"rm -f {log}; mkfifo {log} && (lab-hog {mib} >{log} 2>&1 &) && read line <{log} && "
            f'rm -f {log} && echo "$line"'
        )
        done = self.run(command, timeout=timeout)
        if done.stdout != f"held {mib}\n":
            raise LabError(f"{self.name} cannot hold {mib} MiB: {done.stdout}{done.stderr}")

    def begin_to_hold(self, mib: int, first_mib: int) -> None:
        free_kib = self.facts().mem_free_kib
        self.check(f"(lab-hog {mib} {HOLDING_RATE} >/dev/null 2>&1 &)")
        deadline = time.monotonic() + 60
        while free_kib - self.facts().mem_free_kib < first_mib * 1024:
            if time.monotonic() > deadline:
                raise LabTimeout(f"no process of {self.name} takes {first_mib} MiB")

    def release_memory(self) -> None:
        self.check("killall lab-hog")

    def leave_free(self, mib: int) -> None:
        """Fills the memory with files, which no disk could take, until about so much is free."""
        # The root is a tmpfs, which holds at most half of the memory. Near the end the OOM killer
        # kills only the writer; the written files stay.
        is_mounted = "grep -q ' /fill ' /proc/mounts"
        self.check(f"mkdir -p /fill && ({is_mounted} || mount -t ramfs none /fill)")
        spare = self.facts().mem_free_kib // 1024 - mib
        if spare <= 0:
            return
        write = f"exec dd if=/dev/zero of=/fill/{spare} bs=1M count={spare} 2>&1"
        done = self.run(f"echo 1000 >/proc/self/oom_score_adj; {write}")
        if done.status not in (0, 128 + signal.SIGKILL):
            done.check()
        self._writers_killed += done.status != 0

    def drip(self, kib: int) -> None:
        self.check(f"(lab-drip {kib} >/dev/null 2>&1 &)")

    def stop_dripping(self) -> None:
        self.check("killall lab-drip")

    def kill_agent(self) -> None:
        self.check("killall -9 memctl-agent")

    def hang_agent(self) -> None:
        self.check("killall -STOP memctl-agent")

    def agent_runs(self) -> bool:
        return self.run("pidof memctl-agent").status == 0

    def runs_programs(self) -> bool:
        """Whether the guest has enough memory to start a program."""
        return self.run("true").status == 0

    def facts(self) -> GuestFacts:
        """What the guest's kernel says about its memory. Needs no free memory in the guest."""
        return parse_guest(self._ask(f"lab-guest -t 120 -f {self.domid}", 120).check().stdout)

    # From the host

    def console(self) -> str:
        """What the guest has printed from its creation to its end."""
        text = self.lab.machine.console(self._console_name)
        return text[self._console_start : self._console_end]

    def wait_for_console(self, text: str, timeout: float = 120) -> None:
        """Blocks until the guest has printed the text."""
        self.lab.machine.wait_for(
            lambda: text in self.console(), f"{text!r} on {self.name}'s console", timeout
        )

    def crashes(self) -> list[str]:
        """The lines in which its kernel reported a crash."""
        return GUEST_FAULT.findall(self.console())

    def killed_processes(self) -> int:
        """How many processes the OOM killer has killed, without the writer of `leave_free`."""
        return self.console().count(KILLED) - self._writers_killed

    def triple_faulted(self) -> bool:
        """Whether its vcpu was reset: see `Lab.emulator_faults`.

        While a guest boots, QEMU is the cause, because nothing of ours has touched the guest yet.
        """
        fault = rf"\(XEN\) d{self.domid}v\d+ Triple fault"
        return re.search(fault, self.lab.machine.console("host")) is not None

    def domain(self) -> DomainFacts | None:
        """Xen's own figures, or None if the domain does not exist any more."""
        return parse_probe(self.lab.check(f"lab-probe {self.domid}"))[1].get(self.domid)

    def alive(self) -> bool:
        """Whether the domain exists and is not ending, and its kernel has not crashed."""
        domain = self.domain()
        return domain is not None and not (domain.dying or domain.shutdown or self.crashes())

    def snapshot(self) -> Limits:
        """Every limit, to be compared with a later snapshot."""
        memory = f"{self.path}/memory"
        output = self.lab.check(
            f"lab-probe {self.domid} && xenstore-read {memory}/static-max {memory}/target"
        )
        probe, limit, target = output.splitlines()
        domain = parse_probe(probe)[1].get(self.domid)
        if domain is None:
            raise LabError(f"{self.name} is gone")
        return Limits(
            max_pages=domain.max_pages,
            limit_kib=int(limit),
            target_kib=int(target),
            pool_bytes=domain.pool_bytes,
            claim_pages=domain.outstanding_pages,
        )

    def frozen_pool_kib(self) -> int | None:
        pool: int | None = self.stored_configuration()["b_info"].get("shadow_memkb")
        return pool

    def stored_configuration(self) -> dict[str, Any]:
        """What libxl has stored of the domain, as the file has it."""
        text = self.lab.check(f"cat /var/lib/xen/userdata-d.{self.domid}.*.libxl-json")
        assert text.endswith("\0"), "libxl ends it with a NUL"
        configuration: dict[str, Any] = json.loads(text.removesuffix("\0"))
        return configuration

    def has_journal(self) -> bool:
        """Whether the domain has an operation's record."""
        return self.lab.xenstore_read(f"/libxl/{self.domid}/memctl") is not None

    # What others do to it, and to its domain

    def mem_max(self, mib: int) -> Completed:
        return self.lab.run(f"xl mem-max {self.domid} {mib}")

    def mem_set(self, mib: int) -> Completed:
        return self.lab.run(f"xl mem-set {self.domid} {mib}")

    def set_pool(self, mib: int) -> None:
        """Sets the paging pool without memctl. Does nothing on pv, which has no pool."""
        if self.type != "pv":
            self.lab.check(f"lab-probe -p {self.domid} {mib * 1024}")

    def act_as(self, rival: Rival, mib: int) -> None:
        self.lab.check(rival.command.format(domid=self.domid, mib=mib, kib=mib * 1024))

    def settle(self, mib: int | None = None, quiet: float = 12, timeout: float = 300) -> None:
        """Waits until Xen's page count is that of `mib`, or has not changed for `quiet` seconds.

        The balloon driver waits at most 8 s between two attempts, and no event tells of an attempt.
        """
        deadline = time.monotonic() + timeout
        before, since = self._pages(), time.monotonic()
        while time.monotonic() - since < quiet and self.alive():
            if mib is not None and before is not None and abs(before - mib * 256) < 256:
                return
            if time.monotonic() > deadline:
                raise LabTimeout(f"{self.name} has not come to rest within {timeout} s")
            time.sleep(1)
            now = self._pages()
            if now != before:
                before, since = now, time.monotonic()

    def wait_until_given_up(self) -> None:
        # The driver counts its attempts from 1. It starts over when it gives up or has succeeded.
        count = f"$(($(cat {BALLOON}/retry_count)))"
        self.check(f"until [ {count} = 1 ]; do usleep 200000; done", timeout=60)

    def pause(self) -> None:
        self.lab.check(f"xl pause {self.domid}")

    def unpause(self) -> None:
        self.lab.check(f"xl unpause {self.domid}")

    def reboot(self) -> None:
        """Reboots the guest, and returns when it has booted."""
        # This does not wait for the command, which may have no time to answer.
        self.lab.start(f"lab-guest -t 60 {self.domid} 'reboot -f'")
        self.wait_until_rebooted()

    def wait_until_rebooted(self) -> None:
        """Blocks until the guest has a new domid and takes commands."""
        name = shlex.quote(self.name)
        self.lab.check(
            f"while id=$(xl domid {name} 2>/dev/null); [ -z $id ] || [ $id = {self.domid} ]; "
            "do usleep 200000; done",
            timeout=BOOT_TIMEOUT,
        )
        self.refresh()
        self.wait_until_ready()

    def save_and_restore(self) -> bool:
        """Calls `xl save` and `xl restore`. False: the restore failed, and the guest is lost."""
        return self.restore(self.start_save())

    def start_save(self) -> Running:
        """Starts `xl save`, which goes on until `restore`, because nothing reads its output before.

        The image is stored without its zeros, because dom0 has no room for the whole image.
        """
        pipe, image, name = self._pipe, self._image, shlex.quote(self.name)
        return self.lab.start(
            f"rm -f {pipe}; mkfifo {pipe}; exec 3<&0; "
            f"{{ read -r go <&3; lab-sparse {image}; }} <{pipe} & xl save {name} {pipe} && wait $!",
            with_input=True,
        )

    def restore(self, saving: Running) -> bool:
        """Lets the save end, and calls `xl restore`. False: it failed, and the guest is lost."""
        saving.send(b"go\n")
        saving.wait(BOOT_TIMEOUT).check()
        self.lab.set_autoballoon(self.config.autoballoon)
        restored = self.lab.run(
            f"xl restore {self._image}; done=$?; rm -f {self._pipe} {self._image}; exit $done",
            timeout=BOOT_TIMEOUT,
        )
        if restored.status != 0:
            print(f"{self.name}: {restored.stderr}")
            return False
        self.refresh()
        self.wait_until_ready()
        return True

    @contextmanager
    def being_saved(self) -> Iterator[None]:
        saving = self.start_save()
        # libxl's helper suspends the guest first. From then on the guest answers nothing.
        suspended = f"lab-probe {self.domid} | grep -q '\"shutdown\": *true'"
        self.lab.check(f"until {suspended}; do usleep 200000; done")
        yield
        if not self.restore(saving):
            raise LabError(f"{self.name} cannot be restored")

    def migrate(self) -> bool:
        """Calls `xl migrate` to this same host, without ssh.

        False: the receiver could not take the guest, which goes on at the sender.
        """
        done = self.lab.run(
            f"xl migrate -s '' {shlex.quote(self.name)} 'xl migrate-receive'", timeout=BOOT_TIMEOUT
        )
        if done.status != 0:
            print(f"{self.name}: {done.stderr}")
            assert "Migration failed, resuming at sender" in done.stderr, done.stderr
        self.refresh()
        self.wait_until_ready()
        return done.status == 0

    def destroy(self) -> None:
        """Removes the guest if it is still there."""
        self.lab.guests.pop(self.name, None)
        if self.domain() is not None:
            self.lab.check(f"xl destroy {self.domid}")
        # The rest of the console belongs to the next guest of that name.
        self._console_end = len(self.lab.machine.console(self._console_name))
        self.lab.destroyed.append(self)

    def _pages(self) -> int | None:
        domain = self.domain()
        return None if domain is None else domain.tot_pages

    @property
    def _pipe(self) -> str:
        return f"/tmp/{self.name}.pipe"

    @property
    def _image(self) -> str:
        return f"/tmp/{self.name}.image"

    @property
    def _console_name(self) -> str:
        return f"guest-{self.config.name}.log"

    def _ask(self, command: str, timeout: float) -> Completed:
        done = self.lab.run(command, timeout=timeout + 20)
        if done.status == UNREACHABLE and done.stderr.startswith("lab-guest:"):
            raise self.lab.machine.error(LabError, f"{self.name}: {done.stderr.strip()}")
        return done
