"""Unpacks the kernel, because under emulation unpacking takes seconds of each boot."""

from __future__ import annotations

import gzip
import lzma
import struct
import subprocess
from pathlib import Path

from memctl_lab.errors import LabError
from memctl_lab.packages import digest, identity

SETUP_SECTORS = 0x1F1
PAYLOAD = 0x248  # offset and length, counted from the end of the setup sectors
ELF_CLASS = 4
ELF_CLASS_32 = 1
SIZE_OF_ELF = 4  # bytes behind zstd's data


def plain(kernel: Path, directory: Path) -> Path:
    """The ELF file inside a bzImage, or the bzImage itself if its compression is unknown here."""
    target = directory / f"vmlinux-{digest(identity(kernel))}"
    if target.exists():
        return target
    image = kernel.read_bytes()
    offset, length = struct.unpack_from("<II", image, PAYLOAD)
    start = ((image[SETUP_SECTORS] or 4) + 1) * 512 + offset
    payload = image[start : start + length]
    if payload.startswith(b"\xfd7zXZ\0"):
        elf = lzma.LZMADecompressor().decompress(payload)
    elif payload.startswith(b"\x1f\x8b"):
        elf = gzip.decompress(payload)
    elif payload.startswith(b"\x28\xb5\x2f\xfd"):
        elf = _without_zstd(payload[:-SIZE_OF_ELF])
    else:
        return kernel
    scratch = target.with_suffix(".new")
    scratch.write_bytes(_without_relocations(elf))
    scratch.rename(target)
    return target


def _without_zstd(data: bytes) -> bytes:
    try:
        return subprocess.run(
            ["zstd", "--decompress", "--stdout"], input=data, capture_output=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise LabError("zstd is not installed") from error


def _without_relocations(elf: bytes) -> bytes:
    """Cuts off the data that the kernel's build appends behind the section headers."""
    if elf[ELF_CLASS] == ELF_CLASS_32:
        (sections,) = struct.unpack_from("<I", elf, 0x20)
        size, count = struct.unpack_from("<HH", elf, 0x2E)
    else:
        (sections,) = struct.unpack_from("<Q", elf, 0x28)
        size, count = struct.unpack_from("<HH", elf, 0x3A)
    return elf[: sections + size * count]
