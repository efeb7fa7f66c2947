"""memctl's commands of xl, and its front before Debian's own /usr/sbin/xl.

On real Xen with `--full`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab
from memctl_lab.channel import Window
from memctl_lab.scenario import Completed

pytestmark = pytest.mark.full

LINK = "/usr/local/sbin/xl"
COMMANDS = ["mem-resize", "mem-status", "mem-doctor"]


class Front:
    """xl as an administrator types it, once the front is linked."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def command(self, line: str) -> str:
        return f"export PATH=/usr/local/sbin:$PATH; {line}"

    def __call__(self, line: str, *, user: str | None = None) -> Completed:
        return self.lab.run(self.command(f"xl {line}"), user=user)


@pytest.fixture(scope="module")
def xl(lab: Lab) -> Iterator[Front]:
    assert lab.check("readlink /usr/sbin/xl").endswith("/xen-utils-wrapper\n"), "as Debian has it"
    lab.check(f"mkdir -p /usr/local/sbin && ln -s /usr/libexec/memctl/xl {LINK}")
    front = Front(lab)
    assert lab.check(front.command("command -v xl")) == f"{LINK}\n"
    yield front
    lab.check(f"rm {LINK}")


@pytest.fixture(scope="module")
def guests(lab: Lab) -> Iterator[dict[str, Guest]]:
    made = lab.create_guests([("front-pv", "pv"), ("front-pvh", "pvh")])
    for guest in made:
        guest.wait_for_agent()
    yield {guest.type: guest for guest in made}
    for guest in made:
        guest.destroy()


@pytest.fixture(params=["pv", "pvh"])
def guest(request: pytest.FixtureRequest, guests: dict[str, Guest]) -> Guest:
    return guests[request.param]


def test_help_has_three_more_lines(lab: Lab, xl: Front) -> None:
    plain = lab.check("/usr/sbin/xl help")
    ours = xl("help").check()
    assert ours.stderr == ""
    assert ours.stdout.startswith(plain)
    added = ours.stdout.removeprefix(plain).splitlines()
    assert [line.split()[0] for line in added] == COMMANDS
    # In xl's own columns: the text begins where xl's text begins.
    (beside,) = (line for line in plain.splitlines() if line.startswith(" mem-set "))
    assert {line.index(line.split(maxsplit=1)[1]) for line in added} == {beside.index("Set the ")}


def test_xls_completion_offers_our_commands(lab: Lab, xl: Front) -> None:
    """This is how the completion of Debian's package finds the commands."""
    names = "xl help 2>/dev/null | sed '1,4d' | awk '/^ [^ ]/ {print $1}'"
    plain = lab.check(names).split()
    assert lab.check(xl.command(names)).split() == [*plain, *COMMANDS]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "-z",
        "--help",
        "nonsense",
        "mem",  # the beginning of several commands
        "mem-s nope 100",  # the beginning of mem-set
        "mem-r nope 100",
        "help list",
        "help nonsense",
        "help mem-set",
        "domname 0",
        "-N domname 0",
        "-vvv domname 0",
        "domid nope",
        "mem-set nope 100",
        "mem-max nope 100",
        "mem-max",
        "console nope",
        "pause 'no such name'",
    ],
)
def test_any_other_call_is_the_same(lab: Lab, xl: Front, line: str) -> None:
    plain = lab.run(f"/usr/sbin/xl {line}")
    ours = xl(line)
    assert (ours.status, ours.stdout, ours.stderr) == (plain.status, plain.stdout, plain.stderr)


def test_an_ordinary_user_is_told_the_same(lab: Lab, xl: Front) -> None:
    plain = lab.run("/usr/sbin/xl list", user="nobody")
    ours = xl("list", user="nobody")
    assert (ours.status, ours.stdout, ours.stderr) == (plain.status, plain.stdout, plain.stderr)
    assert plain.status != 0
    status = xl("mem-status", user="nobody")
    assert (status.status, status.stdout) == (3, "")
    assert status.stderr.startswith("memctl: ")


