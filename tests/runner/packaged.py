"""Whether the packages that scripts/package has left are those of the sources as they are now."""

from __future__ import annotations

import subprocess

from errors import RunError
from jobs import BUILD, ROOT


def why_unfit(name: str, failed: set[str]) -> str:
    """Why the full image of this release of Debian cannot run with its packages, or nothing.

    `failed` are the jobs of the part `packages` that have failed in this run.
    """
    job = f"packages.{name}"
    if job in failed:
        return f"{job} failed"
    packages = BUILD / "packages" / name
    if not packages.is_dir():
        return "scripts/package has made no packages"
    noted = packages / "sources"
    if not noted.is_file() or noted.read_text(encoding="utf-8").strip() != digest():
        return "the packages are of other sources: run scripts/package"
    return ""


def digest() -> str:
    """The digest of the sources as scripts/package would pack them now."""
    command = ("scripts/package", "--digest")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RunError(f"scripts/package --digest failed: {done.stderr.strip()}")
    return done.stdout.strip()
