# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each installed file belongs to exactly one Debian package.

The packages themselves are built and tested by tests/packages. That takes minutes; this takes
seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

import pytest
from installed import BUILD, SOURCES, run

DEBIAN = SOURCES / "packaging" / "debian"
#: What debhelper puts into the lists, as far as this build's folders have a place for it.
VARIABLES = {"${env:UNIT_DIR}": "usr/lib/systemd/system", "/${DEB_HOST_MULTIARCH}": ""}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What `cmake --install` installs below /, by the names that it has in a build of packages."""
    root = tmp_path_factory.mktemp("root")
    run("cmake", "--install", BUILD, "--strip", "--prefix", root / "usr")
    names = (str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())
    return [re.sub(r"^usr/lib/python3\.\d+/", "usr/lib/python3/", name) for name in names]


def lines() -> Iterator[tuple[str, str]]:
    """Each package with each line of its list."""
    for path in DEBIAN.glob("*.install"):
        for line in path.read_text().splitlines():
            for variable, value in VARIABLES.items():
                line = line.replace(variable, value)
            yield path.stem, line


def belongs(name: str, line: str) -> bool:
    return name.startswith(f"{line}/") or fnmatchcase(name, line)


def test_each_installed_file_is_in_exactly_one_package(files: list[str]) -> None:
    owners = {name: {package for package, line in lines() if belongs(name, line)} for name in files}
    assert "usr/bin/memctl" in owners
    assert {name: found for name, found in owners.items() if len(found) != 1} == {}


def test_each_line_of_a_list_names_what_is_installed(files: list[str]) -> None:
    listed = list(lines())
    assert len(listed) > 10
    assert [each for each in listed if not any(belongs(name, each[1]) for name in files)] == []


def test_each_package_has_a_list() -> None:
    packages = re.findall(r"^Package: (.*)$", (DEBIAN / "control").read_text(), re.MULTILINE)
    assert set(packages) == {package for package, _ in lines()}


def test_the_packages_have_the_version_of_the_sources() -> None:
    match = re.search(r"project\(memctl VERSION (\S+)", (SOURCES / "CMakeLists.txt").read_text())
    assert match
    newest = (DEBIAN / "changelog").read_text().partition("\n")[0]
    assert newest.startswith(f"memctl ({match[1]}-")
    symbols = (DEBIAN / "libmemctl0.symbols").read_text()
    assert f" (symver)MEMCTL_0 {match[1]}\n" in symbols


def test_a_build_of_packages_has_the_libraries_that_any_build_has() -> None:
    """Otherwise a clean root lacks what every developer has installed."""
    tests_alone = {"libbenchmark-dev", "libelf-dev", "libgmock-dev", "libgtest-dev"}
    tests_alone |= {"libclang-rt-dev", "librapidcheck-dev"}
    script = SOURCES / "scripts" / "install-dependencies"
    installed = set(run(script, "--list", "bookworm").stdout.split())
    control = (DEBIAN / "control").read_text()
    build_depends = control.partition("Build-Depends:")[2].partition("Standards-Version:")[0]
    named = set(re.findall(r"[a-z0-9.-]+-dev\b", build_depends)) - {"libboost-dev"}
    assert named == {name for name in installed if name.endswith("-dev")} - tests_alone
