"""Who is an outlier among those who label: counted by hand, and simulated."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis.quarantine import ALPHA, Said, _overlaps, _votes, outliers

pytestmark = pytest.mark.unit

RUNS = 1000


def said(author: str, at: int, *, incident: bool = True, series: str = "a/b", vouched: bool = False) -> Said:
    return Said(author, series, at * 100, at * 100 + 50, incident, vouched)


def honest(count: int = 30, authors: str = "abc") -> list[Said]:
    return [said(author, at) for author in authors for at in range(count)]


def simulated(rng: np.random.Generator, rates: dict[str, float], intervals: int = 60) -> list[Said]:
    """Each author labels a random two thirds of the intervals, wrong at their own rate."""
    return [
        said(author, at, incident=bool((at % 3 > 0) != (rng.random() < rate)))
        for author, rate in rates.items()
        for at in range(intervals)
        if rng.random() < 2 / 3
    ]


def test_figures_by_hand():
    (row,) = outliers([*honest(), *(said("z", at, incident=at >= 12) for at in range(20))])
    assert (row.author, row.checked, row.flips) == ("z", 20, 12)
    assert (row.rest_checked, row.rest_flips, row.tested) == (90, 0, 4)
    assert row.ratio == pytest.approx(0.6 / (0.5 / 91))
    assert row.p == pytest.approx(comb(20, 12) / comb(110, 12))  # all twelve flips among the author's twenty


def test_an_incident_on_thirty_series_is_one_statement():
    series = [f"a/m{number}" for number in range(30)]
    others = [said(author, at, series=name) for author in "abc" for at in range(20) for name in series]
    mine = [said("z", at, series=name, incident=at > 0) for at in range(20) for name in series]
    assert outliers([*others, *mine]) == []


def test_two_who_only_contradict_one_another_cannot_be_told_apart():
    assert outliers([*honest(40, "a"), *(said("z", at, incident=False) for at in range(40))]) == []


def test_whom_only_the_poisoner_contradicts_is_no_outlier():
    first = [said(author, at) for author in "abc" for at in range(30)]
    alone = [said("d", at) for at in range(100, 115)]
    poison = [said("z", at, incident=False) for at in [*range(30), *range(100, 115)]]
    assert [row.author for row in outliers([*first, *alone, *poison])] == ["z"]


def test_two_poisoners_are_found_one_after_the_other():
    poison = [said(author, at, incident=False) for author in "yz" for at in range(30)]
    assert sorted(row.author for row in outliers([*honest(30, "abcde"), *poison])) == ["y", "z"]


def test_one_label_over_everything_hides_no_flips():
    poison = [said("z", at, incident=False) for at in range(30)]
    assert [row.author for row in outliers([*honest(), *poison, Said("z", "a/b", 0, 10**9, False)])] == ["z"]


def test_vouched_labels_vote_and_are_not_judged():
    poison = [said("z", at, incident=False, vouched=True) for at in range(30)]
    assert outliers([*honest(), *poison]) == []
    assert len(_votes([*honest(1), *poison[:1]]).voter) == 6 + 3


def test_nothing_and_too_little():
    assert outliers([]) == []
    assert outliers([*honest(), *(said("z", at, incident=False) for at in range(9))]) == []


@given(
    spans=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=12),
    asked=st.tuples(st.integers(0, 60), st.integers(0, 20)),
)
@settings(max_examples=200, deadline=None)
def test_overlaps_as_counted_plainly(spans, asked):
    start, end = asked[0], asked[0] + asked[1]
    begun, over = [first for first, _ in spans], [first + length for first, length in spans]
    plain = sum(one <= end and other >= start for one, other in zip(begun, over, strict=True))
    assert _overlaps(begun, over, np.array([start]), np.array([end])).tolist() == [plain]


@pytest.mark.parametrize(
    "rates",
    [
        dict.fromkeys("abcdef", 0.05),
        dict.fromkeys("abcdef", 0.2),
        {**dict.fromkeys("abcde", 0.04), "f": 0.08},  # somebody errs twice as often: that is no poison
    ],
)
def test_the_honest_are_quarantined_in_at_most_one_run_in_twenty(rates):
    rng = np.random.default_rng(36)
    false = sum(bool(outliers(simulated(rng, rates))) for _ in range(RUNS))
    assert false / RUNS <= ALPHA


def test_ten_times_as_many_flips_are_found_and_nobody_else():
    rng = np.random.default_rng(37)
    rates = {**dict.fromkeys("abcde", 0.05), "z": 0.5}
    found = [[row.author for row in outliers(simulated(rng, rates))] for _ in range(RUNS)]
    assert sum("z" in names for names in found) / RUNS >= 0.8
    assert sum(bool(set(names) - {"z"}) for names in found) / RUNS <= ALPHA
