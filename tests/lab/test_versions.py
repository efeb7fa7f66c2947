"""Versions that meet on real Xen: libraries of another Xen, and a library that is replaced."""

from __future__ import annotations

import pytest

from memctl_lab import Lab
from memctl_lab.memctl import finish, resize, start_resize


@pytest.mark.parametrize("command", ["status", "resize nobody 1g", "doctor", "recover"])
def test_libraries_of_another_xen_release_are_refused_by_name(lab: Lab, command: str) -> None:
    done = lab.run(f"LD_PRELOAD=/usr/lib/lab-other-xen.so memctl {command}")
    assert done.status == 3
    told = done.stdout + done.stderr
    assert "xen_unsupported" in told
    version = lab.check("xl info xen_version").strip().rsplit(".", 1)[0]
    assert f"Xen {version} runs, and refuses the calls of the libraries of Xen {version}" in told
    done = lab.run(f"memctl {command}")
    assert "xen_unsupported" not in done.stdout + done.stderr, "without them, all is as ever"


def test_an_upgrade_disturbs_no_resize_that_is_under_way(lab: Lab) -> None:
    """A package manager replaces a file by a rename, and a running process keeps the old file."""
    guest = lab.create_guest("upgraded", "pv")
    guest.wait_for_agent()
    running = start_resize(guest, "3g")
    running.wait_for_output('"phase":"populate"')
    for file in ("/usr/bin/memctl", "/usr/lib/x86_64-linux-gnu/libmemctl.so.0"):
        lab.check(f"cp -p {file} {file}.new && mv {file}.new {file}")
    assert resize(guest, "1g").ending == (3, "refused", "busy"), "the new files see the old record"
    assert finish(running, timeout=300).ending == (0, "verified", None)
    assert resize(guest, "2g").ending == (0, "verified", None)
    guest.destroy()