def test_the_list_of_domains_is_xls(lab: Lab, xl: Front, guests: dict[str, Guest]) -> None:
    listed = xl("list").check().stdout
    assert listed.splitlines()[0] == lab.check("/usr/sbin/xl list").splitlines()[0]
    for guest in guests.values():
        assert f"\n{guest.name} " in listed


@pytest.mark.parametrize("end, status", [(b"\x1d", 0), (None, 128 + 9)])
def test_a_console_is_the_process_that_was_started(
    lab: Lab, xl: Front, guests: dict[str, Guest], end: bytes | None, status: int
) -> None:
    """xl console becomes xenconsole, which reads the terminal. Ctrl-] or a signal ends it."""
    name = guests["pv"].name
    line = xl.command(f"echo shell $$; exec xl console {name}")
    console = lab.start(line, terminal=Window(), with_input=True)
    console.wait_for_output("shell ")
    pid = bytes(console.stdout).split()[1].decode()
    lab.check(f"until [ $(cat /proc/{pid}/comm) = xenconsole ]; do usleep 20000; done")
    # From now on the terminal passes every byte on.
    tty = f"stty -a </proc/{pid}/fd/0"
    lab.check(f"until {tty} | grep -q -- -icanon; do usleep 20000; done")
    if end is not None:
        console.send(end)
    else:
        lab.check(f"kill -KILL {pid}")
    assert console.wait(30).status == status


class TestMemResize:
    """The scenarios of this class follow each other in the same guests."""

    def test_a_dry_run_changes_nothing(self, xl: Front, guest: Guest) -> None:
        before = guest.snapshot()
        for line in ("-N mem-resize", "mem-resize -N"):
            done = xl(f"{line} {guest.name} 1g").check()
            assert done.stdout.startswith(f"{guest.name}: 160 MiB -> 1024 MiB, limit ")
            assert "STAGE" in done.stdout
        assert guest.snapshot() == before
        assert not guest.has_journal()

    def test_a_refusal_changes_nothing(self, xl: Front, guest: Guest) -> None:
        before = guest.snapshot()
        done = xl(f"mem-resize {guest.name} 900g")
        assert (done.status, done.stdout) == (3, "")
        assert "possible now: " in done.stderr
        assert guest.snapshot() == before

    def test_grows_past_the_boot_limit_without_a_word(self, xl: Front, guest: Guest) -> None:
        done = xl(f"mem-resize {guest.name} 1g")
        assert (done.status, done.stdout, done.stderr) == (0, "", "")
        domain = guest.domain()
        assert domain is not None and domain.tot_kib >= 1000 * 1024
        assert not guest.facts().offline_blocks
        assert guest.facts().mem_total_kib > 900 * 1024

    def test_verbose_tells_each_phase(self, xl: Front, guest: Guest) -> None:
        done = xl(f"-v mem-resize {guest.name} -624m").check()
        phases = [line.split()[1] for line in done.stderr.splitlines()]
        assert phases[0] == "facts" and "populate" in phases and phases[-1] == "verify"
        assert done.stdout.startswith(f"{guest.name}: 1024 MiB -> 400 MiB in ")

    def test_xls_own_command_still_shrinks(self, xl: Front, guest: Guest) -> None:
        xl(f"mem-set {guest.name} 300").check()
        guest.settle(300)

    def test_status_and_doctor_are_memctls(self, lab: Lab, xl: Front, guest: Guest) -> None:
        for command in ("status", "doctor"):
            ours = xl(f"mem-{command} {guest.name}")
            assert guest.name in ours.stdout
            plain = lab.run(f"memctl {command} {shlex.quote(guest.name)}")
            assert (ours.status, ours.stderr) == (plain.status, plain.stderr)
            assert ours.stdout.splitlines()[0] == plain.stdout.splitlines()[0]


def test_in_the_place_of_xl_the_front_ends(lab: Lab, xl: Front) -> None:
    wrapper = lab.check("readlink /usr/sbin/xl").strip()
    lab.check(f"ln -sf {LINK} /usr/sbin/xl")
    try:
        done = xl("list")
    finally:
        lab.check(f"ln -sf {wrapper} /usr/sbin/xl")
    assert (done.status, done.stdout) == (126, "")
    assert "/usr/sbin/xl is memctl's front for xl" in done.stderr
