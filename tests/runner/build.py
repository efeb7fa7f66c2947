#!/usr/bin/python3
"""Brings the build of a preset up to date: build.py PRESET [--fresh].

Ninja compares only times. It does not notice another compiler, another package of headers (whose
files keep the times that they have in the package), or a source that was replaced by an older file.
So this program checks these, and an old build never counts as a build of today.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import table
from jobs import BUILD, ROOT, digest_of, environment, files, machine


def main() -> int:
    preset, fresh = sys.argv[1], "--fresh" in sys.argv
    known_file = BUILD / preset / "built-from.json"
    try:
        known = json.loads(known_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    surroundings = [
        *machine(),
        *(f"{name}={value}" for name, value in sorted(environment().items())),
    ]
    sources = {name: digest_of(path) for name, path in files(*table.CODE, "tests")}
    fresh = fresh or known.get("surroundings") != surroundings
    for name, digest in sources.items():
        if not fresh and known["sources"].get(name) != digest:
            os.utime(ROOT / name)
    steps = [["cmake", *(["--fresh"] if fresh else []), "--preset", preset]]
    steps += [["cmake", "--build", "--preset", preset, "--target", "clean"]] if fresh else []
    for step in steps:
        if status := subprocess.run(step, cwd=ROOT, check=False).returncode:
            return status
    # From here on ninja's own times are right, also if this build is interrupted.
    built_from = {"surroundings": surroundings, "sources": sources}
    known_file.write_text(json.dumps(built_from), encoding="utf-8")
    build = ["cmake", "--build", "--preset", preset]
    return subprocess.run(build, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
