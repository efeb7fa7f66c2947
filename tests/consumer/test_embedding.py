# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C++ examples run, and the code in docs/EMBEDDING.md compiles, over the installed library."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from installed import SOURCES, WARNINGS, Installed, run

EXAMPLES = SOURCES / "examples" / "cpp"
GUIDE = SOURCES / "docs" / "EMBEDDING.md"

#: Around the fragments of the guide: what a program has beside them.
CPP_PROGRAM = """\
#include <memctl/asio.hpp>
#include <memctl/callback_queue.hpp>
#include <memctl/host.hpp>
#include <boost/asio.hpp>
#include <chrono>
#include <string_view>
using namespace memctl::literals;
void show(const memctl::Event& event);
void show(const memctl::Result<memctl::Report>& ended);
void write_log(std::string_view level, std::string_view message);
"""
C_PROGRAM = """\
#include <memctl/memctl.h>
#include <inttypes.h>
#include <stdio.h>
"""


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, f"the guide has no {language}"
    return found


def cpp_function(number: int, body: str) -> str:
    kind = "boost::asio::awaitable<void>" if "co_await" in body else "void"
    domain = "const memctl::Domain& domain"
    return f"{kind} snippet{number}({domain});\n{kind} snippet{number}({domain}) {{\n{body}}}\n"


def test_the_cpp_of_the_guide_compiles(installed: Installed, compiler: str, tmp_path: Path) -> None:
    functions = (cpp_function(*numbered) for numbered in enumerate(blocks("cpp")))
    (tmp_path / "guide.cpp").write_text(CPP_PROGRAM + "".join(functions))
    include = f"-I{installed.prefix}/include"
    unused = ("-Wno-unused", "-Wno-unused-parameter")  # a fragment is no whole program
    run(
        compiler, "-std=c++20", *WARNINGS, *unused, include, "-fsyntax-only", tmp_path / "guide.cpp"
    )


@pytest.mark.parametrize("c_compiler", ["gcc", "clang"])
def test_the_c_of_the_guide_compiles(installed: Installed, c_compiler: str, tmp_path: Path) -> None:
    (tmp_path / "guide.c").write_text(C_PROGRAM + "".join(blocks("c")))
    include = f"-I{installed.prefix}/include"
    strict = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-unused-function")
    run(c_compiler, *strict, include, "-fsyntax-only", tmp_path / "guide.c")


class Examples:
    """The examples, built as their README says."""

    def __init__(self, build: Path) -> None:
        self._build = build

    def run(
        self, name: str, *arguments: str | Path, status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return run(self._build / name, *arguments, status=status)

    def path(self, name: str) -> Path:
        return self._build / name


@pytest.fixture(scope="module", params=["g++", "clang++"])
def examples(
    request: pytest.FixtureRequest, installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Examples:
    build = tmp_path_factory.mktemp("examples")
    options = (f"-DCMAKE_CXX_COMPILER={request.param}", f"-DCMAKE_CXX_FLAGS={' '.join(WARNINGS)}")
    environment = installed.environment()
    run("cmake", "-G", "Ninja", *options, "-S", EXAMPLES, "-B", build, environment=environment)
    run("cmake", "--build", build)
    return Examples(build)


def host(path: Path, guests: dict[str, str], **more: object) -> str:
    """A description of a host with these guests and their memory."""
    described = [{"name": name, "type": "pv", "memory": size} for name, size in guests.items()]
    path.write_text(json.dumps({"host": "24GiB", "guests": described, **more}))
    return f"sim:{path}"


def test_one_guest_grows_and_its_progress_is_printed(examples: Examples) -> None:
    lines = examples.run("grow_one", "sim:", "demo-pv", "+1g").stdout.splitlines()
    reached = [line.partition(" of ") for line in lines[:-1]]
    assert {to for _, _, to in reached} == {"2048 MiB"}
    ends = [f"{phase}: 2048 MiB" for phase in ("reserve", "online", "populate", "verify")]
    assert [now for now, _, _ in reached if now in ends] == ends
    assert len(reached) > 2 * len(ends), "there is something in between"
    assert lines[-1] == "demo-pv has 2048 MiB"


def test_a_refusal_is_told_with_what_to_do(examples: Examples) -> None:
    done = examples.run("grow_one", "sim:", "demo-pv", "63g", status=1)
    message, hint, outcome = done.stderr.splitlines()
    assert message.startswith("demo-pv: 64512 MiB would take 63489 MiB of the host")
    assert hint.startswith("ask for less, or free memory") and outcome == "refused"
    done = examples.run("grow_one", "sim:", "nobody", "1g", status=1)
    assert done.stderr.startswith('no guest is called "nobody"\n')


@pytest.mark.parametrize("name", ["grow_one", "grow_many_with_asio", "admit", "watch_with_poll"])
def test_wrong_arguments_are_told(examples: Examples, name: str) -> None:
    assert examples.run(name, status=2).stderr.startswith(f"usage: {examples.path(name)} HOST")


def test_several_guests_grow_in_one_loop(examples: Examples) -> None:
    done = examples.run("grow_many_with_asio", "sim:", "60", "2g", "demo-pv", "demo-pvh")
    assert sorted(done.stdout.splitlines()) == ["demo-pv has 2048 MiB", "demo-pvh has 2048 MiB"]


def test_a_timer_that_is_first_restores_its_guest_alone(examples: Examples, tmp_path: Path) -> None:
    """The simulated host's time is slow, so that one guest of two needs more than the second."""
    uri = host(tmp_path / "host.json", {"far": "1GiB", "near": "8GiB"}, pace=1)
    done = examples.run("grow_many_with_asio", uri, "2", "8256m", "far", "near", status=1)
    assert done.stdout == "near has 8256 MiB\n"
    assert done.stderr.splitlines()[0] == "far: cancelled"


def test_a_size_is_granted_or_the_sizes_that_work_are_offered(examples: Examples) -> None:
    assert examples.run("admit", "sim:", "demo-pv", "4g").stdout == "granted: 4096 MiB\n"
    refused = examples.run("admit", "sim:", "demo-pv", "12g", status=1)
    assert refused.stdout == "possible: 512 MiB to 8192 MiB; nearest: 8192 MiB\n"
    assert "smallest 512 MiB (below_policy): " in refused.stderr
    assert "largest 8192 MiB (above_policy): " in refused.stderr


def test_a_request_that_no_size_would_help_is_told(examples: Examples, tmp_path: Path) -> None:
    uri = host(tmp_path / "host.json", {"old": "1GiB"})
    text = (tmp_path / "host.json").read_text().replace('"pv"', '"pv", "agent": "absent"')
    (tmp_path / "host.json").write_text(text)
    refused = examples.run("admit", uri, "old", "2g", status=1)
    assert refused.stdout == "not possible now\n"
    assert refused.stderr.startswith("old: ")


def test_a_loop_hears_of_guests_that_come_and_go(examples: Examples, tmp_path: Path) -> None:
    ends = {"at": 1, "do": "destroy", "guest": "web1"}
    uri = host(tmp_path / "host.json", {"web1": "1GiB", "web2": "1GiB"}, pace=1, actions=[ends])
    with subprocess.Popen(
        [examples.path("watch_with_poll"), uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as program:
        assert program.stdin and program.stdout
        lines = [program.stdout.readline() for _ in range(3)]
        program.stdin.close()
        assert program.wait(60) == 0
    assert lines == ["appeared: web1\n", "appeared: web2\n", "ended: web1\n"]
