# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sizes, records and errors as values."""

from __future__ import annotations

import asyncio
import builtins
import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any, Callable

import pytest
from jsonschema import Draft7Validator

import memctl
from memctl import Size, _core
from memctl.errors import CLASSES, causes_of

ANYTHING: Any = None
SCHEMAS = {
    path.name.split(".")[0]: Draft7Validator(json.loads(path.read_text()))
    for path in (Path(__file__).resolve().parents[2] / "docs" / "schema").glob("*.schema.json")
}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512k", 512 << 10),
        ("512m", 512 << 20),
        ("4GiB", 4 << 30),
        ("4gib", 4 << 30),
        ("2T", 2 << 40),
        ("1025 KiB", 1025 << 10),
    ],
)
def test_a_size_is_an_int_of_bytes(text: str, size: int) -> None:
    assert Size(text) == size and hash(Size(text)) == hash(size)
    assert Size(str(Size(text))) == size
    assert isinstance(Size(text), int)


def test_sizes_print_and_calculate() -> None:
    assert str(Size(513 << 10)) == "513 KiB" and repr(Size("4g")) == "Size('4096 MiB')"
    assert str(Size(1000)) == "1000 B" and str(Size(-1024)) == "-1 KiB" and str(Size(0)) == "0 MiB"
    assert f"{Size('1g'):>10}|{Size('1g'):d}" == "  1024 MiB|1073741824"
    total: Any = sum([Size("1g"), Size("1g")], Size(0))
    assert repr(total) == "Size('2048 MiB')"
    assert repr(Size("1g") - 1024) == "Size('1048575 KiB')"
    assert repr(-Size("1m")) == "Size('-1 MiB')"
    assert repr(1024 + Size("1m")) == "Size('1025 KiB')"
    assert (Size("1g").gib, Size("1g").mib, Size("1g").kib) == (1.0, 1024.0, 1048576.0)
    assert sorted([Size("2m"), Size("1g"), 5]) == [5, Size("2m"), Size("1g")]
    assert pickle.loads(pickle.dumps(Size("4g"))).__class__ is Size
    assert copy.copy(Size("4g")) == Size("4g")
    with pytest.raises(TypeError):
        Size("1g") + "1g"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Size("1g") * 2, "Size('2048 MiB')"),
        (2 * Size("1g"), "Size('2048 MiB')"),
        (Size("1g") * 1.1, "Size('1153432 KiB')"),
        (1.1 * Size("1g"), "1181116006.4"),
        (Size("3m") * (1 / 3), "Size('1 MiB')"),
        (Size("1g") * -0.5, "Size('-512 MiB')"),
        (Size("1g") // 4, "Size('256 MiB')"),
        (Size("1g") // 4096, "Size('256 KiB')"),
        (Size("1g") // Size("300m"), "3"),
        (Size("1g") // Size("300m") * Size("300m"), "Size('900 MiB')"),
        (Size("1g") / 2, "536870912.0"),
        (abs(Size("1g") - Size("2g")), "Size('1024 MiB')"),
    ],
)
def test_what_is_calculated_from_a_size_is_a_size(value: object, shown: str) -> None:
    assert repr(value) == shown


@pytest.mark.parametrize("number", [0, 1, 3, 1000, 4096])
def test_a_size_calculates_as_the_int_that_it_is(number: int) -> None:
    size = Size((1 << 30) + 4096)
    assert size * number == int(size) * number == number * size
    assert size + number == int(size) + number
    if number:
        assert size // number == int(size) // number


def test_a_product_with_a_number_can_be_asked_for(domain: memctl.Domain) -> None:
    target = domain.status().target
    for factor in (1.1, 4 / 3, 1.7):
        report = domain.resize(target * factor)
        assert report.reached == report.requested == target * factor
        assert abs(report.reached - int(target) * factor) <= 2048


@pytest.mark.parametrize(
    "wrong",
    [lambda: Size("1g") * ANYTHING, lambda: Size("1g") // ANYTHING, lambda: Size("1g") // 0],
)
def test_what_is_no_number_shares_no_size(wrong: Callable[[], object]) -> None:
    with pytest.raises((TypeError, ZeroDivisionError)):
        wrong()


@pytest.mark.parametrize(
    "text", ["", "g", "4", "4096", "-1", "4x", "4 5g", "1.5g", "1e3m", "٤g", "4g\0"]
)
def test_text_that_is_no_size(text: str) -> None:
    with pytest.raises(ValueError) as wrong:
        Size(text)
    shown = [str(wrong.value), *getattr(wrong.value, "__notes__", [])]
    assert any("GiB" in line for line in shown), shown


@pytest.mark.parametrize("size", [True, None, 1.5, b"4g", ["4g"], float("nan")])
def test_a_value_of_another_type_is_a_type_error(domain: memctl.Domain, size: Any) -> None:
    with pytest.raises(TypeError, match="GiB"):
        domain.resize(size)
    with pytest.raises(TypeError, match="GiB"):
        Size(size)


@pytest.mark.parametrize("size", [-1024, 1000, "4096", "+", "", 1 << 80, "99999999999t"])
def test_a_size_that_cannot_be(domain: memctl.Domain, size: Any) -> None:
    before = domain.status()
    with pytest.raises((ValueError, TypeError)):
        domain.resize(size)
    with pytest.raises((ValueError, TypeError)):
        domain.plan(size)
    assert domain.status() == before


@pytest.mark.parametrize("size", [4096, 4194304])
def test_the_error_of_a_size_in_mib_says_that_an_int_means_bytes(
    domain: memctl.Domain, size: int
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: domain.resize(size),
        lambda: asyncio.run(domain.resize_async(size)),
        lambda: domain.plan(size),
        lambda: asyncio.run(domain.plan_async(size)),
    ]
    for call in calls:
        with pytest.raises(memctl.Refused, match=f"; the int {size} means bytes$") as refused:
            call()
        assert refused.value.cause == memctl.Cause.BELOW_FLOOR
        assert refused.value.hint == f'give a text with the unit, as "{size}MiB"'
        assert refused.value.__notes__ == [f"hint: {refused.value.hint}"]
        assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


@pytest.mark.parametrize("size", ["4k", Size(4096), 20 << 20])
def test_the_error_of_a_size_with_a_unit_does_not_explain_ints(
    domain: memctl.Domain, size: Any
) -> None:
    with pytest.raises(memctl.Refused) as refused:
        domain.resize(size)
    assert "bytes" not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"timeout": 0}, ValueError, "timeout is 0 s"),
        ({"timeout": -1}, ValueError, "timeout"),
        ({"timeout": float("inf")}, ValueError, "finite"),
        ({"timeout": float("nan")}, ValueError, "finite"),
        ({"timeout": "60"}, TypeError, "seconds"),
        ({"stall": True}, TypeError, "seconds"),
        ({"on_failure": "explode"}, ValueError, '"restore" or "keep"'),
        ({"online": "online"}, ValueError, '"kernel" or "movable"'),
        ({"on_event": 5}, TypeError, "cannot be called"),
        ({"host_reserve": "64"}, ValueError, "no unit"),
        ({"host_reserve": -1024}, ValueError, "less than none"),
    ],
)
def test_wrong_arguments_are_refused(
    domain: memctl.Domain, arguments: dict[str, Any], kind: type[Exception], words: str
) -> None:
    before = domain.status()
    with pytest.raises(kind, match=words):
        domain.resize("2g", **arguments)
    assert domain.status() == before


