# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures for the tests of the Python package. The tests act on simulated hosts, unless
`MEMCTL_TEST_URI` names another host. In that case they resize its guest `MEMCTL_TEST_GUEST`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import memctl

Simulate = Callable[..., str]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Writes a description of a simulated host, and returns its URI."""

    def write(**scenario: Any) -> str:
        file = tmp_path / "host.json"
        file.write_text(json.dumps(scenario))
        return f"sim:{file}"

    return write


@pytest.fixture
def slow(simulate: Simulate) -> str:
    """One guest, "g", that takes real time: 1 GiB a second."""
    guest = {
        "name": "g",
        "type": "pv",
        "memory": "1GiB",
        "populated_per_second": "1GiB",
        "kernel_free": "600MiB",
    }
    return simulate(host="16GiB", pace=1, guests=[guest])


@pytest.fixture
def host() -> Iterator[memctl.Host]:
    with memctl.Host(os.environ.get("MEMCTL_TEST_URI", "sim:")) as opened:
        yield opened


@pytest.fixture
def domain(host: memctl.Host) -> Iterator[memctl.Domain]:
    """A guest, which gets its earlier size back afterwards."""
    guest = host[os.environ.get("MEMCTL_TEST_GUEST", "demo-pv")]
    target = guest.status().target
    yield guest
    if guest.status().target != target:
        guest.resize(target)
