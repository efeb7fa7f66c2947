"""A dom0 with Debian's defaults: oxenstored, and dom0 has all memory that no guest was given.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

import pytest

from memctl_lab.debian_host import DebianLab
from memctl_lab.memctl import doctor

pytestmark = pytest.mark.full


def test_the_host_is_as_debian_sets_it_up(debian: DebianLab) -> None:
    assert debian.check("systemctl is-system-running") == "running\n"
    assert "oxenstored" in debian.check("readlink /proc/$(cat /run/xenstore.pid)/exe")
    assert debian.run("grep -v '^#' /etc/xen/xl.conf | grep .").stdout == ""
    assert "dom0_mem" not in debian.check("xl info | grep ^xen_commandline")
    debian.check("systemctl is-active xen.service libvirtd.service && pidof xenconsoled")
    done = doctor(debian)
    assert done.status == 0, done.findings
    assert set(done.faults.values()) <= {"note"}, done.faults
    assert done.finding("xenstored")["message"].startswith("oxenstored,")
