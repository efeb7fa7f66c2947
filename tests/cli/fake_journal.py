# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a command where systemd's journal is a socket of this program's, and prints what it got.

libsystemd knows one path for the journal. So this runs in a mount namespace of its own, in which
/run is empty:

    unshare --mount [--map-root-user] python3 fake_journal.py (reads | hangs | absent) COMMAND...

The last line of the output is a JSON list of the entries. The exit status is the command's.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys

PATH = "/run/systemd/journal/socket"


def parse(datagram: bytes) -> list[list[str]]:
    """The fields of an entry, in systemd's native journal protocol."""
    fields = []
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, binary, value = line.partition(b"=")
        if not binary:  # a length follows, because the value has a newline
            (size,) = struct.unpack_from("<Q", rest)
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        fields.append([name.decode(), value.decode(errors="replace")])
        datagram = rest
    return fields


def fill(journal: socket.socket) -> None:
    """Lets the next writer wait for ever."""
    writer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    writer.setblocking(False)
    try:
        while True:
            writer.sendto(b"MESSAGE=x\n", PATH)
    except BlockingIOError:
        return


def main(kind: str, command: list[str]) -> int:
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
    if kind == "absent":
        return subprocess.run(command).returncode
    os.makedirs(os.path.dirname(PATH))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    journal.bind(PATH)
    if kind == "hangs":
        fill(journal)
        return subprocess.run(command).returncode
    # What the command has sent by its end is in the socket by then.
    code = subprocess.run(command).returncode
    journal.setblocking(False)
    entries = []
    try:
        while True:
            entries.append(parse(journal.recv(1 << 20)))
    except BlockingIOError:
        pass
    print(json.dumps(entries))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
