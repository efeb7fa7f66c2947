"""A booted Xen host, as tests use it."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from memctl_lab import images, kernels
from memctl_lab.channel import Channel, Window
from memctl_lab.config import LabConfig, xl_configuration
from memctl_lab.errors import LabError
from memctl_lab.facts import PAGE_KIB, DomainFacts, HostFacts, parse_probe
from memctl_lab.images import Images
from memctl_lab.machine import Machine
from memctl_lab.scenario import Completed, ScenarioGuest

if TYPE_CHECKING:
    from memctl_lab.guest import Guest, GuestConfig


class Running:
    """A command that runs in dom0."""

    def __init__(
        self,
        lab: Lab,
        job: int,
        command: str,
        on_output: Callable[[bytes], None] | None,
        on_exit: Callable[[], None] | None,
    ) -> None:
        self.command = command
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.status: int | None = None
        self._lab = lab
        self._job = job
        self._on_output = on_output
        self._on_exit = on_exit

    def wait(self, timeout: float = 120) -> Completed:
        """Waits until the command ends. After the timeout, kills it and raises LabTimeout."""
        try:
            self._lab.machine.wait_for(lambda: self.status is not None, self.command, timeout)
        except BaseException:
            self.kill(signal.SIGKILL)
            raise
        assert self.status is not None
        return Completed(self.command, self.status, _text(self.stdout), _text(self.stderr))

    def wait_for_output(self, text: str, timeout: float = 120) -> None:
        """Waits until the output or error output contains the text."""
        wanted = text.encode()

        def seen() -> bool:
            return wanted in self.stdout or wanted in self.stderr or self.status is not None

        self._lab.machine.wait_for(seen, f"{text!r} from {self.command}", timeout)
        if wanted not in self.stdout and wanted not in self.stderr:
            raise LabError(
                f"{self.command} ended with {self.status} without printing {text!r}:\n"
                f"{_text(self.stdout)}{_text(self.stderr)}"
            )

    def kill(self, number: int = signal.SIGTERM) -> None:
        """Sends a signal to the command and the processes that it started."""
        self._lab.channel.send_signal(self._job, number)

    def send(self, data: bytes) -> None:
        self._lab.channel.send_input(self._job, data)

    def end_input(self) -> None:
        self._lab.channel.end_input(self._job)

    def resize(self, window: Window) -> None:
        self._lab.channel.resize(self._job, window)

    def take(self, kind: bytes, payload: bytes) -> None:
        """Called by the lab for each frame of this job."""
        if kind == b"X":
            status = int.from_bytes(payload, "little")
            self.status = 128 + (status & 0x7F) if status & 0x7F else status >> 8 & 0xFF
            self._end()
            return
        (self.stdout if kind == b"O" else self.stderr).extend(payload)
        if self._on_output is not None:
            self._on_output(payload)

    def lose(self) -> None:
        """Called by the lab when the host is gone."""
        self._end()

    def _end(self) -> None:
        if self._on_exit is not None:
            self._on_exit()
            self._on_exit = None


class Lab:
    """A booted Xen host. Use as a context manager, or call `close`."""

    kind = "xen"

    def __init__(self, config: LabConfig | None = None) -> None:
        self.config = config or LabConfig()
        self._jobs: dict[int, Running] = {}
        self._last_job = 0
        self._ready = False
        self.guests: dict[str, Guest] = {}
        self.destroyed: list[ScenarioGuest] = []
        self._ballast: list[str] = []
        self._kernels: set[str] = set()
        self._autoballoon = self.config.autoballoon
        built = self.build_images()
        self.release = built.release
        self.machine = Machine(self.config, built)
        try:
            connection = self.machine.connect(timeout=20)
            self.channel = Channel(connection, self._take_frame, self._lose)
            self.machine.wait_for(lambda: self._ready, "dom0", self.config.boot_timeout)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def build_images(self) -> Images:
        """Brings what the host boots up to date."""
        return images.build(self.config)

    def close(self) -> None:
        """Ends QEMU and removes its files."""
        self.machine.close()
        if hasattr(self, "channel"):
            self.channel.close()

    @property
    def has_memctl(self) -> bool:
        return self.config.memctl.exists()

    @property
    def has_agent(self) -> bool:
        return self.config.agent.exists()

    # Commands

    def start(
        self,
        command: str,
        *,
        terminal: Window | None = None,
        with_input: bool = False,
        on_output: Callable[[bytes], None] | None = None,
        on_exit: Callable[[], None] | None = None,
    ) -> Running:
        """Starts a shell command. With `terminal`, it runs on a pseudo-terminal of that size.

        The lab's thread calls `on_output` with every piece of output as it arrives. It calls
        `on_exit` once, when the command has ended or the host is gone.
        """
        with self.machine.changed:
            self._last_job += 1
            running = Running(self, self._last_job, command, on_output, on_exit)
            self._jobs[self._last_job] = running
            job = self._last_job
        self.channel.run(job, command, terminal, with_input)
        return running

    def run(
        self, command: str, *, timeout: float = 120, user: str | None = None, input: bytes = b""
    ) -> Completed:
        """Runs a shell command in dom0, as root or as `user` ("nobody")."""
        if user is not None:
            command = f"su -s /bin/sh {user} -c {shlex.quote(command)}"
        running = self.start(command, with_input=bool(input))
        if input:
            running.send(input)
            running.end_input()
        return running.wait(timeout)

    def check(self, command: str, *, timeout: float = 120) -> str:
        """Runs a command that has to succeed; returns its output."""
        return self.run(command, timeout=timeout).check().stdout

    def memctl(self, *arguments: str) -> Running:
        """Starts memctl with these arguments."""
        return self.start(shlex.join(["memctl", *arguments]))

    def read_file(self, path: str) -> bytes:
        running = self.start(f"cat {shlex.quote(path)}")
        running.wait().check()
        return bytes(running.stdout)

    def write_file(self, path: str, data: bytes | str) -> None:
        content = data.encode() if isinstance(data, str) else data
        command = f"cat >{shlex.quote(path)}" if content else f": >{shlex.quote(path)}"
        self.run(command, input=content).check()

    def now(self) -> float:
        """The seconds since dom0's kernel started."""
        return float(self.check("cat /proc/uptime").split()[0])

    # xenstore

    def xenstore_read(self, path: str) -> str | None:
        """The value at an absolute path, or None."""
        done = self.run(f"xenstore-read {shlex.quote(path)}")
        return done.stdout.removesuffix("\n") if done.status == 0 else None

    def xenstore_write(self, path: str, value: str) -> None:
        self.check(f"xenstore-write {shlex.quote(path)} {shlex.quote(value)}")

    def xenstore_list(self, path: str) -> list[str]:
        """The names below a path; empty if the path does not exist."""
        done = self.run(f"xenstore-list {shlex.quote(path)}")
        return done.stdout.split() if done.status == 0 else []

    def xenstore_remove(self, path: str) -> None:
        self.check(f"xenstore-rm {shlex.quote(path)}")

    # Facts

    def facts(self) -> HostFacts:
        """Xen's own figures for the host."""
        return parse_probe(self.check("lab-probe"))[0]

    def domains(self) -> dict[int, DomainFacts]:
        """Xen's own figures for each domain."""
        return parse_probe(self.check("lab-probe"))[1]

    # Memory

    def set_autoballoon(self, on: bool) -> None:
        """Sets autoballoon, which each xl command reads. A host that leaves it to xl stays so."""
        if self._autoballoon is not None and on != self._autoballoon:
            self.write_file("/etc/xen/xl.conf", xl_configuration(on))
            self._autoballoon = on

    def leave_free(self, mib: int) -> None:
        """Creates a guest that never runs, so that about so much memory stays free."""
        taken = self.facts().free_pages * PAGE_KIB // 1024 - mib
        if taken <= 0:
            return
        name = f"ballast-{len(self._ballast)}"
        path = f"/lab/{name}.cfg"
        self.write_file(
            path,
            f'name = "{name}"\ntype = "pv"\nkernel = "/lab/vmlinux"\nmemory = {taken}\n'
            f"maxmem = {taken}\n",
        )
        self.set_autoballoon(False)  # otherwise xl would take dom0's memory
        self.check(f"xl create -p {path}", timeout=300)
        self._ballast.append(name)

    def return_memory(self) -> None:
        """Gives the memory of `leave_free` back."""
        while self._ballast:
            self.check(f"xl destroy {self._ballast.pop()}", timeout=300)

    # Guests

    def bring_kernel(self, name: str, path: str, compressed: bool) -> None:
        """Writes a kernel to a path in dom0, unless it is there."""
        if path not in self._kernels:
            kernel = kernels.image(self.config.cache, name, compressed)
            self.write_file(path, kernel.read_bytes())
            self._kernels.add(path)

    def create_guest(self, name: str, type: str = "pv", **options: object) -> Guest:
        """Boots one guest and waits until it takes commands; options as for GuestConfig."""
        return self.create_guests([(name, type)], **options)[0]

    def create_guests(self, wanted: Iterable[tuple[str, str]], **options: object) -> list[Guest]:
        """Boots several guests (name, type) at the same time."""
        from memctl_lab.guest import GuestConfig

        return self.boot_guests(
            GuestConfig(name=name, type=kind, **options)  # type: ignore[arg-type]
            for name, kind in wanted
        )

    def boot_guests(self, wanted: Iterable[GuestConfig]) -> list[Guest]:
        """Boots guests that differ in more than name and type."""
        from memctl_lab.guest import Guest

        guests = [Guest.create(self, config) for config in wanted]
        self.guests.update({guest.name: guest for guest in guests})
        return [self._booted(guest) for guest in guests]

    def _booted(self, guest: Guest) -> Guest:
        """Waits until the guest takes commands. If the emulator ended it, boots a new guest."""
        try:
            guest.wait_until_ready()
            return guest
        except LabError:
            if not guest.triple_faulted():
                raise
        print(f"{guest.name}: ended by a fault of QEMU's emulation while booting; booted anew")
        self.run(f"xl destroy {shlex.quote(guest.name)}")  # xl may have restarted it by itself
        again = type(guest).create(self, guest.config)
        self.guests[guest.name] = again
        again.wait_until_ready()
        return again

    def emulator_faults(self) -> list[int]:
        """The domains that QEMU has ended: their vcpu stood in Xen's own code.

        QEMU's emulation of SVM sometimes leaves the host's registers in the guest's state (seen in
        about one of 40 pvh guests). No guest can reach a selector and an address of Xen by itself,
        so nothing else looks like this.
        """
        fault = r"\(XEN\) d(\d+)v\d+ Triple fault(?:(?!Triple fault).)*?RIP:\s+e008:\[<ffff82d0"
        found = re.findall(fault, self.machine.console("host"), re.DOTALL)
        return [int(domid) for domid in found]

    def _lose(self) -> None:
        self.machine.end("dom0's channel closed")
        with self.machine.changed:
            for running in self._jobs.values():
                running.lose()
            self._jobs.clear()

    def _take_frame(self, kind: bytes, job: int, payload: bytes) -> None:
        if kind == b"L":
            name, _, data = payload.partition(b"\0")
            self.machine.add_console(name.decode(), data)
            return
        with self.machine.changed:
            if kind == b"H":
                self._ready = True
            elif job in self._jobs:
                self._jobs[job].take(kind, payload)
                if kind == b"X":
                    del self._jobs[job]
            self.machine.changed.notify_all()


def _text(data: bytearray) -> str:
    return data.decode(errors="replace")
