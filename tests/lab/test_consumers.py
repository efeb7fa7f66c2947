"""Programs that embed memctl run in dom0 of a real Xen, also beside another user of libxl.

On real Xen with `--full`. They are built against an installation of memctl, as in tests/consumer,
which also runs those that a simulated host can serve.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from memctl_lab import Guest, Lab, libraries
from memctl_lab.channel import Window
from memctl_lab.checks import check_sound
from memctl_lab.config import REPOSITORY
from memctl_lab.memctl import recover

CONSUMER = REPOSITORY / "tests" / "consumer"
sys.path.insert(0, str(CONSUMER))
from go_build import Go  # noqa: E402
from installed import C99, Installed, install, run  # noqa: E402

pytestmark = pytest.mark.full

PLACE = "/root/consumers"
TYPES = ("pv", "pvh")


def build_c(installed: Installed, folder: Path) -> None:
    """Builds the programs in C, with pkg-config."""
    compiler = ("gcc", *C99)
    example = REPOSITORY / "examples" / "c" / "resize_with_poll.c"
    installed.compile(compiler, [CONSUMER / "c" / "use.c"], folder / "use")
    installed.compile(compiler, [example], folder / "resize_with_poll")
    sources = sorted((CONSUMER / "own_libxl").glob("*.c"))
    installed.compile(compiler, sources, folder / "own_libxl", "xenlight", "xentoollog")


def build_cpp(installed: Installed, folder: Path) -> None:
    """Builds the programs in C++, with CMake."""
    configure = ("cmake", "-G", "Ninja", "-S", CONSUMER / "program", "-B", folder)
    run(*configure, environment=installed.environment())
    run("cmake", "--build", folder)


def build_go(installed: Installed, folder: Path) -> None:
    """Builds the program in Go, with the installed package."""
    go, module = Go(installed), folder / "go"
    go.copy(REPOSITORY / "examples" / "go" / "ensure", module)
    go(module, "build", "-o", folder / "ensure", ".")


@dataclass(frozen=True)
class Program:
    """A program that makes a guest larger and then ends with 0."""

    name: str
    arguments: str = "xen: {guest} {mib}m"
    grows_mib: int = 128


BUILDERS = (build_c, build_cpp, build_go)
PROGRAMS = (
    Program("use", "xen: {guest}", grows_mib=256 + 64),
    Program("resize_with_poll"),
    Program("grow"),
    Program("grow_with_asio"),
    Program("ensure"),
)
OWN_LIBXL = "own_libxl"


@pytest.fixture(scope="module")
def programs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Builds the programs and brings them to dom0, with the library. The folder there."""
    folder = tmp_path_factory.mktemp("consumers")
    install(folder / "prefix", "host", "devel")
    installed = Installed(folder / "prefix")
    for build in BUILDERS:
        build(installed, folder)
    brought = [folder / name for name in (*(each.name for each in PROGRAMS), OWN_LIBXL)]
    needed = libraries.resolve(brought, [installed.library().parent])
    there = lab.check("cd /usr/lib/x86_64-linux-gnu && ls . /lib64").split()
    lab.check(f"mkdir -p {PLACE}")
    for name, path in needed.items():
        if name not in there or path == installed.library().resolve():
            lab.write_file(f"{PLACE}/{name}", path.read_bytes())
    for path in brought:
        lab.write_file(f"{PLACE}/{path.name}", path.read_bytes())
    lab.check(f"chmod 755 {PLACE}/*")
    return f"LD_LIBRARY_PATH={PLACE} {PLACE}"


def made(lab: Lab, *wanted: tuple[str, str]) -> Iterator[dict[str, Guest]]:
    """These guests (name, type) with their agents, until all tests have used them."""
    guests = {guest.name: guest for guest in lab.create_guests(wanted)}
    for guest in guests.values():
        guest.wait_for_agent()
    yield guests
    for guest in guests.values():
        guest.destroy()


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[dict[str, Guest]]:
    yield from made(lab, *((f"consumer-{type}", type) for type in TYPES))


@pytest.fixture(params=TYPES)
def guest(request: pytest.FixtureRequest, guests: dict[str, Guest]) -> Guest:
    return guests[f"consumer-{request.param}"]


def size_mib(guest: Guest) -> float:
    """The guest's size by Xen's page count."""
    domain = guest.domain()
    assert domain is not None
    return domain.tot_kib / 1024


