# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in the package's docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import inspect

import pytest

import memctl

MODULES = ["memctl", "memctl.errors", "memctl.host", "memctl.operation", "memctl.size"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_work(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0 and done.failed == 0


def test_whatever_is_public_says_what_it_is() -> None:
    for name in memctl.__all__:
        public = getattr(memctl, name)
        if not inspect.isclass(public):
            continue
        assert public.__doc__, name
        for member, value in vars(public).items():
            if not member.startswith("_") and (inspect.isfunction(value)):
                assert value.__doc__, f"{name}.{member}"
