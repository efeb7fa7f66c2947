"""The conversation with dom0: frames over one virtio-serial port, as lab-dom0d.c describes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

HEADER = struct.Struct("<cII")
FLAG_TERMINAL = 1
FLAG_INPUT = 2
MAX_INPUT = 1 << 15


@dataclass(frozen=True)
class Window:
    """A terminal's size."""

    rows: int = 24
    columns: int = 80


class Channel:
    """Sends requests; a thread passes each frame that arrives to `on_frame`."""

    def __init__(
        self,
        connection: socket.socket,
        on_frame: Callable[[bytes, int, bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._on_frame = on_frame
        self._on_end = on_end
        self._send_lock = threading.Lock()
        self._thread = threading.Thread(target=self._receive, name="lab-channel", daemon=True)
        self._thread.start()

    def run(self, job: int, command: str, window: Window | None, with_input: bool) -> None:
        flags = (FLAG_TERMINAL if window else 0) | (FLAG_INPUT if with_input else 0)
        size = window or Window()
        head = struct.pack("<BHH", flags, size.rows, size.columns)
        self._send(b"R", job, head + command.encode())

    def send_input(self, job: int, data: bytes) -> None:
        for start in range(0, len(data), MAX_INPUT):
            self._send(b"I", job, data[start : start + MAX_INPUT])

    def end_input(self, job: int) -> None:
        self._send(b"I", job, b"")

    def send_signal(self, job: int, number: int) -> None:
        self._send(b"K", job, bytes([number]))

    def resize(self, job: int, window: Window) -> None:
        self._send(b"W", job, struct.pack("<HH", window.rows, window.columns))

    def close(self) -> None:
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # QEMU closed it first
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._connection.close()

    def _send(self, kind: bytes, job: int, payload: bytes) -> None:
        if len(payload) > 1 << 16:
            raise ValueError(f"a request of {len(payload)} bytes is too long for dom0's channel")
        with self._send_lock:
            try:
                self._connection.sendall(HEADER.pack(kind, job, len(payload)) + payload)
            except OSError:
                pass  # the receiving thread notices the end and ends every wait

    def _receive(self) -> None:
        stream = self._connection.makefile("rb")
        try:
            while header := stream.read(HEADER.size):
                kind, job, size = HEADER.unpack(header)
                self._on_frame(kind, job, stream.read(size))
        except (OSError, struct.error):
            pass  # QEMU died in the middle of a frame
        finally:
            stream.close()
            self._on_end()
