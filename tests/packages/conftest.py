# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the packages for the tests, for each release that is asked for."""

from __future__ import annotations

import pytest
from roots import Release


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tests/packages")
    group.addoption(
        "--release", action="append", help="a release of Debian (default: bookworm and trixie)"
    )
    group.addoption(
        "--made", action="store_true", help="take what scripts/package has left, and make nothing"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "release" in metafunc.fixturenames:
        names = metafunc.config.getoption("release") or ["bookworm", "trixie"]
        metafunc.parametrize("release", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def release(request: pytest.FixtureRequest) -> Release:
    """A release whose packages are made."""
    made = Release(request.param)
    if not request.config.getoption("made"):
        made.make()
    made.offer(*made.made.glob("*.deb"), made.made / "Packages", *made.archives())
    return made
