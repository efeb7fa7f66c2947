"""A job that has passed runs again if and only if something that its result depends on has changed.

A key that misses an input would give a false pass.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import build
import ctest
import engine
import jobs
import report
import results
import table
from engine import Engine, Stopped
from errors import RunError
from jobs import Inputs, Job
from report import Report
from results import Result, Store

FAKE_DPKG = "#!/bin/sh\ncat {root}/installed\n"
FAKE_APT = """#!/bin/sh
# apt-cache, as far as the lab asks it.
what=$1; shift
case $what in
  depends) echo "  Depends: $2" | sed 's/xen-system/xen-hypervisor-4.17/;s/image-/image-6.1-/' ;;
  policy)
    for name; do
      printf '%s:\\n  Installed: (none)\\n  Candidate: %s\\n' $name "$(cat {root}/offered)"
    done ;;
esac
"""


class Tree:
    """A small repository with one job that counts how often it ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[Result] = []
        for name in ("scripts/test", "tests/runner/jobs.py", "src/a.cpp", "src/b.hpp", "docs/x.md"):
            self.write(name, "text")
        for name in ("build/test-program", "build/data/x", "build/other", "installed", "offered"):
            self.write(name, "1.0")
        self.program("dpkg-query", FAKE_DPKG)
        self.program("apt-cache", FAKE_APT)
        self.program("compiler", "#!/bin/sh\n")
        self.write(".gitignore", "build/\nbin/\ncount\ninstalled\noffered\n")
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        subprocess.run(["git", "add", "."], cwd=root, check=True)
        self.job = Job(
            name="job",
            part="part",
            command=("sh", "-c", f"echo >>{root}/count"),
            inputs=Inputs(
                sources=("src",),
                built=(root / "build/test-program", root / "build/data"),
                tools=("compiler",),
                lab_packages=True,
            ),
        )

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")

    def program(self, name: str, text: str) -> None:
        self.write(f"bin/{name}", text.replace("{root}", str(self.root)))
        (self.root / "bin" / name).chmod(0o755)

    def run(self, job: Job | None = None, fresh: bool = False) -> Result:
        jobs.packages.cache_clear()
        jobs.lab_packages.cache_clear()
        run = Engine(Store(self.root / "build/results"), fresh, self.told.append)
        run.run([job or self.job], 1)
        return self.told[-1]

    def count(self) -> int:
        """How often the job's command has run."""
        path = self.root / "count"
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("MEMCTL_LAB_CACHE", str(tmp_path / "build/lab"))
    monkeypatch.setattr(jobs, "ROOT", tmp_path)
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(engine, "LOGS", tmp_path / "build/logs")
    return Tree(tmp_path)


def flip(path: Path) -> None:
    """Changes one byte."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def runs(pid: str) -> bool:
    """Whether the process runs. A zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


