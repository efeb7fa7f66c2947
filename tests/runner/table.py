"""The parts of a test run that CMake does not list: builds, style, the lab and the like."""

from __future__ import annotations

from jobs import BUILD, Inputs, Job
from memctl_lab.config import LabConfig, release

PYTHON = "/usr/bin/python3"

#: The parts by name, in the order in which they run.
PARTS = {
    "style": "the style of every file, and the tests of this program",
    "release": "the release build and its tests",
    "lab": "real guests on real Xen, under QEMU's emulation",
    "other-release": "the release build, its tests and a lab on another release of Debian",
    "asan-ubsan": "the tests with AddressSanitizer and UndefinedBehaviorSanitizer",
    "tsan": "the tests built by clang++, with ThreadSanitizer",
    "daemon": "a daemon with the library runs for ten minutes: plain, with sanitizers, in valgrind",
    "tidy": "clang-tidy over every source",
    "coverage": "which lines the tests run",
    "packages": "Debian's packages: built, installed, upgraded and purged in clean roots",
    "inputs": "each test reads only files that its key covers",
}
DEFAULT = ("style", "release", "lab", "asan-ubsan")

#: The release whose formatters and clang-tidy count. Those of another release want other things.
STYLE_RELEASE = "bookworm"

RELEASE = BUILD / "release"
CODE = (
    ".clang-tidy",
    "CMakeLists.txt",
    "CMakePresets.json",
    "agent",
    "bindings",
    "cli",
    "cmake",
    "include",
    "libmemctl",
    "packaging",
)


def style() -> Job:
    """The job that checks the style of every file that git knows."""
    tools = ("clang-format", "gofmt", "shellcheck", "codespell")
    return Job("style", "style", ("scripts/check-style",), Inputs(sources=(".",), tools=tools))


def runner() -> Job:
    command = (
        PYTHON,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/runner",
        "tests/benchmark",
    )
    report = BUILD / "reports" / "runner.xml"
    inputs = Inputs(sources=(".",))  # its table names files of every part
    return Job("runner", "style", (*command, f"--junitxml={report}"), inputs, reports=(report,))


def build(preset: str, fresh: bool) -> Job:
    """A build, which runs each time and finds out by itself what has changed."""
    command = (PYTHON, "tests/runner/build.py", preset, *(["--fresh"] if fresh else []))
    return Job(f"{preset}.build", f"{preset} build", command, build=True)


def tidy() -> Job:
    tools = ("clang-tidy", "clang++", "g++")
    return Job("tidy", "clang-tidy", ("scripts/check-tidy",), Inputs(sources=CODE, tools=tools))


def coverage() -> Job:
    tools = ("gcovr", "g++")
    inputs = Inputs(sources=(*CODE, "tests", "docs/schema"), tools=tools)
    return Job("coverage", "coverage", ("scripts/coverage",), inputs)


def packages() -> list[Job]:
    """Makes and tries the packages of each release that they are for."""
    return [_packages(release) for release in ("bookworm", "trixie")]


def _packages(release: str) -> Job:
    report = BUILD / "reports" / f"packages.{release}.xml"
    command = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/packages")
    # A package has every file that git knows: its sources are made of them.
    inputs = Inputs(sources=(".",), tools=("mmdebstrap",))
    return Job(
        f"packages.{release}",
        "packages",
        (*command, f"--release={release}", f"--junitxml={report}"),
        inputs,
        reports=(report,),
    )


def inputs() -> Job:
    sources = (*CODE, "tests", "docs/schema", "examples", "pyproject.toml")
    job = Inputs(sources=sources, tools=("strace",), lab_packages=True)
    return Job("inputs", "inputs", (PYTHON, "tests/runner/check_inputs.py"), job)


#: The lab's files, grouped by the host that they share, the longest group first.
LAB = {
    "dangers": ("test_dangers.py",),
    "field": ("test_field.py",),
    "basics": (
        "test_boot.py",
        "test_grow.py",
        "test_bad_input.py",
        "test_system_journal.py",
        "test_versions.py",
        "test_figures.py",
        "test_stopwatch.py",
        "test_told_crashes.py",
        "test_matrix.py",
    ),
    "starving": ("test_starving.py", "test_movable.py"),
    "crash": ("test_crash.py",),
}
#: The groups that run only with --full.
LAB_FULL = {
    "large": ("test_large_guest.py",),
    "untold": ("test_untold.py",),
    "fate": ("test_fate.py",),
    "pressure": ("test_pressure.py",),
    "life": (
        "test_life.py",
        "test_several.py",
        "test_recover.py",
        "test_rivals.py",
        "test_watch.py",
    ),
    "doctor": ("test_doctor.py",),
    "default": ("test_default_host.py",),
    "numa": ("test_numa.py",),
    "contract": ("test_contract.py",),
    "consumers": ("test_consumers.py",),
    "python": ("test_python.py",),
    "kernels": ("test_kernels.py",),
    "shim": ("test_shim.py",),
    "xl": ("test_xl_front.py",),
}
#: The groups that run with --full on hosts whose xenstore is oxenstored, as Debian has it, instead
#: of xenstored.
LAB_OXENSTORED = {
    "oxenstored-crash": ("test_crash.py",),
    "oxenstored": (
        "test_contract.py",
        "test_dangers.py",
        "test_rivals.py",
        "test_bad_input.py",
    ),
}
#: The groups that run with --full once the packages are made: the agent for i386, and the full
#: image.
LAB_DEBIAN = {
    "i386": ("test_i386_agent.py",),
    "debian": (
        "test_debian_host.py",
        "test_debian_packages.py",
        "test_debian_libvirt.py",
        "test_debian_rules.py",
    ),
}
#: What no job runs, because it needs an option of the lab and another QEMU.
LAB_APART: tuple[str, ...] = ("test_32_bit_kernel.py",)
#: What a group needs beside what every group of the lab needs.
LAB_ALSO = {
    "consumers": Inputs(
        sources=(
            "bindings/go",
            "cli/CMakeLists.txt",  # has the installed links
            "examples",
            "include",
            "packaging",
            "tests/consumer",
        ),
        built=(
            *(
                RELEASE / part / "cmake_install.cmake"
                for part in ("", "agent", "bindings/go", "bindings/python", "cli", "libmemctl")
            ),
            RELEASE / "include",
            RELEASE / "libmemctl" / "CMakeFiles" / "Export",
            RELEASE / "libmemctl" / "memctl-config.cmake",
            RELEASE / "libmemctl" / "memctl-config-version.cmake",
            RELEASE / "libmemctl" / "memctl.pc",
        ),
        tools=("cmake", "g++", "go", "ninja", "pkg-config"),
    ),
    "debian": Inputs(built=(LabConfig().debs,), tools=("dpkg-deb", "mkfs.ext4", "mmdebstrap")),
    "i386": Inputs(built=(LabConfig().debs,), tools=("tar",)),
}


