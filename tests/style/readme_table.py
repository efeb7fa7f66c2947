#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that README.md has the table of docs/comparison.json as it is; --write puts it there."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lab"))

from memctl_lab.comparison import in_full, in_short  # noqa: E402

BEGIN = "<!-- from docs/comparison.json -->\n"
END = "<!-- end -->\n"


def main() -> int:
    data = json.loads((ROOT / "docs" / "comparison.json").read_text(encoding="utf-8"))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = {
        readme: before + BEGIN + in_short(data) + END + after,
        ROOT / "docs" / "comparison.md": in_full(data),
    }
    for path, text in wanted.items():
        if "--write" in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            name = path.relative_to(ROOT)
            print(f"{name} is not docs/comparison.json's table: {sys.argv[0]} --write")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
