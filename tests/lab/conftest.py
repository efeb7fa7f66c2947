"""The hosts on which scenarios run: the simulator, and one boot of real Xen.

A scenario that asks for `host` (or `fresh_host`) runs on both. A scenario that is only about the
real machine asks for `lab`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from _pytest.runner import runtestprotocol
from _pytest.terminal import TerminalReporter

sys.path.insert(0, str(Path(__file__).resolve().parent))
pytest.register_assert_rewrite("memctl_lab")  # so that a failed check shows what it compared

from memctl_lab import Lab, LabConfig, LabError, ScenarioHost, SimulatedHost  # noqa: E402
from memctl_lab.comparison import in_short  # noqa: E402
from memctl_lab.debian_host import DOM0_MIB, DebianLab  # noqa: E402
from memctl_lab.figures import Figures, Ledger  # noqa: E402
from memctl_lab.packages import versions_to_boot  # noqa: E402
from memctl_lab.scenario import unexpected_crashes  # noqa: E402

LAB = pytest.StashKey[Lab]()
SIMULATED = pytest.StashKey[SimulatedHost]()
LEDGER = pytest.StashKey[Ledger]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--host", choices=("sim", "xen", "both"), default="both", help="where scenarios run"
    )
    parser.addoption(
        "--full", action="store_true", help="every scenario on real Xen but those of --32-bit"
    )
    parser.addoption(
        "--32-bit",
        action="store_true",
        help="guests with a kernel of 32 bits, on real Xen under the QEMU of Debian's sid",
    )
    parser.addoption(
        "--xenstored",
        choices=("xenstored", "oxenstored"),
        default="xenstored",
        help="which of Xen's two programs is xenstore on the booted host",
    )
    parser.addoption(
        "--comparison",
        type=Path,
        default=LabConfig().cache,
        metavar="DIR",
        help="where comparison.json and comparison.md go: requests by xl and through memctl",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEDGER] = Ledger()
    config.addinivalue_line("markers", "full: on real Xen only with --full")
    config.addinivalue_line("markers", "bits_32: on real Xen only with --32-bit")
    config.addinivalue_line("markers", "hvm: in a dom0 that can start hvm guests")
    config.addinivalue_line("markers", "two_cpus: on a host with two processors")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs every scenario on every host that was asked for."""
    if "host" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--host")
        hosts = ["sim", "xen"] if chosen == "both" else [chosen]
        metafunc.parametrize("host", hosts, indirect=True, scope="session")


def host_of(item: pytest.Item) -> str | None:
    """sim or xen; None for a test without a host."""
    if {"lab", "debian"}.intersection(getattr(item, "fixturenames", ())):
        return "xen"
    callspec = getattr(item, "callspec", None)
    if callspec is not None and "host" in callspec.params:
        return str(callspec.params["host"])
    return "xen" if item.get_closest_marker("full") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out scenarios on real Xen that were not asked for."""

    def left_out(item: pytest.Item) -> bool:
        if host_of(item) != "xen":
            return False
        if config.getoption("--host") == "sim":
            return True
        options = {"full": "--full", "bits_32": "--32-bit"}
        return any(
            item.get_closest_marker(mark) is not None and not config.getoption(option)
            for mark, option in options.items()
        )

    config.hook.pytest_deselected(items=[item for item in items if left_out(item)])
    items[:] = [item for item in items if not left_out(item)]


@pytest.fixture(scope="session")
def lab_config(request: pytest.FixtureRequest) -> LabConfig:
    """The boot that the scenarios share. If one scenario needs something, all scenarios have it."""

    def is_needed(mark: str) -> bool:
        items = [item for item in request.session.items if host_of(item) == "xen"]
        return any(item.get_closest_marker(mark) for item in items)

    return LabConfig(
        memory_mib=int(os.environ.get("MEMCTL_LAB_MEMORY", "6144")),
        cpus=2 if is_needed("two_cpus") else 1,
        xenstored=request.config.getoption("xenstored"),
        hvm=is_needed("hvm"),
    )


@pytest.fixture(scope="session")
def lab(lab_config: LabConfig, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The booted host. A scenario removes the guests that it made: see `fresh_host`."""
    with Lab(lab_config) as booted:
        request.config.stash[LAB] = booted
        yield booted


@pytest.fixture(scope="session")
def debian(request: pytest.FixtureRequest) -> Iterator[DebianLab]:
    """A booted Debian with memctl's packages. A scenario removes its guests: see `fresh_debian`."""
    with DebianLab() as booted:
        request.config.stash[LAB] = booted
        booted.install_memctl()
        booted.set_dom0(DOM0_MIB)  # as an administrator does who wants guests to grow
        yield booted


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest) -> Iterator[ScenarioHost]:
    """The simulated host, and then the booted host."""
    if request.param == "xen":
        yield request.getfixturevalue("lab")
        return
    with SimulatedHost() as simulated:
        request.config.stash[SIMULATED] = simulated
        yield simulated
        del request.config.stash[SIMULATED]  # the host has ended, so no later test may use it