#: What the lab shows on another release: boots, the port's contract, growth, recovery, kills, and
#: what xl leaves untold.
LAB_ELSEWHERE = (
    "test_boot.py",
    "test_grow.py",
    "test_contract.py",
    "test_recover.py",
    "test_crash.py",
    "test_default_host.py",
    "test_untold.py",
)


def other() -> str:
    """The other release of Debian on which everything has to work."""
    return "trixie" if release() == "bookworm" else "bookworm"


def other_release(fresh: bool, with_lab: bool) -> list[Job]:
    """The jobs in a root of another release, each of which needs the one before.

    They run each time: nothing here knows the packages of that root. The second is a run of this
    program in there, which knows them and what has passed.
    """
    name = other()
    enter = ("scripts/in-release", name)
    pytest = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    again = ("--fresh",) if fresh else ()
    root_report = BUILD / "reports" / f"{name}.root.xml"
    lab_report = BUILD / "releases" / name / "tree" / "reports" / "lab.xml"
    in_there = "build/reports/lab.xml"
    lab_files = (f"tests/lab/{file}" for file in LAB_ELSEWHERE)
    root = (*pytest, f"--junitxml={root_report}", "tests/runner/check_roots.py")
    tests = (*enter, "scripts/test", *again, "release")
    options = ("-rA", "--host=xen", "--full", "-k", "not random", f"--junitxml={in_there}")
    boots = (*enter, *pytest, *options, *lab_files)
    patience = 3 * 3600
    jobs = [
        Job(f"{name}.root", f"{name} root", root, build=True, reports=(root_report,)),
        Job(f"{name}.release", f"{name} build and tests", tests, timeout=patience, build=True),
        Job(
            f"{name}.lab",
            f"{name} lab",
            boots,
            timeout=patience,
            build=True,
            reports=(lab_report,),
        ),
    ]
    return jobs if with_lab else jobs[:-1]


def lab(full: bool) -> list[Job]:
    """The jobs of the lab. Each boots its own host."""
    groups = {**LAB_FULL, **LAB} if full else LAB
    jobs = [_lab(name, files, full) for name, files in groups.items()]
    if full:
        options = ("--host=xen", "--xenstored=oxenstored")
        jobs += [_lab(name, files, full, options) for name, files in LAB_OXENSTORED.items()]
    return jobs


def debian() -> list[Job]:
    """The jobs of the full image. They need the packages of this machine's release."""
    return [_lab(name, files, True) for name, files in LAB_DEBIAN.items()]


def debian_elsewhere() -> list[Job]:
    """The job of the full image of another release, in a root of that release."""
    name = other()
    report = BUILD / "releases" / name / "tree" / "reports" / "debian.xml"
    command = ("scripts/in-release", name, PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    options = ("-rA", "--host=xen", "--full", "--junitxml=build/reports/debian.xml")
    files = (f"tests/lab/{file}" for group in LAB_DEBIAN.values() for file in group)
    return [
        Job(
            f"{name}.debian",
            f"full image of {name}",
            (*command, *options, *files),
            timeout=3 * 3600,
            build=True,
            reports=(report,),
        )
    ]


def _lab(
    group: str, files: tuple[str, ...], full: bool, other_options: tuple[str, ...] = ()
) -> Job:
    name = f"lab.{group}.full" if full else f"lab.{group}"
    report = RELEASE / "reports" / f"{name}.xml"
    options = (*(("--full",) if full else ()), *other_options)
    command = (PYTHON, "-m", "pytest", "-q", "-rA", "--no-header", f"--junitxml={report}")
    also = LAB_ALSO.get(group, Inputs())
    every = ("tests/lab", "tests/python", "examples/python", "docs/schema", "pyproject.toml")
    inputs = Inputs(
        sources=(*every, *also.sources),
        built=(
            RELEASE / "agent" / "memctl-agent",
            RELEASE / "bindings" / "python" / "package",
            RELEASE / "cli" / "front" / "xl",
            RELEASE / "cli" / "memctl",
            RELEASE / "libmemctl" / "libmemctl.so",
            RELEASE / "tests" / "contract" / "memctl-contract-test",
            RELEASE / "tests" / "scenario" / "memctl-sim-host",
            *also.built,
        ),
        tools=("qemu-system-x86_64", "gcc", "strip", *also.tools),
        lab_packages=True,
    )
    return Job(
        name,
        "lab",
        (*command, *options, *(f"tests/lab/{file}" for file in files)),
        inputs,
        environment={"MEMCTL_BUILD": str(RELEASE)},
        reports=(report,),
    )
