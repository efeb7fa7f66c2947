# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library exports what its headers mark with MEMCTL_EXPORT, and nothing else.

A program with another Boost would share the templates of Boost that the library exports. Programs
would come to use the internals that it exports.
"""

from __future__ import annotations

import re

from installed import Installed, run

CLASS = re.compile(r"(?:class|struct) MEMCTL_EXPORT (\w+)")
FUNCTION = re.compile(
    r"(?<!define )MEMCTL_(?:EXPORT|CHECKED) (?!\w+ [:{]|MEMCTL_EXPORT|__attribute__)[^;({]*?(\w+)\("
)
KIND = re.compile(r"^(typeinfo name|typeinfo|vtable) for ")


def exported(installed: Installed) -> list[str]:
    """The demangled symbols, without the name of the version that they have."""
    options = ("--dynamic", "--defined-only", "--demangle", "--without-symbol-versions")
    lines = run("nm", *options, installed.library()).stdout.splitlines()
    symbols = [line.split(maxsplit=2)[2].replace("[abi:cxx11]", "") for line in lines]
    assert symbols.count("MEMCTL_0") == 1
    return [symbol for symbol in symbols if symbol != "MEMCTL_0"]


def name_of(symbol: str) -> str:
    """What the symbol belongs to: "Class::function", "function", or "Class" for its tables."""
    name = KIND.sub("", symbol)
    assert name.startswith(("memctl::", "memctl_")), f"{symbol} is not memctl's"
    name = name.removeprefix("memctl::").partition("(")[0]
    return f"{name}::" if KIND.match(symbol) else name


def test_the_library_exports_exactly_what_the_headers_promise(installed: Installed) -> None:
    text = "".join(header.read_text() for header in installed.headers())
    classes, functions = set(CLASS.findall(text)), set(FUNCTION.findall(text))
    assert "Host" in classes and {"version", "nearest", "error_category"} <= functions

    seen: set[str] = set()
    for symbol in exported(installed):
        owner, _, function = name_of(symbol).rpartition("::")
        assert owner in classes or function in functions, f"no header promises {symbol}"
        seen |= {owner, function}
    assert not (classes | functions) - seen, "promised, and not exported"


def test_a_program_can_catch_what_the_library_throws(installed: Installed) -> None:
    assert "typeinfo for memctl::ErrorException" in exported(installed)
