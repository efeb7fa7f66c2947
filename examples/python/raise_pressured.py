#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Raises all guests that are short of memory, in parallel, within what the host has.

A guest is short of memory if it claims that less than a tenth of its memory is available to its
processes. The neediest guests come first. A guest gets at most a quarter on top of what it has, or
128 MiB if that is more.

    examples/python/raise_pressured.py
    examples/python/raise_pressured.py --host sim: --below 2 --dry-run
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import memctl
from memctl import Size

BLOCK = Size("128MiB")


def available(status: memctl.Status) -> float:
    """The part of its memory that is available to its processes, as the guest claims."""
    if not status.reported_total or status.reported_available is None:
        return 1.0
    return status.reported_available / status.reported_total


async def ask(domains: list[memctl.Domain]) -> list[memctl.Status]:
    """Asks all guests at once, so those that do not answer take 5 s together."""
    return await asyncio.gather(*(domain.status_async() for domain in domains))


def share_out(host: memctl.Host, below: float) -> list[tuple[memctl.Domain, Size]]:
    """Which guest gets which size. The library still refuses what the host cannot give."""
    domains = host.domains()
    statuses = zip(domains, asyncio.run(ask(domains)), strict=True)
    short = sorted(
        (one for one in statuses if one[1].agent and available(one[1]) < below),
        key=lambda one: available(one[1]),
    )
    shares: list[tuple[memctl.Domain, Size]] = []
    left: int | None = None
    for domain, status in short:
        more = max(BLOCK, status.target // 4 // BLOCK * BLOCK)
        try:
            plan = domain.plan(status.target + more)
        except memctl.Error as error:
            print(f"{domain.name}: stays at {status.target}: {error}", file=sys.stderr)
            continue
        if left is None:
            left = plan.host_free - plan.host_reserve
        needed = more + plan.pool_growth
        if needed <= left:
            left -= needed
            shares.append((domain, plan.to_size))
    return shares


async def raise_all(shares: list[tuple[memctl.Domain, Size]], timeout: float) -> int:
    """Resizes all guests at once. Returns how many resizes failed."""
    results = await asyncio.gather(
        *(domain.resize_async(size, timeout=timeout) for domain, size in shares),
        return_exceptions=True,
    )
    failed = 0
    for (domain, _), result in zip(shares, results, strict=True):
        if isinstance(result, memctl.Report):
            print(f"{domain.name}: {result.from_size} -> {result.reached}")
        elif isinstance(result, memctl.Error):
            failed += 1
            print(f"{domain.name}: {result.cause}: {result}", file=sys.stderr)
        else:
            raise result
    return failed


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="xen:", metavar="URI", help="xen: (the default) or sim:")
    parser.add_argument("--below", type=float, default=0.1, help="available part (default: 0.1)")
    parser.add_argument("--timeout", type=float, default=120, help="seconds for each guest")
    parser.add_argument("--dry-run", action="store_true", help="tell who would get what")
    options = parser.parse_args()
    try:
        with memctl.Host(options.host) as host:
            shares = share_out(host, options.below)
            if options.dry_run:
                for domain, size in shares:
                    print(f"{domain.name}: would get {size}")
                return 0
            return 1 if asyncio.run(raise_all(shares, options.timeout)) else 0
    except memctl.Error as error:
        print(f"{error.cause}: {error}\n{error.hint}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
