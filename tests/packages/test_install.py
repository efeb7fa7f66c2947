# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each package works with what it depends on, and leaves nothing when it is purged."""

from __future__ import annotations

import pytest
from roots import VERSION, Release

#: Each package with what a user does first, once it is installed, and what that prints last.
FIRST_USE = {
    "libmemctl0": ("ldconfig -p | grep -c libmemctl.so.0", "1"),
    "memctl": (
        """
        bash -euc '. /usr/share/bash-completion/completions/memctl'
        for page in man1/memctl.1 man1/xl-mem.1 man1/xl-mem-resize.1 man5/memctl.toml.5; do
          gzip -t "/usr/share/man/$page.gz"
        done
        xl-mem-resize --host sim: demo-pv 2g
        /usr/libexec/memctl/xl mem-doctor --host sim: >/dev/null || test $? -eq 1
        memctl --host sim: resize demo-pv 2g | grep -o 'demo-pv: 1024 MiB -> 2048 MiB'
        """,
        "demo-pv: 1024 MiB -> 2048 MiB",
    ),
    "python3-memctl": (
        """python3 -c '
import memctl
with memctl.Host("sim:") as host:
    print(host["demo-pv"].resize("2GiB").reached)'
        """,
        "2048 MiB",
    ),
    "libmemctl-dev": (
        """
        apt_get install cmake g++ make pkgconf
        cp -r /usr/share/doc/libmemctl-dev/examples /tmp/examples
        cd /tmp/examples
        cmake -S cpp -B build >/dev/null
        make -s -C build grow_one admit >/dev/null
        build/grow_one sim: demo-pv 2g >/dev/null
        gcc -std=c99 c/resize_with_poll.c $(pkg-config --cflags --libs memctl) -o resize
        ./resize sim: 1 2g </dev/null | tail -n 1
        """,
        "2048 MiB",
    ),
    "golang-memctl-dev": (
        """
        apt_get install golang-go gcc libc6-dev
        cp -r /usr/share/doc/golang-memctl-dev/examples/ensure /tmp/ensure
        cd /tmp/ensure
        export GOPROXY=off HOME=/tmp
        go mod edit -replace memctl=/usr/share/gocode/src/memctl
        go run . sim: demo-pv 2g | tail -n 1
        """,
        "2048 MiB",
    ),
    "memctl-agent": ("memctl-agent --version", f"memctl-agent {VERSION}"),
}

#: What the packages need beside the one that is installed.
BESIDE = {
    "libmemctl0": set[str](),
    "memctl": {"libmemctl0"},
    "python3-memctl": {"libmemctl0"},
    "libmemctl-dev": {"libmemctl0"},
    "golang-memctl-dev": {"libmemctl-dev", "libmemctl0"},
    "memctl-agent": set[str](),
}

#: Files that dpkg, apt and ldconfig keep for themselves.
OWN = "-path /tmp -o -path /root -o -path /var/cache -o -path /var/log"
OWN += " -o -path /var/lib/apt -o -path /var/lib/dpkg"


@pytest.mark.parametrize("package", FIRST_USE)
def test_a_package_works_by_itself(release: Release, package: str) -> None:
    script, last = FIRST_USE[package]
    told = release.run(
        f"apt_get install {package}\nours | tr '\\n' ' '\necho\n{script}"
    ).splitlines()
    assert set(told[0].split()) == {package} | BESIDE[package]
    assert last in told[-1]


def test_what_is_purged_leaves_no_file(release: Release) -> None:
    """The administrator's configuration goes, too, and the timer that was turned on.

    What other packages brought stays.
    """
    packages = " ".join(FIRST_USE)
    told = release.run(
        f"""
        files() {{ find / -xdev \\( {OWN} \\) -prune -o -print | sort; }}
        others=$(apt-get -s install --no-install-recommends {packages} |
          sed -n 's/^Inst \\([^ ]*\\).*/\\1/p' | grep -v memctl)
        apt_get install $others systemd
        files >/tmp/before
        apt_get install {packages}
        mkdir -p /etc/memctl
        cp /usr/share/doc/memctl/examples/memctl.toml /etc/memctl
        memctl --host sim: status >/dev/null
        python3 -c 'import memctl'
        systemctl enable memctl-recover.timer 2>/dev/null
        find /etc/systemd -name memctl-recover.timer | grep -q .
        files >/tmp/between
        comm -13 /tmp/before /tmp/between | grep -c memctl
        apt_get purge $(ours)
        files >/tmp/after
        diff /tmp/before /tmp/after
        """
    )
    assert int(told) > 100


def test_what_is_installed_starts_only_the_agent_and_only_in_guests(release: Release) -> None:
    """Whatever acts on guests by itself stays off until the administrator turns it on."""
    told = release.run(
        f"""
        apt_get install {' '.join(FIRST_USE)}
        find /etc/systemd /usr/lib/systemd /lib/systemd/ -name '*memctl*' -path '*.wants/*' \\
          -printf '%f\\n' | sort -u
        cat /lib/systemd/system/memctl-agent.service
        """
    )
    name, _, unit = told.partition("\n")
    assert name == "memctl-agent.service"
    assert "\nConditionVirtualization=xen\n" in unit
    assert "\nExecStart=/usr/sbin/memctl-agent\n" in unit


def test_an_upgrade_replaces_every_package(release: Release) -> None:
    told = release.run(
        f"""
        apt_get install dpkg-dev
        apt_get install {' '.join(FIRST_USE)}
        mkdir -p /tmp/newer
        cd /tmp/newer
        for package in "$offered"/*memctl*.deb; do
          case $package in *-dbgsym_*) continue ;; esac
          rm -rf tree
          dpkg-deb -R "$package" tree
          sed -i 's/\\(~deb[0-9]*\\)u1/\\1u2/g' tree/DEBIAN/control
          dpkg-deb -b tree . >/dev/null
        done
        dpkg-scanpackages . >Packages 2>/dev/null
        echo 'deb [trusted=yes] file:/tmp/newer ./' >>/etc/apt/sources.list.d/memctl.list
        apt_get update
        apt_get full-upgrade
        dpkg-query -W -f '${{Package}} ${{Version}}\\n' '*memctl*'
        """
    ).splitlines()
    versions = dict(line.split() for line in told)
    assert set(versions) == set(FIRST_USE)
    assert all(version.endswith("u2") for version in versions.values()), versions


def test_dpkg_takes_the_packages_in_reverse_order(release: Release) -> None:
    told = release.run(
        f"""
        apt_get install $(apt-get -s install --no-install-recommends {' '.join(FIRST_USE)} |
          sed -n 's/^Inst \\([^ ]*\\).*/\\1/p' | grep -v memctl)
        list=$(printf '%s\\n' "$offered"/*.deb | grep -v dbgsym)
        dpkg -i $(echo "$list" | sort -r) >/tmp/dpkg.log 2>&1 || {{
          cat /tmp/dpkg.log >&2
          exit 1
        }}
        dpkg --audit
        ours
        """
    )
    assert set(told.split()) == set(FIRST_USE)


def test_packages_for_a_newer_debian_are_newer(release: Release) -> None:
    """A host that moves from Debian 12 to 13 moves to the packages for 13."""
    told = release.run(
        """
        apt-cache policy memctl | sed -n 's/ *Candidate: //p'
        . /etc/os-release
        echo $VERSION_ID
        """
    ).split()
    assert told[0].endswith(f"-1~deb{told[1]}u1")
