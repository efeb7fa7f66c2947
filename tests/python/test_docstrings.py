# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in the package's docstrings work."""

from __future__ import annotations

import dataclasses
import doctest
import enum
import importlib
import inspect

import pytest

import memctl

MODULES = [
    "memctl",
    "memctl.domain",
    "memctl.errors",
    "memctl.host",
    "memctl.numa",
    "memctl.operation",
    "memctl.policy",
    "memctl.records",
    "memctl.size",
    "memctl.watch",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_work(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0 and done.failed == 0


def test_everything_public_is_documented() -> None:
    """Everything but enumerations and errors has an example."""
    for name in memctl.__all__:
        public = getattr(memctl, name)
        if not inspect.isclass(public):
            continue
        assert public.__doc__, name
        if not issubclass(public, (enum.Enum, memctl.Error)):
            assert ">>> " in public.__doc__, name
        for member, value in vars(public).items():
            if member.startswith("_") or not inspect.isfunction(value):
                continue
            assert value.__doc__, f"{name}.{member}"
            if public in (memctl.Host, memctl.Domain):
                assert ">>> " in value.__doc__, f"{name}.{member}"


def test_every_member_of_a_record_is_described() -> None:
    """`help()` shows docstrings, not comments. `domain` needs no description."""
    for name in memctl.__all__:
        public = getattr(memctl, name)
        if not dataclasses.is_dataclass(public):
            continue
        described = public.__doc__ or ""
        for field in dataclasses.fields(public):
            assert field.name == "domain" or f"`{field.name}`" in described, f"{name}.{field.name}"
