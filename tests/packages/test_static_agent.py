# SPDX-License-Identifier: LGPL-2.1-or-later
"""The archive of the static agent installs in any guest, with systemd and without."""

from __future__ import annotations

import pytest
from roots import ARCHITECTURES, VERSION, Release

FILES = "find / -xdev \\( -path /tmp -o -path '*/build' -o -path /run \\) -prune -o -type f -print"
#: A root that has BusyBox and nothing else: no shell of another kind, no C library.
BUSYBOX = """
apt_get install busybox-static
mkdir -p /busybox/bin
cp "$(command -v busybox)" /busybox/bin
chroot /busybox /bin/busybox --install -s /bin
tar -xzf "$offered"/memctl-agent-*-linux-$architecture.tar.gz -C /busybox
mv /busybox/memctl-agent-* /busybox/agent
"""
UNPACK = """
tar -xzf "$offered"/memctl-agent-*-linux-${architecture:-amd64}.tar.gz -C /tmp
cd /tmp/memctl-agent-*
"""
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


@every_architecture
def test_a_guest_with_busybox_alone_gets_the_agent_and_is_told_how_to_start_it(
    release: Release, architecture: str
) -> None:
    told = release.run(
        f"""
        architecture={architecture}
        {BUSYBOX}
        in_guest() {{ chroot /busybox /bin/sh -euc "$1"; }}
        in_guest 'find / -type f' | sort >/tmp/before
        in_guest /agent/install.sh
        in_guest 'find / -type f' | sort | comm -13 /tmp/before -
        in_guest '/usr/local/sbin/memctl-agent --version'
        in_guest /agent/install.sh >/dev/null
        in_guest '/agent/install.sh --remove'
        in_guest 'find / -type f' | sort | diff /tmp/before -
        in_guest '/agent/install.sh --remove'
        """
    )
    assert "has no systemd" in told and "::respawn:/usr/local/sbin/memctl-agent" in told
    assert f"\nmemctl-agent {VERSION} (" in told
    assert "/etc/systemd" not in told
    assert "memctl-agent is removed" in told
    assert told.endswith("\ninstall.sh has installed no agent here.\n")


@every_architecture
def test_a_guest_with_systemd_starts_the_agent_at_boot(release: Release, architecture: str) -> None:
    told = release.run(
        f"""
        architecture={architecture}
        apt_get install systemd
        {UNPACK}
        {FILES} | sort >/tmp/before
        ./install.sh
        systemctl is-enabled memctl-agent
        systemd-analyze verify /etc/systemd/system/memctl-agent.service
        grep -h -e ^ExecStart= -e ^SystemCallArch /etc/systemd/system/memctl-agent.service
        ./install.sh >/dev/null
        systemctl is-enabled memctl-agent
        ./install.sh --remove
        {FILES} | sort | diff /tmp/before -
        find /etc/systemd -name 'memctl*'
        ./install.sh --remove
        """
    ).splitlines()
    assert told == [
        "memctl-agent is installed, and starts at the next boot.",
        "enabled",
        "ExecStart=/usr/local/sbin/memctl-agent",
        # To a 64-bit systemd, an i386 agent's system calls are foreign.
        "SystemCallArchitectures=native" + (" x86" if architecture == "i386" else ""),
        "enabled",
        "memctl-agent is removed.",
        "install.sh has installed no agent here.",
    ]


def test_a_running_systemd_starts_the_new_agent_at_once(release: Release) -> None:
    """A systemctl that only writes down what it is asked stands for the running systemd."""
    told = release.run(
        f"""
        {UNPACK}
        mkdir -p /run/systemd/system
        printf '#!/bin/sh\\necho "$*" >>/tmp/asked\\n' >/usr/local/bin/systemctl
        chmod +x /usr/local/bin/systemctl
        ./install.sh >/dev/null
        ./install.sh --remove >/dev/null
        cat /tmp/asked
        """
    ).splitlines()
    assert told == [
        "--quiet enable memctl-agent",
        "daemon-reload",
        "restart memctl-agent",
        "--quiet disable memctl-agent",
        "stop memctl-agent",
        "daemon-reload",
    ]


def test_a_guest_that_has_the_package_keeps_it(release: Release) -> None:
    told = release.run(
        f"""
        apt_get install memctl-agent
        {UNPACK}
        ./install.sh 2>&1 && exit 1
        test ! -e /usr/local/sbin/memctl-agent
        """
    )
    assert "has memctl-agent as a package" in told


@every_architecture
def test_an_older_distribution_runs_the_agent(release: Release, architecture: str) -> None:
    """Debian 11 has an older C library than the releases for which memctl is built."""
    older = Release("bullseye")
    older.offer(*release.archives())
    told = older.run(
        f"""
        architecture={architecture}
        {UNPACK}
        ./install.sh >/dev/null
        /usr/local/sbin/memctl-agent --version
        """
    )
    assert told.startswith(f"memctl-agent {VERSION} (")


def test_a_guest_in_which_the_agent_does_not_run_gets_none(release: Release) -> None:
    """A file that cannot be executed stands for the agent of another architecture."""
    told = release.run(
        f"""
        {UNPACK}
        printf '\\177ELF' >memctl-agent
        ./install.sh 2>&1 && exit 1
        test ! -e /usr/local/sbin/memctl-agent
        """
    )
    assert "it is not for this system (x86_64)" in told and "one for i386" in told
