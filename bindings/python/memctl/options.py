# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the calls of hosts and domains accept, and what they hand to the library."""

from __future__ import annotations

import datetime
from typing import Literal, SupportsIndex

from . import _core
from .errors import InvalidSize
from .size import Size, invalid, request

Seconds = float | datetime.timedelta
OnFailure = Literal["restore", "keep"]
Zone = Literal["kernel", "movable"]
Numa = Literal["any", "local"]
Bytes = SupportsIndex | str

NUMA = ("any", "local")
DEFAULT_STALL = 30.0
DEFAULT_AGENT_WAIT = 60.0
DEFAULT_RESERVE = Size("64MiB")


def milliseconds(time: Seconds, name: str) -> int:
    """The time for the library. Raises `TypeError` or `ValueError`, which says `name`."""
    if isinstance(time, datetime.timedelta):
        time = time.total_seconds()
    if isinstance(time, bool) or not isinstance(time, (int, float)):
        raise TypeError(f"{name} is in seconds, as a number or a timedelta")
    if not 0 < time < 1e9:
        raise ValueError(f"{name} is {time} s: it has to be more than none, and finite")
    return max(1, round(time * 1000))


def one_of(value: str, name: str, choices: tuple[str, str]) -> bool:
    """Whether `value` is the second of the two choices."""
    if value not in choices:
        raise ValueError(f'{name} is {value!r}: it has to be "{choices[0]}" or "{choices[1]}"')
    return value == choices[1]


def absolute(size: Bytes, name: str) -> int:
    """The size in KiB. Raises `InvalidSize`, which says `name`, if it is relative or no size."""
    try:
        kib, relative = request(size)
    except InvalidSize as error:
        raise invalid(f"{name}: {error}") from None
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    if relative:
        raise invalid(f"{name} is {size!r}, which is relative")
    return kib


def core_options(
    timeout: Seconds | None = None,
    stall: Seconds = DEFAULT_STALL,
    on_failure: str = "restore",
    online: str = "kernel",
    agentless: bool = False,
    allow_hvm_devices: bool = False,
    force_movable: bool = False,
    host_reserve: Bytes = DEFAULT_RESERVE,
    numa: str = "any",
) -> _core.Options:
    """The options for the library. Raises `TypeError` or `ValueError` for one that is wrong."""
    return _core.Options(
        timeout_ms=None if timeout is None else milliseconds(timeout, "timeout"),
        stall_ms=milliseconds(stall, "stall"),
        keep=one_of(on_failure, "on_failure", ("restore", "keep")),
        movable=one_of(online, "online", ("kernel", "movable")),
        agentless=bool(agentless),
        allow_hvm_devices=bool(allow_hvm_devices),
        force_movable=bool(force_movable),
        host_reserve_kib=absolute(host_reserve, "host_reserve"),
        local=one_of(numa, "numa", NUMA),
    )


DEFAULTS = core_options()