H = TypeVar("H", bound=ScenarioHost)


def given_back(host: H) -> Iterator[H]:
    """The host. After the scenario its guests are removed, and its memory is given back."""
    before = set(host.guests)
    yield host
    for name in set(host.guests) - before:
        host.guests[name].destroy()
    host.return_memory()


@pytest.fixture
def fresh_host(host: ScenarioHost) -> Iterator[ScenarioHost]:
    yield from given_back(host)


@pytest.fixture
def fresh_lab(lab: Lab) -> Iterator[Lab]:
    yield from given_back(lab)


@pytest.fixture
def fresh_debian(debian: DebianLab) -> Iterator[DebianLab]:
    yield from given_back(debian)


@pytest.fixture
def figures(host: ScenarioHost, request: pytest.FixtureRequest) -> Figures:
    """Records the figures at a scenario's end. If the other host had others, the scenario fails."""
    item = request.node
    others = [str(value) for key, value in item.callspec.params.items() if key != "host"]
    name = item.nodeid.partition("[")[0] + (f"[{'-'.join(others)}]" if others else "")
    return Figures(request.config.stash[LEDGER], name, host.kind)


def known_hosts(config: pytest.Config) -> list[ScenarioHost]:
    hosts = (config.stash.get(LAB, None), config.stash.get(SIMULATED, None))
    return [host for host in hosts if host is not None]


@pytest.fixture(autouse=True)
def no_guest_crashed(request: pytest.FixtureRequest) -> Iterator[None]:
    """If a guest's kernel crashed, the scenario fails, unless it expected the crash.

    This is checked last of all, and also for guests that are destroyed by then.
    """
    yield
    crashes = [crash for host in known_hosts(request.config) for crash in unexpected_crashes(host)]
    if crashes:
        pytest.fail("\n".join(crashes))


def emulator_faults(config: pytest.Config) -> int:
    booted = config.stash.get(LAB, None)
    return len(booted.emulator_faults()) if booted else 0


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Runs a scenario again if it failed and QEMU's emulation ended a guest in it, and says so.

    Everything is booted anew for that. Nothing else is tried twice: see `Lab.emulator_faults`.
    """
    if host_of(item) != "xen":
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    before = emulator_faults(item.config)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed for report in reports) and emulator_faults(item.config) > before:
        print(f"\n{item.nodeid}: QEMU's emulation ended a guest; the lab is booted anew for it")
        item.session._setupstate.teardown_exact(None)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_exception_interact(node: pytest.Item, report: pytest.TestReport) -> None:
    """Puts the end of every console under the failure."""
    booted = node.config.stash.get(LAB, None)
    if booted is not None:
        report.sections.append(("consoles of the lab", booted.machine.tails()))


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says what the lab boots."""
    chosen = LabConfig()
    have = {"memctl": chosen.memctl, "memctl-agent": chosen.agent}
    missing = [name for name, path in have.items() if not path.exists()]
    notice = f"; NOT BUILT: {', '.join(missing)}" if missing else ""
    host = config.getoption("--host")
    if host != "sim":
        try:
            xenstored = config.getoption("xenstored")
            notice += f"; {versions_to_boot(chosen.cache)}, {xenstored}"
        except LabError as error:  # a scenario on real Xen fails with it
            notice += f"; {error}"
    return [f"lab: build {chosen.build}{notice}; scenarios on: {host}"]


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Shows what the same requests came to by xl and through memctl; with -v, every figure."""
    ledger = terminalreporter.config.stash[LEDGER]
    entries = ledger.entries.values()
    both = sum(len(hosts) > 1 for hosts in entries)
    terminalreporter.write_line(
        f"figures: {len(ledger.entries)} recorded, {both} of them on both hosts and equal"
    )
    comparison, directory = ledger.comparison, terminalreporter.config.getoption("comparison")
    booted = terminalreporter.config.stash.get(LAB, None)
    if booted is not None and booted.release is not None:
        comparison.write(directory, "xen", booted.release)
    for host in ("xen", "sim"):
        if comparison.data(host):
            terminalreporter.write_line(f"by xl and through memctl, on {host}:")
            terminalreporter.write_line(in_short(comparison.data(host)))
            break
    if terminalreporter.config.getoption("verbose") > 0:
        terminalreporter.write_line(ledger.table())
