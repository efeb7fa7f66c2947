# SPDX-License-Identifier: LGPL-2.1-or-later
"""memctl watch follows a guest through its changes.

On real Xen with `--full`.
"""

from __future__ import annotations

from memctl_lab.memctl import parse_line, resize
from memctl_lab.scenario import ScenarioHost


def test_a_guest_is_followed_until_it_ends(fresh_host: ScenarioHost) -> None:
    guest = fresh_host.create_guest("web", "pv")
    guest.wait_for_agent()
    number = guest.domid
    watching = fresh_host.memctl("watch", "--json", "--interval", "1h", str(number))
    watching.wait_for_output('"appeared"')
    assert resize(guest, "512m").ending == (0, "verified", None)
    watching.wait_for_output(f'"target_kib":{512 * 1024}')
    fresh_host.xenstore_write(f"/local/domain/{number}/name", "renamed")
    watching.wait_for_output('"name":"renamed"')
    fresh_host.xenstore_write(f"/local/domain/{number}/name", guest.name)
    guest.destroy()
    watching.wait_for_output('"ended"')
    watching.kill()
    lines = [parse_line(line) for line in watching.wait().stdout.splitlines()]
    assert [line["change"] for line in lines[:1] + lines[-1:]] == ["appeared", "ended"]
    assert {line["domain"]["name"] for line in lines} == {"web", "renamed"}
