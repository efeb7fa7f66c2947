"""An initramfs: a cpio archive (newc) owned by root, written without being root."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from memctl_lab.packages import digest, identity


@dataclass(frozen=True)
class Entry:
    """A directory, a symlink, a device, a file of the build machine or data."""

    mode: int
    content: bytes = b""
    source: Path | None = None
    device: tuple[int, int] = (0, 0)


class Tree:
    """The files of an image, by path."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def __contains__(self, path: str) -> bool:
        return path.strip("/") in self._entries

    def directory(self, path: str) -> None:
        self._add(path, Entry(stat.S_IFDIR | 0o755))

    def symlink(self, path: str, target: str) -> None:
        self._add(path, Entry(stat.S_IFLNK | 0o777, target.encode()))

    def text(self, path: str, text: str, mode: int = 0o644) -> None:
        self.data(path, text.encode(), mode)

    def data(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self._add(path, Entry(stat.S_IFREG | mode, data))

    def device(self, path: str, major: int, minor: int) -> None:
        self._add(path, Entry(stat.S_IFCHR | 0o600, device=(major, minor)))

    def file(self, path: str, source: Path, mode: int | None = None) -> None:
        source = source.resolve(strict=True)
        default = 0o755 if source.stat().st_mode & 0o100 else 0o644
        self._add(path, Entry(stat.S_IFREG | (mode or default), source=source))

    def tree(self, path: str, source: Path, without: tuple[str, ...] = ()) -> None:
        """A directory with everything in it. Links are followed."""
        for item in sorted(source.iterdir()):
            if item.name in without:
                continue
            if item.is_dir():
                self.tree(f"{path}/{item.name}", item, without)
            elif item.is_file():
                self.file(f"{path}/{item.name}", item)

    @property
    def key(self) -> str:
        """A key that changes when anything in the tree changes."""
        return digest(
            *(
                (path, entry.mode, entry.content, entry.source and identity(entry.source))
                for path, entry in sorted(self._entries.items())
            )
        )

    def write(self, target: Path) -> None:
        with open(target, "wb") as file:
            for number, (path, entry) in enumerate(sorted(self._entries.items()), 1):
                content = entry.source.read_bytes() if entry.source else entry.content
                _write_entry(file, number, path, entry, content)
            _write_entry(file, 0, "TRAILER!!!", Entry(0), b"")

    def _add(self, path: str, entry: Entry) -> None:
        path = path.strip("/")
        parent = path.rpartition("/")[0]
        if parent and parent not in self._entries:
            self.directory(parent)
        self._entries[path] = entry


def _write_entry(file: BinaryIO, number: int, path: str, entry: Entry, content: bytes) -> None:
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (number, entry.mode, 0, 0, links, 0, len(content), 0, 0, *entry.device, len(name), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    file.write(header + b"\0" * (-len(header) % 4))
    file.write(content + b"\0" * (-len(content) % 4))
