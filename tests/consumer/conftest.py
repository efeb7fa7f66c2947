# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installs memctl for the tests, which use nothing else of the build."""

from __future__ import annotations

import shutil

import pytest
from installed import Installed, install


def pytest_addoption(parser: pytest.Parser) -> None:
    daemon = parser.getgroup("test_daemon.py")
    daemon.addoption("--minutes", type=float, default=0, help="how long the daemon runs at least")
    daemon.addoption("--resizes", type=int, default=0, help="how many resizes it makes")
    daemon.addoption("--valgrind", action="store_true", help="under valgrind")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An installation that was moved after it was made. So nothing in it can name its place."""
    folder = tmp_path_factory.mktemp("installed")
    install(folder / "first", "host", "devel")
    (folder / "first").rename(folder / "moved")
    return Installed(folder / "moved")


@pytest.fixture(params=["g++", "clang++"])
def compiler(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name