def test_a_coroutine_function_is_refused_as_a_callback(domain: memctl.Domain) -> None:
    async def on_event(event: memctl.Event) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match="plain function"):
        domain.resize("2g", on_event=on_event)


def test_records_are_what_memctl_writes_as_json(host: memctl.Host, domain: memctl.Domain) -> None:
    events: list[memctl.Event] = []
    SCHEMAS["plan"].validate(domain.plan("+1g").to_dict())
    SCHEMAS["report"].validate(domain.resize("+1g", on_event=events.append).to_dict())
    SCHEMAS["status"].validate(domain.status().to_dict())
    for event in events:
        SCHEMAS["progress"].validate(event.to_dict())
    for finding in host.doctor():
        SCHEMAS["doctor"].validate({**finding.to_dict(), "domain": None})
    for finding in domain.doctor():
        SCHEMAS["doctor"].validate({**finding.to_dict(), "domain": domain.identity.to_dict()})
    with pytest.raises(memctl.Error) as refused:
        domain.resize("1t")
    SCHEMAS["report"].validate(refused.value.to_dict())
    assert json.loads(json.dumps(domain.recover().to_dict()))["report"] is None


def test_records_are_immutable_and_compare(domain: memctl.Domain) -> None:
    report = domain.resize("+128MiB")
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.reached = Size("1t")  # type: ignore[misc]
    assert hash(report) == hash(pickle.loads(pickle.dumps(report)))
    assert report != domain.resize("+128MiB")
    assert "reached=Size('1152 MiB')" in repr(report)


def test_the_names_are_the_librarys() -> None:
    assert [cause.value for cause in memctl.Cause] == list(_core.causes)
    assert [check.value for check in memctl.Check] == list(_core.checks)


def test_one_table_maps_causes_and_classes() -> None:
    assert set(CLASSES) == set(memctl.Cause)
    assert causes_of(memctl.Error) == set(memctl.Cause)
    for cause, family in CLASSES.items():
        assert cause in causes_of(family)
    builtin = {
        memctl.InvalidSize: builtins.ValueError,
        memctl.NotPermitted: builtins.PermissionError,
        memctl.NoSuchDomain: builtins.LookupError,
        memctl.DeadlineExceeded: builtins.TimeoutError,
        memctl.NoXen: builtins.ConnectionError,
    }
    for family, base in builtin.items():
        assert issubclass(family, base), family


@pytest.mark.parametrize("cause", list(memctl.Cause))
def test_errors_survive_pickling(cause: memctl.Cause, domain: memctl.Domain) -> None:
    error = CLASSES[cause](
        "a message", cause=cause, hint="a hint", domain=domain.identity, raw=-3, log=("a", "b")
    )
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == "a message"
    kept = ("cause", "hint", "domain", "report", "range", "nearest", "raw", "log", "__notes__")
    for name in kept:
        assert getattr(again, name) == getattr(error, name), name
