# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sizes: what memctl returns, and what it accepts."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, SupportsIndex, overload

from . import _core

if TYPE_CHECKING:
    from .errors import InvalidSize

KIB = 1024
PAGE = 4 * KIB
LARGEST_KIB = 1 << 50  # far past anything that Xen can address
FORMS = (
    'bytes as an int, or a string with a unit: "512m", "4GiB", "+1g" and "-512MiB" (relative); '
    "units are k, m, g, t, KiB, MiB, GiB, TiB"
)


class Size(int):
    """An amount of memory: an int of bytes that prints as people write it.

    A size can do whatever an int can do, with the same result. Sums, differences and products are
    sizes, and so are the shares that `//` makes. They are exact, as those of ints are. A product
    with a float is rounded to the nearest page of 4 KiB, so `target * 1.1` and `target * (1 / 3)`
    are sizes that `Domain.resize` takes. Write the size first: `1.1 * target` is a float. A size
    divided by a size is a number, and `/` makes a float.

    >>> Size("4GiB")
    Size('4096 MiB')
    >>> Size("4GiB") == 4 * 1024**3
    True
    >>> print(Size("1g") - Size("1m"))
    1023 MiB
    >>> Size("1g") * 1.1, Size("1g") // 4, Size("1g") // Size("128m"), Size("1g") / Size("4g")
    (Size('1153432 KiB'), Size('256 MiB'), 8, 0.25)
    >>> Size("1536MiB").mib
    1536.0

    Raises `InvalidSize`, a `ValueError`, for a text that is not a size, and `TypeError` for values
    that are neither a text nor an int. Both name the accepted forms.
    """

    __slots__ = ()

    def __new__(cls, value: SupportsIndex | str) -> Size:
        if isinstance(value, str):
            kib, relative = _parse(value)
            if relative:
                raise invalid(f"{value!r} is relative, and no size by itself")
            return int.__new__(cls, kib * KIB)
        return int.__new__(cls, _index(value))

    @property
    def kib(self) -> float:
        """In KiB."""
        return self / KIB

    @property
    def mib(self) -> float:
        """In MiB."""
        return self / KIB**2

    @property
    def gib(self) -> float:
        """In GiB."""
        return self / KIB**3

    def __str__(self) -> str:
        whole, rest = divmod(abs(int(self)), KIB)
        text = f"{abs(int(self))} B" if rest else _core.format_size(whole)
        return f"-{text}" if self < 0 else text

    def __repr__(self) -> str:
        return f"Size('{self}')"

    def __format__(self, spec: str) -> str:
        """As a text (`f"{size:>10}"`), unless `spec` has a type of numbers (`f"{size:d}"`)."""
        if spec and spec[-1] in "bcdeEfFgGnoxX%":
            return int.__format__(self, spec)
        return format(str(self), spec)

    def __add__(self, other: int) -> Size:
        return _sized(int.__add__(self, other))

    def __radd__(self, other: int) -> Size:
        return _sized(int.__radd__(self, other))

    def __sub__(self, other: int) -> Size:
        return _sized(int.__sub__(self, other))

    def __rsub__(self, other: int) -> Size:
        return _sized(int.__rsub__(self, other))

    def __mul__(self, other: float) -> Size:
        if isinstance(other, float):
            return _sized(round(int(self) * other / PAGE) * PAGE)
        return _sized(int.__mul__(self, other))

    def __rmul__(self, other: int) -> Size:
        return _sized(int.__rmul__(self, other))

    @overload
    def __floordiv__(self, other: Size) -> int:  # type: ignore[misc]
        ...

    @overload
    def __floordiv__(self, other: int) -> Size:
        ...

    def __floordiv__(self, other: int) -> int:
        if isinstance(other, Size):
            return int(self) // int(other)
        return _sized(int.__floordiv__(self, other))

    def __neg__(self) -> Size:
        return _sized(int.__neg__(self))

    def __abs__(self) -> Size:
        return _sized(int.__abs__(self))

    def __getnewargs__(self) -> tuple[int]:
        return (int(self),)


def request(size: SupportsIndex | str) -> tuple[int, bool]:
    """The KiB to ask the library for, and whether they are relative to the present target.

    >>> request("+1GiB")
    (1048576, True)
    >>> request(512 * 1024**2)
    (524288, False)
    """
    if isinstance(size, str):
        return _parse(size)
    kib, rest = divmod(_index(size), KIB)
    if kib < 0:
        raise invalid(f"{int(size)} bytes are less than none")
    if rest:
        raise invalid(f"{int(size)} bytes are no whole number of KiB")
    if kib > LARGEST_KIB:
        raise invalid(f"{int(size)} bytes are more than any domain can have")
    return kib, False


def invalid(message: str) -> InvalidSize:
    """The exception for a size that is not one; also a `ValueError`."""
    from .errors import InvalidSize  # imported here, because errors.py imports this module
    from .names import Cause

    return InvalidSize(message, cause=Cause.INVALID_SIZE, hint=f"give {FORMS}")


def _index(value: SupportsIndex) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"a {type(value).__name__} is no size: give {FORMS}")
    return operator.index(value)


def _parse(text: str) -> tuple[int, bool]:
    if text[-1:].isascii() and text[-1:].isdigit():
        raise invalid(f'"{text}" has no unit')
    try:
        return _core.parse_size(text)
    except ValueError as error:
        raise invalid(str(error)) from None  # the library's hint allows numbers without a unit


def _sized(value: int) -> Size:
    """The value as a size; `NotImplemented` stays `NotImplemented`."""
    return int.__new__(Size, value) if isinstance(value, int) else value
