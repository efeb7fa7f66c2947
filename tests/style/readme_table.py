#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the tables that come from JSON, and renews them with --write.

README.md has rows of docs/comparison.json, docs/comparison.md has all of it, and docs/kernels.md is
made of docs/kernels.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from memctl_lab.comparison import in_full, in_short  # noqa: E402
from memctl_lab.matrix_table import page  # noqa: E402

BEGIN = "<!-- from docs/comparison.json -->\n"
END = "<!-- end -->\n"


def requests(table: str) -> list[str]:
    """The first cell of each row below the head."""
    return [line.split("|")[1].strip() for line in table.splitlines()[2:]]


def loaded(name: str) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))
    return data


def main() -> int:
    data = loaded("comparison.json")
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    table, _, after = rest.partition(END)
    rows = {row["request"]: row for row in reversed(data)}  # the first release that has it
    chosen = [rows[request] for request in requests(table)]
    wanted = {
        readme: before + BEGIN + in_short(chosen) + END + after,
        ROOT / "docs" / "comparison.md": in_full(data),
        ROOT / "docs" / "kernels.md": page(loaded("kernels.json")),
    }
    for path, text in wanted.items():
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            name = path.relative_to(ROOT)
            print(f"{name} is not what its JSON says: {sys.argv[0]} --write")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
