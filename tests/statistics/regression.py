"""Actions opened because the last weeks were bad, with no effect at all; and methods that fall for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats as scipy_stats

from apps.analysis import counts, durations, fieldwindows
from apps.analysis.counts import Counts2
from apps.analysis.durations import Durations
from apps.analysis.effects import outcome

from . import worlds
from .rows import SPARED, Row, share

if TYPE_CHECKING:
    from apps.analysis.fieldwindows import Span
    from apps.analysis.types import Bools, Ints

SERVICES = 41
WEEKS = 31
BAD_WEEKS = slice(12, 16)
START = datetime(2026, 1, 5, tzinfo=UTC)
TRIGGER = START + timedelta(weeks=16)
DONE = TRIGGER + timedelta(weeks=2)
WINDOWS = fieldwindows.of(TRIGGER, DONE, settle_days=7, window_days=84)
NAIVE = fieldwindows.FieldWindows(
    before=fieldwindows.Span(DONE - timedelta(weeks=12), DONE),
    after=fieldwindows.Span(DONE, DONE + timedelta(weeks=12)),
)
CONTRAST = "naive, for contrast"


def counts_after_bad_weeks(random: np.random.Generator, runs: int) -> list[Row]:
    """Of 41 services the one with the worst four weeks gets an action; nothing changes."""
    spared, naive, ordinary = [], [], []
    for _ in range(runs):
        base, table = worlds.weeks(random, SERVICES, WEEKS, mean=1.5)
        bad = table[:, BAD_WEEKS].sum(axis=1)
        chosen = int(np.argmax((bad - 4 * base) / np.sqrt(4 * base)))
        rows = [_counted(weekly, WINDOWS) for weekly in table]
        found = counts.difference_in_differences(
            rows[chosen], rows[:chosen] + rows[chosen + 1 :], smallest_effect=None
        )
        spared.append(outcome(found, better="down") != "improved")
        naive.append(_poisson_fell(_counted(table[chosen], NAIVE)))
        ordinary.append(_poisson_differs(_counted(table[0], NAIVE)))
    name = "difference in differences, placebo rank"
    return [
        Row(name, "action after the worst weeks, no effect", "not improved", share(spared), runs, SPARED),
        Row(
            CONTRAST,
            "Poisson before/after, action after bad weeks",
            "called improved",
            share(naive),
            runs,
            None,
        ),
        Row(CONTRAST, "Poisson before/after, restless counts", "null rejection", share(ordinary), runs, None),
    ]


def durations_after_bad_weeks(random: np.random.Generator, runs: int) -> list[Row]:
    """The service whose last four weeks had the longest incidents gets an action; nothing changes."""
    spared: list[bool] = []
    naive: list[bool] = []
    for _ in range(runs):
        lengths = worlds.MEDIAN_S * np.exp(worlds.SD_LN * random.standard_normal((SERVICES, WEEKS, 2)))
        chosen = lengths[int(np.argmax(np.log(lengths[:, BAD_WEEKS]).mean(axis=(1, 2))))]
        for windows, verdicts in ((WINDOWS, spared), (NAIVE, naive)):
            before, after = (_durations(chosen, span) for span in (windows.before, windows.after))
            found = durations.compare(before, after, smallest_effect=None)
            verdicts.append(outcome(found, better="down") == "improved")
    return [
        Row(
            "permutation of Welch's t",
            "action after the longest incidents, no effect",
            "not improved",
            1 - share(spared),
            runs,
            SPARED,
        ),
        Row(
            CONTRAST, "bad weeks taken into 'before', durations", "called improved", share(naive), runs, None
        ),
    ]


def dropped_open_incidents(random: np.random.Generator, runs: int) -> list[Row]:
    """Leave out what is still open, and what is left was short."""
    found, counted = [], []
    for _ in range(runs):
        before, after = worlds.durations(random, 64), worlds.durations(random, 64, watched=True)
        kept = after.closed
        shown = Durations(after.seconds[kept], np.ones(int(kept.sum()), dtype=bool))
        naive = durations.compare(before, shown, smallest_effect=None, test="welch_log")
        found.append(outcome(naive, better="down") == "improved")
        counted.append(1 - kept.mean())
    return [
        Row(
            CONTRAST, "open incidents dropped, Welch's t on logs", "called improved", share(found), runs, None
        ),
        Row(CONTRAST, "incidents after that are still open", "share", float(np.mean(counted)), runs, None),
    ]


def bootstrapped_sums(random: np.random.Generator, runs: int) -> list[Row]:
    """Percentile bootstrap of raw sums of false alarms over twelve services, a few of them loud."""
    held = []
    for _ in range(runs):
        rates = 4 * np.exp(1.2 * random.standard_normal(12))
        moved = worlds.restless(random, 0.5 * rates, 2.0) - worlds.restless(random, rates, 2.0)
        sums = random.choice(moved, (500, 12)).sum(axis=1)
        low, high = np.quantile(sums, [0.025, 0.975])
        truth = -0.5 * 12 * 4 * np.exp(0.72)
        held.append(bool(low <= truth <= high))
    return [Row(CONTRAST, "bootstrap of raw sums, 12 services", "coverage", share(held), runs, None)]


def _counted(weekly: Ints, windows: fieldwindows.FieldWindows) -> Counts2:
    sides = [int(weekly[_held(span)].sum()) for span in (windows.before, windows.after)]
    return Counts2(sides[0], windows.before.days, sides[1], windows.after.days)


def _durations(lengths: np.ndarray, span: Span) -> Durations:
    seconds = lengths[_held(span)].ravel()
    return Durations(seconds, np.ones(seconds.size, dtype=bool))


def _held(span: Span) -> Bools:
    """Which weeks lie in a span."""
    return np.array([span.holds(START + timedelta(weeks=week)) for week in range(WEEKS)])


def _poisson_differs(found: Counts2) -> bool:
    total = found.before + found.after
    return total > 0 and bool(scipy_stats.binomtest(found.after, total).pvalue <= 0.05)


def _poisson_fell(found: Counts2) -> bool:
    return found.after < found.before and _poisson_differs(found)
