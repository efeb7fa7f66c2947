"""Guests of a host with two NUMA nodes: where their memory comes from, what memctl foretells of
that, and what `--numa local` refuses.

Xen's debug key u shows on which node the pages of each domain lie. It walks over all pages of all
domains with a lock held, so only this test uses it.

On real Xen with `--full`, in its own boot.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from memctl_lab import Guest, Lab, LabConfig
from memctl_lab.checks import check_sound
from memctl_lab.memctl import Json, plan, resize, status

pytestmark = pytest.mark.full

MIB = 1024
#: What else happens on such a host while a guest grows: dom0 and xenstored need a little memory.
NOISE = 16 * MIB
#: Pages that a resize moves between the report and the look at Xen, and tables of Xen's own.
SLACK = 4 * MIB


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(LabConfig(cpus=2, numa_nodes=2)) as booted:
        assert booted.check("xl info | grep nr_nodes").split(":")[1].strip() == "2"
        yield booted


def guest_on(lab: Lab, node: int, type: str) -> Guest:
    """A guest whose processor belongs to the node. So Xen takes its memory from there first: xl
    leaves out its own placement if `cpus` is a list, and Xen 4.17's does not if it is a string."""
    guest = lab.create_guest(f"node{node}-{type}", type, extra_config=f'cpus = ["{node}"]')
    guest.wait_for_agent()
    return guest


def free_by_node(lab: Lab) -> list[int]:
    """The free KiB of each node, as xl counts them in MiB."""
    rows = re.findall(r"^ +\d+: +\d+ +(\d+)", lab.check("xl info -n"), re.MULTILINE)
    return [int(row) * MIB for row in rows[-2:]]


def placement(guest: Guest) -> list[int]:
    """The KiB of the guest on each node, as Xen finds them in the guest's list of pages."""
    guest.lab.check("xl dmesg -c >/dev/null; xl debug-keys u")
    log = re.sub(r"^\(XEN\) (\[[^]]*\] )?", "", guest.lab.check("xl dmesg"), flags=re.MULTILINE)
    (pages,) = re.findall(
        rf"^(?:Domain |d){guest.domid} \(total: \d+\):\n((?: +Node \d+: \d+\n)+)", log, re.MULTILINE
    )
    return [int(count) * 4 for count in re.findall(r": (\d+)", pages)]


def grow_near(guest: Guest, node: int, size: str) -> Json:
    """Grows the guest with `--numa local`, and checks that the node has all of the growth."""
    lab, other = guest.lab, 1 - node
    had, free = placement(guest), free_by_node(lab)
    done = resize(guest, size, "--numa local", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    has, left = placement(guest), free_by_node(lab)
    report = done.report
    grown = report["reached_kib"] - report["from_kib"]
    print(
        f"{guest.name}: grown by {grown // MIB} MiB; by node {had} -> {has}, free {free} -> {left}"
    )
    assert has[node] - had[node] >= grown - SLACK
    assert has[other] - had[other] <= SLACK

    estimate = report["numa_estimate"]
    print(f"{guest.name}: {estimate}")
    assert estimate["nodes"] == [node]
    assert grown - NOISE <= estimate["local_kib"] <= grown
    for each in estimate["changes"]:
        measured = left[each["node"]] - free[each["node"]]
        assert abs(each["free_change_kib"] - measured) <= NOISE, each
    assert estimate["changes"][node]["free_change_kib"] < 0 > left[node] - free[node]
    return report


@pytest.mark.parametrize("type", ["pv", "pvh"])
def test_a_growth_within_the_node_lies_there(fresh_lab: Lab, type: str) -> None:
    guest = guest_on(fresh_lab, 1, type)
    (seen,) = status(fresh_lab, guest.name)
    assert seen["numa_forecast"]["nodes"] == [1]
    assert 0 < seen["numa_forecast"]["local_kib"] <= free_by_node(fresh_lab)[1]
    forecast = plan(guest, "900m")["numa_forecast"]
    assert forecast == {"nodes": [1], "local_kib": 740 * MIB}
    grow_near(guest, 1, "900m")
    columns = fresh_lab.check(f"memctl status -o name,nodes,local {guest.name}")
    print(columns)
    assert re.search(rf"{guest.name} +1 +\d+", columns)

    free = free_by_node(fresh_lab)
    done = resize(guest, "400m", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    changes = done.report["numa_estimate"]["changes"]
    assert changes[1]["free_change_kib"] > 0 < free_by_node(fresh_lab)[1] - free[1]
    assert done.report["numa_estimate"]["local_kib"] is None
    check_sound(guest)


@pytest.mark.parametrize("node", [1, 0])
def test_a_growth_beyond_the_node_is_refused_and_otherwise_goes_on_elsewhere(
    fresh_lab: Lab, node: int
) -> None:
    guest = guest_on(fresh_lab, node, "pv")
    before, free = guest.snapshot(), free_by_node(fresh_lab)
    past = f"{160 * MIB + free[node] + 64 * MIB}k"
    refused = resize(guest, past, "--numa local")
    assert refused.ending == (3, "refused", "host_memory"), refused.told
    assert f"its NUMA node {node} has no more" in refused.report["message"]
    assert refused.report["numa_estimate"] is None
    assert guest.snapshot() == before
    print(f"{guest.name}: {refused.report['message']}; free by node {free}")

    # A part of the first node is low memory, which Xen gives last: it does not count as near.
    nearest = refused.report["nearest_kib"]
    assert nearest == refused.report["range"]["largest"]["size_kib"]
    near = nearest - 160 * MIB
    assert 0 < near < free[node]
    foretold = plan(guest, past)["numa_forecast"]
    assert near - 4 <= foretold["local_kib"] <= near
    grow_near(guest, node, f"{nearest}k")

    # The reserve and what the forecast held back for others is near as well, and then no more.
    had = placement(guest)
    done = resize(guest, f"{nearest + 400 * MIB}k", timeout=300)
    assert done.ending == (0, "verified", None), done.told
    has, left = placement(guest), free_by_node(fresh_lab)
    print(f"{guest.name}: 400 MiB more: by node {had} -> {has}, left free {left}")
    assert has[1 - node] - had[1 - node] >= 200 * MIB
    assert done.report["numa_estimate"]["local_kib"] <= 200 * MIB
    if node == 0:
        assert left[0] >= 512 * MIB, "the first node's low memory is still free"
    check_sound(guest)


def test_a_guest_of_all_nodes_is_near_everywhere(fresh_lab: Lab) -> None:
    guest = fresh_lab.create_guest("anywhere", "pv", extra_config='cpus = ["all"]')
    guest.wait_for_agent()
    forecast = plan(guest, "1g", "--numa local")["numa_forecast"]
    print(fresh_lab.check("xl list -n"), forecast)
    assert forecast == {"nodes": [0, 1], "local_kib": 864 * MIB}
    assert resize(guest, "1g", "--numa local").ending == (0, "verified", None)
    check_sound(guest)