CHANGES: dict[str, Callable[[Tree, pytest.MonkeyPatch], object]] = {
    "a source": lambda tree, _: flip(tree.root / "src/a.cpp"),
    "a source that git does not know yet": lambda tree, _: tree.write("src/new.cpp", "x"),
    "a source that is gone": lambda tree, _: (tree.root / "src/b.hpp").unlink(),
    "a source's permission": lambda tree, _: (tree.root / "src/a.cpp").chmod(0o755),
    "a script": lambda tree, _: flip(tree.root / "scripts/test"),
    "the runner itself": lambda tree, _: flip(tree.root / "tests/runner/jobs.py"),
    "a program that was built": lambda tree, _: flip(tree.root / "build/test-program"),
    "a file in a folder that was built": lambda tree, _: flip(tree.root / "build/data/x"),
    "a tool": lambda tree, _: flip(tree.root / "bin/compiler"),
    "a package": lambda tree, _: flip(tree.root / "installed"),
    "a package of the lab": lambda tree, _: flip(tree.root / "offered"),
    "the environment": lambda _, patch: patch.setenv("RC_PARAMS", "seed=1"),
    "a file that pytest would read": lambda tree, _: tree.write("pytest.ini", ""),
    "the kernel": lambda _, patch: patch.setattr(
        os, "uname", lambda: os.uname_result(("Linux", "host", "9.9", "1", "x86_64"))
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_one_input_runs_the_job_again(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    assert not tree.run().earlier
    assert tree.run().earlier and tree.count() == 1
    CHANGES[what](tree, monkeypatch)
    assert not tree.run().earlier and tree.count() == 2
    assert tree.run().earlier and tree.count() == 2


def test_another_command_or_environment_is_another_job(tree: Tree) -> None:
    tree.run()
    command = (*tree.job.command, "x")
    tree.run(Job("job", "part", command, tree.job.inputs))
    tree.run(Job("job", "part", command, tree.job.inputs, environment={"A": "b"}))
    assert tree.count() == 3


@pytest.mark.parametrize("name", ["docs/x.md", "build/other"])
def test_a_change_elsewhere_does_not_run_the_job_again(tree: Tree, name: str) -> None:
    first = tree.run()
    flip(tree.root / name)
    again = tree.run()
    assert again.earlier and again.date == first.date and tree.count() == 1


def test_fresh_runs_what_has_passed(tree: Tree) -> None:
    tree.run()
    assert not tree.run(fresh=True).earlier and tree.count() == 2


def test_a_job_that_failed_runs_again(tree: Tree) -> None:
    failing = Job("job", "part", ("sh", "-c", f"echo >>{tree.root}/count; exit 3"), tree.job.inputs)
    for _ in range(2):
        assert not tree.run(failing).passed
    assert tree.count() == 2


def test_a_failure_takes_the_earlier_success_away(tree: Tree) -> None:
    """The sources are the same as in the first run again."""
    tree.run()
    flip(tree.root / "src/a.cpp")
    tree.run(Job("job", "part", ("false",), tree.job.inputs))
    flip(tree.root / "src/a.cpp")
    assert not tree.run().earlier


def test_sources_that_change_under_a_job_have_not_passed(tree: Tree) -> None:
    command = ("sh", "-c", f"echo >>{tree.root}/count; echo changed >>{tree.root}/src/a.cpp")
    changing = Job("job", "part", command, tree.job.inputs)
    assert tree.run(changing).note
    assert not tree.run(changing).earlier


@pytest.fixture
def build_steps(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Builds with a fake cmake that only records its arguments."""
    tree.program("cmake", f"#!/bin/sh\necho $* >>{tree.root}/count\n")
    for name, value in (("ROOT", tree.root), ("BUILD", tree.root / "build")):
        monkeypatch.setattr(build, name, value)
    monkeypatch.setattr(table, "CODE", ("src",))
    monkeypatch.setattr(sys, "argv", ["build.py", "release"])
    (tree.root / "build/release").mkdir()
    tree.write("tests/x.cpp", "text")

    def steps() -> str:
        (tree.root / "count").unlink(missing_ok=True)
        jobs.packages.cache_clear()
        assert build.main() == 0
        return (tree.root / "count").read_text()

    return steps


def test_a_build_begins_anew_if_a_package_or_the_environment_changed(
    tree: Tree, build_steps: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--fresh" in build_steps() and "--fresh" not in build_steps()
    flip(tree.root / "installed")
    steps = build_steps()
    assert "--fresh" in steps and "--target clean" in steps
    assert "--fresh" not in build_steps()
    monkeypatch.setenv("CXXFLAGS", "-Og")
    assert "--fresh" in build_steps()


def test_a_source_replaced_by_an_older_one_is_built_again(
    tree: Tree, build_steps: Callable[[], str]
) -> None:
    build_steps()
    source, other = tree.root / "src/a.cpp", tree.root / "src/b.hpp"
    flip(source)
    for path in (source, other):
        os.utime(path, (1, 1))
    build_steps()
    assert source.stat().st_mtime > 1 and other.stat().st_mtime == 1


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"key": 1}'])
def test_a_damaged_result_does_not_count(tree: Tree, damage: bytes) -> None:
    tree.run()
    (tree.root / "build/results/job.json").write_bytes(damage)
    assert not tree.run().earlier


def test_an_interrupted_job_leaves_no_result_and_no_process(tree: Tree) -> None:
    tree.run()
    flip(tree.root / "src/a.cpp")
    run = Engine(Store(tree.root / "build/results"), False, tree.told.append)
    command = ("sh", "-c", f"sleep 1000 & echo $! >{tree.root}/build/pid; wait")
    waiting = Job("job", "part", command, tree.job.inputs)

    def stop_once_it_runs() -> None:
        while not (tree.root / "build/pid").exists() or not run.running():
            time.sleep(0.01)
        run.stop()

    stopper = threading.Thread(target=stop_once_it_runs)
    stopper.start()
    with pytest.raises(Stopped):
        run.run([waiting], 1)
    stopper.join()
    flip(tree.root / "src/a.cpp")
    assert not tree.run().earlier
    assert not runs((tree.root / "build/pid").read_text().strip())


def test_an_input_that_is_missing_is_told(tree: Tree) -> None:
    for inputs, word in (
        (Inputs(sources=("nowhere",)), "nowhere"),
        (Inputs(built=(tree.root / "build/missing",)), "build/missing"),
    ):
        with pytest.raises(RunError, match=word):
            tree.run(Job("job", "part", ("true",), inputs))


def test_a_job_that_promised_a_report_and_wrote_none_has_not_passed(tree: Tree) -> None:
    silent = Job("job", "part", ("true",), reports=(tree.root / "build/reports/x.xml",))
    result = tree.run(silent)
    assert not result.passed


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites/>",
        '<testsuites><testcase name="a"><failure/></testcase></testsuites>',
        '<testsuites><testcase name="a"><error/></testcase></testsuites>',
        "<testsuites",
    ],
)
def test_a_report_of_no_test_or_of_a_failure_is_no_success(tree: Tree, text: str) -> None:
    report = tree.root / "build/reports/x.xml"
    command = ("sh", "-c", f"echo '{text}' >{report}")
    assert not tree.run(Job("job", "part", command, reports=(report,))).passed


def test_reports_are_added_up(tree: Tree, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        """<testsuites><testsuite>
        <testcase classname="A" name="quick" time="0.1"/>
        <testcase classname="A" name="slow" time="9"/>
        <testcase classname="A" name="left out"><skipped message="a.cpp:1&#10;no pool"/></testcase>
        </testsuite></testsuites>""",
        encoding="utf-8",
    )
    result = Result("job", "part", "", True, "", 1)
    results.read_reports([report], result)
    assert (result.tests, result.skipped) == (2, {"no pool": 1})
    assert result.slowest[0] == (9, "A.slow")


PYTEST_SAYS = """def test_it():
    print("noise")
>   assert size == 7
E   AssertionError: assert 6 == 7
x.py:3: AssertionError"""
GTEST_SAYS = "a_test.cpp:12&#10;Expected equality of these values:&#10;  6&#10;  7"


def test_what_a_failed_test_says_is_printed_and_not_what_others_printed(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tree.root / "build/reports/x.xml"
    tree.write(
        "report.xml",
        f"""<testsuites><testsuite>
        <testcase classname="A" name="py"><failure message="x">{PYTEST_SAYS}</failure></testcase>
        <testcase classname="B" name="cpp"><failure message="{GTEST_SAYS}"/></testcase>
        </testsuite></testsuites>""",
    )
    command = ("sh", "-c", f"cp {tree.root}/report.xml {report}; echo passed after all; exit 1")
    result = tree.run(Job("job", "part", command, reports=(report,)))
    told = Report()
    told.tell(result)
    at_once = capsys.readouterr().out
    assert "AssertionError: assert 6 == 7" in at_once and "Expected equality" in at_once
    assert "passed after all" not in at_once
    told.summary(1, tree.root / "summary.json")
    at_the_end = capsys.readouterr().out
    assert "  A.py\n    AssertionError: assert 6 == 7\n" in at_the_end
    assert "  B.cpp\n    Expected equality of these values:\n" in at_the_end


def test_every_file_of_the_lab_has_a_job() -> None:
    groups = {**table.LAB, **table.LAB_FULL, **table.LAB_DEBIAN, "apart": table.LAB_APART}
    named = {name for names in groups.values() for name in names}
    assert named == {path.name for path in (jobs.ROOT / "tests" / "lab").glob("test_*.py")}


def test_the_daemon_runs_long_where_its_short_test_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(preset: str) -> list[Job]:
        command = ("python3", "-m", "pytest", f"{preset}.py", "--junitxml=short.xml")
        inputs = Inputs(built=(Path(preset),))
        return [Job(f"{preset}.{name}", "tests", command, inputs) for name in ("other", "daemon")]

    monkeypatch.setattr(ctest, "tests_of", short)
    found = {job.name: job for job in ctest.daemons()}
    assert list(found) == ["daemon.release", "daemon.asan-ubsan", "daemon.valgrind"]
    for job in found.values():
        (report,) = job.reports
        assert {"--minutes=10", "--resizes=10000", f"--junitxml={report}"} <= set(job.command)
        assert "--junitxml=short.xml" not in job.command
    assert found["daemon.asan-ubsan"].inputs.built == (Path("asan-ubsan"),)
    assert found["daemon.valgrind"].inputs.built == (Path("release"),)
    assert "--valgrind" in found["daemon.valgrind"].command
    assert len({job.reports for job in found.values()}) == 3


@pytest.mark.parametrize("here, there", [("bookworm", "trixie"), ("trixie", "bookworm")])
def test_the_other_release_is_another_one(
    monkeypatch: pytest.MonkeyPatch, here: str, there: str
) -> None:
    monkeypatch.setattr(table, "release", lambda: here)
    for job in (*table.other_release(fresh=False, with_lab=True), *table.debian_elsewhere()):
        assert job.build and job.name.startswith(there)
        assert job.name.endswith(".root") or job.command[:2] == ("scripts/in-release", there)


def test_every_job_of_the_table_names_what_is_there() -> None:
    singles = (table.style(), table.runner(), table.tidy(), table.coverage(), table.inputs())
    for file in table.LAB_ELSEWHERE:
        assert jobs.files(f"tests/lab/{file}")
    for job in (*singles, *table.packages(), *table.lab(False), *table.lab(True), *table.debian()):
        for name in job.inputs.sources:
            assert jobs.files(name), f"{job.name}: {name}"
