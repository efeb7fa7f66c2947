# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs find the installed library, build against it, and run on a simulated host."""

from __future__ import annotations

from pathlib import Path

from installed import WARNINGS, Installed, run

PROGRAM = Path(__file__).with_name("program")
ASKED = ("sim:", "demo-pv", "2g")
GROWN = "demo-pv: 2048 MiB\n"
CAUGHT = "ErrorException: no_such_domain\nsystem_error: memctl 1\n"

FIND = """\
cmake_minimum_required(VERSION 3.24)
project(find LANGUAGES CXX)
"""


def test_a_program_finds_memctl_with_cmake(
    installed: Installed, compiler: str, tmp_path: Path
) -> None:
    options = (f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={' '.join(WARNINGS)}")
    environment = installed.environment()
    run("cmake", "-G", "Ninja", *options, "-S", PROGRAM, "-B", tmp_path, environment=environment)
    run("cmake", "--build", tmp_path)
    assert run(tmp_path / "grow", *ASKED).stdout == GROWN + CAUGHT
    assert run(tmp_path / "grow_with_asio", *ASKED).stdout == GROWN


def test_a_program_finds_memctl_with_pkg_config(
    installed: Installed, compiler: str, tmp_path: Path
) -> None:
    compile_it = (compiler, "-std=c++20", *WARNINGS)
    installed.compile(compile_it, [PROGRAM / "grow.cpp"], tmp_path / "grow")
    assert run(tmp_path / "grow", *ASKED).stdout == GROWN + CAUGHT


def test_cmake_finds_only_a_version_that_fits_and_components_that_exist(
    installed: Installed, tmp_path: Path
) -> None:
    asked = {
        "": True,
        "0.1": True,
        "0.1.0 EXACT": True,
        "0.1.1": False,
        "0.0.9": False,
        "0.2": False,
        "1.0": False,
        "0.1 COMPONENTS asio": True,
        "0.1 COMPONENTS asoi": False,
        "0.1 OPTIONAL_COMPONENTS asoi": True,
    }
    answers = {"TRUE": True, "FALSE": False, "1": True, "0": False}
    finds = "".join(
        f'find_package(memctl {words} QUIET)\nmessage("{words}=${{memctl_FOUND}}")\n'
        for words in asked
    )
    (tmp_path / "CMakeLists.txt").write_text(FIND + finds)
    done = run("cmake", tmp_path, "-B", tmp_path, environment=installed.environment())
    found = dict(line.split("=") for line in done.stderr.splitlines() if line.count("=") == 1)
    assert {words: answers[found[words]] for words in asked} == asked


def test_cmake_names_a_component_that_memctl_does_not_have(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        FIND + "find_package(memctl REQUIRED COMPONENTS asoi)\n"
    )
    done = run("cmake", tmp_path, "-B", tmp_path, environment=installed.environment(), status=1)
    assert 'memctl has no component "asoi"; it has "asio"' in " ".join(done.stderr.split())
