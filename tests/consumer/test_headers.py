# SPDX-License-Identifier: LGPL-2.1-or-later
"""The installed headers are the public ones, and each of them compiles by itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from installed import SOURCES, WARNINGS, Installed, run


def test_only_the_public_headers_are_installed(installed: Installed) -> None:
    public = {path.name.removesuffix(".in") for path in (SOURCES / "include/memctl").iterdir()}
    assert {path.name for path in installed.headers()} == public
    assert [path.name for path in (installed.prefix / "include").iterdir()] == ["memctl"]


@pytest.mark.parametrize("standard", ["c++20", "c++2b"])
def test_each_header_compiles_alone(
    installed: Installed, compiler: str, standard: str, tmp_path: Path
) -> None:
    failed = {}
    for header in installed.headers():
        source = tmp_path / "source.cpp"
        source.write_text(f"#include <memctl/{header.name}>\n" * 2)
        include = f"-I{installed.prefix}/include"
        done = subprocess.run(
            [compiler, f"-std={standard}", *WARNINGS, include, "-fsyntax-only", str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            failed[header.name] = done.stderr
    assert not failed, "\n".join(failed.values())


def preprocess(installed: Installed, *options: str, status: int) -> str:
    header = installed.prefix / "include/memctl/error.hpp"
    include = f"-I{installed.prefix}/include"
    return run("g++", "-x", "c++", *options, include, "-E", header, status=status).stderr


def test_a_program_with_another_boost_is_told(installed: Installed, tmp_path: Path) -> None:
    """Boost.Outcome's results would have another layout, and pkg-config cannot tell."""
    (tmp_path / "boost").mkdir()
    other = tmp_path / "boost" / "version.hpp"
    other.write_text("#define BOOST_VERSION 107400\n")
    error = preprocess(installed, "-std=c++20", f"-I{tmp_path}", status=1)
    assert "built with another release of Boost" in error


def test_a_program_in_an_older_language_is_told(installed: Installed) -> None:
    assert "memctl's headers need C++20" in preprocess(installed, "-std=c++17", status=1)
