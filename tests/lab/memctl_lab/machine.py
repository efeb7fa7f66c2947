"""QEMU with Xen inside: starts, watches the consoles, and never outlives this process."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from memctl_lab.config import LabConfig
from memctl_lab.errors import LabError, LabTimeout
from memctl_lab.images import Disk, Images

HOST_FAULT = re.compile(r"LAB-FAIL|Kernel panic|kernel BUG at|Panic on CPU|FATAL TRAP|Oops:")
TAIL_LINES = 40


class Machine:
    """A running QEMU. `changed` is notified whenever anything arrives from it."""

    def __init__(self, config: LabConfig, images: Images) -> None:
        self.changed = threading.Condition()
        self.consoles: dict[str, bytearray] = {}
        self.fault: str | None = None
        self._closing = False
        self._directory = Path(tempfile.mkdtemp(prefix="memctl-lab-"))
        try:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self._directory / "channel"))
            self._listener.listen(1)
            self._process = self._start(config, images)
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        self._reader = threading.Thread(target=self._read_console, name="lab-console", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self, timeout: float) -> socket.socket:
        """QEMU connects at once when it starts."""
        self._listener.settimeout(timeout)
        try:
            connection, _ = self._listener.accept()
        except TimeoutError as error:
            raise self.error(LabTimeout, "QEMU did not connect to its channel") from error
        connection.settimeout(None)
        return connection

    def add_console(self, name: str, data: bytes) -> None:
        """Appends the output of a console. A fault of the host ends every wait."""
        with self.changed:
            log = self.consoles.setdefault(name, bytearray())
            start = max(log.rfind(b"\n") + 1, 0)
            log += data
            if name == "host" and self.fault is None:
                match = HOST_FAULT.search(log[start:].decode(errors="replace"))
                if match:
                    self.fault = f"the host's console says: {match.group(0)}"
            self.changed.notify_all()

    def end(self, reason: str) -> None:
        """Ends every wait with this reason, because the host is gone, unless `close` was called."""
        with self.changed:
            if not self._closing and self.fault is None:
                self.fault = reason
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], what: str, timeout: float) -> None:
        """Waits until the condition holds, and checks it whenever something arrives."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not condition():
                if self.fault is not None:
                    raise self.error(LabError, f"{self.fault}, while waiting for {what}")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self.error(LabTimeout, f"{what}: not within {timeout:g} s")
                self.changed.wait(left)

    def console(self, name: str) -> str:
        with self.changed:
            data = bytes(self.consoles.get(name, b""))
        return data.decode(errors="replace").replace("\r", "")

    def tails(self) -> str:
        """The end of every console."""
        with self.changed:
            names = sorted(self.consoles, key=lambda name: (name != "host", name))
        parts = []
        for name in names:
            lines = self.console(name).splitlines()[-TAIL_LINES:]
            parts.append("\n".join([f"----- console of {name}, last lines", *lines]))
        return "\n".join(parts)

    def error(self, kind: type[LabError], message: str) -> LabError:
        return kind(f"{message}\n{self.tails()}")

    def close(self) -> None:
        """Ends the QEMU that was started here."""
        with self.changed:
            self._closing = True
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _start(self, config: LabConfig, images: Images) -> subprocess.Popen[bytes]:
        # setpriv: QEMU is killed with this process, however that ends. A session of its own: Ctrl-C
        # reaches this process only, which then shuts QEMU down.
        if shutil.which(images.emulator[0]) is None:
            raise LabError(f"there is no {images.emulator[0]} (package qemu-system-x86)")
        command = ["setpriv", "--pdeathsig", "KILL", "--", *self._qemu(config, images)]
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _qemu(self, config: LabConfig, images: Images) -> list[str]:
        dom0 = config.dom0_memory_mib
        fixed = "" if dom0 is None else f"dom0_mem={dom0}M,max:{dom0}M "
        xen_line = (
            f"console=com1 com1=115200,8n1 {fixed}bootscrub=0 spec-ctrl=no "
            f"loglvl=warning guest_loglvl=warning {config.xen_options}"
        )
        dom0_line = (
            "console=hvc0 panic=0 mitigations=off nokaslr "
            f"{images.root_options} {config.dom0_options}"
        )
        return [
            *images.emulator,
            *("-accel", "tcg,thread=multi,tb-size=512", "-cpu", "qemu64,+svm,+npt"),
            *("-smp", str(config.cpus), "-m", f"{config.memory_mib}M"),
            *(word for node in range(config.numa_nodes) for word in _numa(config, node)),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-serial", "stdio", "-monitor", "none"),
            *("-chardev", f"socket,id=lab,path={self._directory / 'channel'}"),
            *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=lab,name=lab"),
            *("-kernel", str(images.xen), "-append", xen_line.strip()),
            *("-initrd", f"{images.kernel} {dom0_line.strip()},{images.initramfs}"),
            *(word for disk in images.disks for word in _disk(disk)),
        ]

    def _read_console(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while data := stream.read1(65536):  # type: ignore[attr-defined]
            self.add_console("host", data)
        self.end("QEMU ended")


def _numa(config: LabConfig, node: int) -> list[str]:
    """QEMU's options for a NUMA node. A host with one node needs none."""
    if config.numa_nodes == 1:
        return []
    size = config.memory_mib // config.numa_nodes
    memory = f"memory-backend-ram,id=node{node},size={size}M"
    return ["-object", memory, "-numa", f"node,nodeid={node},cpus={node},memdev=node{node}"]


def _disk(disk: Disk) -> list[str]:
    """QEMU's options for a disk whose file stays as it is."""
    drive = f"file={disk.file},format=raw,snapshot=on,if=none,id={disk.serial}"
    device = f"virtio-blk-pci,drive={disk.serial},serial={disk.serial}"
    return ["-drive", drive, "-device", device]
