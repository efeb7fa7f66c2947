#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that every test that docs/security.md names exists in tests/."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
TESTS = ROOT / "tests"

# What the page names: a test of GoogleTest, one of pytest, a target of tests/fuzz, a file.
NAMED = re.compile(r"`([A-Z]\w+\.\w+|(?:test|fuzz)_\w+|\w+_test\.cpp)`")
GTEST = re.compile(r"^(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP)\(\s*(\w+),\s*(\w+)\s*[,)]", re.MULTILINE)
PYTEST = re.compile(r"^\s*def (test_\w+)\(", re.MULTILINE)


def existing() -> set[str]:
    """The names of all tests, as a page may write them."""
    names = set()
    for source in TESTS.rglob("*_test.cpp"):
        names.add(source.name)
        found = GTEST.findall(source.read_text(encoding="utf-8"))
        names.update(f"{suite}.{test}" for suite, test in found)
    for source in TESTS.rglob("test_*.py"):
        names.update(PYTEST.findall(source.read_text(encoding="utf-8")))
    fuzz = TESTS / "fuzz"
    for corpus in (fuzz / "corpus").iterdir():
        if (fuzz / f"{corpus.name}.cpp").is_file():
            names.add(f"fuzz_{corpus.name}")
    return names


def main() -> int:
    """Prints every test that is missing. Returns 1 if there is one."""
    named = set(NAMED.findall(PAGE.read_text(encoding="utf-8")))
    page = PAGE.relative_to(ROOT)
    missing = sorted(named - existing())
    for name in missing:
        print(f"{page} names {name}, which is no test in tests/")
    if not named:
        print(f"{page} names no test")
    return 1 if missing or not named else 0


if __name__ == "__main__":
    sys.exit(main())
