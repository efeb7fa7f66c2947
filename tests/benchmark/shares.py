# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which part of what a program used is the library's own, and which the simulator's.

Both run in one process and call each other, so only the stack of calls tells. perf takes samples of
the processor's time with their stacks, and heaptrack has the stack of each allocation. A stack is
read from its innermost call outwards, up to the loop that runs the host's thread: if the simulator
or a simulated guest's agent is called there, the time or memory is the simulator's, also if the
library called it. The simulator stands for Xen, libxl, xenstored and the guests.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

LOOPS = ("memctl::host::sim::SimConnection::", "boost::asio::detail::scheduler::")
SIMULATOR = ("memctl::host::sim::", "memctl::agent::")
#: Making and unmaking the simulated host.
ENDS = ("memctl::host::connect", "std::default_delete<memctl::host::")

LIBRARY_SHARE = "library"
SIMULATOR_SHARE = "simulator"
OTHER = "other"  # before and after: the program, and the simulated host's making and unmaking


def missing_tool(tool: str) -> str:
    """What a figure says that cannot be measured without the tool. Empty: it is installed."""
    return "" if shutil.which(tool) else f"{tool} is not installed."


def share_of(stack: Iterable[str]) -> str:
    """Whose the innermost call of the stack is. `stack` goes from there outwards."""
    calls = list(stack)
    if any(end in call for call in calls for end in ENDS):
        return OTHER
    of_library = False
    for call in calls:
        if any(loop in call for loop in LOOPS):
            return LIBRARY_SHARE
        if any(part in call for part in SIMULATOR):
            return SIMULATOR_SHARE
        of_library = of_library or "memctl::" in call
    return LIBRARY_SHARE if of_library else OTHER


def time_shares(command: Sequence[str], hertz: int, scratch: Path) -> Counter[str]:
    """Runs the command, and counts the samples of its processor time, so many a second, by whose
    they are.
    """
    data = scratch / "perf.data"
    record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(hertz)]
    record += ["--call-graph", "dwarf,16384"]
    subprocess.run([*record, "-o", str(data), *command], check=True, stdout=subprocess.DEVNULL)
    script = ["perf", "script", "-i", str(data), "--no-inline", "-F", "ip,sym"]
    text = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    data.unlink()
    samples = (sample.splitlines() for sample in text.split("\n\n"))
    return Counter(share_of(_symbols(lines)) for lines in samples if lines)


def _symbols(lines: Iterable[str]) -> Iterable[str]:
    """The calls of one sample of perf's, each without its address."""
    return (line.strip().partition(" ")[2] for line in lines)


def heap_shares(command: Sequence[str], scratch: Path) -> Counter[str]:
    """Runs the command, and counts the bytes that are allocated at its end by whose they are."""
    data, stacks = scratch / "heap", scratch / "stacks"
    subprocess.run(["heaptrack", "-o", str(data), *command], check=True, capture_output=True)
    (packed,) = scratch.glob("heap.*")
    show = ["heaptrack_print", "-f", str(packed), "--flamegraph-cost-type", "leaked"]
    subprocess.run([*show, "-F", str(stacks)], check=True, capture_output=True)
    shares: Counter[str] = Counter()
    for line in stacks.read_text(encoding="utf-8").splitlines():
        calls, _, cost = line.rpartition(" ")
        shares[share_of(reversed(calls.split(";")))] += int(cost)
    packed.unlink()
    stacks.unlink()
    return shares
