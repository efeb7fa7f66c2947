#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that each part includes only the parts that docs/ARCHITECTURE.md allows."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

# Each part, and the parts whose headers it may include beside its own. The longest matching name
# counts, so host/xen does not belong to host.
PARTS: dict[str, set[str]] = {
    "include/memctl": set(),
    "libmemctl/base": {"include/memctl"},
    "libmemctl/plan": {"include/memctl", "libmemctl/base"},
    "libmemctl/host": {"include/memctl", "libmemctl/base"},
    "libmemctl/host/factory.cpp": {
        "include/memctl",
        "libmemctl/base",
        "libmemctl/host",
        "libmemctl/host/xen",
        "libmemctl/host/sim",
    },
    "libmemctl/host/xen": {"include/memctl", "libmemctl/base", "libmemctl/host"},
    "libmemctl/host/sim": {
        "include/memctl",
        "libmemctl/base",
        "libmemctl/host",
        "agent/core",  # the simulated guests run it
        "libmemctl/guest",  # its messages
    },
    "libmemctl/guest": {"include/memctl", "libmemctl/base", "libmemctl/host"},
    "libmemctl/resize": {
        "include/memctl",
        "libmemctl/base",
        "libmemctl/host",
        "libmemctl/guest",
        "libmemctl/plan",
    },
    "libmemctl/api": {
        "include/memctl",
        "libmemctl/base",
        "libmemctl/host",
        "libmemctl/resize",
    },
    "libmemctl": {"include/memctl"},
    "agent": {"include/memctl", "libmemctl/base", "libmemctl/guest", "agent/core"},
    "agent/core": {"include/memctl", "libmemctl/base", "libmemctl/guest"},
    "cli": {"include/memctl"},
    "bindings/go": {"include/memctl"},
    "bindings/python/module": {"include/memctl"},
}

# Foreign headers, and the only parts that may include them.
FOREIGN: dict[str, set[str]] = {
    r"(libxl|xenctrl|xenstore|xentoollog|xenguest|_libxl).*\.h": {"libmemctl/host/xen"},
    r"(.*/)?agent\.pb\.h": {"libmemctl/guest", "agent"},
    r"(Python|pybind11/.*)\.h": {"bindings/python/module"},
    # System calls. The other parts decide or simulate.
    r"(sys|linux)/.*|(dirent|fcntl|malloc|poll|pthread|signal|unistd)\.h|csignal": {
        "libmemctl/base",
        "libmemctl/host/xen",
        "agent",
        "cli",
        "bindings/python/module",
    },
}


def part_of(path: str) -> str | None:
    """The part of a path below the root."""
    names = [name for name in PARTS if path == name or path.startswith(name + "/")]
    return max(names, key=len) if names else None


def target_of(source: Path, included: str) -> str | None:
    """The path of an included header below the root, if it is ours."""
    for base in (source.parent, ROOT / "libmemctl", ROOT / "include", ROOT):
        if (base / included).is_file():
            return (base / included).resolve().relative_to(ROOT).as_posix()
    return None


def faults_of(source: Path) -> list[str]:
    """The headers that one file includes and must not include."""
    path = source.relative_to(ROOT).as_posix()
    part = part_of(path)
    if part is None:
        return [f"{path}: belongs to no part"]
    faults = []
    for match in INCLUDE.finditer(source.read_text(encoding="utf-8")):
        included = match[1] or match[2]
        target = target_of(source, included)
        if target is not None:
            other = part_of(target)
            if other is not None and other != part and other not in PARTS[part]:
                faults.append(f"{path}: {part} must not know {other} ({included})")
            continue
        for pattern, allowed in FOREIGN.items():
            if re.fullmatch(pattern, included) and part not in allowed:
                faults.append(f"{path}: {part} must not include <{included}>")
    return faults


def main() -> int:
    """Prints every fault. Returns 1 if there is one."""
    sources = [
        source
        for folder in ("include", "libmemctl", "agent", "cli", "bindings")
        for source in sorted((ROOT / folder).rglob("*"))
        if source.suffix in (".cpp", ".hpp", ".c", ".h")
    ]
    faults = [fault for source in sources for fault in faults_of(source)]
    print("\n".join(faults) or f"{len(sources)} files keep to the layers")
    return 1 if faults or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
