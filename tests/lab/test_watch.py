# SPDX-License-Identifier: LGPL-2.1-or-later
"""memctl watch follows a guest through its changes, on real Xen with `--full`."""

from __future__ import annotations

import pytest

from memctl_lab import Lab
from memctl_lab.memctl import parse_line, resize

pytestmark = pytest.mark.full


def test_a_guest_is_followed_until_it_ends(lab: Lab) -> None:
    guest = lab.create_guest("followed", "pv")
    guest.wait_for_agent()
    watching = lab.start(f"memctl watch --json --interval 1h {guest.domid}")
    watching.wait_for_output('"appeared"')
    assert resize(guest, "512m").ending == (0, "verified", None)
    watching.wait_for_output(f'"target_kib":{512 * 1024}')
    lab.check(f"xl rename {guest.domid} renamed")
    watching.wait_for_output('"name":"renamed"')
    lab.check(f"xl rename renamed {guest.name}")
    guest.destroy()
    watching.wait_for_output('"ended"')
    watching.kill()
    lines = [parse_line(line) for line in watching.wait(60).stdout.splitlines()]
    assert [line["change"] for line in lines[:1] + lines[-1:]] == ["appeared", "ended"]
    assert {line["domain"]["name"] for line in lines} == {"followed", "renamed"}
