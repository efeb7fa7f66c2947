# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures for the tests of the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
from memctl_command import Run, command_path, run


@pytest.fixture(scope="session")
def memctl() -> Callable[..., Run]:
    if not Path(command_path()).exists():
        pytest.skip("memctl is not built")
    return run


@pytest.fixture
def simulate(tmp_path: Path) -> Callable[..., str]:
    """Writes a description of a simulated host, and returns its URI."""

    def write(**scenario: Any) -> str:
        file = tmp_path / "host.json"
        file.write_text(json.dumps(scenario))
        return f"sim:{file}"

    return write
