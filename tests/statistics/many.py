"""Many questions, and one question asked again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apps.analysis import effects, multiplicity, stats
from apps.analysis.sequences import watch

from .rows import ALWAYS, COVERAGE, Row, power_row, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.analysis.sequences import Watched
    from apps.analysis.types import Floats

WINDOWS_A_RUN = 10
"""Ten windows a run: 10^4 windows at a thousand runs."""
METRICS = 10
SERVICES = 12
DAYS = 90


def false_discoveries(random: np.random.Generator, runs: int) -> list[Row]:
    """Reports on ten metrics, each a sign-flip test of twelve services with some alarms more or fewer."""
    name, windows = "Benjamini-Hochberg, q = .05", WINDOWS_A_RUN * runs
    alarmed = [bool(_discoveries(random, 0).any()) for _ in range(windows)]
    rows = [
        Row(
            name,
            f"{windows} null windows of {METRICS} metrics",
            "windows alarmed",
            share(alarmed),
            windows,
            ALWAYS,
        )
    ]
    wrong, missed = [], []
    for _ in range(runs):
        found = _discoveries(random, METRICS // 2)
        wrong.append(found[METRICS // 2 :].sum() / max(1, found.sum()))
        missed.append(bool(found[0]))
    rows.append(
        Row(name, "half of the metrics moved", "false discoveries", float(np.mean(wrong)), runs, ALWAYS)
    )
    rows.append(power_row(name, "half of the metrics moved by 1.5 sd", missed))
    return rows


def _discoveries(random: np.random.Generator, moved: int) -> np.ndarray:
    """Which of the metrics are called changed; the first `moved` are."""
    table = random.poisson(2.0, (METRICS, SERVICES)) - random.poisson(2.0, (METRICS, SERVICES))
    table[:moved] -= 3
    ps = [stats.sign_flip_p([float(value) for value in row]) for row in table]
    return np.array(multiplicity.benjamini_hochberg(ps)) <= effects.ALPHA


def peeking(random: np.random.Generator, runs: int) -> list[Row]:
    """A dashboard watched for 90 days: every look must hold, so the share is of runs that ever err."""
    name, rows = "confidence sequence", []
    for rate, clusters in ((0.3, False), (1.0, False), (0.7, True)):
        what = f"{rate} {'clusters' if clusters else 'alarms'} a day"
        daily = [_looks(_daily(random, rate, rate, clusters=clusters)) for _ in range(runs)]
        for looks, word in ((daily, "daily"), ([one[6::7] for one in daily], "weekly")):
            scenario = f"{what}, {word} looks"
            rows.append(_ever(name, scenario, "null rejection, p", map(_significant, looks)))
            rows.append(_ever(name, scenario, "null rejection, interval", map(_excludes, looks)))
    fewer = [watch(_daily(random, 0.6, 0.15)) for _ in range(runs)]
    held = [one.low is not None and one.high is not None and one.low <= -0.45 <= one.high for one in fewer]
    rows.append(Row(name, "0.6 to 0.15 a day, daily looks", "coverage, ever", share(held), runs, COVERAGE))
    rows.append(power_row(name, "0.6 to 0.15 a day, within 90 days", [_finds(one) for one in fewer]))
    return rows


def _ever(name: str, scenario: str, quantity: str, flags: Iterable[bool]) -> Row:
    found = list(flags)
    return Row(name, scenario, quantity, share(found), len(found), ALWAYS)


def _daily(random: np.random.Generator, before: float, after: float, *, clusters: bool = False) -> Floats:
    """Differences after - before by day; clusters bring one, two or five alarms at once."""
    sizes = random.choice([1, 2, 5], (2, DAYS)) if clusters else np.ones((2, DAYS))
    found: Floats = random.poisson(after, DAYS) * sizes[0] - random.poisson(before, DAYS) * sizes[1]
    return found


def _looks(days: Floats) -> list[Watched]:
    return [watch(days[:day]) for day in range(1, DAYS + 1)]


def _significant(looks: list[Watched]) -> bool:
    return any(one.p is not None and one.p <= effects.ALPHA for one in looks)


def _excludes(looks: list[Watched]) -> bool:
    return any(
        (one.high is not None and one.high < 0) or (one.low is not None and one.low > 0) for one in looks
    )


def _finds(one: Watched) -> bool:
    return one.p is not None and one.p <= effects.ALPHA and one.high is not None and one.high < 0


def naive_peeking(random: np.random.Generator, runs: int) -> list[Row]:
    """A t test of the same differences, looked at every week until it says something."""
    found = []
    for _ in range(runs):
        days = _daily(random, 1.0, 1.0)
        found.append(any(_t_rejects(days[:day]) for day in range(7, DAYS + 1, 7)))
    return [
        Row(
            "naive, for contrast",
            "t test, weekly peeking for 90 days",
            "null rejection, ever",
            share(found),
            runs,
            None,
        )
    ]


def _t_rejects(days: Floats) -> bool:
    interval = stats.t_interval([float(day) for day in days])
    return interval.low is not None and interval.high is not None and (interval.low > 0 or interval.high < 0)
