# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the built command as a user would, and checks its output against the schemas."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = {
    path.name.split(".")[0]: Draft7Validator(json.loads(path.read_text()))
    for path in (ROOT / "docs" / "schema").glob("*.schema.json")
}


@dataclass
class Run:
    """The result of a call of memctl."""

    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output, each checked against the schema of its event."""
        parsed = [json.loads(line) for line in self.out.splitlines()]
        for value in parsed:
            SCHEMAS[value["event"]].validate(value)
        return parsed


def command_path() -> str:
    return os.environ.get("MEMCTL", str(ROOT / "build" / "release" / "cli" / "memctl"))


def run(*arguments: str, **environment: str) -> Run:
    done = subprocess.run(
        [command_path(), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )
    return Run(done.returncode, done.stdout, done.stderr)
