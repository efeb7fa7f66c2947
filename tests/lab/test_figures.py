"""The comparison itself: a scenario that ends otherwise on one of the hosts fails."""

from __future__ import annotations

import pytest

from memctl_lab.figures import FiguresDiffer, Ledger


def test_equal_figures_are_kept_for_both_hosts() -> None:
    ledger = Ledger()
    for host in ("sim", "xen"):
        ledger.record("grow", "1 GiB", host, {"outcome": "verified", "reached_kib": 1048576})
    assert set(ledger.entries["grow", "1 GiB"]) == {"sim", "xen"}


def test_other_figures_are_told_with_both_hosts_values() -> None:
    ledger = Ledger()
    ledger.record("grow", "1 GiB", "sim", {"outcome": "verified", "stages": 1})
    with pytest.raises(FiguresDiffer) as caught:
        ledger.record("grow", "1 GiB", "xen", {"outcome": "verified", "stages": 2, "pool_kib": 1})
    differing = [line.split() for line in str(caught.value).splitlines()[1:]]
    assert differing == [
        ["stages", "sim:", "1", "xen:", "2"],
        ["pool_kib", "sim:", "-", "xen:", "1"],
    ]


def test_another_scenario_or_the_same_host_again_is_not_compared() -> None:
    ledger = Ledger()
    ledger.record("grow", "1 GiB", "sim", {"stages": 1})
    ledger.record("grow", "2 GiB", "xen", {"stages": 2})
    ledger.record("grow", "1 GiB", "sim", {"stages": 3})
