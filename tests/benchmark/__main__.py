"""Measures memctl, prints a table, and writes it as JSON, as Markdown and as plots.

Without a part it measures those that any machine measures within minutes; --all adds those that
boot real Xen under QEMU's emulation, which takes an hour.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmark import plots, report
from benchmark.figures import REPOSITORY, Measured, build_directory
from benchmark.report import Taken

LAB = ("memctl-cli", "memctl-agent")


@dataclass(frozen=True)
class Part:
    """What the run has to know of a part."""

    title: str
    targets: tuple[str, ...]
    """What is built for it."""
    long: bool = False


PARTS = {
    "calls": Part("Decisions and calls", ("plan_benchmark", "status_benchmark", "memctl_python")),
    "in_process": Part("Many guests in one process", ("in_process_benchmark",)),
    "agent": Part("The agent", ("agent_benchmark", "memctl-agent")),
    "startup": Part("Starting", ("memctl-cli", "memctl_python")),
    "real_xen": Part("Real guests on real Xen, beside xl", LAB, long=True),
    "wake": Part("Waking the balloon, by kernel and type of guest", LAB, long=True),
}


def build(parts: list[str]) -> None:
    """Brings the preset `release` up to date. If MEMCTL_BUILD names a build, nothing is built."""
    if os.environ.get("MEMCTL_BUILD"):
        return
    targets = sorted({target for part in parts for target in PARTS[part].targets})
    log = REPOSITORY / "build" / "bench.log"
    log.parent.mkdir(exist_ok=True)
    with open(log, "w", encoding="utf-8") as output:
        for command in (
            ["cmake", "--preset", "release"],
            ["cmake", "--build", "--preset", "release", "--target", *targets],
        ):
            done = subprocess.run(
                command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT, check=False
            )
            if done.returncode != 0:
                sys.exit(f"scripts/bench: {' '.join(command)} failed: see {log}")


def run(part: str, runs: int | None) -> Measured:
    """Runs a part's program."""
    python = build_directory() / "bindings" / "python" / "package"
    paths = [REPOSITORY / "tests", python]
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "figures.json")
        options = [] if runs is None else ["--runs", str(runs)]
        subprocess.run(
            [sys.executable, "-m", f"benchmark.{part}", "--json", str(file), *options],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
            check=True,
        )
        return Measured.from_json(json.loads(file.read_text(encoding="utf-8")))


def machine() -> str:
    """This machine in words, without its name."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    count = len(os.sched_getaffinity(0))
    processors = "1 processor" if count == 1 else f"{count} processors"
    return (
        f"{processors} ({models[0] if models else platform.machine()}), "
        f"{round(int(memory) / 1024 / 1024)} GiB of memory, "
        f"{platform.freedesktop_os_release().get('PRETTY_NAME', 'an unknown system')}, "
        f"with a load of {os.getloadavg()[0]:.1f} before"
    )


def known(directory: Path) -> dict[str, Taken]:
    """What earlier runs have left there, by part."""
    path = directory / "performance.json"
    if not path.exists():
        return {}
    return {
        each["measured"]["part"]: Taken.from_json(each)
        for each in json.loads(path.read_text(encoding="utf-8"))
    }


def write(directory: Path, fresh: dict[str, Taken]) -> None:
    """Writes everything. Parts that this run has not measured stay as they were."""
    directory.mkdir(parents=True, exist_ok=True)
    every = {**known(directory), **fresh}
    taken = [every[part] for part in PARTS if part in every]
    text = json.dumps([each.to_json() for each in taken], indent=1, ensure_ascii=False)
    (directory / "performance.json").write_text(text + "\n", encoding="utf-8")
    plots.remove_old(directory, PARTS)
    pictures = {each.measured.part: plots.draw(each.measured, directory) for each in taken}
    document = report.document(taken, pictures)
    (directory / "PERFORMANCE.md").write_text(document, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=(__doc__ or "").split("\n\n", maxsplit=1)[0]
    )
    parser.add_argument(
        "--part", nargs="+", action="extend", choices=PARTS, metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument("--all", action="store_true", help="every part; takes an hour")
    parser.add_argument("--runs", type=int, help="how often each figure is measured")
    parser.add_argument(
        "--out",
        type=Path,
        default=REPOSITORY / "build" / "bench",
        metavar="DIR",
        help="where PERFORMANCE.md, performance.json and the plots go (default: build/bench)",
    )
    options = parser.parse_args()
    short = [name for name, part in PARTS.items() if not part.long]
    parts = list(PARTS) if options.all else options.part or short
    build(parts)
    fresh = {}
    for name in parts:
        print(f"== {PARTS[name].title}", file=sys.stderr, flush=True)
        today, described = datetime.date.today().isoformat(), machine()
        measured = run(name, options.runs)
        fresh[name] = Taken(PARTS[name].title, today, described, measured)
        write(options.out, fresh)  # now, so that a later part that fails costs nothing
    for part in fresh.values():
        print(f"{part.title}: {part.date}, {part.machine}")
        print(report.facts_text(part.measured.facts))
        print(report.table(part.measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
