"""The facts of the host and the guests, read without memctl."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

PAGE_KIB = 4


@dataclass(frozen=True)
class HostFacts:
    """Xen's own counts. `free_pages` includes claimed pages."""

    total_pages: int
    free_pages: int
    scrub_pages: int
    outstanding_pages: int


@dataclass(frozen=True)
class DomainFacts:
    """Xen's own counts for one domain. `pool_bytes` is None for pv, which has no paging pool."""

    domid: int
    tot_pages: int
    max_pages: int
    outstanding_pages: int
    pool_bytes: int | None
    dying: bool
    shutdown: bool
    shutdown_code: int
    paused: bool
    hvm: bool

    @property
    def tot_kib(self) -> int:
        return self.tot_pages * PAGE_KIB


@dataclass(frozen=True)
class Limits:
    """Everything that a refused or restored resize must leave unchanged."""

    max_pages: int
    limit_kib: int
    target_kib: int
    pool_bytes: int | None
    claim_pages: int


@dataclass(frozen=True)
class Block:
    """A memory block in the guest. The zone is None while the block is offline."""

    number: int
    online: bool
    zone: str | None


@dataclass(frozen=True)
class GuestFacts:
    """What the guest's own kernel says."""

    mem_total_kib: int
    mem_free_kib: int
    mem_available_kib: int
    target_kib: int
    current_kib: int
    online_policy: str
    block_bytes: int
    blocks: tuple[Block, ...]

    @property
    def offline_blocks(self) -> tuple[Block, ...]:
        return tuple(block for block in self.blocks if not block.online)


def parse_probe(text: str) -> tuple[HostFacts, dict[int, DomainFacts]]:
    """Reads what lab-probe prints."""
    data: dict[str, Any] = json.loads(text)
    domains = {}
    for item in data.pop("domains"):
        item.pop("flags", None)
        domains[item["domid"]] = DomainFacts(**item)
    return HostFacts(**data), domains


def parse_guest(text: str) -> GuestFacts:
    """Reads what `lab-guest -f` prints."""
    values: dict[str, str] = {}
    blocks = []
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == "block":
            blocks.append(_parse_block(value))
        else:
            values[key.rstrip(":")] = value.strip()
    return GuestFacts(
        mem_total_kib=int(values["MemTotal"].split()[0]),
        mem_free_kib=int(values["MemFree"].split()[0]),
        mem_available_kib=int(values["MemAvailable"].split()[0]),
        target_kib=int(values["target_kib"]),
        current_kib=int(values["current_kib"]),
        online_policy=values["policy"],
        block_bytes=int(values["block_bytes"], 16),
        blocks=tuple(sorted(blocks, key=lambda block: block.number)),
    )


def _parse_block(text: str) -> Block:
    number, state, *zones = text.split()
    online = state == "online"
    return Block(int(number), online, zones[0] if online and zones else None)
