# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that embeds the library runs for long and does not grow.

Without options a short run, against the build that is being tested. `--minutes 10 --resizes 10000`
makes it a long one, and `--valgrind` runs it under valgrind.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import SOURCES, WARNINGS, Installed, run

FOLDER = Path(__file__).parent
SHORT = 2000

#: Those of the build, as -fsanitize takes them.
SANITIZERS = os.environ.get("MEMCTL_SANITIZE", "")

#: What the daemon must have done, each at least once. In a sanitized build it does not fork.
DONE = (
    *("verified", "cancelled", "above_policy", "events", "statuses", "plans", "diagnoses"),
    *("log lines", "policies", "watches", "other hosts", "dropped queues", "hosts closed early"),
    *("hosts in C", "programs", "forks"),
)

VALGRIND = (
    "valgrind",
    "--quiet",
    "--error-exitcode=9",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect,possible",
    "--child-silent-after-fork=yes",
    "--fair-sched=yes",
)


@dataclass(frozen=True)
class Ended:
    """How the daemon ended, and what it measured of itself once it was warm."""

    status: int
    counts: dict[str, int]
    samples: list[dict[str, int]]
    messages: str

    def grown(self, watched: bool = False) -> list[str]:
        """What grew with the number of resizes.

        If a tool watched the daemon, most of its resident memory was the tool's.
        """
        found = [
            self._steps("descriptors"),
            self._steps("threads"),
            self._slope("heap_bytes", 64),
            "" if watched else self._slope("resident_kib", 0.25),
        ]
        return [words for words in found if words]

    def _of(self, name: str) -> list[int]:
        return [sample[name] for sample in self.samples]

    def _steps(self, name: str) -> str:
        found = self._of(name)
        return f"{name}: {found}" if len(set(found)) > 1 else ""

    def _slope(self, name: str, most: float) -> str:
        slope = statistics.linear_regression(self._of("resizes"), self._of(name)).slope
        return f"{name}: {slope:.3f} for each resize: {self._of(name)}" if slope > most else ""


@pytest.fixture(scope="module")
def daemon(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("daemon") / "daemon"
    options = [f"-fsanitize={SANITIZERS}", "-fno-sanitize-recover=all"] if SANITIZERS else []
    run(
        "clang++" if SANITIZERS == "thread" else "g++",
        *("-std=c++20", "-O1", "-g1", *WARNINGS, *options),
        *(f"-I{FOLDER}", f"-I{SOURCES / 'tests'}", *installed.pkg_config("--cflags", "memctl")),
        *(FOLDER / "daemon" / "daemon.cpp", "-o", program),
        *(*installed.link_options(), "-pthread"),
    )
    return program


def run_daemon(program: Path, *options: str, tool: tuple[str, ...] = ()) -> Ended:
    done = subprocess.run(
        [*tool, str(program), *options],
        capture_output=True,
        text=True,
        check=False,
        # glibc keeps some freed memory for each thread, which would count as used.
        env={"PATH": "/usr/bin:/bin", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
    )
    measured = json.loads(done.stdout or '{"counts": {}, "samples": []}')
    samples = measured["samples"]
    return Ended(done.returncode, measured["counts"], samples[len(samples) // 4 :], done.stderr)


def test_a_daemon_does_not_grow(daemon: Path, request: pytest.FixtureRequest) -> None:
    option = request.config.getoption
    resizes = option("--resizes") or SHORT
    tool = VALGRIND if option("--valgrind") else ()
    ended = run_daemon(
        daemon, "--minutes", str(option("--minutes")), "--resizes", str(resizes), tool=tool
    )
    print(ended.counts, *ended.samples, sep="\n")
    assert ended.status == 0 and not ended.messages, f"{ended.status}\n{ended.messages}"
    wanted = [what for what in DONE if what != "forks" or not SANITIZERS]
    assert [what for what in wanted if not ended.counts.get(what)] == []
    assert ended.counts["ended"] == resizes
    assert ended.counts["verified"] > resizes / 3
    assert len(ended.samples) >= 10
    assert ended.grown(watched=bool(tool or SANITIZERS)) == []


@pytest.mark.skipif(bool(SANITIZERS), reason="the sanitizer would find it first")
@pytest.mark.parametrize(
    "what, where", [("memory", "heap_bytes"), ("descriptor", "descriptors"), ("thread", "threads")]
)
def test_a_leak_would_be_seen(daemon: Path, what: str, where: str) -> None:
    grown = run_daemon(daemon, "--resizes", str(SHORT), "--leak", what).grown()
    assert any(words.startswith(f"{where}:") for words in grown), grown
