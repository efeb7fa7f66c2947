"""The comparison itself: if the hosts end with different figures, the scenario fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memctl_lab.comparison import Comparison, Ending, ending_of
from memctl_lab.facts import Limits
from memctl_lab.figures import FiguresDiffer, Ledger
from memctl_lab.packages import Release

RELEASE = Release("4.17", "6.1")


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


def ending(said: str, *, process: str = "alive", free_mib: int = 4000) -> Ending:
    limits = Limits(262400, 1048576, 1048576, None, 0)
    return Ending(said, None, "alive", process, 1024, free_mib, limits)


def test_a_row_is_written_once_both_makers_have_told_it(tmp_path: Path) -> None:
    comparison = Comparison()
    comparison.add("pv to 1 GiB", "xl", "xen", ending("rc 0"))
    comparison.write(tmp_path, "xen", RELEASE)
    assert not list(tmp_path.iterdir())
    comparison.add("pv to 1 GiB", "memctl", "xen", ending("verified"))
    comparison.write(tmp_path, "xen", RELEASE)
    rows = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [row["request"] for row in rows] == ["pv to 1 GiB"]
    assert ending_of(rows[0]["memctl"]) == ending("verified")


def test_rows_of_another_run_stay_and_those_of_this_one_take_their_place(tmp_path: Path) -> None:
    for asked, said in (("first", "rc 0"), ("second", "rc 0"), ("first", "rc 1")):
        comparison = Comparison()
        comparison.add(asked, "xl", "xen", ending(said))
        comparison.add(asked, "memctl", "xen", ending("verified"))
        comparison.write(tmp_path, "xen", RELEASE)
    rows = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [(row["request"], row["xl"]["said"]) for row in rows] == [
        ("first", "rc 1"),
        ("second", "rc 0"),
    ]


def test_the_same_request_on_another_release_is_another_row(tmp_path: Path) -> None:
    newer = Release("4.20", "6.12")
    for release in (RELEASE, newer):
        comparison = Comparison()
        for by in ("xl", "memctl"):
            comparison.add("pv to 1 GiB", by, "xen", ending("rc 0"))
        comparison.write(tmp_path, "xen", release)
    rows = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert [Release(row["xen"], row["linux"]) for row in rows] == [RELEASE, newer]


def test_a_harmed_guest_stands_out() -> None:
    assert ending("rc 0").in_words() == "rc 0, 1024 MiB"
    harmed = ending("rc 0", process="killed", free_mib=0).in_words()
    assert "**its process is killed**" in harmed and "**0 MiB left to the host**" in harmed
