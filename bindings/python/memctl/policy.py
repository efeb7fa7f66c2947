# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the administrator of a host allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import Bytes, absolute


def _bound(size: Bytes | None, name: str) -> int | None:
    return None if size is None else absolute(size, name)


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """The bounds for the sizes of some domains. None: no bound.

    >>> DomainPolicy("db*", minimum="4GiB")
    DomainPolicy(name='db*', minimum='4GiB', maximum=None)
    """

    name: str  #: Of the domains. `*` stands for any text, `?` for any one character.
    minimum: Bytes | None = None
    maximum: Bytes | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a status, a plan and a resize ask before anything is touched. It can only narrow what
    they allow themselves.

    >>> import memctl
    >>> policy = memctl.Policy("2GiB", [memctl.DomainPolicy("demo-*", maximum="8GiB")])
    >>> with memctl.Host("sim:", policy=policy) as host:
    ...     host["demo-pv"].status().range.largest.cause
    <Cause.ABOVE_POLICY: 'above_policy'>
    """

    host_reserve: Bytes = 0  #: Stays free on the host, also if a call's own reserve is less.
    #: For each bound, the first entry counts that names the domain and has that bound.
    domains: Sequence[DomainPolicy] = ()

    def for_core(self) -> tuple[int, list[tuple[str, int | None, int | None]]]:
        """The policy for the library. Raises `InvalidSize` for a wrong size."""
        domains = [
            (one.name, _bound(one.minimum, "minimum"), _bound(one.maximum, "maximum"))
            for one in self.domains
        ]
        return absolute(self.host_reserve, "host_reserve"), domains
