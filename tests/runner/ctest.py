"""The jobs of a build's tests, from ctest's list, so that only CMake names tests and inputs."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

from errors import RunError
from jobs import BUILD, ROOT, Inputs, Job


def tests_of(preset: str) -> list[Job]:
    """Every test of a preset that has been built, the longest first."""
    build = BUILD / preset
    done = subprocess.run(
        ["ctest", "--test-dir", str(build), "--show-only=json-v1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RunError(f"ctest cannot list the tests of {preset}: {done.stderr.strip()}")
    found = [_job(preset, build, test) for test in json.loads(done.stdout)["tests"]]
    jobs = [job for _, job in sorted(found, key=lambda each: -each[0])]
    if not jobs:
        raise RunError(f"{preset} has no tests")
    return jobs


#: The daemon of tests/consumer for ten minutes: in which builds, and how.
DAEMONS = {"release": (), "asan-ubsan": (), "valgrind": ("--valgrind",)}
LONG = ("-s", "--minutes=10", "--resizes=10000")


def daemons() -> list[Job]:
    """The long runs of the daemon, from its short tests in the builds, which have been built."""
    return [_daemon(how, options) for how, options in DAEMONS.items()]


def _daemon(how: str, options: tuple[str, ...]) -> Job:
    preset = "release" if how == "valgrind" else how
    (short,) = [job for job in tests_of(preset) if job.name == f"{preset}.daemon"]
    report = BUILD / preset / "reports" / f"daemon.{how}.xml"
    one = ("-k", "does_not_grow", f"--junitxml={report}")
    command = (*short.command[:-1], *LONG, *options, *one)
    return replace(
        short, name=f"daemon.{how}", part="daemon", command=command, reports=(report,), timeout=3600
    )


def _job(preset: str, build: Path, test: dict[str, Any]) -> tuple[float, Job]:
    properties = {each["name"]: each["value"] for each in test["properties"]}
    environment = dict(word.split("=", 1) for word in properties.get("ENVIRONMENT", ()))
    command = tuple(test["command"])
    name = str(test["name"])
    report = build / "reports" / f"{name}.xml"
    (label,) = properties["LABELS"]
    sources, built = [], [Path(command[0])] if command[0].startswith(str(BUILD)) else []
    for file in map(Path, properties.get("REQUIRED_FILES", ())):
        if file.is_relative_to(BUILD):
            built.append(file)
        else:
            sources.append(str(file.relative_to(ROOT)))
    if "pytest" in command:
        command += (f"--junitxml={report}",)
    else:
        environment["GTEST_OUTPUT"] = f"xml:{report}"
    job = Job(
        name=f"{preset}.{name}",
        part=f"{preset} tests, {label}",
        command=command,
        inputs=Inputs(sources=tuple(sources), built=tuple(built)),
        environment=environment,
        timeout=float(properties.get("TIMEOUT", 600)),
        reports=(report,),
    )
    return float(properties.get("COST", 0)), job
