#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resizes one guest, with a progress bar for each phase.

    examples/python/grow_one.py web1 4GiB
    examples/python/grow_one.py --host sim: demo-pvh +1GiB
"""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

import memctl


class Bars:
    """One bar for each phase that changes a size."""

    def __init__(self) -> None:
        self.bar: tqdm[None] | None = None
        self.phase: tuple[memctl.Phase, int] | None = None

    def show(self, event: memctl.Event) -> None:
        """Shows an event; to be called with each."""
        if event.from_size == event.to_size:
            return
        if (event.phase, event.stage) != self.phase:
            self.close()
            self.phase = (event.phase, event.stage)
            self.bar = tqdm(total=1.0, delay=0.05, bar_format="{desc} {bar:40} {percentage:3.0f} %")
        if self.bar is not None:
            where = f"{event.phase:9} {event.now:>12} of {event.to_size}"
            self.bar.set_description_str(where, refresh=False)
            self.bar.update(event.fraction - self.bar.n)

    def close(self) -> None:
        """Ends the bar and leaves it on the screen."""
        if self.bar is not None:
            self.bar.close()


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="xen:", metavar="URI", help="xen: (the default) or sim:")
    parser.add_argument("domain", help="the guest's name or number")
    parser.add_argument("size", help="4GiB, or +1GiB for that much more")
    options = parser.parse_args()
    bars = Bars()
    try:
        with memctl.Host(options.host) as host:
            report = host[options.domain].resize(options.size, on_event=bars.show)
    except memctl.Error as error:
        bars.close()
        print(f"{error.cause}: {error}\n{error.hint}", file=sys.stderr)
        return 1
    bars.close()
    print(f"{report.domain.name}: {report.from_size} -> {report.reached}, {report.outcome}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
