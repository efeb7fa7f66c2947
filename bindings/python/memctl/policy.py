# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the administrator of a host allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .options import NUMA, Bytes, Numa, absolute, one_of


def _bound(size: Bytes | None, name: str) -> int | None:
    return None if size is None else absolute(size, name)


def require_policy(policy: Policy) -> Policy:
    """The policy itself. Raises `TypeError` if it is none."""
    if not isinstance(policy, Policy):
        kind = type(policy).__name__
        raise TypeError(f"policy is a {kind}: give a memctl.Policy; memctl.Policy() has no bounds")
    return policy


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """The bounds for the sizes of some domains. None: no bound.

    - `name`: the name of the domains. `*` stands for any text, `?` for any one character.
    - `minimum`, `maximum`: the smallest and largest size that a resize may bring them to.

    >>> DomainPolicy("db*", minimum="4GiB")
    DomainPolicy(name='db*', minimum='4GiB', maximum=None)
    """

    name: str
    minimum: Bytes | None = None
    maximum: Bytes | None = None

    def for_core(self) -> tuple[str, int | None, int | None]:
        """The entry for the library. Raises `InvalidSize` for a wrong size, and `TypeError`."""
        if not isinstance(self.name, str):
            raise TypeError(f"the name of an entry is a {type(self.name).__name__}: give a str")
        minimum = _bound(self.minimum, f"the minimum of {self.name!r}")
        return self.name, minimum, _bound(self.maximum, f"the maximum of {self.name!r}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What a status, a plan and a resize ask before anything is touched. It can only narrow what
    they allow themselves.

    - `host_reserve`: stays free on the host, also if a call's own reserve is less.
    - `domains`: for each bound, the first entry counts that names the domain and has that bound.
    - `numa`: `"local"` counts for all growths, also if a call's own is `"any"`.

    >>> import memctl
    >>> policy = memctl.Policy("2GiB", [memctl.DomainPolicy("demo-*", maximum="8GiB")])
    >>> with memctl.Host("sim:", policy=policy) as host:
    ...     host["demo-pv"].status().range.largest.cause
    <Cause.ABOVE_POLICY: 'above_policy'>
    """

    host_reserve: Bytes = 0
    domains: Sequence[DomainPolicy] = ()
    numa: Numa = "any"

    def for_core(self) -> tuple[int, list[tuple[str, int | None, int | None]], bool]:
        """The policy for the library. Raises `InvalidSize` for a wrong size, and `TypeError`."""
        if not isinstance(self.domains, Sequence):
            raise TypeError(f"domains is a {type(self.domains).__name__}: give a list")
        for one in self.domains:
            if not isinstance(one, DomainPolicy):
                kind = type(one).__name__
                raise TypeError(f"an entry of domains is a {kind}: give a memctl.DomainPolicy")
        reserve = absolute(self.host_reserve, "host_reserve")
        bounds = [one.for_core() for one in self.domains]
        return reserve, bounds, one_of(self.numa, "numa", NUMA)