@pytest.mark.parametrize("program", PROGRAMS, ids=[each.name for each in PROGRAMS])
def test_a_program_makes_a_guest_larger(
    lab: Lab, programs: str, guest: Guest, program: Program
) -> None:
    wanted = round(size_mib(guest)) + program.grows_mib
    arguments = program.arguments.format(guest=guest.name, mib=wanted)
    done = lab.run(f"{programs}/{program.name} {arguments}", timeout=300)
    print(done.stdout)
    assert done.status == 0, done
    assert abs(size_mib(guest) - wanted) <= 1
    check_sound(guest)


def test_recover_restores_what_a_killed_program_left(lab: Lab, programs: str, guest: Guest) -> None:
    before, size = guest.snapshot(), size_mib(guest)
    command = f"{programs}/resize_with_poll xen: {guest.name} 3g"
    running = lab.start(command, terminal=Window())  # so that it shows each line at once
    running.wait_for_output("populate")
    running.kill(signal.SIGKILL)
    assert running.wait().status == 128 + signal.SIGKILL
    assert guest.has_journal()
    assert recover(lab, guest).of(guest)["outcome"] == "restored"
    # The pool of a guest that may have grown is never lowered.
    assert replace(guest.snapshot(), pool_bytes=before.pool_bytes) == before
    assert abs(size_mib(guest) - size) <= 1
    check_sound(guest)


RESIZED = ("resized-pv", "resized-pvh")
SAVED = ("saved-pv", "saved-pvh")
LEFT_TO_XL = "left-to-xl"
SMALL_MIB = 256

# Another process uses libxl meanwhile: it looks at all domains, and resizes a guest of its own.
XL = """
rounds=0 failed=0
until [ -e {stop} ]; do
  xl list >/dev/null && xl mem-set {guest} 150 && xl mem-set {guest} 160 || failed=$((failed + 1))
  rounds=$((rounds + 1))
done
echo $rounds $failed"""


@pytest.fixture(scope="module")
def neighbours(lab: Lab) -> Iterator[dict[str, Guest]]:
    yield from made(lab, *zip(RESIZED, TYPES), *zip(SAVED, TYPES), (LEFT_TO_XL, "pv"))


def run_own_libxl(lab: Lab, programs: str, sigchld: str, times: int) -> dict[str, Any]:
    """What the program saw, while xl was at work too. It resizes each of its guests `times`."""
    stop = "/tmp/enough"
    lab.check(f"rm -f {stop}")
    xl = lab.start(XL.format(stop=stop, guest=LEFT_TO_XL))
    names = " ".join((*RESIZED, *SAVED))
    done = lab.run(f"{programs}/{OWN_LIBXL} {sigchld} {times} {names}", timeout=600)
    lab.check(f": >{stop}")
    rounds, failed = map(int, xl.wait().check().stdout.split())
    print(f"{done.stdout}{done.stderr}xl: {rounds} rounds, {failed} failed")
    assert done.status == 0, done
    assert rounds > 1 and failed == 0
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.mark.parametrize("sigchld, times", [("mainloop", 20), ("selective", 4), ("default", 4)])
def test_a_program_goes_on_with_its_own_libxl_and_children_while_guests_are_resized(
    lab: Lab, programs: str, neighbours: dict[str, Guest], sigchld: str, times: int
) -> None:
    """In three modes of libxl_childproc_setmode."""
    seen = run_own_libxl(lab, programs, sigchld, times)

    resizes = seen["resizes"]
    assert resizes["verified"] == 2 * times and resizes["failed"] == 0
    assert resizes["busy"] > 0, "one of memctl's two hosts saw the other at work"
    assert resizes["events"] > resizes["verified"]

    children = seen["children"]
    ended = children.pop("ended")
    assert ended > 10 if sigchld != "default" else ended == 0
    assert not any(children.values()), children

    libxl = seen["libxl"]
    assert libxl["saves"] > 1 and libxl["looks"] >= libxl["saves"] and libxl["failed"] == 0
    assert libxl["started"] >= libxl["saves"]
    assert libxl["reaped"] == (libxl["started"] if sigchld == "mainloop" else 0)

    assert seen["changed_signals"] == 0
    before, during, after = seen["descriptors"]
    assert before == after < during
    before, during, after = seen["threads"]
    assert before == after == 1 and during <= 1 + 2 * (1 + 8)

    for name in RESIZED:
        assert abs(size_mib(neighbours[name]) - SMALL_MIB) <= 1
    for each in neighbours.values():
        check_sound(each)
