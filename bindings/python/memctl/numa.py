# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the memory of guests lies on a host with several NUMA nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .size import KIB, Size


def _kib(size: Size | None) -> int | None:
    """A size for JSON; None stays None."""
    return None if size is None else int(size) // KIB


@dataclass(frozen=True, slots=True)
class NumaForecast:
    """Where the memory of a growth would lie, if nothing else happens on the host but what is
    claimed already.

    - `nodes`: the domain's own NUMA nodes, from which Xen takes its memory as long as they have
      some. Empty: not known.
    - `local`: the part of the growth that would lie on them. None: not known.

    >>> NumaForecast((1,), Size("512MiB")).to_dict()
    {'nodes': [1], 'local_kib': 524288}
    """

    nodes: tuple[int, ...]
    local: Size | None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl plan --json`."""
        return {"nodes": list(self.nodes), "local_kib": _kib(self.local)}


@dataclass(frozen=True, slots=True)
class NodeChange:
    """How the free memory of one NUMA `node` changed. `free` is negative if less is free.

    >>> NodeChange(1, Size(-4096)).to_dict()
    {'node': 1, 'free_change_kib': -4}
    """

    node: int
    free: Size

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl resize --json`."""
        return {"node": self.node, "free_change_kib": _kib(self.free)}


@dataclass(frozen=True, slots=True)
class NumaEstimate:
    """How the free memory of the host's NUMA nodes changed while a resize ran. It is an estimate:
    whatever else took or freed memory meanwhile is in it.

    - `nodes`: the domain's own nodes. Empty: not known.
    - `changes`: one for each node of the host.
    - `local`: the part of the growth that seems to lie on the domain's own nodes. None: the domain
      did not grow, or it is not known.

    >>> NumaEstimate((0,), (NodeChange(0, Size(0)),), None).to_dict()["changes"]
    [{'node': 0, 'free_change_kib': 0}]
    """

    nodes: tuple[int, ...]
    changes: tuple[NodeChange, ...]
    local: Size | None

    def to_dict(self) -> dict[str, Any]:
        """The keys of `memctl resize --json`."""
        return {
            "nodes": list(self.nodes),
            "local_kib": _kib(self.local),
            "changes": [change.to_dict() for change in self.changes],
        }
